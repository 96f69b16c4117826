//! The spellings of stored hashes: which program writes which algorithm how.

use super::argon2_hash::Argon2Hash;
use super::bcrypt_hash::BcryptHash;
use super::encoding::{base64, is_hexadecimal, number, parameters};
use super::error::ParseHashError;
use super::firebase_hash::FirebaseHash;
use super::pbkdf2_hash::{Pbkdf2Hash, Prf};
use super::phpass_hash::{PhpassDigest, PhpassHash};
use super::preparation::Preparation;
use super::scrypt_hash::ScryptHash;
use super::sha_crypt_hash::ShaCryptHash;
use super::stored::{Algorithm, StoredHash};
use super::unsupported;

type Parsed = Result<StoredHash, ParseHashError>;
type Reader = fn(&str) -> Parsed;

/// Prefixes of other programs before a hash that is spelled as usual: Spring Security, `OpenLDAP` and Dovecot. The case of
/// the letters does not matter.
const WRAPPERS: [&str; 12] = [
    "{bcrypt}",
    "{blf-crypt}",
    "{crypt}",
    "{sha256-crypt}",
    "{sha512-crypt}",
    "{argon2}",
    "{argon2i}",
    "{argon2id}",
    "{argon2@springsecurity_v5_2}",
    "{argon2@springsecurity_v5_8}",
    "{scrypt}",
    "{scrypt@springsecurity_v5_8}",
];

/// How a hash begins, and what reads the rest of it.
const SPELLINGS: [(&str, Reader); 36] = [
    ("$argon2id$", |rest| argon2(&format!("$argon2id${rest}"))),
    ("$argon2i$", |rest| argon2(&format!("$argon2i${rest}"))),
    ("$argon2d$", |rest| argon2(&format!("$argon2d${rest}"))),
    // Django.
    ("argon2$", |rest| argon2(&format!("${rest}"))),
    ("bcrypt$", bcrypt),
    ("bcrypt_sha256$", |rest| prehashed_bcrypt(Preparation::Sha256Hex, rest)),
    ("scrypt$", |rest| scrypt(ScryptHash::parse_django(rest))),
    ("pbkdf2_sha1$", |rest| pbkdf2(Pbkdf2Hash::parse_django(Prf::Sha1, rest))),
    ("pbkdf2_sha256$", |rest| pbkdf2(Pbkdf2Hash::parse_django(Prf::Sha256, rest))),
    ("pbkdf2_sha512$", |rest| pbkdf2(Pbkdf2Hash::parse_django(Prf::Sha512, rest))),
    // bcrypt itself, and PHP's spelling of it.
    ("$2a$", |rest| bcrypt(&format!("$2a${rest}"))),
    ("$2b$", |rest| bcrypt(&format!("$2b${rest}"))),
    ("$2y$", |rest| bcrypt(&format!("$2y${rest}"))),
    // WordPress since 6.8, and before.
    ("$wp$", |rest| prehashed_bcrypt(Preparation::WordPress, &format!("${rest}"))),
    ("$P$", phpass),
    ("$H$", phpass),
    // Drupal 7 to 10.
    ("$S$", |rest| Ok(StoredHash::new(Algorithm::Phpass(PhpassHash::parse(PhpassDigest::Sha512, rest)?)))),
    // passlib and PHC strings.
    ("$bcrypt-sha256$", passlib_bcrypt_sha256),
    ("$scrypt$", |rest| scrypt(ScryptHash::parse_phc(rest))),
    ("$pbkdf2$", |rest| pbkdf2(Pbkdf2Hash::parse_phc(Prf::Sha1, rest))),
    ("$pbkdf2-sha1$", |rest| pbkdf2(Pbkdf2Hash::parse_phc(Prf::Sha1, rest))),
    ("$pbkdf2-sha256$", |rest| pbkdf2(Pbkdf2Hash::parse_phc(Prf::Sha256, rest))),
    ("$pbkdf2-sha512$", |rest| pbkdf2(Pbkdf2Hash::parse_phc(Prf::Sha512, rest))),
    // Werkzeug (Flask).
    ("pbkdf2:sha1:", |rest| pbkdf2(Pbkdf2Hash::parse_werkzeug(Prf::Sha1, rest))),
    ("pbkdf2:sha256:", |rest| pbkdf2(Pbkdf2Hash::parse_werkzeug(Prf::Sha256, rest))),
    ("pbkdf2:sha512:", |rest| pbkdf2(Pbkdf2Hash::parse_werkzeug(Prf::Sha512, rest))),
    ("scrypt:", |rest| scrypt(ScryptHash::parse_werkzeug(rest))),
    // Unix.
    ("$5$", |rest| sha_crypt(&format!("$5${rest}"))),
    ("$6$", |rest| sha_crypt(&format!("$6${rest}"))),
    // Firebase, as Supabase and Ory Kratos write it.
    ("$fbscrypt$", |rest| Ok(firebase(FirebaseHash::parse_supabase(rest)?))),
    ("$firescrypt$", |rest| Ok(firebase(FirebaseHash::parse_kratos(rest)?))),
    // Lucia 2.
    ("s2:", node_scrypt),
    // Spring Security; the defaults of its version are not in the hash.
    ("{pbkdf2}", |rest| pbkdf2(Pbkdf2Hash::parse_spring((Prf::Sha1, 185_000, 8), rest))),
    ("{pbkdf2@SpringSecurity_v5_5}", |rest| pbkdf2(Pbkdf2Hash::parse_spring((Prf::Sha1, 185_000, 8), rest))),
    ("{pbkdf2@SpringSecurity_v5_8}", |rest| {
        pbkdf2(Pbkdf2Hash::parse_spring((Prf::Sha256, 310_000, 16), rest))
    }),
    // Atlassian.
    ("{PKCS5S2}", |rest| pbkdf2(Pbkdf2Hash::parse_atlassian(rest))),
];

