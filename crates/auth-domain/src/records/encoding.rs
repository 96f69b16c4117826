//! The encoding of stored values: a version and the members in a fixed order, without names.
//!
//! Integers are big-endian. Texts and lists begin with their length. States and reasons are stored by their names. An
//! encoding never changes: other members get another version.

use thiserror::Error;
use uuid::Uuid;

use crate::ports::PortError;

/// The first byte of each value.
const VERSION: u8 = 1;

/// A stored value cannot be decoded.
#[derive(Debug, Error)]
enum InvalidRecord {
    #[error(
        "the stored {kind} has the unknown version {version}; a later release of this program may have written it"
    )]
    UnknownVersion { kind: &'static str, version: u8 },
    #[error("the stored {kind} is damaged; restore the store from a backup")]
    Damaged { kind: &'static str },
}

/// A type that is stored, by itself or as a member of another one.
pub(super) trait Encode: Sized {
    /// Appends the encoded value.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a value from the start of `input`. `None` when it is damaged.
    fn decode(input: &mut Input<'_>) -> Option<Self>;
}

/// The bytes that are not decoded yet.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// Reads a text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = u32::decode(self)?;
        std::str::from_utf8(self.take(usize::try_from(length).ok()?)?).ok()
    }
}

/// Encodes a value with its version.
pub(super) fn encode<T: Encode>(value: &T) -> Vec<u8> {
    let mut out = vec![VERSION];
    value.encode(&mut out);
    out
}

/// Decodes a whole value.
///
/// # Errors
/// [`PortError::Corrupt`] when the version is unknown or the bytes are not one value. The error names `kind`.
pub(super) fn decode<T: Encode>(bytes: &[u8], kind: &'static str) -> Result<T, PortError> {
    let corrupt = |error: InvalidRecord| PortError::Corrupt(Box::new(error));
    let (version, members) = bytes.split_first().ok_or_else(|| corrupt(InvalidRecord::Damaged { kind }))?;
    if *version != VERSION {
        return Err(corrupt(InvalidRecord::UnknownVersion { kind, version: *version }));
    }
    let mut input = Input(members);
    let value = T::decode(&mut input).filter(|_| input.0.is_empty());
    value.ok_or_else(|| corrupt(InvalidRecord::Damaged { kind }))
}

impl<const N: usize> Encode for [u8; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        input.take(N)?.try_into().ok()
    }
}

macro_rules! integers {
    ($($integer:ty)*) => { $(
        impl Encode for $integer {
            fn encode(&self, out: &mut Vec<u8>) {
                self.to_be_bytes().encode(out);
            }

            fn decode(input: &mut Input<'_>) -> Option<Self> {
                Encode::decode(input).map(Self::from_be_bytes)
            }
        }
    )* };
}

integers! { u32 u64 i64 }

impl Encode for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        match input.take(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

impl Encode for Uuid {
    fn encode(&self, out: &mut Vec<u8>) {
        self.as_bytes().encode(out);
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        Encode::decode(input).map(Self::from_bytes)
    }
}

/// Appends a text of less than 4 GiB, as every text of a record is.
pub(super) fn encode_text(text: &str, out: &mut Vec<u8>) {
    u32::try_from(text.len()).unwrap_or(u32::MAX).encode(out);
    out.extend_from_slice(text.as_bytes());
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut Input<'_>) -> Option<Self> {
        if bool::decode(input)? { T::decode(input).map(Some) } else { Some(None) }
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).encode(out);
        for value in self {
            value.encode(out);
        }
    }

    /// A list is not allocated by its stored length, which may be damaged.
    fn decode(input: &mut Input<'_>) -> Option<Self> {
        let length = u32::decode(input)?;
        let mut values = Self::new();
        for _ in 0..length {
            values.push(T::decode(input)?);
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        match decode::<u32>(bytes, "number") {
            Err(PortError::Corrupt(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_one_whole_value_of_a_known_version_is_decoded() {
        assert_eq!(decode::<u32>(&[1, 0, 0, 1, 2], "number").expect("a number"), 258);
        let damaged = "the stored number is damaged; restore the store from a backup";
        for bytes in [[].as_slice(), &[1], &[1, 0, 0, 1], &[1, 0, 0, 1, 2, 0]] {
            assert_eq!(error(bytes), damaged, "{bytes:?}");
        }
        for version in [0, 2, 255] {
            let expected = format!("the stored number has the unknown version {version}; ");
            assert!(error(&[version, 0, 0, 1, 2]).starts_with(&expected), "{version}");
        }
    }

    #[test]
    fn a_damaged_length_allocates_nothing() {
        let mut bytes = vec![VERSION, 0xff, 0xff, 0xff, 0xff];
        assert!(decode::<Vec<u64>>(&bytes, "list").is_err());
        bytes.push(b'a');
        assert!(Input(&bytes[1..]).text().is_none());
    }

    #[test]
    fn other_bytes_than_0_and_1_are_no_option() {
        assert!(decode::<Option<bool>>(&[VERSION, 2, 1], "option").is_err());
        assert_eq!(decode::<Option<bool>>(&[VERSION, 1, 1], "option").expect("an option"), Some(true));
    }
}
