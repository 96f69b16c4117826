//! What the bodies of answers hold, member for member.

use auth_domain::model::{DisplayName, User};
use serde::Serialize;
use utoipa::ToSchema;

/// 201 of `/register` and 200 of `/me`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile<'a> {
    #[schema(format = "uuid")]
    id: String,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
    display_name: Option<&'a str>,
    is_active: bool,
    is_verified: bool,
}

impl<'a> Profile<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email(),
            display_name: user.display_name.as_ref().map(DisplayName::as_str),
            is_active: user.is_active(),
            is_verified: user.email_verified,
        }
    }
}

/// 200 of `/login` and `/refresh`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens<'a> {
    pub(super) access_token: &'a str,
    // Always there: this dialect's sessions are refreshed by a token of their own.
    #[schema(value_type = String)]
    pub(super) refresh_token: Option<&'a str>,
    pub(super) token_type: &'static str,
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error<'a> {
    pub(super) error: &'a str,
}
