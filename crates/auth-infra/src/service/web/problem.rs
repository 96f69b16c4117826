//! The answer to a request that fails.

use std::error::Error;
use std::time::Duration;

use auth_domain::{DomainError, ErrorKind};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

use super::Response;
use super::bodies::with_body;
use crate::service::NotReady;
use crate::service::background::chain;

/// The time after which a node that is not ready is asked again.
const READY_AGAIN: Duration = Duration::from_secs(1);

/// The answer to a request that fails: problem details (RFC 9457). Every [`DomainError`] becomes one, so a handler uses `?`.
///
/// | kind of the error | status |
/// |---|---|
/// | [`Invalid`](ErrorKind::Invalid) | 400 |
/// | [`Unauthenticated`](ErrorKind::Unauthenticated) | 401, with `WWW-Authenticate: Bearer` |
/// | [`Forbidden`](ErrorKind::Forbidden) | 403 |
/// | [`NotFound`](ErrorKind::NotFound) | 404 |
/// | [`Conflict`](ErrorKind::Conflict) | 409 |
/// | [`Throttled`](ErrorKind::Throttled) | 429, with `Retry-After` |
/// | [`Internal`](ErrorKind::Internal) | 500 |
/// | [`Unavailable`](ErrorKind::Unavailable) | 503, with `Retry-After` |
///
/// The conversion logs the causes of the last two, and the client learns none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: ErrorKind,
    detail: String,
}

impl Problem {
    /// Creates the answer for a failure of this kind. `detail` is sent to the client, except for a 500 and a 503.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        let detail = match kind {
            ErrorKind::Internal => "internal error".to_owned(),
            ErrorKind::Unavailable { .. } => "temporarily unavailable".to_owned(),
            _ => detail.into(),
        };
        Self { kind, detail }
    }

    /// A member of the body is not valid. The texts of parsers follow the name of the member.
    pub(super) fn invalid(member: &str, error: &impl DomainError) -> Self {
        Self::new(error.kind(), format!("the {member} {error}"))
    }

    pub(super) fn internal(error: &dyn Error) -> Self {
        Self::logged(ErrorKind::Internal, error)
    }

    fn logged(kind: ErrorKind, error: &dyn Error) -> Self {
        match kind {
            ErrorKind::Unavailable { .. } => tracing::warn!(cause = %chain(error), "unavailable"),
            ErrorKind::Internal => tracing::error!(cause = %chain(error), "internal fault"),
            _ => {}
        }
        Self::new(kind, error.to_string())
    }

    /// The status code (RFC 9110, section 15).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorKind::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The value of `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self.kind {
            // Rounded up: a client that comes back too early would be refused again.
            ErrorKind::Throttled { retry_after } | ErrorKind::Unavailable { retry_after } => {
                Some(retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0))
            }
            _ => None,
        }
    }

    /// What went wrong, for the client. It contains no secret.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl<E: DomainError> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::logged(error.kind(), &error)
    }
}

impl From<NotReady> for Problem {
    /// A 503 for the load balancer. The reason is logged.
    fn from(reason: NotReady) -> Self {
        Self::logged(ErrorKind::Unavailable { retry_after: READY_AGAIN }, &reason)
    }
}

impl From<Problem> for Response {
    fn from(problem: Problem) -> Self {
        let status = problem.status();
        let body = json!({
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": problem.detail,
        });
        let mut response = with_body(status, "application/problem+json", body.to_string());
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = problem.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use auth_domain::model::{IdentifierKind, InvalidPassword, Limit, Throttled};
    use auth_domain::ports::PortError;
    use auth_domain::use_cases::{LogInError, RegisterError};

    use super::*;

    fn header(response: &Response, name: &str) -> Option<String> {
        response.headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn answer_follows_the_kind_of_the_error() {
        let throttled = Throttled {
            limit: Limit::Registrations,
            quota: 100,
            window: Some(Duration::from_secs(60)),
            retry_after: Duration::from_millis(1_200),
        };
        for (problem, status, retry_after, detail) in [
            (
                Problem::from(RegisterError::Password(InvalidPassword::Common)),
                400,
                None,
                "the password is too common",
            ),
            (LogInError::InvalidCredentials.into(), 401, None, "invalid credentials"),
            (
                RegisterError::Taken(IdentifierKind::Username).into(),
                409,
                None,
                "another user has this identifier",
            ),
            (LogInError::TooManyAttempts(throttled).into(), 429, Some("2"), "too many attempts"),
            (PortError::Overloaded.into(), 503, Some("1"), "temporarily unavailable"),
            (PortError::Corrupt("a secret".into()).into(), 500, None, "internal error"),
            (NotReady::Schema.into(), 503, Some("1"), "temporarily unavailable"),
            (Problem::new(ErrorKind::NotFound, "no such user"), 404, None, "no such user"),
            (Problem::new(ErrorKind::Forbidden, "not yours"), 403, None, "not yours"),
        ] {
            let response = Response::from(problem);
            assert_eq!(response.status().as_u16(), status, "{detail}");
            assert_eq!(header(&response, "retry-after").as_deref(), retry_after, "{detail}");
            assert_eq!(header(&response, "content-type").as_deref(), Some("application/problem+json"));
            assert_eq!(header(&response, "www-authenticate").is_some(), status == 401, "{detail}");
            let body: serde_json::Value = serde_json::from_str(response.body()).expect("JSON");
            assert_eq!((&body["status"], &body["detail"]), (&json!(status), &json!(detail)));
        }
    }

    /// What is logged while `run` runs.
    fn log_of(run: impl FnOnce()) -> String {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let writer = Arc::new(log.reopen().expect("a handle"));
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, run);
        fs::read_to_string(log.path()).expect("text")
    }

    #[test]
    fn causes_are_logged_and_never_sent() {
        let mut answer = None;
        let log = log_of(|| answer = Some(Problem::from(PortError::Unavailable("no route to host".into()))));
        assert!(log.contains("WARN") && log.contains("unavailable: no route to host"), "{log}");
        let response = Response::from(answer.expect("an answer"));
        assert!(!response.body().contains("host"), "{}", response.body());
    }
}
