//! Users with sessions, and what they ask.

use anyhow::{Result, ensure};
use e2e::{Client, Response};

use crate::client::{LoadClient, RawResponse};

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

/// Refreshes sessions in turn, each with the cookie that its last answer set.
#[derive(Debug)]
pub struct Refreshing {
    /// The current token of each session.
    tokens: Vec<String>,
    /// The index of the session that was refreshed last.
    last: usize,
    request: Vec<u8>,
}

impl Refreshing {
    /// Begins with these tokens of the dialect `cookie`.
    #[must_use]
    pub fn with(tokens: Vec<String>) -> Self {
        Self { last: tokens.len() - 1, tokens, request: Vec::new() }
    }
}

impl LoadClient for Refreshing {
    fn request(&mut self) -> &[u8] {
        self.last = (self.last + 1) % self.tokens.len();
        let token = &self.tokens[self.last];
        self.request = format!(
            "POST /api/auth/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nCookie: refresh_token={token}\r\n\r\n"
        )
        .into_bytes();
        &self.request
    }

    fn is_expected(&mut self, response: &RawResponse<'_>) -> bool {
        let cookie = response.header("set-cookie").filter(|_| response.status == 200);
        let token = cookie.and_then(|cookie| cookie.strip_prefix("refresh_token=")?.split(';').next());
        token.map(|token| token.clone_into(&mut self.tokens[self.last])).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, head: &str) -> RawResponse<'_> {
        RawResponse { status, head, body: b"{}" }
    }

    fn presents(sessions: &mut Refreshing, token: &str) -> bool {
        let request = String::from_utf8(sessions.request().to_vec()).expect("UTF-8");
        request.ends_with(&format!("\r\nCookie: refresh_token={token}\r\n\r\n"))
    }

    #[test]
    fn each_refresh_presents_the_previous_token_of_its_session() {
        let mut sessions = Refreshing::with(vec!["a1".to_owned(), "b1".to_owned()]);
        for (presented, next) in [("a1", "a2"), ("b1", "b2"), ("a2", "a3"), ("b2", "b3")] {
            assert!(presents(&mut sessions, presented), "{presented}");
            let head = format!("HTTP/1.1 200 OK\r\nset-cookie: refresh_token={next}; HttpOnly");
            assert!(sessions.is_expected(&response(200, &head)));
        }
    }

    #[test]
    fn rejected_refresh_is_unexpected_and_gives_no_token() {
        let mut sessions = Refreshing::with(vec!["first".to_owned()]);
        assert!(presents(&mut sessions, "first"));
        let head = "HTTP/1.1 401 Unauthorized\r\nset-cookie: refresh_token=second; HttpOnly";
        assert!(!sessions.is_expected(&response(401, head)));
        assert!(!sessions.is_expected(&response(200, "HTTP/1.1 200 OK")));
        assert!(presents(&mut sessions, "first"));
    }
}
