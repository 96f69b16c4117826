//! The compact serialisation of a signed message (RFC 7515, section 3.1), in its one canonical spelling.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The most bytes a token may have. Ours have some 500.
pub(super) const MAX_BYTES: usize = 4_096;

/// A token taken apart: nothing in it is believed yet.
pub(super) struct Compact<'a> {
    /// The header's bytes.
    pub(super) header: Vec<u8>,
    /// The payload, still encoded: what it says matters only once the signature is verified.
    payload: &'a str,
    /// What is signed: header and payload as they came.
    pub(super) signed: &'a str,
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart; `None` unless it is three parts in base64url, joined by points, and not too long.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if token.len() > MAX_BYTES || payload.contains('.') {
            return None;
        }
        Some(Self { header: decode(header)?, payload, signed, signature: decode(signature)? })
    }

    /// The payload's bytes; `None` unless they are in base64url.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        decode(self.payload)
    }
}

/// Encodes a part.
pub(super) fn encode(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// Decodes a part; `None` when it is not what [`encode`] writes: padded, of another alphabet, with white space, or
/// with a last character that has bits set which decode to nothing. So no token can be spelt in two ways.
fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_three_parts_no_more_and_no_less() {
        let token = Compact::parse("aGVhZGVy.cGF5bG9hZA.c2lnbmF0dXJl").expect("three parts");
        assert_eq!((&*token.header, &*token.signature), (&b"header"[..], &b"signature"[..]));
        assert_eq!(token.payload().as_deref(), Some(&b"payload"[..]));
        assert_eq!(token.signed, "aGVhZGVy.cGF5bG9hZA");
        for other in ["", ".", "aaaa", "aaaa.aaaa", "aaaa.aaaa.aaaa.aaaa", "aaaa.aaaa.aaaa.aaaa.aaaa", "..."]
        {
            assert!(Compact::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn bytes_are_spelt_in_one_way_only() {
        assert_eq!(decode("-_8").as_deref(), Some(&[0xfb, 0xff][..]));
        for other in ["-_9", "-_8=", "+/8", "-_8\n", " -_8", "-_80A", "-_8.", "\u{fffd}"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }

    #[test]
    fn more_than_4096_bytes_are_not_looked_at() {
        let of_length = |length: usize| format!("aaaa.{}.aaaa", "a".repeat(length - 10));
        assert!(Compact::parse(&of_length(MAX_BYTES)).is_some());
        assert!(Compact::parse(&of_length(MAX_BYTES + 1)).is_none());
    }
}
