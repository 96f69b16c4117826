//! The compact serialisation of a token (RFC 7515, section 3.1), in its canonical form only, and its header.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The maximum size of a token. The issuer signs no larger one.
pub(crate) const MAX_TOKEN: usize = 4_096;

/// The parts of a token, of which nothing is verified yet.
pub(crate) struct Compact<'a> {
    pub(crate) header: Vec<u8>,
    payload: &'a str,
    /// The signed message: encoded header and payload, as they were received.
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
}

/// The header of a token (RFC 7515, section 4). Any other member is refused, and so is a duplicate: `crit`, `jwk`, `jku` and
/// `x5u` would change how the token is verified.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header<'a> {
    #[serde(borrow)]
    pub(crate) alg: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) typ: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) kid: Cow<'a, str>,
}

impl<'a> Compact<'a> {
    /// Splits a token. Returns `None` unless it has three parts in base64url, joined by points, and at most [`MAX_TOKEN`] bytes.
    pub(crate) fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if token.len() > MAX_TOKEN || payload.contains('.') {
            return None;
        }
        Some(Self { header: decode(header)?, payload, signed, signature: decode(signature)? })
    }

    /// Returns the decoded payload, or `None` unless it is in base64url.
    pub(crate) fn payload(&self) -> Option<Vec<u8>> {
        decode(self.payload)
    }
}

impl<'a> Header<'a> {
    pub(crate) fn parse(json: &'a [u8]) -> Option<Self> {
        // serde accepts a list of the values, in order, for a struct.
        if json.first() == Some(&b'{') { serde_json::from_slice(json).ok() } else { None }
    }
}

/// Decodes a part. Padding, another alphabet, white space and a last character with surplus bits are refused, so that each token
/// has one text only.
pub(crate) fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}
