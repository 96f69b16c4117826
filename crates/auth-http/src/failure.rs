//! Every way in which a request can fail, independent of the dialects. Each dialect renders every failure in its envelope.

use std::borrow::Cow;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{IdentifierKind, InvalidPassword, RoleNotOffered, SessionId, Throttled};
use auth_domain::ports::{BoxError, PortError};
use auth_domain::use_cases::{
    AuthenticateApiKeyError, AuthenticateError, DeleteUserError, LogInError, LogOutBearerError,
    RefreshSessionError, RegisterError, UpdateUserError,
};
use auth_infra::service::NotReady;

use crate::web_origin::CrossSite;

/// An error in one member of a body, or in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub field: Cow<'static, str>,
    /// The problem, as a predicate after the name: `must not be empty`. It never contains the rejected value, which can
    /// be a password.
    pub message: String,
}

impl FieldError {
    /// The error of the header in which a program reports the address of its end user.
    #[must_use]
    pub fn invalid_end_user_address() -> Self {
        Self { field: "X-End-User-Address".into(), message: "must be an IP address".to_owned() }
    }
}

/// The reason why a request failed.
#[derive(Debug)]
pub enum Failure {
    /// The body is not a JSON object.
    MalformedBody,
    /// A header that must be unique is repeated, or `Host` is invalid.
    MalformedHeader,
    /// Members of the body are missing or invalid, or a header is invalid.
    InvalidFields(Vec<FieldError>),
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The body exceeds the size limit.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// No dialect has this path.
    UnknownPath,
    /// The path exists, but not with this method. Contains the allowed methods.
    MethodNotAllowed(Vec<Method>),
    /// Another user has this identifier.
    Taken(IdentifierKind),
    /// The user is unknown or suspended, or the password is wrong. One answer for every cause does not reveal whether
    /// the account exists (`docs/threat-model.md`).
    InvalidCredentials,
    MissingToken,
    /// The access token is malformed, forged, expired or revoked.
    InvalidToken,
    /// The refresh token is missing, unknown or expired, or its session is over.
    InvalidRefreshToken,
    /// A consumed refresh token was presented again, and its session was ended. Clients get the answer of
    /// [`InvalidRefreshToken`](Self::InvalidRefreshToken); only the log and the audit trail distinguish the two.
    ReplayedRefreshToken(SessionId),
    /// The API key is missing, unknown, revoked or expired.
    InvalidApiKey,
    /// The user lacks a role, or the API key lacks a scope, or a hook of an embedding program refused.
    Forbidden,
    /// A browser sent the request for a page of another site, which is not allowed.
    CrossSite(CrossSite),
    UnknownUser,
    TooManyRequests(Throttled),
    /// A temporary condition. The same request can succeed after [`RETRY_AFTER_SECONDS`].
    Unavailable(BoxError),
    /// A bug or corrupt data.
    Internal(BoxError),
}

/// The value of `Retry-After` in answers to [`Failure::Unavailable`], in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 1;

impl Failure {
    /// The status of the answer, unless the document of a dialect requires another one.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MalformedBody | Self::MalformedHeader | Self::InvalidFields(_) => StatusCode::BAD_REQUEST,
            Self::MissingToken
            | Self::InvalidToken
            | Self::InvalidApiKey
            | Self::InvalidCredentials
            | Self::InvalidRefreshToken
            | Self::ReplayedRefreshToken(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::CrossSite(_) => StatusCode::FORBIDDEN,
            Self::UnknownPath | Self::UnknownUser => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Taken(_) => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Logs what the answer hides from the client: the causes of errors, and signs of an attack.
    pub fn log(&self) {
        match self {
            Self::Unavailable(cause) => tracing::warn!(cause = %chain(cause), "unavailable"),
            Self::Internal(cause) => tracing::error!(cause = %chain(cause), "internal fault"),
            Self::ReplayedRefreshToken(session) => {
                tracing::warn!(%session, "a refresh token was used again: its session has been ended");
            }
            Self::TooManyRequests(throttled) => {
                let retry_after = throttled.retry_after.as_secs();
                tracing::info!(limit = throttled.limit.as_str(), retry_after, "too many attempts");
            }
            _ => {}
        }
    }
}

/// An error and its sources, in one line.
fn chain(cause: &BoxError) -> String {
    let mut line = cause.to_string();
    let mut source = cause.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Unavailable(cause) => Self::Unavailable(cause),
            PortError::Overloaded => Self::Unavailable(BoxError::from("too many operations are in progress")),
            PortError::Corrupt(cause) => Self::Internal(cause),
        }
    }
}

