//! bcrypt hashes: `$2b$12$` and 53 characters of salt and tag.

use bcrypt::HashParts;

use super::cost::{Cost, Step};
use super::error::{HashingError, ParseHashError};

/// The maximum cost that is verified. Each step doubles the time; 14 takes about 1 s of a core.
const MAX_COST: u32 = 14;
const MIN_COST: u32 = 4;
/// bcrypt ignores the bytes of a password after these.
pub(super) const MAX_PASSWORD_BYTES: usize = 72;

/// A bcrypt hash. `$2a$`, `$2b$` and `$2y$` name one algorithm; `$2x$` names a variant with a bug and is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BcryptHash {
    text: String,
    cost: u32,
}

impl BcryptHash {
    pub(super) fn parse(stored: &str) -> Result<Self, ParseHashError> {
        let parts: HashParts = stored.parse().map_err(|_| ParseHashError::Malformed("bcrypt"))?;
        match parts.get_cost() {
            0..MIN_COST => Err(ParseHashError::Malformed("bcrypt")),
            cost @ MIN_COST..=MAX_COST => Ok(Self { text: stored.to_owned(), cost }),
            cost => {
                Err(ParseHashError::TooCostly(format!("bcrypt with a cost of {cost}, at most {MAX_COST}")))
            }
        }
    }

    /// Whether this is the hash of `password`. The comparison takes constant time.
    ///
    /// Programs in C read a password up to its first NUL, and others repeat the password with a NUL in between. A password
    /// with a NUL would therefore match the hash of another one; it never matches here.
    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, HashingError> {
        let matches = bcrypt::verify(password, &self.text)?;
        Ok(matches && !password.contains(&0))
    }

    pub(super) fn cost(&self) -> Cost {
        Cost { step: Step::Bcrypt, steps: 1 << self.cost, memory_bytes: 0 }
    }

    /// What the OWASP Password Storage Cheat Sheet asks for and this hash does not have.
    pub(super) fn weakness(&self) -> Option<String> {
        const LEAST: u32 = 10;
        (self.cost < LEAST)
            .then(|| format!("uses bcrypt with a cost of {}; OWASP asks for at least {LEAST}", self.cost))
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn matches(password: &[u8], stored: &str) -> bool {
        BcryptHash::parse(stored).expect("a hash").matches(password).expect("computed")
    }

    /// From the tests of Openwall's `crypt_blowfish` 1.3 (public domain), which is what libxcrypt and PHP are built on.
    #[test]
    fn what_openwalls_implementation_made_is_verified() {
        let long: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\
            chars after 72 are ignored";
        for (stored, password) in [
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", &b"U*U"[..]),
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", b"U*U*"),
            ("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", b"U*U*U"),
            ("$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui", long),
            ("$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e", b"\xff\xff\xa3"),
            ("$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", b""),
        ] {
            assert!(matches(password, stored), "{stored}");
            assert!(!matches(b"another", stored), "{stored}");
        }
    }

    #[test]
    fn bytes_after_the_72nd_count_for_nothing_and_those_before_do() {
        const STORED: &str = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
        let whole = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        assert!(matches(whole, STORED) && matches(&[&whole[..], b"anything"].concat(), STORED));
        assert!(!matches(&whole[..71], STORED));
    }

    #[test]
    fn a_password_that_repeats_itself_after_a_nul_is_another_one() {
        const STORED: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        assert!(!matches(b"U*U\0U*U", STORED));
    }

    #[test]
    fn what_costs_too_much_or_is_none_is_refused() {
        let with = |start: &str| {
            BcryptHash::parse(&format!("{start}CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"))
        };
        assert!(with("$2b$04$").is_ok() && with("$2b$14$").is_ok());
        assert!(matches!(with("$2b$15$"), Err(ParseHashError::TooCostly(_))));
        assert!(matches!(with("$2b$31$"), Err(ParseHashError::TooCostly(_))));
        for none in ["$2b$03$", "$2b$5$", "$2b$05$a", "$2b$05!"] {
            assert!(matches!(with(none), Err(ParseHashError::Malformed(_))), "{none}");
        }
    }
}
