//! The compact serialisation of a signed message (RFC 7515, section 3.1), in its canonical form only.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The maximum size of a token. A usual token has about 500 bytes.
pub(super) const MAX_BYTES: usize = 4_096;

/// The parts of a token, of which nothing is verified yet.
pub(super) struct Compact<'a> {
    pub(super) header: Vec<u8>,
    /// The encoded payload. It is decoded only after the signature is verified.
    payload: &'a str,
    /// The signed message: encoded header and payload, as they were received.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Splits a token; `None` unless it has three parts in base64url, joined by points, and at most [`MAX_BYTES`].
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if token.len() > MAX_BYTES || payload.contains('.') {
            return None;
        }
        Some(Self { header: decode(header)?, payload, signed, signature: decode(signature)? })
    }

    /// The decoded payload; `None` unless it is in base64url.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        decode(self.payload)
    }
}

pub(super) fn encode(part: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// Decodes a part; `None` unless it is exactly what [`encode`] writes. Padding, another alphabet, white space and a last
/// character with surplus bits are refused, so that each token has one text only.
fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_exactly_three_parts() {
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
    fn only_canonical_base64url_is_decoded() {
        assert_eq!(decode("-_8").as_deref(), Some(&[0xfb, 0xff][..]));
        for other in ["-_9", "-_8=", "+/8", "-_8\n", " -_8", "-_80A", "-_8.", "\u{fffd}"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_of_more_than_4096_bytes_is_refused() {
        for (length, is_accepted) in [(MAX_BYTES, true), (MAX_BYTES + 1, false)] {
            let token = format!("aaaa.{}.aaaa", "a".repeat(length - 10));
            assert_eq!(Compact::parse(&token).is_some(), is_accepted, "{length}");
        }
    }
}
