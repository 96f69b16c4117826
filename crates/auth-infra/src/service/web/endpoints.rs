//! The endpoints of one client.

use auth_domain::Auth;
use auth_domain::model::{Caller, Client};
use auth_domain::use_cases::{LogOut, RefreshSession};
use http::StatusCode;

use super::bodies::{self, Credentials, RefreshBody};
use super::{Problem, Response, bearer_token, delay_refusal};
use crate::service::Service;

/// Answers the usual requests to the service. Every failure is a [`Problem`].
///
/// | method | body of the request | answer |
/// |---|---|---|
/// | [`register`](Self::register) | [`Credentials`] | 201 and the user |
/// | [`log_in`](Self::log_in) | [`Credentials`] | 200 and the tokens |
/// | [`refresh`](Self::refresh) | [`RefreshBody`] | 200 and new tokens |
/// | [`log_out`](Self::log_out) | [`RefreshBody`] | 204 |
/// | [`current_user`](Self::current_user) | none; the access token in `Authorization` | 200 and the user |
///
/// The user is `{"id", "username", "email", "roles"}`; `username` or `email` may be missing. The tokens are
/// `{"access_token", "token_type", "expires_in", "refresh_token"}` (RFC 6749, section 5.1), with `expires_in` in seconds.
#[derive(Clone, Debug)]
pub struct Endpoints {
    auth: Auth,
    client: Client,
}

impl Endpoints {
    /// Creates the endpoints of the first client of the builder.
    #[must_use]
    pub fn new(service: &Service) -> Self {
        Self { auth: service.auth().clone(), client: service.client().clone() }
    }

    /// Issues the tokens to another client of the [builder](crate::service::ServiceBuilder::client).
    #[must_use]
    pub fn with_client(self, client: Client) -> Self {
        Self { client, ..self }
    }

    /// Registers a user.
    pub async fn register(&self, caller: Caller, body: &Credentials) -> Response {
        answer(async {
            let user = self.auth.called_by(caller).register(body.register()?).await?;
            Ok(bodies::user(StatusCode::CREATED, &user))
        })
        .await
    }

    /// Logs in. A throttled attempt is answered late, as [`delay_refusal`] describes.
    pub async fn log_in(&self, caller: Caller, body: &Credentials) -> Response {
        answer(async {
            let use_cases = self.auth.called_by(caller);
            // Boxed: the future is large, and would be a part of that of every handler.
            let attempt = Box::pin(use_cases.log_in(body.log_in(&self.client)));
            Ok(bodies::tokens(&delay_refusal(&self.auth, attempt).await?))
        })
        .await
    }

    /// Rotates the refresh token. Reuse of a token ends the session, except for a retry soon after the first use.
    pub async fn refresh(&self, caller: Caller, body: &RefreshBody) -> Response {
        answer(async {
            let command = RefreshSession::new(&self.client, &body.refresh_token);
            Ok(bodies::tokens(&self.auth.called_by(caller).refresh_session(command).await?))
        })
        .await
    }

    /// Ends the session. It is no error if the session has ended before, or if the token is not valid.
    pub async fn log_out(&self, caller: Caller, body: &RefreshBody) -> Response {
        answer(async {
            let command = LogOut::RefreshToken { client: &self.client, token: &body.refresh_token };
            self.auth.called_by(caller).log_out(command).await?;
            Ok(bodies::empty())
        })
        .await
    }

    /// Returns the user of the access token in the header `Authorization`, whose value is `authorization`.
    pub async fn current_user(&self, caller: Caller, authorization: Option<impl AsRef<[u8]>>) -> Response {
        answer(async {
            let token = bearer_token(authorization.as_ref().map(AsRef::as_ref));
            let user = self.auth.called_by(caller).current_user(token).await?;
            Ok(bodies::user(StatusCode::OK, &user))
        })
        .await
    }
}

async fn answer(response: impl Future<Output = Result<Response, Problem>>) -> Response {
    response.await.unwrap_or_else(Response::from)
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{ClientId, RefreshStyle};
    use auth_domain::testing::TestPorts;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn throttled_log_in_is_answered_after_the_refusal_time() {
        let client = Client::new(ClientId::from_static("web"), RefreshStyle::Rotating);
        let endpoints = Endpoints { auth: TestPorts::new().auth(), client };
        let wrong = Credentials { username: "jane".to_owned(), password: "wrong".to_owned() };
        for _ in 0..200 {
            let asked_at = Instant::now();
            let response = endpoints.log_in(Caller::at([192, 0, 2, 1]), &wrong).await;
            let took = asked_at.elapsed();
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                assert!(took >= endpoints.auth.refusal_time(), "{took:?}");
                assert!(response.headers().contains_key("retry-after"));
                return;
            }
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert!(took.is_zero(), "{took:?}");
        }
        panic!("no attempt was throttled");
    }
}
