//! Hashes of other programs: the first login verifies the imported hash and replaces it with a current Argon2id hash.
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::sync::Arc;

use auth_domain::model::{
    Client, ClientId, IdentifierKey, Identifiers, PasswordAttempt, PasswordVersion, RefreshStyle,
    StoredPassword, Username,
};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{ImportSuccess, ImportUser, LogIn, LogInError};
use auth_domain::{Auth, Ports, UseCases, model::PasswordHash, policy::Policy};
use auth_infra::password::{Argon2Hasher, HashingSettings};
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use auth_infra::store::Store;
use auth_infra::system::SystemRandom;

/// The program that made the hash, the password, and the hash. Those of Spring Security, ASP.NET, Ory Kratos, Drupal and
/// `WordPress` were made with Python's hashlib (OpenSSL) and bcrypt 4.0.1, by the sources of these programs.
const HASHES: [(&str, &str, &str); 62] = [
    ("libxcrypt 4.4, $2a$", "P@ssw0rd!", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("libxcrypt 4.4, $2b$", "P@ssw0rd!", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("PHP and Laravel, $2y$", "P@ssw0rd!", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("bcryptjs 3.0.3", "P@ssw0rd!", "$2b$05$yCRe/VvdEYi43.iQAU7iv.6Eh9INJp5CoHiUXcHMQzIxshmcIbIZ."),
    (
        "hashlib, scrypt as PHC",
        "P@ssw0rd!",
        "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyA6KQ$ZREHvOsfmIYxwHCtyW3D2IMz1O/X82EcQn1VGnvZS8I",
    ),
    (
        "hashlib, PBKDF2 as PHC",
        "P@ssw0rd!",
        "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyA6KQ$wLq4jMbfURDPCuWM96ukbfXl+KAmFrMHkEBAbkzniCc",
    ),
    (
        "phc-winner-argon2 20190702, Argon2id, version 19",
        "password",
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
    ),
    (
        "phc-winner-argon2 20190702, Argon2id, version 16",
        "password",
        "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$2gcOV25Q8vOKPIl8vdxsf7QCjocJcf+erntOGHkpXm4",
    ),
    (
        "phc-winner-argon2 20190702, Argon2i",
        "password",
        "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E",
    ),
    (
        "phc-winner-argon2 20190702, Argon2d",
        "password",
        "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8",
    ),
    (
        "Django 5.2.19, pbkdf2_sha256",
        "P@ssw0rd!",
        "pbkdf2_sha256$1000$TKMsb8dcMELvv1s9WzUjaz$Wouf5T1Ni5GkZ9Xcl0I4ieIJE1dj8UPwmfVhRkx5pS0=",
    ),
    (
        "Django 5.2.19, pbkdf2_sha1",
        "P@ssw0rd!",
        "pbkdf2_sha1$1000$CTndGkLGblqci5J00DnKf6$Fof8NlkQMhq5pwPBUz4qEdAvU9w=",
    ),
    (
        "Django 5.2.19, argon2",
        "P@ssw0rd!",
        "argon2$argon2id$v=19$m=64,t=1,p=2$bTVJWXplNkwxaWxZY3I5YTE4TXNzYg$p+LBsqi3hLXdHOW1jhEYjL1fwvidPTK/D8Pauw7eKrE",
    ),
    (
        "Django 5.2.19, bcrypt_sha256",
        "P@ssw0rd!",
        "bcrypt_sha256$$2b$05$QLoFRfX0c3kYr3qWW7VD2efvvXelZMvnSt1NHjlCVONiD.QwDZ6J6",
    ),
    (
        "Django 5.2.19, bcrypt",
        "P@ssw0rd!",
        "bcrypt$$2b$05$mC5f.TMEAYjOaLqJuqLepOlmXC12js0Dg5O6eiBlNF8Echqs..lLa",
    ),
    (
        "Django 5.2.19, scrypt",
        "P@ssw0rd!",
        "scrypt$1024$Czgsv71GPP0PiaLA8z6Z2P$8$5$q647jh7jiQsnnGHhjEgHqxPQfArjZUtcwK/TrTWjq4I92j0EcjLb7htu66gdrR0yf1VYtIF1bIJb3Hb7ojOUJw==",
    ),
    (
        "passlib 1.7.4, pbkdf2_sha1",
        "P@ssw0rd!",
        "$pbkdf2$1000$LAWAEAJAiBEiREipVepdaw$zSaWJPwtSyd.8v0h4jVEvOdIkBg",
    ),
    (
        "passlib 1.7.4, pbkdf2_sha256",
        "P@ssw0rd!",
        "$pbkdf2-sha256$1000$4Nz733uvVYoRIgSg9P7fGw$EOHJvuHG1ifW8qOtLoNUEdHnXnCffQVs3Y9h9Z0GIBg",
    ),
    (
        "passlib 1.7.4, pbkdf2_sha512",
        "P@ssw0rd!",
        "$pbkdf2-sha512$1000$HAOAEKK0NuZ8b43R.n/P2Q$q2cvlH5xLsJMAhGoFl0FXvb02/3BI3ouURnahOdIaw.jEtUWo6eBzTdbg8x.PTXWp6GRDjXysLYee/QAEdpFpg",
    ),
    (
        "passlib 1.7.4, ldap_pbkdf2_sha1",
        "P@ssw0rd!",
        "{PBKDF2}1000$MCbkPKfU2lur1XoPQUhJCQ$Xs6AcCPQJKYgB8mnNWYfEXocNCo",
    ),
    (
        "passlib 1.7.4, ldap_pbkdf2_sha256",
        "P@ssw0rd!",
        "{PBKDF2-SHA256}1000$h/A.hzAmhFBqbS0FwPjfWw$i0xQ8lQqQh37MMm4zQtuNAROiVpB2iYNbFRDl1WI1ww",
    ),
    (
        "passlib 1.7.4, ldap_pbkdf2_sha512",
        "P@ssw0rd!",
        "{PBKDF2-SHA512}1000$JmRMibEWwhjjnBNCSIkxxg$7yYPdKx6trlcp/sMys/s9mpyv9JMwmfsLgo0k8q6Ww8pTsv2KMrEkELGWhHCycU3MH5kPfAShbf28AlK7Dvmqw",
    ),
    (
        "passlib 1.7.4, scrypt",
        "P@ssw0rd!",
        "$scrypt$ln=10,r=8,p=1$aW2NkRJCaE3JGWNsjdEaAw$ukX0SK65hdAHNXBISiHO0r6u2wUmXRr5LmVUeqsInBY",
    ),
    (
        "passlib 1.7.4, bcrypt_sha256 version 2",
        "P@ssw0rd!",
        "$bcrypt-sha256$v=2,t=2b,r=5$j1MwViBaDhT9GPzbt69Mg.$LI4RMMj7SDKAIlYvl21xwW3xXvea11e",
    ),
    (
        "passlib 1.7.4, bcrypt_sha256 version 1",
        "P@ssw0rd!",
        "$bcrypt-sha256$2b,5$lQO8LzQOrLY8Srsjfhx4ee$M0pPYD.ZZPxR6Riwo.5GiEX/5Xedxau",
    ),
    (
        "passlib 1.7.4, argon2",
        "P@ssw0rd!",
        "$argon2id$v=19$m=64,t=1,p=1$4BwjJGSs1RoDgFDKmZNSSg$qaSXz+cZl5L9fsVisqJVFatcBoUKbZN3Wgm1F05rzv8",
    ),
    (
        "passlib 1.7.4, sha256_crypt",
        "P@ssw0rd!",
        "$5$rounds=1000$74Ozjwn8KB4Li88U$/uAlkRVHRg1/E79rAqyf8Vlge8YttUfmPqnjqf6Frk2",
    ),
    (
        "passlib 1.7.4, sha512_crypt",
        "P@ssw0rd!",
        "$6$rounds=1000$YoOLXyyhCJV.Nd52$QHHCclQYpW/J5K9ELnk9.q8aos1UN56V8JeGyVtF/6Th5IJyRGB6VgCxFw/Zjg73SawHu4UJe..mzt0ZEtjMH0",
    ),
    ("libxcrypt 4.4, $5$", "P@ssw0rd!", "$5$saltsaltsalt$szvwtCvq5AfUnd0iPDo75UDtLC55kS4HV5Z8O1a.t/C"),
    (
        "libxcrypt 4.4, $6$",
        "P@ssw0rd!",
        "$6$rounds=1000$saltsaltsalt$6HPvcbd/Trnjhi/56zIUQw9Tc4VypPfzFTw1qHDG7B/BKgdz8FdZ3wD7B1nNICQgF17jXEaHYK40/.IPNEJJj/",
    ),
    (
        "passlib 1.7.4, sha512_crypt of 5,000 rounds",
        "P@ssw0rd!",
        "$6$h2e7zMN7IHRGoWuJ$ah.pUFlTEKets9WqGLuiJZOoZptsn1g9298KKGPa7y1NpphVrs4A2aVmk2uYO9J4x1xHkT91Zw8Zt4qurh1dc1",
    ),
    ("passlib 1.7.4, phpass (WordPress to 6.7)", "P@ssw0rd!", "$P$5LFo1yF.vx1bkqpVPwAZC7SJ2BUEC3/"),
    ("passlib 1.7.4, phpass (phpBB)", "P@ssw0rd!", "$H$5CBTUwLQAyfDPagp/ma7Zike1oguNx0"),
    (
        "passlib 1.7.4, atlassian_pbkdf2_sha1",
        "P@ssw0rd!",
        "{PKCS5S2}+B8jBGCMsfa+t1YqJUQoBTQtCIl3s7783XjHjZM/VP48F2RMy3SFZtlemPCK9z26",
    ),
    (
        "passlib 1.7.4, ldap_sha512_crypt",
        "P@ssw0rd!",
        "{CRYPT}$6$rounds=1000$r9kBYuXAyRQW0fWc$on34MYAf.MDSK1zlhjEl/xlo6LXR0jIz63s/AdcBNTBozDyMAL3TwTVL8R9X7t81TLjcFCV9P6gHlA6iXA9K10",
    ),
    (
        "passlib 1.7.4, ldap_bcrypt",
        "P@ssw0rd!",
        "{CRYPT}$2b$05$KKQVCfwRPsEGdT1zQusL6OqRP6r5TEXfhzinrvI/QAF0994eqWs1K",
    ),
    (
        "Werkzeug 3.1.9, pbkdf2:sha256",
        "P@ssw0rd!",
        "pbkdf2:sha256:1000$Euao8Sk9wC8mclhY$139a052cc1b569b3dac219bd4b55f185505ab04a1fc80295fe64fd7d346fced5",
    ),
    (
        "Werkzeug 3.1.9, pbkdf2:sha1",
        "P@ssw0rd!",
        "pbkdf2:sha1:1000$bkH3R6laVaH4wZPJ$58d7a3f355d555d27bc848c11f6c290de2a4331b",
    ),
    (
        "Werkzeug 3.1.9, pbkdf2:sha512",
        "P@ssw0rd!",
        "pbkdf2:sha512:1000$QLDm5oMaoPWYqUGH$d4bf656e178abdbb224294add226706ae6cef6070d1b3f3536e54162e2640217acaafa124c0b23edb6a1719668275b40834a2573551bfb375dd15e338ac50617",
    ),
    (
        "Werkzeug 3.1.9, scrypt",
        "P@ssw0rd!",
        "scrypt:1024:8:1$voChKH9aQgJbk3vM$fe00a586bd033c18264baa5073d7ea61a4779730e1b36fe43640c84e4d90d9877df3a0bbd2c6acd9cda2e951f6d4f9ba2c7de7ecdb906a49accdfe3338710a15",
    ),
    (
        "Spring Security, {pbkdf2} to 5.7",
        "P@ssw0rd!",
        "{pbkdf2}0102030405060708401f593d9e69eda7682c027c21718f26476695cfe6f9082516f8e8c59c8613ee",
    ),
    (
        "Spring Security, {pbkdf2} since 5.8",
        "P@ssw0rd!",
        "{pbkdf2@SpringSecurity_v5_8}0102030405060708090a0b0c0d0e0f1075baf3290da10389bd157d7b88d6b07f001b37c60a47b5c960778febd1efa854",
    ),
    (
        "Spring Security, {scrypt}",
        "P@ssw0rd!",
        "{scrypt}$a0801$AQIDBAUGBwgJCgsMDQ4PEAECAwQFBgcICQoLDA0ODxABAgMEBQYHCAkKCwwNDg8QAQIDBAUGBwgJCgsMDQ4PEA==$iPKImb5dbt/QiF0hkyfacklZQ8Z0UodBMUqCPpDVYJw=",
    ),
    (
        "Spring Security, scrypt without a prefix",
        "P@ssw0rd!",
        "$a0801$AQIDBAUGBwgJCgsMDQ4PEAECAwQFBgcICQoLDA0ODxABAgMEBQYHCAkKCwwNDg8QAQIDBAUGBwgJCgsMDQ4PEA==$iPKImb5dbt/QiF0hkyfacklZQ8Z0UodBMUqCPpDVYJw=",
    ),
    (
        "Spring Security, {bcrypt}",
        "P@ssw0rd!",
        "{bcrypt}$2a$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS",
    ),
    (
        "Spring Security, {argon2}",
        "P@ssw0rd!",
        "{argon2@SpringSecurity_v5_8}$argon2id$v=19$m=64,t=1,p=1$4BwjJGSs1RoDgFDKmZNSSg$qaSXz+cZl5L9fsVisqJVFatcBoUKbZN3Wgm1F05rzv8",
    ),
    (
        "ASP.NET Core Identity 3, SHA-1",
        "P@ssw0rd!",
        "AQAAAAAAAAPoAAAAEAECAwQFBgcICQoLDA0ODxAzJ1Hx5D17q9FU64pPQSuudS+8poQptGps/LU/X4SjtA==",
    ),
    (
        "ASP.NET Core Identity 3, SHA-256",
        "P@ssw0rd!",
        "AQAAAAEAAAPoAAAAEAECAwQFBgcICQoLDA0ODxB0Uj34hJ2L1FPMGtN0V2McoKL8Riiy4TUSMPv9pANbpA==",
    ),
    (
        "ASP.NET Core Identity 3, SHA-512",
        "P@ssw0rd!",
        "AQAAAAIAAAPoAAAAEAECAwQFBgcICQoLDA0ODxA5Nz+hMxilBnS7Z29kEBdat3drPm5kGgVZq7pikeACkw==",
    ),
    (
        "ASP.NET Identity 2",
        "P@ssw0rd!",
        "AAECAwQFBgcICQoLDA0ODxAzJ1Hx5D17q9FU64pPQSuudS+8poQptGps/LU/X4SjtA==",
    ),
    (
        "Ory Kratos, scrypt",
        "P@ssw0rd!",
        "$scrypt$ln=1024,r=8,p=1$AQIDBAUGBwgJCgsMDQ4PEA==$dcQQGTaMe567BbyusmlABkHSIrMVaOiC7H2Ro4X0GpQ=",
    ),
    (
        "Ory Kratos, PBKDF2 of SHA-512",
        "P@ssw0rd!",
        "$pbkdf2-sha512$i=1000,l=64$AQIDBAUGBwgJCgsMDQ4PEA$OTc/oTMYpQZ0u2dvZBAXWrd3az5uZBoFWau6YpHgApPF8Ji6V2CsGdSVkDJ4eOcVZEplY0VlaQX4FsYRuVB5uw",
    ),
    ("Drupal 7 to 10", "P@ssw0rd!", "$S$5saltsalt7Xci8BacafmgOnMJe16GayA3.TZglJqoEpoGbAubQ9J"),
    ("WordPress since 6.8", "P@ssw0rd!", "$wp$2y$05$a6bQd3s8b4AykgvXlBxnruz9TFoUA/fbGI2oZODP4e69PAkC6q4xO"),
    (
        "firebase-scrypt 2.2.0, Supabase's spelling",
        "P@ssw0rd!",
        "$fbscrypt$v=1,n=10,r=8,p=1,ss=Bw==,sk=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==$MDEyMzQ1Njc4OQ==$riYcYKixmb1exD4vyBUHyoD8bdJV0c3gOCNNb28yb7+DOFoIPa8ufHC670PDF8Fj6JJuXFq+qCanReyOwf24pw==",
    ),
    (
        "firebase-scrypt 2.2.0, Ory Kratos' spelling",
        "P@ssw0rd!",
        "$firescrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OQ==$riYcYKixmb1exD4vyBUHyoD8bdJV0c3gOCNNb28yb7+DOFoIPa8ufHC670PDF8Fj6JJuXFq+qCanReyOwf24pw==$Bw==$BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw==",
    ),
    (
        "Better Auth 1.7.25",
        "P@ssw0rd!",
        "bee30008c00e74efda711b569d0aadde:8443ddd384f38f21c6dacd49c6af430ada85bf13564db0517753e6e003a88e6533fe5f42a12a7c214ac5e029f6f45da6371e46ab59fd6615b5db718ac38aa91e",
    ),
    (
        "Lucia 3.2.2",
        "P@ssw0rd!",
        "8c0ea256c38052d715ce0dcf21eaffbd:1c3f0bf2b17cd55b93596500ac46d65aa908f0786dbee03f9cd6545fc14995dd209dd33c3f28e7102419a45c4189331c873e8aab79bd999ed41f3d2bcffae75a",
    ),
    (
        "Lucia 3.2.2, legacy",
        "P@ssw0rd!",
        "s2:3b7d7cb4ebdcb646198a1c66694d327a:5470381d08acc32413a87f81d697b54d1467e4151ecdc1f310b67fee33ae9d413dcf500a712bc343bea7975266c1b14b5d987bc7f7578d1f2e30295e47096b9a",
    ),
    (
        "Node 20, crypto.scrypt with its defaults",
        "P@ssw0rd!",
        "ca740859397e0884b6dd4b799194d762:0c0bae27535f650f8540794e53063d0132447e866e1727394e4d74c83171adff4435ae9ff1d52a97bf256b67cd69e0956e5551973e6bafcdf4357e28c05e1811",
    ),
    (
        "argon2 of npm",
        "P@ssw0rd!",
        "$argon2id$v=19$m=64,p=1,t=2$iD6a0iH6pbnEeReotRbr3g$x3xK1mJcxuVzqXFJLTE6hUOPYFxBJv7rXF8VrNicmFQ",
    ),
    (
        "Dovecot, {BLF-CRYPT}",
        "P@ssw0rd!",
        "{BLF-CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS",
    ),
];

fn import_user(name: &str, hash: &str) -> ImportUser {
    let username = Username::parse(name).expect("a username");
    ImportUser::new(Identifiers::new(Some(username), None).expect("a name"))
        .with_password_hash(PasswordHash::new(hash.to_owned()))
}

async fn log_in(auth: &UseCases, name: &str, password: &str) -> Result<(), LogInError> {
    let client = Client::new(ClientId::from_static("test"), RefreshStyle::Rotating);
    let password = PasswordAttempt::new(password);
    auth.log_in(LogIn::new(&client, name, password)).await.map(|_| ())
}

#[tokio::test]
async fn imported_hash_is_upgraded_at_the_first_login() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let store =
        SqliteStore::connect(&SqliteSettings::new(directory.path().join("auth.db"))).expect("a store");
    store.migrate().await.expect("migrated");
    let store = Store::from(store);
    let hasher = Argon2Hasher::start(&HashingSettings::default(), Arc::new(SystemRandom));
    let ports = Ports {
        users: store.users(),
        sessions: store.sessions(),
        hasher: Arc::new(hasher.expect("a hasher")),
        ..TestPorts::new().ports()
    };
    let auth = Auth::new(ports, Policy::default()).on_behalf_of_system();
    let named: Vec<_> =
        HASHES.iter().enumerate().map(|(index, hash)| (format!("user{index}"), hash)).collect();
    let batch = named.iter().map(|(name, (_, _, hash))| import_user(name, hash)).collect();
    let imported = auth.import_users(batch).await.expect("no error");
    assert_eq!(imported.len(), HASHES.len());
    assert!(imported.iter().all(|outcome| matches!(outcome, Ok(ImportSuccess::Imported(_)))));

    for (name, (program, password, hash)) in named {
        let stored = async || {
            let key = IdentifierKey::of(&name).expect("a name");
            store.users().find_for_login(&key).await.expect("no error").expect("the user exists").password
        };
        let refused = log_in(&auth, &name, "another").await;
        assert!(matches!(refused, Err(LogInError::InvalidCredentials)), "{program}: {hash}");
        let expose = |stored: &StoredPassword| stored.hash.as_ref().map(|hash| hash.expose().to_owned());
        assert_eq!(expose(&stored().await).as_deref(), Some(*hash), "a wrong password changes nothing");
        log_in(&auth, &name, password).await.expect(program);
        let upgraded = stored().await;
        let new = expose(&upgraded).expect("a hash");
        assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(upgraded.version, PasswordVersion(0), "an upgrade counts no password version");
        log_in(&auth, &name, password).await.expect("logged in again");
        assert_eq!(stored().await, upgraded, "a current hash stays");
    }
}