impl From<NotReady> for Failure {
    fn from(reason: NotReady) -> Self {
        match reason {
            NotReady::Store(error) => error.into(),
            reason => Self::Unavailable(reason.into()),
        }
    }
}

/// Every dialect calls the member with the new password `password`.
impl From<InvalidPassword> for Failure {
    fn from(rejected: InvalidPassword) -> Self {
        Self::InvalidFields(vec![FieldError { field: "password".into(), message: rejected.to_string() }])
    }
}

/// Every dialect that lets a user request a role calls the member `roles`.
impl From<RoleNotOffered> for Failure {
    fn from(error: RoleNotOffered) -> Self {
        Self::InvalidFields(vec![FieldError { field: "roles".into(), message: error.to_string() }])
    }
}

impl From<AuthenticateApiKeyError> for Failure {
    fn from(error: AuthenticateApiKeyError) -> Self {
        match error {
            AuthenticateApiKeyError::InvalidKey => Self::InvalidApiKey,
            AuthenticateApiKeyError::MissingScope(_) => Self::Forbidden,
            AuthenticateApiKeyError::Port(error) => error.into(),
        }
    }
}

impl From<UpdateUserError> for Failure {
    fn from(error: UpdateUserError) -> Self {
        match error {
            UpdateUserError::NotFound => Self::UnknownUser,
            UpdateUserError::Taken(kind) => Self::Taken(kind),
            UpdateUserError::PrivilegedUser(_) => Self::Forbidden,
            UpdateUserError::Password(rejected) => rejected.into(),
            UpdateUserError::Port(error) => error.into(),
        }
    }
}

impl From<DeleteUserError> for Failure {
    fn from(error: DeleteUserError) -> Self {
        match error {
            DeleteUserError::NotFound => Self::UnknownUser,
            DeleteUserError::PrivilegedUser(_) => Self::Forbidden,
            DeleteUserError::Port(error) => error.into(),
        }
    }
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Taken(kind) => Self::Taken(kind),
            RegisterError::Password(rejected) => rejected.into(),
            RegisterError::Role(error) => error.into(),
            RegisterError::TooManyAttempts(throttled) => Self::TooManyRequests(throttled),
            RegisterError::Refused(_) => Self::Forbidden,
            RegisterError::Port(error) => error.into(),
        }
    }
}

impl From<LogInError> for Failure {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => Self::InvalidCredentials,
            LogInError::TooManyAttempts(throttled) => Self::TooManyRequests(throttled),
            LogInError::Refused(_) => Self::Forbidden,
            LogInError::Port(error) => error.into(),
        }
    }
}

impl From<AuthenticateError> for Failure {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken => Self::InvalidToken,
            AuthenticateError::Port(error) => error.into(),
        }
    }
}

impl From<LogOutBearerError> for Failure {
    fn from(error: LogOutBearerError) -> Self {
        match error {
            LogOutBearerError::InvalidToken => Self::InvalidToken,
            LogOutBearerError::Replayed(session) => Self::ReplayedRefreshToken(session),
            LogOutBearerError::TooManyAttempts(throttled) => Self::TooManyRequests(throttled),
            LogOutBearerError::Port(error) => error.into(),
        }
    }
}

impl From<RefreshSessionError> for Failure {
    fn from(error: RefreshSessionError) -> Self {
        match error {
            RefreshSessionError::InvalidToken => Self::InvalidRefreshToken,
            RefreshSessionError::Replayed(session) => Self::ReplayedRefreshToken(session),
            RefreshSessionError::TooManyAttempts(throttled) => Self::TooManyRequests(throttled),
            RefreshSessionError::Port(error) => error.into(),
        }
    }
}
