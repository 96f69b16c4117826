//! The codec of access tokens.

use std::sync::Arc;

use auth_domain::model::{AccessClaims, AccessToken};
use auth_domain::ports::{AccessTokenCodec, PortError};
use thiserror::Error;

use super::compact::{self, Compact, MAX_BYTES};
use super::key_ring::{KeyRing, ScheduledKey};
use super::token_cache::{CachedToken, TokenCache, token_digest};
use super::wire;

/// Whose tokens these are and whom they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtSettings {
    /// `iss`: the public URL of the service (RFC 7519, section 4.1.1).
    pub issuer: String,
    /// `aud`: what the tokens give access to (RFC 7519, section 4.1.3).
    pub audience: String,
}

impl JwtSettings {
    /// Tokens for the issuer itself.
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), audience: issuer.to_owned() }
    }
}

/// Signs access tokens with the newest key of a ring, and verifies them with all of its keys.
///
/// A token is refused before its claims are looked at unless it has at most 4,096 bytes in three parts of canonical
/// base64url; a header of exactly `alg`, `typ` and `kid`, each once; the type `at+jwt`; the algorithm that its key is
/// of; and that key's signature. It is refused after that unless its claims are exactly those that are signed here:
/// issuer and audience ours, ids that are UUIDs, times that are whole seconds up to the year 9999. And it is refused if
/// its key cannot have signed it while it was in force: see [`KeyRing`].
///
/// The claims are not compared with any clock.
///
/// What a token said is remembered under its digest, so that its signature is verified once, for as long as the key that
/// verified it is held: once the directory of keys was read anew, nothing that was remembered before counts any more.
pub struct JwtCodec {
    keys: Arc<KeyRing>,
    settings: JwtSettings,
    verified: TokenCache,
}

/// The claims do not fit into a token that this codec would verify.
#[derive(Debug, Error)]
#[error("the token would have {bytes} bytes; at most {MAX_BYTES} are verified")]
struct TooLong {
    bytes: usize,
}

impl JwtCodec {
    /// A codec with these keys.
    #[must_use]
    pub fn new(keys: Arc<KeyRing>, settings: JwtSettings) -> Self {
        Self { keys, settings, verified: TokenCache::new() }
    }

    /// What a token says, and the key that verifies it.
    fn verify_signature(&self, token: &str) -> Option<(AccessClaims, Arc<ScheduledKey>)> {
        let JwtSettings { issuer, audience } = &self.settings;
        let token = Compact::parse(token)?;
        let header = wire::parse_header(&token.header)?;
        let held = self.keys.find(&header.kid)?;
        let key = &held.key;
        if !header.is_of(key.algorithm()) || !key.verifies(token.signed.as_bytes(), &token.signature) {
            return None;
        }
        let claims = wire::parse_payload(issuer, audience, &token.payload()?)?;
        held.validity.covers(&claims).then_some((claims, held))
    }
}

impl AccessTokenCodec for JwtCodec {
    /// # Errors
    /// [`PortError::Corrupt`] when the token would be longer than one may be: there are too many roles.
    /// [`PortError::Unavailable`] when the cryptographic library fails.
    fn sign(&self, claims: &AccessClaims) -> Result<AccessToken, PortError> {
        let JwtSettings { issuer, audience } = &self.settings;
        let keys = self.keys.current();
        let key = keys.newest();
        let mut token = key.header().to_owned();
        token.push('.');
        token.push_str(&compact::encode(&wire::payload(issuer, audience, claims)));
        let signature = key.sign(token.as_bytes()).map_err(|fault| PortError::Unavailable(fault.into()))?;
        token.push('.');
        token.push_str(&compact::encode(signature.as_ref()));
        if token.len() > MAX_BYTES {
            return Err(PortError::Corrupt(TooLong { bytes: token.len() }.into()));
        }
        Ok(AccessToken::new(token))
    }

    fn verify(&self, token: &str) -> Option<AccessClaims> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let digest = token_digest(token);
        let known = self.verified.find(&digest).filter(|known| self.keys.holds(&known.by));
        if let Some(known) = known {
            return Some(known.claims.clone());
        }
        let (claims, by) = self.verify_signature(token)?;
        self.verified.add(digest, CachedToken { claims: claims.clone(), by: Arc::downgrade(&by) });
        Some(claims)
    }
}
