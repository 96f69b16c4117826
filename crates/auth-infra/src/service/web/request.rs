//! What a program needs next to bodies and answers.

use std::future::{Future, poll_fn};
use std::io;
use std::task::Poll;

use auth_domain::{Auth, DomainError, ErrorKind};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

/// The token of a header `Authorization: Bearer <token>` (RFC 6750, section 2.1). Without one it is empty, which no use case
/// accepts.
#[must_use]
pub fn bearer_token(authorization: Option<&[u8]>) -> &str {
    let text = authorization.and_then(|value| str::from_utf8(value).ok()).unwrap_or_default();
    let (scheme, token) = text.split_once(' ').unwrap_or_default();
    if scheme.eq_ignore_ascii_case("Bearer") { token.trim_start_matches(' ') } else { "" }
}

/// Runs a use case that verifies a password, and returns a throttled attempt late: when [`Auth::refusal_time`] has passed since
/// the call. The time of the answer would otherwise tell which addresses an account knows.
///
/// ```
/// # use auth_domain::{Auth, model::Caller, use_cases::{LogIn, LogInError, TokenGrant}};
/// # use auth_infra::service::web::delay_refusal;
/// async fn log_in(auth: &Auth, caller: Caller, command: LogIn<'_>) -> Result<TokenGrant, LogInError> {
///     let use_cases = auth.called_by(caller);
///     delay_refusal(auth, use_cases.log_in(command)).await
/// }
/// ```
///
/// # Errors
/// Those of the use case.
pub async fn delay_refusal<T, E: DomainError>(
    auth: &Auth,
    attempt: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let earliest = Instant::now() + auth.refusal_time();
    let outcome = attempt.await;
    if outcome.as_ref().is_err_and(|error| matches!(error.kind(), ErrorKind::Throttled { .. })) {
        sleep_until(earliest).await;
    }
    outcome
}

/// A future that is ready when the process is asked to stop: by SIGTERM, as a supervisor does, or by SIGINT (Ctrl+C). From the
/// call on, these signals no longer kill the process.
///
/// # Errors
/// If the signals cannot be handled.
///
/// # Panics
/// Outside a tokio runtime.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?];
    Ok(poll_fn(move |context| {
        let is_requested = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if is_requested { Poll::Ready(()) } else { Poll::Pending }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_token_is_read_whatever_the_case_of_its_scheme() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            assert_eq!(bearer_token(Some(value.as_bytes())), "abc");
        }
        for value in [None, Some(&b"Basic abc"[..]), Some(b"Bearer"), Some(b"abc"), Some(b"Bearer \xff")] {
            assert_eq!(bearer_token(value), "");
        }
    }
}
