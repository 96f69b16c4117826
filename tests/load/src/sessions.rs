//! Users with sessions, and what they ask.

use anyhow::{Result, ensure};
use e2e::{Client, Response};

use crate::client::{LoadClient, RawResponse, post};

/// Log-ins that cost as little as they may, for what measures something else.
pub const CHEAP_LOG_INS: [(&str, &str); 3] =
    [("AUTH_HASHING__MEMORY_KIB", "12288"), ("AUTH_HASHING__ITERATIONS", "3"), ("AUTH_LOG__LEVEL", "warn")];

/// The password of every user.
pub const PASSWORD: &str = "P@ssw0rd!";

/// What a log-in gives.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Opens `/me`.
    pub access_token: String,
    /// Refreshes the session, once.
    pub refresh_token: String,
}

/// Registers this number of users and returns their names.
///
/// # Errors
/// When one is refused.
pub fn register(client: &Client, count: usize) -> Result<Vec<String>> {
    let names: Vec<_> = (0..count).map(|number| format!("user{number}")).collect();
    for name in &names {
        let response = Client::retry_overloaded(|| client.register(name));
        ensure!(response.status == 201, "a registration: {response:?}");
    }
    Ok(names)
}

/// Logs each of these in, by username or e-mail address.
///
/// # Errors
/// When one is refused.
pub fn log_in<'a>(client: &Client, users: impl IntoIterator<Item = &'a String>) -> Result<Vec<Grant>> {
    users
        .into_iter()
        .map(|user| grant(&Client::retry_overloaded(|| client.post(LOG_IN, &credentials(user)))))
        .collect()
}

/// Where users of `token_pair` log in.
pub const LOG_IN: &str = "/api/v1/auth/login";

/// The body of a log-in.
#[must_use]
pub fn credentials(user: &str) -> String {
    format!(r#"{{"email":"{user}","password":"{PASSWORD}"}}"#)
}

fn grant(response: &Response) -> Result<Grant> {
    ensure!(response.status == 200, "a log-in: {response:?}");
    Ok(Grant { access_token: response.member("accessToken"), refresh_token: response.member("refreshToken") })
}

/// A session that is refreshed again and again, each time with the token that the last answer gave.
#[derive(Debug)]
pub struct Refreshing {
    request: Vec<u8>,
}

impl Refreshing {
    /// Beginning with this token.
    #[must_use]
    pub fn with(token: &str) -> Self {
        Self { request: post("/api/v1/auth/refresh", &format!(r#"{{"refreshToken":"{token}"}}"#)) }
    }
}

impl LoadClient for Refreshing {
    fn request(&mut self) -> &[u8] {
        &self.request
    }

    fn is_expected(&mut self, response: &RawResponse<'_>) -> bool {
        let next = response.member("refreshToken").filter(|_| response.status == 200).map(Self::with);
        next.map(|next| *self = next).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &[u8]) -> RawResponse<'_> {
        RawResponse { status, head: "", body }
    }

    #[test]
    fn each_refresh_presents_the_previous_token() {
        let mut session = Refreshing::with("first");
        assert!(session.request().ends_with(br#"{"refreshToken":"first"}"#));
        assert!(session.is_expected(&response(200, br#"{"accessToken":"a","refreshToken":"second"}"#)));
        assert!(session.request().ends_with(br#"{"refreshToken":"second"}"#));
    }

    #[test]
    fn rejected_refresh_is_unexpected_and_gives_no_token() {
        let mut session = Refreshing::with("first");
        assert!(!session.is_expected(&response(401, br#"{"refreshToken":"second"}"#)));
        assert!(!session.is_expected(&response(200, b"{}")));
        assert!(session.request().ends_with(br#"{"refreshToken":"first"}"#));
    }
}
