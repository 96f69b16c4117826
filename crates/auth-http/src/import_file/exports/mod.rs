//! The exports of other services. Each file names the documents that describe the format.

pub(super) mod auth0;
pub(super) mod django;
pub(super) mod firebase;
pub(super) mod keycloak;
pub(super) mod kratos;
pub(super) mod supabase;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Decodes base64 in either alphabet, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

/// Encodes bytes as in PHC strings.
fn phc_base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}