/// The spellings of passlib's `ldap_pbkdf2` and of `OpenLDAP`. The case of the letters does not matter.
const LDAP_PBKDF2: [(&str, Prf); 4] = [
    ("{pbkdf2}", Prf::Sha1),
    ("{pbkdf2-sha1}", Prf::Sha1),
    ("{pbkdf2-sha256}", Prf::Sha256),
    ("{pbkdf2-sha512}", Prf::Sha512),
];

/// Reads a stored hash. Only this function decides which format a text has.
pub(super) fn parse(stored: &str) -> Parsed {
    let unwrapped = WRAPPERS.iter().find_map(|wrapper| strip_prefix(stored, wrapper)).unwrap_or(stored);
    if let Some((prefix, prf)) = LDAP_PBKDF2.iter().find(|(prefix, _)| strip_prefix(stored, prefix).is_some())
        && stored.contains('$')
    {
        return pbkdf2(Pbkdf2Hash::parse_phc(*prf, &stored[prefix.len()..]));
    }
    let spelled = SPELLINGS.iter().find_map(|(prefix, read)| Some((unwrapped.strip_prefix(prefix)?, read)));
    match spelled {
        Some((rest, read)) => read(rest),
        None => parse_by_shape(unwrapped).unwrap_or_else(|| Err(unsupported::name(stored, unwrapped))),
    }
}

