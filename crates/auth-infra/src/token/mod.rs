//! Signed access tokens: JWTs (RFC 7519, profile of RFC 9068) in the compact serialisation of JWS (RFC 7515), and the
//! keys that sign them.
//!
//! [`JwtCodec`] signs and verifies; [`KeyRing`] keeps the keys, one file each, in a directory that several processes
//! may share. Anybody can verify a token with the public keys of [`KeyRing::jwks`] and an ordinary library.
//!
//! What is read here comes from strangers, so nothing is read in more than one way: a token has one form, its header
//! three members, its payload nine, each of one type; and a key is of one algorithm, which the header may confirm
//! but not choose.

mod codec;
mod compact;
mod directory;
mod key;
mod key_ring;
mod pem;
mod token_cache;
mod validity;
mod wire;
#[cfg(test)]
mod wycheproof;

pub use codec::{JwtCodec, JwtSettings};
pub use directory::KeyFileError;
pub use key::{InvalidKeyAlgorithm, KeyAlgorithm};
pub use key_ring::{KeyInfo, KeyRing};
pub use validity::{KeyUse, TokenLifetimes};
