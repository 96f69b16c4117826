//! Why a token is refused, and what the answer of a resource server is.

use std::time::Duration;

use thiserror::Error;

use crate::HttpError;

/// Why a request is refused. No text contains the token or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request has no bearer token.
    #[error("the request has no bearer token")]
    MissingToken,
    /// The token is malformed, not an access token, or not signed with a published key of the issuer. The text says which.
    #[error("the access token is invalid: {0}")]
    InvalidToken(&'static str),
    /// The token is of another issuer.
    #[error("the access token is of another issuer")]
    WrongIssuer,
    /// The token is for another audience.
    #[error("the access token is for another audience")]
    WrongAudience,
    /// The token has expired.
    #[error("the access token has expired")]
    Expired,
    /// The session of the token has ended: the user has logged out, was suspended, or the like.
    #[error("the session of the access token has ended")]
    SessionEnded,
    /// The user lacks this role.
    #[error("the user lacks the role {0}")]
    MissingRole(String),
    /// The keys of the issuer could not be fetched, or not for too long.
    #[error("the keys of the issuer are not available")]
    KeysUnavailable,
    /// It is not known which sessions have ended: the feed was not read for too long, or never. [`Verifier::follow`] must run.
    ///
    /// [`Verifier::follow`]: crate::Verifier::follow
    #[error("the ended sessions are not known: the feed was not read for too long")]
    Stale,
}

/// What kind of error it is, for the status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 401: the client needs another token.
    Unauthenticated,
    /// 403: another token of this user would not help.
    Forbidden,
    /// 503: the same request can succeed later. The client must keep its token.
    Unavailable,
}

impl VerifyError {
    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingToken
            | Self::InvalidToken(_)
            | Self::WrongIssuer
            | Self::WrongAudience
            | Self::Expired
            | Self::SessionEnded => ErrorKind::Unauthenticated,
            Self::MissingRole(_) => ErrorKind::Forbidden,
            Self::KeysUnavailable | Self::Stale => ErrorKind::Unavailable,
        }
    }

    /// Returns the status of the answer: 401, 403 or 503.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.kind() {
            ErrorKind::Unauthenticated => 401,
            ErrorKind::Forbidden => 403,
            ErrorKind::Unavailable => 503,
        }
    }

    /// Returns the value of `WWW-Authenticate` in the answer (RFC 6750, section 3). It has no error code if the request had no
    /// token.
    #[must_use]
    pub fn www_authenticate(&self) -> Option<&'static str> {
        match (self, self.kind()) {
            (Self::MissingToken, _) => Some("Bearer"),
            (_, ErrorKind::Unauthenticated) => Some(r#"Bearer error="invalid_token""#),
            (_, ErrorKind::Forbidden) => Some(r#"Bearer error="insufficient_scope""#),
            (_, ErrorKind::Unavailable) => None,
        }
    }

    /// Returns the value of `Retry-After` in the answer, for an error that passes.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        (self.kind() == ErrorKind::Unavailable).then_some(Duration::from_secs(1))
    }
}

/// Why the keys or the ended sessions could not be fetched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// There was no answer.
    #[error("no answer from {url}: {error}")]
    Http {
        /// Where the answer was expected.
        url: String,
        /// The error of the HTTP client.
        error: HttpError,
    },
    /// The answer has another status than 200. With 404, the feed is disabled at the issuer.
    #[error("{url} answers {status}")]
    Status {
        /// Where the answer is from.
        url: String,
        /// The status.
        status: u16,
    },
    /// The answer is not what the documentation of the issuer describes.
    #[error("the answer of {url} is invalid: {reason}")]
    Invalid {
        /// Where the answer is from.
        url: String,
        /// What is wrong.
        reason: &'static str,
    },
}
