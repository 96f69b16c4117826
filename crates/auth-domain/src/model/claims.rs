//! Signed tokens and their claims.

use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use uuid::{Builder, Uuid};

use super::{ClientId, ExtraClaims, Roles, SessionId, Timestamp, UserId};
use crate::random::SecureRandom;

/// The id of a signed token: its `jti` (RFC 7519, section 4.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub Uuid);

impl TokenId {
    /// Generates a random id: a UUID of version 4 (RFC 9562, section 5.4).
    pub fn generate(random: &dyn SecureRandom) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The claims of an access token (RFC 9068, section 2.2). The codec adds and checks issuer and audience. Times are
/// whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// `jti`: the id of the token.
    pub token_id: TokenId,
    /// `sub`: the user.
    pub user_id: UserId,
    /// `sid`: the session.
    pub session_id: SessionId,
    /// `client_id`: the client that the token was issued to.
    pub client_id: ClientId,
    /// `roles`: the roles of the user at the time of issue.
    pub roles: Roles,
    /// `iat`: the time of issue.
    pub issued_at: Timestamp,
    /// `exp`: the expiry.
    pub expires_at: Timestamp,
    /// The claims that the embedding program added.
    pub extra: ExtraClaims,
}

impl AccessClaims {
    /// Returns whether the token is valid at `now`: issued and not expired.
    #[must_use]
    pub fn are_current(&self, now: Timestamp, policy: &TokenPolicy) -> bool {
        self.were_issued(now, policy) && now < self.expires_at.plus(policy.leeway)
    }

    /// Returns whether the token was issued by `now`, whether or not it has expired. A token that expires before its
    /// issue is invalid.
    #[must_use]
    pub fn were_issued(&self, now: Timestamp, policy: &TokenPolicy) -> bool {
        self.issued_at <= now.plus(policy.leeway) && self.issued_at < self.expires_at
    }
}

/// The claims of a signed refresh token. The codec adds and checks issuer and audience. Times are whole seconds.
///
/// The expiry tells a client how long it may refresh. The service decides that by the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshClaims {
    /// `jti`: the id of the token.
    pub token_id: TokenId,
    /// `sub`: the user.
    pub user_id: UserId,
    /// `sid`: the session.
    pub session_id: SessionId,
    /// `iat`: the time of issue.
    pub issued_at: Timestamp,
    /// `exp`: the end of the session if it is not refreshed.
    pub expires_at: Timestamp,
}

/// The validation of signed tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenPolicy {
    /// The clock difference that is tolerated between two nodes (RFC 7519, section 4.1.4). Default: 5 seconds.
    pub leeway: Duration,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self { leeway: Duration::from_secs(5) }
    }
}

/// The text of an issued access or refresh token. `Debug` redacts it, because it authenticates its bearer.
#[derive(Clone, Debug)]
pub struct IssuedToken(SecretString);

impl IssuedToken {
    /// Wraps the text of a token.
    #[must_use]
    pub fn new(token: String) -> Self {
        Self(SecretString::from(token))
    }

    /// Returns the text of the token, to be sent to its bearer only.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> AccessClaims {
        AccessClaims {
            token_id: TokenId(Uuid::from_u128(1)),
            user_id: UserId(Uuid::from_u128(2)),
            session_id: SessionId(Uuid::from_u128(3)),
            client_id: ClientId::from_static("example"),
            roles: Roles::default(),
            issued_at: Timestamp::from_unix_seconds(1_000),
            expires_at: Timestamp::from_unix_seconds(1_900),
            extra: ExtraClaims::default(),
        }
    }

    fn are_current(claims: &AccessClaims, now: i64) -> bool {
        claims.are_current(Timestamp::from_unix_seconds(now), &TokenPolicy::default())
    }

    #[test]
    fn a_token_is_valid_from_issue_to_expiry_with_leeway() {
        assert!(!are_current(&claims(), 994));
        assert!(are_current(&claims(), 995));
        assert!(are_current(&claims(), 1_904));
        assert!(!are_current(&claims(), 1_905));
    }

    #[test]
    fn a_token_that_expires_before_its_issue_is_invalid() {
        let backwards = AccessClaims { expires_at: Timestamp::from_unix_seconds(1_000), ..claims() };
        assert!(!are_current(&backwards, 1_000));
    }

    #[test]
    fn debug_redacts_an_access_token() {
        assert!(!format!("{:?}", IssuedToken::new("eyJ0".to_owned())).contains("eyJ0"));
    }
}
