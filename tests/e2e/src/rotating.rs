//! Sessions of the dialects whose refresh tokens rotate and are in JSON bodies.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::{Client, Connection, Response, claims};

/// A dialect whose refresh tokens rotate.
#[derive(Clone, Copy, Debug)]
pub enum RotatingDialect {
    /// A pair of signed tokens: `token_pair`.
    TokenPair,
    /// One token that renews itself: `single_token`.
    SingleToken,
}

/// The tokens of a session.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The access token.
    pub access_token: String,
    /// The token that refreshes the session.
    pub refresh_token: String,
}

impl Grant {
    /// The `jti` of the refresh token. The signatures of two tokens with the same claims may differ.
    #[must_use]
    pub fn id(&self) -> String {
        claims(&self.refresh_token)["jti"].as_str().expect("a jti").to_owned()
    }
}

impl RotatingDialect {
    /// Both dialects.
    pub const ALL: [Self; 2] = [Self::TokenPair, Self::SingleToken];

    /// Logs in a user of [`Client::register`].
    #[must_use]
    pub fn log_in(self, client: &Client, user: &str) -> Grant {
        let path = match self {
            Self::TokenPair => "/api/v1/auth/login",
            Self::SingleToken => "/v1/auth/login",
        };
        let body = format!(r#"{{"email":"{user}","password":"P@ssw0rd!"}}"#);
        let response = Client::retry_overloaded(|| client.post(path, &body));
        assert_eq!(response.status, 200, "{response:?}");
        self.read(&response, "acc_token")
    }

    /// Refreshes a session.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn refresh(self, connection: &mut Connection, token: &str) -> io::Result<Response> {
        let (path, body) = self.request(token);
        connection.post(path, &body)
    }

    /// Refreshes a session, and repeats that while the service is overloaded or limits the session. Each attempt has its
    /// own connection, because the server closes idle ones.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn refresh_patiently(self, base: &str, token: &str) -> io::Result<Response> {
        loop {
            let response = self.refresh(&mut Connection::open(base), token)?;
            match response.retry_after() {
                Some(wait) => sleep(wait),
                None => return Ok(response),
            }
        }
    }

    /// Sends the request of a refresh, and waits for no answer.
    ///
    /// # Errors
    /// When the server has closed the connection.
    pub fn send_refresh(self, connection: &mut Connection, token: &str) -> io::Result<()> {
        let (path, body) = self.request(token);
        connection.send_post(path, &body)
    }

    /// The tokens in the answer to a refresh, which must have succeeded.
    #[must_use]
    pub fn refreshed(self, response: &Response) -> Grant {
        assert_eq!(response.status, 200, "a refresh: {response:?}");
        self.read(response, "token")
    }

    fn request(self, token: &str) -> (&'static str, String) {
        let (path, member) = match self {
            Self::TokenPair => ("/api/v1/auth/refresh", "refreshToken"),
            Self::SingleToken => ("/v1/auth/refresh", "ref_token"),
        };
        (path, format!(r#"{{"{member}":"{token}"}}"#))
    }

    /// `single` is the member of the only token of [`Self::SingleToken`].
    fn read(self, response: &Response, single: &str) -> Grant {
        let (access_token, refresh_token) = match self {
            Self::TokenPair => ("accessToken", "refreshToken"),
            Self::SingleToken => (single, single),
        };
        Grant { access_token: response.member(access_token), refresh_token: response.member(refresh_token) }
    }
}

impl Response {
    /// The time to wait, if the service limits the client or is overloaded.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        if !matches!(self.status, 429 | 503) {
            return None;
        }
        let seconds = self.header("retry-after").and_then(|text| text.parse().ok());
        Some(Duration::from_secs(seconds.unwrap_or_else(|| panic!("no time to wait in {self:?}"))))
    }
}
