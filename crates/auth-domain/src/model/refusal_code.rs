//! Why a hook of the embedding program refused.

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

/// The maximum length of a [`RefusalCode`].
pub const REFUSAL_CODE_MAX_LENGTH: usize = 64;

/// The text is not a valid code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to {REFUSAL_CODE_MAX_LENGTH} of a-z, 0-9, '_', '-' and '.', beginning with a letter")]
pub struct InvalidRefusalCode;

/// The reason of a refusal, for programs: 1 to [`REFUSAL_CODE_MAX_LENGTH`] of `a`–`z`, `0`–`9`, `_`, `-` and `.`, beginning with a
/// letter. The caller and the audit trail get it.
///
/// ```
/// use auth_domain::model::RefusalCode;
///
/// const REGION_BLOCKED: RefusalCode = RefusalCode::from_static("region_blocked"); // an invalid code does not compile
/// assert_eq!(REGION_BLOCKED.as_str(), "region_blocked");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RefusalCode(Cow<'static, str>);

impl RefusalCode {
    /// A code that is fixed at compile time.
    ///
    /// # Panics
    /// If the code is not valid. In a constant, that is a compile error.
    #[must_use]
    pub const fn from_static(code: &'static str) -> Self {
        assert!(is_valid(code.as_bytes()), "the code of a refusal is not valid");
        Self(Cow::Borrowed(code))
    }

    /// Parses a code.
    ///
    /// # Errors
    /// [`InvalidRefusalCode`] when the text does not have the required form.
    pub fn parse(code: &str) -> Result<Self, InvalidRefusalCode> {
        if is_valid(code.as_bytes()) {
            Ok(Self(Cow::Owned(code.to_owned())))
        } else {
            Err(InvalidRefusalCode)
        }
    }

    /// Returns the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a code has the required form. Iterators are not available in constants.
const fn is_valid(code: &[u8]) -> bool {
    let mut index = 0;
    while index < code.len() {
        let is_valid = match code[index] {
            b'a'..=b'z' => true,
            b'0'..=b'9' | b'_' | b'-' | b'.' => index > 0,
            _ => false,
        };
        if !is_valid {
            return false;
        }
        index += 1;
    }
    1 <= index && index <= REFUSAL_CODE_MAX_LENGTH
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_code_is_short_and_plain() {
        let longest = "a".repeat(REFUSAL_CODE_MAX_LENGTH);
        for code in ["a", "region_blocked", "r-1.x", &longest] {
            assert_eq!(RefusalCode::parse(code).map(|code| code.to_string()).as_deref(), Ok(code));
        }
        for code in ["", "1a", "_a", "A", "a b", "a\n", "\u{e9}", &format!("{longest}a")] {
            assert_eq!(RefusalCode::parse(code), Err(InvalidRefusalCode), "{code:?}");
        }
    }

    #[test]
    #[should_panic(expected = "the code of a refusal is not valid")]
    fn an_invalid_fixed_code_panics() {
        let _ = RefusalCode::from_static("not a code");
    }
}
