//! What the bodies of answers hold, member for member.

use auth_domain::model::{DisplayName, PhoneNumber, User};
use serde::Serialize;

/// 201 of `/register`.
#[derive(Serialize)]
pub(super) struct Registered<'a> {
    message: &'static str,
    account: NewAccount<'a>,
}

#[derive(Serialize)]
struct NewAccount<'a> {
    account_id: i64,
    username: Option<&'a str>,
    roles: String,
    status: &'static str,
    created_at: String,
}

impl<'a> Registered<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        let account = NewAccount {
            account_id: user.number.0,
            username: user.username(),
            roles: user.roles.to_string(),
            status: user.status.as_str(),
            created_at: user.created_at.to_string(),
        };
        Self { message: "Account created successfully", account }
    }
}

/// 200 of `/login`.
#[derive(Serialize)]
pub(super) struct LoggedIn<'a> {
    pub(super) access_token: &'a str,
    /// Always there: this dialect's sessions are refreshed by a token of their own.
    pub(super) refresh_token: Option<&'a str>,
    pub(super) expires_in: u64,
    pub(super) roles: String,
}

/// 200 of `/refresh`.
#[derive(Serialize)]
pub(super) struct Refreshed<'a> {
    pub(super) access_token: &'a str,
    pub(super) expires_in: u64,
}

/// 200 of `/logout`.
#[derive(Serialize)]
pub(super) struct LoggedOut {
    pub(super) message: &'static str,
}

/// 200 of `/me`.
#[derive(Serialize)]
pub(super) struct Profile<'a> {
    account_id: i64,
    username: Option<&'a str>,
    roles: String,
    status: &'static str,
    full_name: Option<&'a str>,
    email: Option<&'a str>,
    phone_number: Option<&'a str>,
}

impl<'a> Profile<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            account_id: user.number.0,
            username: user.username(),
            roles: user.roles.to_string(),
            status: user.status.as_str(),
            full_name: user.display_name.as_ref().map(DisplayName::as_str),
            email: user.email(),
            phone_number: user.phone_number.as_ref().map(PhoneNumber::as_str),
        }
    }
}

/// Every failure.
#[derive(Serialize)]
pub(super) struct Error<'a> {
    pub(super) error: &'a str,
}