/// Reads the spellings that begin with no fixed text.
fn parse_by_shape(stored: &str) -> Option<Parsed> {
    let is_tag = |text: &str| text.len() == 128 && is_hexadecimal(text);
    if stored.split_once(':').is_some_and(|(salt, tag)| is_hexadecimal(salt) && is_tag(tag)) {
        return Some(node_scrypt(stored));
    }
    // Spring's parameters have at least five digits; a shorter number is one of crypt(3).
    let params = stored.strip_prefix('$').and_then(|rest| rest.split_once('$')).map(|(params, _)| params);
    if params.is_some_and(|params| (5..=8).contains(&params.len()) && is_hexadecimal(params)) {
        return Some(scrypt(ScryptHash::parse_spring(stored)));
    }
    // ASP.NET Core Identity. The first byte is the version.
    let is_identity = stored.len() >= 60 && (stored.starts_with("AQAAAA") || stored.len() == 68);
    match base64(stored).filter(|_| is_identity)?[..] {
        ref bytes @ [0 | 1, ..] => Some(pbkdf2(Pbkdf2Hash::parse_asp_net(bytes))),
        _ => None,
    }
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn argon2(stored: &str) -> Parsed {
    Ok(StoredHash::new(Algorithm::Argon2(Argon2Hash::parse(stored)?)))
}

/// Symfony hashes long passwords before bcrypt, and its hashes look like those of other PHP programs, with `$2y$`.
fn bcrypt(stored: &str) -> Parsed {
    let hash = supported_bcrypt(stored)?;
    if !stored.starts_with("$2y$") {
        return Ok(StoredHash::new(hash));
    }
    Ok(StoredHash::any_of(vec![(Preparation::None, hash.clone()), (Preparation::SymfonyLong, hash)]))
}

fn prehashed_bcrypt(preparation: Preparation, stored: &str) -> Parsed {
    Ok(StoredHash::with(preparation, supported_bcrypt(stored)?))
}

fn supported_bcrypt(stored: &str) -> Result<Algorithm, ParseHashError> {
    match stored.get(..4) {
        Some("$2a$" | "$2b$" | "$2y$") => Ok(Algorithm::Bcrypt(BcryptHash::parse(stored)?)),
        _ => Err(unsupported::name(stored, stored)),
    }
}

/// Reads the rest of `$bcrypt-sha256$v=2,t=2b,r=12$salt$tag` or, in the first version, of
/// `$bcrypt-sha256$2b,12$salt$tag`.
fn passlib_bcrypt_sha256(rest: &str) -> Parsed {
    let malformed = || ParseHashError::Malformed("bcrypt-sha256");
    let [params, salt, tag] = rest.split('$').collect::<Vec<_>>().try_into().map_err(|_| malformed())?;
    let (variant, cost, preparation) = match parameters(params, ["v", "t", "r"]) {
        Some([version, variant, cost]) if version == "2" => {
            (variant, cost, Preparation::HmacSha256 { salt: salt.to_owned() })
        }
        Some(_) => return Err(malformed()),
        None => {
            let (variant, cost) = params.split_once(',').ok_or_else(malformed)?;
            (variant.to_owned(), cost.to_owned(), Preparation::Sha256Base64)
        }
    };
    let cost = number(&cost).ok_or_else(malformed)?;
    prehashed_bcrypt(preparation, &format!("${variant}${cost:02}${salt}{tag}"))
}

fn scrypt(hash: Result<ScryptHash, ParseHashError>) -> Parsed {
    Ok(StoredHash::new(Algorithm::Scrypt(hash?)))
}

/// Reads `salt:tag`. Better Auth and Lucia have r = 16; Lucia 1 and Node's own default have r = 8.
fn node_scrypt(stored: &str) -> Parsed {
    let (salt, tag) = stored.split_once(':').ok_or(ParseHashError::Malformed("scrypt"))?;
    let with = |r| ScryptHash::parse_node(salt, tag, r).map(Algorithm::Scrypt);
    let (current, plain) = (with(16)?, with(8)?);
    Ok(StoredHash::any_of(vec![
        (Preparation::CompatibilityForm, current),
        (Preparation::CompatibilityForm, plain.clone()),
        (Preparation::None, plain),
    ]))
}

fn pbkdf2(hash: Result<Pbkdf2Hash, ParseHashError>) -> Parsed {
    Ok(StoredHash::new(Algorithm::Pbkdf2(hash?)))
}

fn sha_crypt(stored: &str) -> Parsed {
    Ok(StoredHash::new(Algorithm::ShaCrypt(ShaCryptHash::parse(stored)?)))
}

/// `WordPress` trims passwords, and other programs with phpass do not.
fn phpass(rest: &str) -> Parsed {
    let hash = Algorithm::Phpass(PhpassHash::parse(PhpassDigest::Md5, rest)?);
    Ok(StoredHash::any_of(vec![(Preparation::None, hash.clone()), (Preparation::Trimmed, hash)]))
}

fn firebase(hash: FirebaseHash) -> StoredHash {
    StoredHash::new(Algorithm::Firebase(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_of_another_program_hides_no_unsupported_format() {
        for (stored, named) in [
            ("{CRYPT}rl.3StKT.4T8M", "DES-crypt"),
            ("{crypt}$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "MD5-crypt"),
            ("{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GGzwxUJEPg.bmSnYu67PgSmJVRjSP6LbkI26rfLZIB4", "yescrypt"),
            ("{bcrypt}$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "sign bug"),
            ("bcrypt$$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "sign bug"),
            ("{noop}$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "plain text"),
        ] {
            let error = parse(stored).expect_err(stored);
            assert!(
                matches!(error, ParseHashError::Named(name) if name.contains(named)),
                "{stored}: {error}"
            );
        }
    }

    #[test]
    fn a_hash_costs_every_way_in_which_it_is_compared() {
        let node = format!("s2:{}:{}", "ca".repeat(16), "0c".repeat(64));
        for (stored, ways) in [
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 1),
            ("$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 1),
            ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 2),
            ("{BLF-CRYPT}$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 2),
            ("bcrypt_sha256$$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 1),
            ("$P$5LFo1yF.vx1bkqpVPwAZC7SJ2BUEC3/", 2),
            (&node, 3),
        ] {
            assert_eq!(parse(stored).expect(stored).costs().len(), ways, "{stored}");
        }
    }

    #[test]
    fn damaged_hashes_are_malformed_and_not_unknown() {
        for stored in [
            "$argon2id$v=19$m=64$c2l4dGVlbiBieXRlcyA6KQ",
            "$2b$05$short",
            "{bcrypt}$2b$05$short",
            "bcrypt_sha256$$2b$05$short",
            "$bcrypt-sha256$v=3,t=2b,r=5$j1MwViBaDhT9GPzbt69Mg.$LI4RMMj7SDKAIlYvl21xwW3xXvea11e",
            "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlcyA6KQ",
            "scrypt$1000$saltsalt$8$1$AAAA",
            "scrypt:1024:8$saltsalt$00",
            "$a0801$AQIDBAUGBwg=$iPKI",
            "pbkdf2:sha256:x$saltsalt$00",
            "{pbkdf2}0102",
            "{PBKDF2-SHA256}1000$AAAA",
            "{PKCS5S2}AAAA",
            "$6$rounds=999$saltsaltsalt$short",
            "$P$5short",
            "$S$5short",
            "$fbscrypt$v=2,n=10,r=8,p=1,ss=Bw==,sk=AAAA$AAAA$AAAA",
            "$firescrypt$ln=10,r=8,p=1$AAAA$AAAA",
            "s2:00:00",
        ] {
            let error = parse(stored).expect_err(stored);
            let is_malformed = matches!(
                error,
                ParseHashError::Malformed(_)
                    | ParseHashError::Format(_)
                    | ParseHashError::Parameters(_)
                    | ParseHashError::Incomplete
            );
            assert!(is_malformed, "{stored}: {error}");
        }
    }
}
