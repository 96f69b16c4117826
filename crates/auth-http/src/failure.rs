//! Every way a request can fail. It knows no dialect: each renders every failure in its own words.

use std::borrow::Cow;

use actix_web::http::Method;
use auth_domain::model::{IdentifierKind, InvalidPassword, RoleNotOffered, SessionId, Throttled};
use auth_domain::ports::{BoxError, PortError};
use auth_domain::use_cases::{
    AuthenticateApiKeyError, AuthenticateError, LogInError, LogOutBearerError, RefreshSessionError,
    RegisterError, UpdateUserError,
};

/// What is wrong with one member of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The member's name.
    pub field: Cow<'static, str>,
    /// What is wrong, to be read after the name: `must not be empty`. Never what was sent.
    pub message: String,
}

/// Why a request is not answered as was hoped.
#[derive(Debug)]
pub enum Failure {
    /// The body is not a JSON object.
    MalformedBody,
    /// A header that may stand once stands more often.
    MalformedHeader,
    /// The body is a JSON object, but members are missing or wrong.
    InvalidFields(Vec<FieldError>),
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The body is larger than any request needs.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout,
    /// There is nothing at this path.
    UnknownPath,
    /// There is something at this path, but not for this method.
    MethodNotAllowed(Vec<Method>),
    /// Another user has this identifier.
    Taken(IdentifierKind),
    /// Whoever wants to log in did not show who they are.
    InvalidCredentials,
    /// There is no access token.
    MissingToken,
    /// The access token opens nothing.
    InvalidToken,
    /// What was presented refreshes no session.
    InvalidRefreshToken,
    /// What was presented had been used before; its session has been ended. Answered like the one before.
    ReplayedRefreshToken(SessionId),
    /// There is no API key, or it is unknown, revoked or expired.
    InvalidApiKey,
    /// The user or the program is known, and may not.
    Forbidden,
    /// A page of another site had a browser send its cookie, or may not have it send what it asked to.
    CrossSite,
    /// There is no such user.
    UnknownUser,
    /// There were too many attempts.
    TooManyRequests(Throttled),
    /// The service cannot answer now; the same request may succeed in a moment.
    Unavailable(BoxError),
    /// The service is at fault.
    Internal(BoxError),
}

/// After how many seconds a request that met [`Failure::Unavailable`] is worth another try.
pub const RETRY_AFTER_SECONDS: u32 = 1;

impl Failure {
    /// Logs what its answer does not say: faults with their causes, and signs of an attack.
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
            Self::MalformedBody
            | Self::MalformedHeader
            | Self::InvalidFields(_)
            | Self::UnsupportedMediaType
            | Self::BodyTooLarge
            | Self::BodyTimeout
            | Self::UnknownPath
            | Self::MethodNotAllowed(_)
            | Self::Taken(_)
            | Self::InvalidCredentials
            | Self::MissingToken
            | Self::InvalidToken
            | Self::InvalidRefreshToken
            | Self::InvalidApiKey
            | Self::Forbidden
            | Self::CrossSite
            | Self::UnknownUser => {}
        }
    }
}

/// A cause with the causes behind it, in one line.
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
            PortError::Overloaded => {
                Self::Unavailable(BoxError::from("there is more to do at once than is taken on"))
            }
            PortError::Corrupt(cause) => Self::Internal(cause),
        }
    }
}

/// Every dialect has the new password in a member of this name.
impl From<InvalidPassword> for Failure {
    fn from(rejected: InvalidPassword) -> Self {
        Self::InvalidFields(vec![FieldError { field: "password".into(), message: rejected.to_string() }])
    }
}

/// Every dialect that lets a user request a role has it in a member of this name.
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
            UpdateUserError::Password(rejected) => rejected.into(),
            UpdateUserError::Port(error) => error.into(),
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
            RegisterError::Port(error) => error.into(),
        }
    }
}

impl From<LogInError> for Failure {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::InvalidCredentials => Self::InvalidCredentials,
            LogInError::TooManyAttempts(throttled) => Self::TooManyRequests(throttled),
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
