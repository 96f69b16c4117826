//! What the bodies of answers hold, member for member.

use auth_domain::model::{DisplayName, PhoneNumber, User};
use serde::Serialize;
use utoipa::ToSchema;

/// 201 of `/register`.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered<'a> {
    message: &'static str,
    account: NewAccount<'a>,
}

#[derive(Serialize, ToSchema)]
struct NewAccount<'a> {
    account_id: i64,
    #[schema(required)]
    username: Option<&'a str>,
    /// Joined by commas.
    roles: String,
    /// `active` or `suspended`.
    status: &'static str,
    #[schema(format = "date-time")]
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
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    pub(super) access_token: &'a str,
    // Always there: this dialect's sessions are refreshed by a token of their own.
    #[schema(value_type = String)]
    pub(super) refresh_token: Option<&'a str>,
    /// Seconds.
    pub(super) expires_in: u64,
    /// Joined by commas.
    pub(super) roles: String,
}

/// 200 of `/refresh`.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    pub(super) access_token: &'a str,
    /// Seconds.
    pub(super) expires_in: u64,
}

/// 200 of `/logout`.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedOut {
    pub(super) message: &'static str,
}

/// 200 of `/me`.
#[derive(Serialize, ToSchema)]
pub(super) struct Profile<'a> {
    account_id: i64,
    #[schema(required)]
    username: Option<&'a str>,
    /// Joined by commas.
    roles: String,
    /// `active` or `suspended`.
    status: &'static str,
    #[schema(required)]
    full_name: Option<&'a str>,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
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
#[derive(Serialize, ToSchema)]
pub(super) struct Error<'a> {
    pub(super) error: &'a str,
}
