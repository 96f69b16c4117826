//! The codec of access tokens and signed refresh tokens.

use std::sync::Arc;

use auth_domain::model::{AccessClaims, IssuedToken, RefreshClaims};
use auth_domain::ports::{AccessTokenCodec, PortError};

use super::compact::{self, Compact, MAX_BYTES};
use super::key_ring::{KeyRing, ScheduledKey};
use super::token_cache::{CachedToken, TokenCache, token_cache, token_digest};
use super::wire::{self, TokenHeader, TokenKind};

/// The issuer and the audience of the tokens.
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

/// Signs tokens with the current key of a ring, and verifies them with all of its keys.
///
/// The signatures are jsonwebtoken's. Strict checks decide which tokens reach it (ADR 0004):
///
/// - Form: at most 4,096 bytes, in three parts of canonical base64url.
/// - Header: exactly `alg`, `typ` and `kid`, each once; the algorithm of the key that `kid` names. The type is `at+jwt`
///   for an access token and `rt+jwt` for a refresh token.
/// - Claims, after the signature: exactly the members that this codec signs, with this issuer and audience. Ids are
///   canonical UUIDs, and times are whole seconds up to the year 9999.
/// - Key: it can have signed the token while it was in force (see [`KeyRing`]).
///
/// The claims are not compared with any clock: expiry is a rule of the domain.
///
/// A cache keeps the claims of verified access tokens under their digests, so each signature is verified once. An entry is
/// valid while the ring holds the key that verified it. After the key directory is read again, no older entry is.
pub struct JwtCodec {
    keys: Arc<KeyRing>,
    settings: JwtSettings,
    /// The audience of refresh tokens. A resource server that does not check `typ` refuses them by it.
    refresh_audience: String,
    cache: TokenCache,
}

impl JwtCodec {
    #[must_use]
    pub fn new(keys: Arc<KeyRing>, settings: JwtSettings) -> Self {
        let refresh_audience = format!("{}/refresh", settings.audience);
        Self { keys, settings, refresh_audience, cache: token_cache() }
    }

    /// Signs a payload as a token of this kind.
    fn seal(&self, kind: TokenKind, payload: &[u8]) -> Result<IssuedToken, PortError> {
        let signing = self.keys.signing();
        let key = &signing.key;
        let mut token = key.header(kind).to_owned();
        token.push('.');
        token.push_str(&compact::encode(payload));
        let signature = key.sign(token.as_bytes()).map_err(|error| PortError::Unavailable(error.into()))?;
        token.push('.');
        token.push_str(&compact::encode(&signature));
        if token.len() > MAX_BYTES {
            let text =
                format!("the token would have {} bytes; at most {MAX_BYTES} are verified", token.len());
            return Err(PortError::Corrupt(text.into()));
        }
        Ok(IssuedToken::new(token))
    }

    /// The payload of a token of this kind, and the key that verified it.
    fn open(&self, kind: TokenKind, token: &str) -> Option<(Vec<u8>, Arc<ScheduledKey>)> {
        let token = Compact::parse(token)?;
        let header = TokenHeader::parse(kind, &token.header)?;
        let found = self.keys.find(&header.kid)?;
        let key = &found.key;
        if !header.has_algorithm(key.algorithm) || !key.verifies(token.signed.as_bytes(), &token.signature) {
            return None;
        }
        Some((token.payload()?, found))
    }

    /// The claims of an access token, and the key that verified it.
    fn verify_signature(&self, token: &str) -> Option<(AccessClaims, Arc<ScheduledKey>)> {
        let JwtSettings { issuer, audience } = &self.settings;
        let (payload, found) = self.open(TokenKind::Access, token)?;
        let claims = wire::parse_payload(issuer, audience, &payload)?;
        found.validity.covers(&claims).then_some((claims, found))
    }
}

impl AccessTokenCodec for JwtCodec {
    /// # Errors
    /// [`PortError::Corrupt`] if the token would be too long, because of too many roles.
    /// [`PortError::Unavailable`] if the cryptographic library fails.
    fn sign(&self, claims: &AccessClaims) -> Result<IssuedToken, PortError> {
        let JwtSettings { issuer, audience } = &self.settings;
        self.seal(TokenKind::Access, &wire::payload(issuer, audience, claims))
    }

    fn verify(&self, token: &str) -> Option<AccessClaims> {
        if token.len() > MAX_BYTES {
            return None;
        }
        let digest = token_digest(token);
        let cached = self.cache.get(&digest).filter(|cached| self.keys.holds(&cached.key));
        if let Some(cached) = cached {
            return Some(cached.claims.clone());
        }
        let (claims, key) = self.verify_signature(token)?;
        let cached = CachedToken { claims: claims.clone(), key: Arc::downgrade(&key) };
        self.cache.insert(digest, Arc::new(cached));
        Some(claims)
    }

    /// # Errors
    /// [`PortError::Unavailable`] if the cryptographic library fails.
    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<IssuedToken, PortError> {
        let payload = wire::refresh_payload(&self.settings.issuer, &self.refresh_audience, claims);
        self.seal(TokenKind::Refresh, &payload)
    }

    fn verify_refresh(&self, token: &str) -> Option<RefreshClaims> {
        let (payload, found) = self.open(TokenKind::Refresh, token)?;
        let claims = wire::parse_refresh_payload(&self.settings.issuer, &self.refresh_audience, &payload)?;
        found.validity.covers_refresh(&claims).then_some(claims)
    }
}
