//! Hashes of other programs: the first login verifies the imported hash and replaces it with a current Argon2id hash.
#![expect(clippy::expect_used, reason = "a test fails by a panic")]

use std::sync::Arc;
use std::time::Duration;

use auth_domain::model::{
    Client, ClientId, IdentifierKey, Identifiers, PasswordAttempt, PasswordVersion, RefreshStyle, Roles,
    UserStatus, Username,
};
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::{ImportSuccess, ImportUser, LogIn, LogInError};
use auth_domain::{Auth, Ports, model::PasswordHash, policy::Policy};
use auth_infra::password::{Argon2Hasher, HashingSettings};
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use auth_infra::store::Store;
use auth_infra::system::SystemRandom;

/// `password` or `P@ssw0rd!`, hashed by libxcrypt, hashlib, passlib and the reference implementation of Argon2.
const HASHES: [(&str, &str); 9] = [
    ("P@ssw0rd!", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("P@ssw0rd!", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.W5YS8W2COJ11TUIF3GWy03R5XPejtmS"),
    ("P@ssw0rd!", "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyA6KQ$ZREHvOsfmIYxwHCtyW3D2IMz1O/X82EcQn1VGnvZS8I"),
    (
        "P@ssw0rd!",
        "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlcyA6KQ$wLq4jMbfURDPCuWM96ukbfXl+KAmFrMHkEBAbkzniCc",
    ),
    ("P@ssw0rd!", "pbkdf2_sha256$1000$abcdefghijkl$E1pyZ2RPLMOewjwwKNw1N8BwVlX6ToAMB0h0/vuPDvE="),
    ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
    ("password", "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$2gcOV25Q8vOKPIl8vdxsf7QCjocJcf+erntOGHkpXm4"),
    ("password", "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"),
    ("password", "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8"),
];

fn import_user(name: &str, hash: &str) -> ImportUser {
    let username = Username::parse(name).expect("a username");
    ImportUser {
        identifiers: Identifiers::new(Some(username), None).expect("a name"),
        password_hash: PasswordHash::new(hash.to_owned()),
        display_name: None,
        phone_number: None,
        roles: Roles::default(),
        email_verified: false,
        status: UserStatus::Active,
        created_at: None,
    }
}

async fn log_in(auth: &Auth, name: &str, password: &str) -> Result<(), LogInError> {
    let client = Client {
        id: ClientId::from_static("test"),
        refresh_style: RefreshStyle::Rotating,
        access_lifetime: Duration::from_secs(900),
    };
    let password = PasswordAttempt::new(password);
    auth.log_in(LogIn { client: &client, identifier: name, password }).await.map(|_| ())
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
    let auth = Auth::new(ports, Policy::default());
    let named: Vec<_> =
        HASHES.iter().enumerate().map(|(index, hash)| (format!("user{index}"), hash)).collect();
    let batch = named.iter().map(|(name, (_, hash))| import_user(name, hash)).collect();
    let imported = auth.import_users(batch).await.expect("no error");
    assert_eq!(imported, [const { Ok(ImportSuccess::Imported) }; HASHES.len()]);

    for (name, (password, hash)) in named {
        let stored = async || {
            let key = IdentifierKey::of(&name).expect("a name");
            store.users().find_for_login(&key).await.expect("no error").expect("the user exists").password
        };
        let refused = log_in(&auth, &name, "another").await;
        assert!(matches!(refused, Err(LogInError::InvalidCredentials)), "{hash}");
        assert_eq!(stored().await.hash.expose(), *hash, "a wrong password changes nothing");
        log_in(&auth, &name, password).await.expect("logged in");
        let upgraded = stored().await;
        assert!(upgraded.hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(upgraded.version, PasswordVersion(0), "an upgrade counts no password version");
        log_in(&auth, &name, password).await.expect("logged in again");
        assert_eq!(stored().await, upgraded, "a current hash stays");
    }
}
