//! Signed access tokens: JWTs (RFC 7519, profile of RFC 9068) in the compact serialisation of JWS (RFC 7515), and the
//! keys that sign them.
//!
//! [`JwtCodec`] signs and verifies. [`KeyRing`] keeps the keys, one file each, in a directory that several processes
//! may share. With the public keys of [`KeyRing::jwks`], any JWT library verifies the tokens.
//!
//! Tokens come from untrusted clients, so each part of a token is read in exactly one way. A token has one form, its
//! header three members and its payload nine, each of one type. An access token may also have extra claims. A key has one algorithm; the header may confirm it but
//! not select it.

mod algorithm;
mod codec;
mod compact;
mod directory;
mod key;
mod key_file;
mod key_ring;
mod token_cache;
mod validity;
mod wire;
mod wire_extra_claims;
#[cfg(test)]
mod wycheproof;

pub use algorithm::{InvalidKeyAlgorithm, KeyAlgorithm};
pub use codec::{JwtCodec, JwtSettings};
pub use directory::{KeyFileError, create_private_directory};
pub use key_file::KeyFileFlaw;
pub use key_ring::{KeyInfo, KeyRing, Rotation, read_newest_algorithm};
pub use validity::{KeyUse, TokenLifetimes};
