//! The minimum length of a new password, which each dialect has of its own.

use auth_domain::model::{InvalidPassword, Password};
use auth_domain::policy::PasswordPolicy;

/// The minimum length of a new password in code points. The use cases apply the smallest one of all enabled dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MinPasswordLength(pub usize);

impl MinPasswordLength {
    /// This minimum, or `min` if that is longer.
    #[must_use]
    pub fn raised_to(self, min: usize) -> Self {
        Self(self.0.max(min))
    }

    /// Parses a new password.
    ///
    /// # Errors
    /// [`InvalidPassword::TooShort`] and [`InvalidPassword::TooLong`].
    pub fn parse(self, typed: &str) -> Result<Password, InvalidPassword> {
        let password = Password::parse(typed)?;
        password.check_length(self.0)?;
        Ok(password)
    }
}

/// The default of the domain, for passwords that no dialect sets.
impl Default for MinPasswordLength {
    fn default() -> Self {
        Self(PasswordPolicy::default().min_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_raises_the_minimum_and_never_lowers_it() {
        let six = MinPasswordLength(6);
        assert_eq!(six.raised_to(12), MinPasswordLength(12));
        assert_eq!(six.raised_to(1), six);
    }

    #[test]
    fn the_minimum_and_the_maximum_length_apply() {
        let six = MinPasswordLength(6);
        assert!(six.parse("123456").is_ok());
        assert_eq!(six.parse("12345").expect_err("short"), InvalidPassword::TooShort { min: 6 });
        assert_eq!(six.parse(&"1".repeat(256)).expect_err("long"), InvalidPassword::TooLong { max: 255 });
    }
}
