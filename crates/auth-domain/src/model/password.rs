//! Passwords: the one a user sets, the one somebody tries, and the hash that is kept.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// The most code points a password may have: 1,020 bytes in UTF-8.
pub const PASSWORD_MAX_CODE_POINTS: usize = 255;

/// What a new password must be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The fewest code points, at least 1.
    pub min_length: usize,
}

impl PasswordPolicy {
    /// This policy, no laxer than `min_length`.
    #[must_use]
    pub fn raised_to(self, min_length: usize) -> Self {
        Self { min_length: self.min_length.max(min_length) }
    }
}

/// Eight code points at least (OWASP ASVS 5.0, 6.2.1).
impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: 8 }
    }
}

/// Why a password cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPassword {
    /// It has fewer code points than the policy asks for.
    #[error("must be at least {min} characters long")]
    TooShort {
        /// The fewest code points.
        min: usize,
    },
    /// It has more code points than a password may have.
    #[error("must be at most {max} characters long")]
    TooLong {
        /// The most code points.
        max: usize,
    },
    /// It is one of those that guessers try first.
    #[error("is too common")]
    Common,
    /// It is one of the names of whoever sets it.
    #[error("must not be one of the account's own names")]
    OwnName,
}

/// A password that a user sets: in normalisation form C, otherwise as typed, within the policy.
///
/// It cannot be printed, and its memory is cleared when it is dropped.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

impl Password {
    /// Accepts a new password. Every character counts, spaces, emoji and NUL too; nothing is trimmed or cut off.
    ///
    /// # Errors
    /// When it is shorter than `policy` asks for or longer than [`PASSWORD_MAX_CODE_POINTS`].
    pub fn parse(typed: &str, policy: PasswordPolicy) -> Result<Self, InvalidPassword> {
        let normalised = normalise(typed);
        let length = normalised.expose_secret().chars().count();
        if length < policy.min_length {
            return Err(InvalidPassword::TooShort { min: policy.min_length });
        }
        if length > PASSWORD_MAX_CODE_POINTS {
            return Err(InvalidPassword::TooLong { max: PASSWORD_MAX_CODE_POINTS });
        }
        Ok(Self(normalised))
    }

    /// The password's bytes, for a hasher.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.text().as_bytes()
    }

    pub(super) fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

/// A password that somebody tries at login; no policy applies to it.
#[derive(Clone, Debug)]
pub struct PasswordAttempt(SecretString);

impl PasswordAttempt {
    /// Takes what was typed, in the same normalisation form as [`Password`].
    #[must_use]
    pub fn new(typed: &str) -> Self {
        Self(normalise(typed))
    }

    /// Whether this is longer than any password that can be set, so that it cannot be right.
    #[must_use]
    pub fn is_overlong(&self) -> bool {
        self.0.expose_secret().chars().nth(PASSWORD_MAX_CODE_POINTS).is_some()
    }

    /// The attempt's bytes, for a hasher.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }

    /// The attempt as the password that it has been shown to be.
    pub(crate) fn as_password(&self) -> Password {
        Password(self.0.clone())
    }
}

/// A password hash in PHC string format, or in another format that an import brought.
///
/// It cannot be printed: a hash is what an attacker needs to guess offline.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a hash as a hasher made it or a store kept it.
    #[must_use]
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The hash, for a hasher or a store.
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

/// How often a user's password has been changed: what was proven with one password must not outlive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PasswordVersion(pub i64);

/// A user's password as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPassword {
    /// The hash; a better hash of the same password may replace it without a new version.
    pub hash: PasswordHash,
    /// Counts changes of the password.
    pub version: PasswordVersion,
}

fn normalise(typed: &str) -> SecretString {
    SecretString::from(typed.nfc().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(typed: &str) -> Result<Password, InvalidPassword> {
        Password::parse(typed, PasswordPolicy::default())
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
    fn the_same_text_typed_on_two_keyboards_is_the_same_password() {
        let composed = parse("caf\u{e9}-caf\u{e9}").expect("accepted");
        assert_eq!(PasswordAttempt::new("cafe\u{301}-cafe\u{301}").expose(), composed.expose());
    }

    #[test]
    fn a_setting_raises_the_minimum_and_never_lowers_it() {
        let six = PasswordPolicy { min_length: 6 };
        assert_eq!(six.raised_to(12).min_length, 12);
        assert_eq!(six.raised_to(1).min_length, 6);
    }

    #[test]
    fn an_overlong_attempt_is_known_as_such() {
        assert!(!PasswordAttempt::new(&"a".repeat(255)).is_overlong());
        assert!(PasswordAttempt::new(&"a".repeat(256)).is_overlong());
    }

    #[test]
    fn nothing_of_a_password_can_be_printed() {
        let printed = format!(
            "{:?} {:?} {:?}",
            parse("P@ssw0rd!").expect("accepted"),
            PasswordAttempt::new("P@ssw0rd!"),
            PasswordHash::new("P@ssw0rd!".to_owned())
        );
        assert!(!printed.contains("P@ss"), "{printed}");
    }
}
