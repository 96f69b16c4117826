//! Data of the embedding program that is stored with a user.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The maximum size of [`Metadata`] in bytes of UTF-8.
pub const METADATA_MAX_BYTES: usize = 4_096;

/// The text is not valid metadata. The error text follows the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 1 to {METADATA_MAX_BYTES} bytes of text without NUL")]
pub struct InvalidMetadata;

/// Data that the embedding program stores with a user: 1 to [`METADATA_MAX_BYTES`] bytes of UTF-8 without NUL.
///
/// The service never interprets it: a program may store JSON, a key of its own database, or any other text. The store returns
/// every byte as it was written, and deletes it with the user. `Debug` redacts it, and no audit event contains it.
///
/// ```
/// use auth_domain::model::Metadata;
///
/// let metadata = Metadata::parse(r#"{"tenant":"acme","plan":"team"}"#)?;
/// assert_eq!(metadata.as_str(), r#"{"tenant":"acme","plan":"team"}"#);
/// assert!(!format!("{metadata:?}").contains("acme"));
/// # Ok::<(), auth_domain::model::InvalidMetadata>(())
/// ```
// Reference-counted, because a user is cloned on every read from a cache.
#[derive(Clone, PartialEq, Eq)]
pub struct Metadata(Arc<str>);

impl Metadata {
    /// Parses metadata. Nothing is trimmed or normalised.
    ///
    /// # Errors
    /// [`InvalidMetadata`] when the text is empty or too long, or contains NUL, which PostgreSQL cannot store.
    pub fn parse(text: &str) -> Result<Self, InvalidMetadata> {
        let is_valid = (1..=METADATA_MAX_BYTES).contains(&text.len()) && !text.contains('\0');
        if is_valid { Ok(Self(text.into())) } else { Err(InvalidMetadata) }
    }

    /// Returns the text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Metadata([{} bytes])", self.0.len())
    }
}

/// A change of a user's metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MetadataChange {
    /// The metadata stays as it is.
    #[default]
    Keep,
    /// The metadata is replaced as a whole.
    Set(Metadata),
    /// The user has no metadata afterwards.
    Remove,
}

impl MetadataChange {
    /// Returns the metadata after this change of `before`.
    #[must_use]
    pub fn apply(&self, before: Option<Metadata>) -> Option<Metadata> {
        match self {
            Self::Keep => before,
            Self::Set(metadata) => Some(metadata.clone()),
            Self::Remove => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_any_text_of_bounded_size() {
        let longest = "\u{e9}".repeat(METADATA_MAX_BYTES / 2);
        for text in ["{}", " ", "\n\t\u{1}\u{202e}\u{feff}", "'; --", &longest] {
            assert_eq!(Metadata::parse(text).map(|data| data.as_str().to_owned()).as_deref(), Ok(text));
        }
        for text in ["", "\0", "a\0b", &format!("{longest}a")] {
            assert_eq!(Metadata::parse(text), Err(InvalidMetadata), "{text:?}");
        }
    }

    #[test]
    fn debug_redacts_metadata() {
        let metadata = Metadata::parse("tenant=acme").expect("metadata");
        assert_eq!(format!("{metadata:?}"), "Metadata([11 bytes])");
        assert!(!format!("{:?}", MetadataChange::Set(metadata)).contains("acme"));
    }

    #[test]
    fn a_change_keeps_replaces_or_removes() {
        let [old, new] = ["old", "new"].map(|text| Metadata::parse(text).expect("metadata"));
        for before in [None, Some(old)] {
            assert_eq!(MetadataChange::default().apply(before.clone()), before);
            assert_eq!(MetadataChange::Set(new.clone()).apply(before.clone()), Some(new.clone()));
            assert_eq!(MetadataChange::Remove.apply(before), None);
        }
    }
}
