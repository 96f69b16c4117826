//! The ids that users had in another service.

use thiserror::Error;

use super::identifiers::is_forbidden;

/// The text is not a valid external id. The error text follows the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to 255 characters long, without control characters and without spaces at the ends")]
pub struct InvalidExternalId;

/// The id of a user in the service that the user was imported from: 1 to 255 visible code points.
///
/// It is opaque, so it is compared as it was written: upper and lower case differ. It is not an identifier, so no user can
/// log in with it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId(String);

impl ExternalId {
    /// Parses an external id.
    ///
    /// # Errors
    /// [`InvalidExternalId`] when the text is empty, too long, begins or ends with a space, or contains an invisible
    /// character.
    pub fn parse(text: &str) -> Result<Self, InvalidExternalId> {
        let is_valid = !text.is_empty()
            && text.chars().nth(255).is_none()
            && text.trim() == text
            && !text.chars().any(is_forbidden);
        if is_valid { Ok(Self(text.to_owned())) } else { Err(InvalidExternalId) }
    }

    /// Returns the id as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_is_visible_text_of_bounded_length() {
        let longest = "\u{1f600}".repeat(255);
        for text in ["1", "auth0|5f7c8ec7c33c6c004bbafe82", "CN=Jane Doe,OU=x", "\u{e9}", &longest] {
            assert_eq!(ExternalId::parse(text).map(|id| id.as_str().to_owned()).as_deref(), Ok(text));
        }
        for text in ["", " ", "a ", " a", "a\nb", "a\0", "a\u{202e}b", &"a".repeat(256)] {
            assert_eq!(ExternalId::parse(text), Err(InvalidExternalId), "{text:?}");
        }
    }

    #[test]
    fn external_ids_differ_by_case() {
        assert_ne!(ExternalId::parse("abc"), ExternalId::parse("ABC"));
    }
}
