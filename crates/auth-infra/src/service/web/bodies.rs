//! The bodies of requests and answers.

use auth_domain::model::{Client, IssuedToken, Password, PasswordAttempt, Role, User, Username};
use auth_domain::use_cases::{LogIn, Register, RegisterError, TokenGrant};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};

use super::{Problem, Response};

/// The body of a registration and of a log-in: `{"username": "jane", "password": "…"}`.
///
/// It has no `Debug`, because the password must not reach a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The username. At a log-in, also the e-mail address.
    pub username: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// The command to register a user with this name and password.
    ///
    /// # Errors
    /// If the name is not valid, or the password is too long. The use case applies the policy.
    pub fn register(&self) -> Result<Register, Problem> {
        let username =
            Username::parse(&self.username).map_err(|error| Problem::invalid("username", &error))?;
        let password = Password::parse(&self.password).map_err(RegisterError::Password)?;
        Ok(Register::new(username.into(), password))
    }

    /// The command to log in. Nothing is checked before: an invalid name has to cost as much time as a wrong one.
    #[must_use]
    pub fn log_in<'a>(&'a self, client: &'a Client) -> LogIn<'a> {
        LogIn::new(client, &self.username, PasswordAttempt::new(&self.password))
    }
}

/// The body of a refresh and of a logout: `{"refresh_token": "…"}`.
///
/// It has no `Debug`, because the token must not reach a log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The refresh token.
    pub refresh_token: String,
}

#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
}

#[derive(Serialize)]
struct UserBody<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    roles: Vec<&'a str>,
}

/// The tokens (RFC 6749, section 5.1).
pub(super) fn tokens(grant: &TokenGrant) -> Response {
    let body = TokenBody {
        access_token: grant.access_token.expose(),
        token_type: "Bearer",
        expires_in: grant.expires_in.as_secs(),
        refresh_token: grant.refresh_token.as_ref().map(IssuedToken::expose),
    };
    json(StatusCode::OK, &body)
}

pub(super) fn user(status: StatusCode, user: &User) -> Response {
    let body = UserBody {
        id: user.id.to_string(),
        username: user.username(),
        email: user.email(),
        roles: user.roles.iter().map(Role::as_str).collect(),
    };
    json(status, &body)
}

pub(super) fn empty() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// An answer that no cache keeps: it contains tokens or the data of a user.
fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => with_body(status, "application/json", text),
        Err(error) => Problem::internal(&error).into(),
    }
}

pub(super) fn with_body(status: StatusCode, media_type: &'static str, body: String) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
