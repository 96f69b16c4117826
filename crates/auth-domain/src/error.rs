//! The kinds of errors, for a layer that answers requests.

use std::error::Error;
use std::time::Duration;

use crate::model::{
    InvalidApiKeyName, InvalidClaimName, InvalidDisplayName, InvalidExternalId, InvalidExtraClaims,
    InvalidIdentifier, InvalidMetadata, InvalidPassword, InvalidPhoneNumber, InvalidRefusalCode, InvalidRole,
    InvalidRoles, InvalidScope, RoleNotOffered, Throttled,
};
use crate::ports::{InvalidHash, PortError};
use crate::use_cases::{
    AuthenticateApiKeyError, AuthenticateError, ChangePasswordError, DeleteUserError, ImportUserError,
    LogInError, LogOutBearerError, MissingRole, PrivilegedUser, RefreshSessionError, RegisterError,
    UpdateUserError,
};

/// The time after which a call that was [unavailable](ErrorKind::Unavailable) may be repeated. Both an overload and the
/// failure of a connection usually end within it.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a caller can do about an error. The kinds are those that HTTP and gRPC distinguish.
///
/// The enum is exhaustive on purpose. A match without a wildcard covers every error of the crate, and a new kind is a new
/// major version.
///
/// ```
/// use auth_domain::ErrorKind;
///
/// /// The status code of an answer, and the value of its `Retry-After`.
/// fn answer(kind: ErrorKind) -> (u16, Option<u64>) {
///     match kind {
///         ErrorKind::Invalid => (400, None),
///         ErrorKind::Unauthenticated => (401, None),
///         ErrorKind::Forbidden => (403, None),
///         ErrorKind::NotFound => (404, None),
///         ErrorKind::Conflict => (409, None),
///         ErrorKind::Throttled { retry_after } => (429, Some(retry_after.as_secs() + 1)),
///         ErrorKind::Unavailable { retry_after } => (503, Some(retry_after.as_secs())),
///         ErrorKind::Internal => (500, None),
///     }
/// }
/// # assert_eq!(answer(ErrorKind::NotFound), (404, None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input is not valid, or the policy does not permit it. The text of the error says why.
    Invalid,
    /// The credentials, the token or the API key are not accepted. The error does not reveal the reason.
    Unauthenticated,
    /// The caller is known, but may not do this.
    Forbidden,
    /// There is no such user.
    NotFound,
    /// Another user has this identifier.
    Conflict,
    /// Too many attempts came before.
    Throttled {
        /// The time after which the next attempt is permitted.
        retry_after: Duration,
    },
    /// A port cannot be reached or has too much work. The same call may succeed later.
    Unavailable {
        /// A hint when to repeat the call.
        retry_after: Duration,
    },
    /// A port found corrupt data. The same call fails again.
    Internal,
}

/// An error of this crate: that of a use case, of a parser or of a port.
///
/// The text of the error contains no secret, so that it may be shown to the caller. Its
/// [`source`](std::error::Error::source) is for the operator's log only. A foreign layer converts all errors at once, and
/// passes them on with `?`:
///
/// ```
/// use auth_domain::model::EmailAddress;
/// use auth_domain::{DomainError, ErrorKind};
///
/// struct Problem(ErrorKind, String);
///
/// impl<E: DomainError> From<E> for Problem {
///     fn from(error: E) -> Self {
///         Self(error.kind(), error.to_string())
///     }
/// }
///
/// fn parse(typed: &str) -> Result<EmailAddress, Problem> {
///     Ok(EmailAddress::parse(typed)?)
/// }
/// # assert!(matches!(parse("jane"), Err(Problem(ErrorKind::Invalid, _))));
/// ```
pub trait DomainError: Error {
    /// Returns the kind of the error.
    fn kind(&self) -> ErrorKind;
}

impl DomainError for PortError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) | Self::Overloaded => ErrorKind::Unavailable { retry_after: RETRY_AFTER },
            Self::Corrupt(_) => ErrorKind::Internal,
        }
    }
}

/// Errors that have one kind.
macro_rules! one_kind {
    ($($kind:ident: $($error:ty),+;)+) => {
        $($(impl DomainError for $error {
            fn kind(&self) -> ErrorKind {
                ErrorKind::$kind
            }
        })+)+
    };
}

one_kind! {
    Invalid: InvalidApiKeyName, InvalidClaimName, InvalidDisplayName, InvalidExternalId, InvalidExtraClaims, InvalidHash,
        InvalidIdentifier, InvalidMetadata, InvalidPassword, InvalidPhoneNumber, InvalidRefusalCode, InvalidRole, InvalidRoles,
        InvalidScope, RoleNotOffered;
    Forbidden: MissingRole, PrivilegedUser;
}

impl DomainError for AuthenticateError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidToken => ErrorKind::Unauthenticated,
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for AuthenticateApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidKey => ErrorKind::Unauthenticated,
            Self::MissingScope(_) => ErrorKind::Forbidden,
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for ChangePasswordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCredentials => ErrorKind::Unauthenticated,
            Self::Password(error) => error.kind(),
            Self::TooManyAttempts(throttled) => too_many(throttled),
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for DeleteUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::PrivilegedUser(error) => error.kind(),
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for ImportUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Taken(_) | Self::ExternalIdTaken => ErrorKind::Conflict,
            Self::Hash(error) => error.kind(),
            Self::NoEmail => ErrorKind::Invalid,
        }
    }
}

impl DomainError for LogInError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCredentials => ErrorKind::Unauthenticated,
            Self::TooManyAttempts(throttled) => too_many(throttled),
            Self::Refused(_) => ErrorKind::Forbidden,
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for LogOutBearerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidToken | Self::Replayed(_) => ErrorKind::Unauthenticated,
            Self::TooManyAttempts(throttled) => too_many(throttled),
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for RefreshSessionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidToken | Self::Replayed(_) => ErrorKind::Unauthenticated,
            Self::TooManyAttempts(throttled) => too_many(throttled),
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for RegisterError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Taken(_) => ErrorKind::Conflict,
            Self::Password(error) => error.kind(),
            Self::Role(error) => error.kind(),
            Self::TooManyAttempts(throttled) => too_many(throttled),
            Self::Refused(_) => ErrorKind::Forbidden,
            Self::Port(error) => error.kind(),
        }
    }
}

impl DomainError for UpdateUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Taken(_) => ErrorKind::Conflict,
            Self::PrivilegedUser(error) => error.kind(),
            Self::Password(error) => error.kind(),
            Self::Port(error) => error.kind(),
        }
    }
}

fn too_many(throttled: &Throttled) -> ErrorKind {
    ErrorKind::Throttled { retry_after: throttled.retry_after }
}

#[cfg(test)]
mod tests;
