//! Passwords: new passwords, password attempts, and stored hashes.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::{Blocklist, Identifiers};

/// The maximum length of a password in code points. It is at most 1,020 bytes in UTF-8.
pub const PASSWORD_MAX_CODE_POINTS: usize = 255;

/// The rules for new passwords. The use cases apply them to each password that they store.
///
/// They do not apply to a password attempt, nor to an imported hash, whose password is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordPolicy {
    /// The minimum length in code points. 0 counts as 1. Default: 8 (OWASP ASVS 5.0, 6.2.1).
    pub min_length: usize,
    /// Passwords that users must not set. `None` also permits a user's own names as the password. Default:
    /// [`Blocklist::common`].
    pub blocklist: Option<Blocklist>,
}

impl PasswordPolicy {
    /// Checks whether a user with these names may set this password.
    ///
    /// # Errors
    /// [`InvalidPassword::TooShort`], [`InvalidPassword::Common`] and [`InvalidPassword::OwnName`].
    pub fn judge(&self, password: &Password, names: &Identifiers) -> Result<(), InvalidPassword> {
        password.check_length(self.min_length)?;
        self.blocklist.as_ref().map_or(Ok(()), |blocklist| blocklist.judge(password, names))
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 8, blocklist: Some(Blocklist::common()) }
    }
}

/// The password cannot be set. The error texts follow the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPassword {
    /// The password is shorter than the policy requires.
    #[error("must be at least {min} characters long")]
    TooShort {
        /// The minimum length in code points.
        min: usize,
    },
    /// The password is longer than [`PASSWORD_MAX_CODE_POINTS`].
    #[error("must be at most {max} characters long")]
    TooLong {
        /// The maximum length in code points.
        max: usize,
    },
    /// The password is on the list of common passwords.
    #[error("is too common")]
    Common,
    /// The password is one of the user's own names.
    #[error("must not be one of the account's own names")]
    OwnName,
    /// A [`PasswordRule`](crate::ports::PasswordRule) rejects the password.
    #[error("{reason}")]
    Rule {
        /// The reason that the rule gives.
        reason: &'static str,
    },
}

/// A password to be set, in normalisation form C and otherwise as typed. The use case that stores it applies the
/// [`PasswordPolicy`].
///
/// `Debug` redacts it, and its memory is cleared on drop.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// Parses a password to be set. Every character counts, including spaces, emoji and NUL; nothing is trimmed or
    /// truncated.
    ///
    /// # Errors
    /// [`InvalidPassword::TooLong`] when the text is longer than [`PASSWORD_MAX_CODE_POINTS`].
    pub fn parse(typed: &str) -> Result<Self, InvalidPassword> {
        let normalised = normalise(typed);
        if normalised.expose_secret().chars().nth(PASSWORD_MAX_CODE_POINTS).is_some() {
            return Err(InvalidPassword::TooLong { max: PASSWORD_MAX_CODE_POINTS });
        }
        Ok(Self(normalised))
    }

    /// Checks that the password has at least `min` code points. 0 counts as 1.
    ///
    /// # Errors
    /// [`InvalidPassword::TooShort`].
    pub fn check_length(&self, min: usize) -> Result<(), InvalidPassword> {
        let min = min.max(1);
        if self.text().chars().nth(min - 1).is_some() {
            Ok(())
        } else {
            Err(InvalidPassword::TooShort { min })
        }
    }

    /// Returns the bytes of the password, for a hasher.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.text().as_bytes()
    }

    pub(super) fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A password as a caller typed it. No policy applies to it.
#[derive(Clone, Debug)]
pub struct PasswordAttempt {
    normalised: SecretString,
    /// The text as typed, if it is not in normalisation form C.
    typed: Option<SecretString>,
}

impl PasswordAttempt {
    /// Wraps the typed text, and computes the normalisation form of [`Password`].
    #[must_use]
    pub fn new(typed: &str) -> Self {
        let normalised = normalise(typed);
        let typed = (normalised.expose_secret() != typed).then(|| SecretString::from(typed));
        Self { normalised, typed }
    }

    /// Returns whether the attempt is longer than any password can be, and therefore cannot match.
    #[must_use]
    pub fn is_overlong(&self) -> bool {
        self.normalised.expose_secret().chars().nth(PASSWORD_MAX_CODE_POINTS).is_some()
    }

