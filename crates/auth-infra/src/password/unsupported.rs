//! Names formats that are known and not supported, so that an import can say more than "unsupported".

use super::encoding::is_hexadecimal;
use super::error::ParseHashError;

const PLAIN: &str = "a password in plain text";
const LDAP_DIGEST: &str = "a fast digest of LDAP (MD5, SHA-1 or SHA-2)";
const CRYPT_MD5: &str = "MD5-crypt";
const YESCRYPT: &str = "yescrypt";
const DJANGO_DIGEST: &str = "a fast salted digest (MD5, SHA-1 or SHA-256)";
const UNUSABLE: &str = "a mark for \"no password\" and no hash";

/// How a text begins, in lower case, and the words after "the hash is".
const PREFIXES: [(&str, &str); 42] = [
    ("{noop}", PLAIN),
    ("{plain}", PLAIN),
    ("{cleartext}", PLAIN),
    ("{ssha", LDAP_DIGEST),
    ("{sha", LDAP_DIGEST),
    ("{smd5}", LDAP_DIGEST),
    ("{md5}", LDAP_DIGEST),
    ("{md4}", "an MD4 digest"),
    ("{ldap}", "a fast digest of LDAP in Spring's spelling"),
    ("{lanman}", "a LAN Manager hash"),
    ("{nt", "an NT hash"),
    ("$1$", CRYPT_MD5),
    ("$apr1$", "Apache's MD5-crypt"),
    ("$md5", "an MD5 digest"),
    ("$sha", "a fast SHA digest"),
    ("$ssha", "a fast salted SHA digest"),
    ("$hmac", "a fast HMAC"),
    ("$2x$", "bcrypt with the sign bug of crypt_blowfish 1.0"),
    ("$2$", "the first version of bcrypt, which OpenBSD replaced in 1997"),
    ("bcrypt$$2x$", "bcrypt with the sign bug of crypt_blowfish 1.0"),
    ("$3$", "an NT hash"),
    ("$nt$", "an NT hash"),
    ("$lm$", "a LAN Manager hash"),
    ("$7$", "scrypt in the spelling of libsodium and libxcrypt"),
    ("$y$", YESCRYPT),
    ("$gy$", "gost-yescrypt"),
    ("$b$", "a fast salted digest of MediaWiki"),
    (":b:", "a fast salted digest of MediaWiki"),
    (":a:", "a fast digest of MediaWiki"),
    (":pbkdf2:", "PBKDF2 in the spelling of MediaWiki"),
    ("$shiro1$", "a digest of Apache Shiro"),
    ("scram-sha-", "a SCRAM verifier"),
    ("$scram$", "a SCRAM verifier"),
    ("md5$", DJANGO_DIGEST),
    ("sha1$", DJANGO_DIGEST),
    ("sha256$", DJANGO_DIGEST),
    ("unsalted_", "a fast unsalted digest"),
    ("plain$", PLAIN),
    ("u$s$", "phpass over MD5, as an upgrade of Drupal 6 made it"),
    ("u$h$", "phpass over MD5, as an upgrade of phpBB or Drupal made it"),
    ("!", UNUSABLE),
    ("crypt$", "DES-crypt in Django's spelling"),
];

/// The error for a text that no supported spelling matches. `unwrapped` is the text without the prefix of a program that
/// may precede any hash.
pub(super) fn name(stored: &str, unwrapped: &str) -> ParseHashError {
    let known = name_by_prefix(stored).or_else(|| name_by_prefix(unwrapped));
    known.or_else(|| name_by_shape(unwrapped)).map_or(ParseHashError::Unknown, ParseHashError::Named)
}

fn name_by_prefix(stored: &str) -> Option<&'static str> {
    let start: String = stored.chars().take(32).flat_map(char::to_lowercase).collect();
    PREFIXES.iter().find(|(prefix, _)| start.starts_with(prefix)).map(|(_, name)| *name)
}

fn name_by_shape(stored: &str) -> Option<&'static str> {
    if let Some(digits) = stored.strip_prefix('*')
        && digits.len() == 40
        && is_hexadecimal(digits)
    {
        return Some("a password of MySQL (SHA-1 twice)");
    }
    let is_crypt = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    match stored.len() {
        _ if stored == "*" => Some(UNUSABLE),
        32 if is_hexadecimal(stored) => Some("an unsalted digest of 128 bits, such as MD5 or NT"),
        40 if is_hexadecimal(stored) => Some("an unsalted SHA-1 digest"),
        56 | 64 | 96 | 128 if is_hexadecimal(stored) => Some("an unsalted SHA-2 digest"),
        13 if stored.bytes().all(is_crypt) => Some("DES-crypt, which reads 8 characters of a password"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_formats_are_named_and_never_quoted() {
        for (stored, named) in [
            ("{noop}s3cret", "plain text"),
            ("{SSHA}DkMTwBl+a/3DQTxCYEApdUtNXGgdUac3", "LDAP"),
            ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "LDAP"),
            ("{SMD5}jNoSMNY0cybfuBWiaGlFw3Mfi/U=", "LDAP"),
            ("{MD5}X03MO1qnZdYdgyfeuILPmQ==", "LDAP"),
            ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "MD5-crypt"),
            ("$apr1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "Apache"),
            ("$2x$12$saltsalt", "sign bug"),
            ("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", "yescrypt"),
            ("$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D", "libsodium"),
            ("sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "SHA-1"),
            ("5f4dcc3b5aa765d61d8327deb882cf99", "MD5"),
            ("5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "SHA-1"),
            ("5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8", "SHA-2"),
            ("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", "MySQL"),
            ("SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy", "SCRAM"),
            ("rl.3StKT.4T8M", "DES-crypt"),
            ("!Zkm6BAMpZ3rnBDgZtDGXGZAyUULNCoDdSxSJNmbV", "no password"),
        ] {
            let error = name(stored, stored);
            assert!(
                matches!(error, ParseHashError::Named(name) if name.contains(named)),
                "{stored}: {error}"
            );
        }
    }

    #[test]
    fn other_texts_are_unknown() {
        for stored in ["", "P@ssw0rd!", "$", "$unknown$v=1$c2FsdA$aGFzaA", "\u{1f600}", "{ldap", "$2b"] {
            assert!(matches!(name(stored, stored), ParseHashError::Unknown), "{stored}");
        }
    }
}