    /// Returns the bytes of the attempt in normalisation form C, for a hasher.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.normalised.expose_secret().as_bytes()
    }

    /// Returns the bytes as typed, if they differ from [`expose`](Self::expose). Another service has hashed these.
    #[must_use]
    pub fn expose_typed(&self) -> Option<&[u8]> {
        self.typed.as_ref().map(|typed| typed.expose_secret().as_bytes())
    }

    /// Converts the attempt after it has been verified to be the password.
    pub(crate) fn as_password(&self) -> Password {
        Password(self.normalised.clone())
    }
}

/// A password hash in PHC string format, or in a format of another service that was imported.
///
/// `Debug` redacts it, because an attacker can guess the password of a hash offline.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a hash from a hasher or a store.
    #[must_use]
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// Returns the hash, for a hasher or a store.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([REDACTED])")
    }
}

/// The number of changes of a user's password. A login that was verified with an earlier version must not take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PasswordVersion(pub i64);

/// The stored password of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPassword {
    /// The hash. A better hash of the same password may replace it without a new version. `None` until a password is
    /// set: no attempt matches.
    pub hash: Option<PasswordHash>,
    /// The version, incremented by each change of the password.
    pub version: PasswordVersion,
}

fn normalise(typed: &str) -> SecretString {
    SecretString::from(typed.nfc().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Username;

    /// Parses a password and applies the default policy.
    fn parse(typed: &str) -> Result<Password, InvalidPassword> {
        let names = Identifiers::new(Username::parse("jane").ok(), None).expect("a name");
        let password = Password::parse(typed)?;
        PasswordPolicy::default().judge(&password, &names).map(|()| password)
    }

    #[test]
    fn length_is_counted_in_code_points() {
        assert!(parse(&"\u{1f600}".repeat(8)).is_ok());
        assert!(parse(&"\u{1f600}".repeat(255)).is_ok());
        assert!(matches!(parse("1234567"), Err(InvalidPassword::TooShort { min: 8 })));
        assert!(matches!(parse(&"a".repeat(256)), Err(InvalidPassword::TooLong { max: 255 })));
    }

    #[test]
    fn every_character_counts_and_none_is_changed() {
        assert_eq!(
            parse(" P\0ss w\u{1f600}rd ").expect("accepted").expose(),
            " P\0ss w\u{1f600}rd ".as_bytes()
        );
    }

    #[test]
    fn equivalent_unicode_forms_are_the_same_password() {
        let composed = parse("caf\u{e9}-caf\u{e9}").expect("accepted");
        assert_eq!(PasswordAttempt::new("cafe\u{301}-cafe\u{301}").expose(), composed.expose());
    }

    #[test]
    fn an_attempt_keeps_what_was_typed_in_another_form() {
        assert_eq!(PasswordAttempt::new("caf\u{e9}").expose_typed(), None);
        let decomposed = PasswordAttempt::new("cafe\u{301}");
        assert_eq!(decomposed.expose_typed(), Some("cafe\u{301}".as_bytes()));
    }

    #[test]
    fn the_default_policy_refuses_common_passwords_and_own_names() {
        assert!(matches!(parse("iloveyou"), Err(InvalidPassword::Common)));
        let jane = Identifiers::new(Username::parse("jane_doe").ok(), None).expect("a name");
        let own_name = Password::parse("Jane_Doe").expect("a password");
        assert_eq!(PasswordPolicy::default().judge(&own_name, &jane), Err(InvalidPassword::OwnName));
    }

    #[test]
    fn no_policy_permits_an_empty_password() {
        let empty = Password::parse("").expect("a password");
        assert_eq!(empty.check_length(0), Err(InvalidPassword::TooShort { min: 1 }));
        assert_eq!(Password::parse("a").expect("a password").check_length(0), Ok(()));
    }

    #[test]
    fn an_overlong_attempt_is_detected() {
        assert!(!PasswordAttempt::new(&"a".repeat(255)).is_overlong());
        assert!(PasswordAttempt::new(&"a".repeat(256)).is_overlong());
    }

    #[test]
    fn debug_redacts_passwords_and_hashes() {
        let printed = format!(
            "{:?} {:?} {:?}",
            parse("P@ssw0rd!").expect("accepted"),
            PasswordAttempt::new("P@ssw0rd!"),
            PasswordHash::new("P@ssw0rd!".to_owned())
        );
        assert!(!printed.contains("P@ss"), "{printed}");
    }
}
