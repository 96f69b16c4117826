//! What the bodies of answers hold, member for member.

use auth_domain::model;
use serde::Serialize;
use utoipa::ToSchema;

use crate::failure::FieldError;

/// 201 of `/auth/register`, 200 of `/auth/logout`.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    pub(super) message: &'static str,
}

/// 200 of `/auth/login`, of `/auth/refresh` and of `/user`.
#[derive(Serialize, ToSchema)]
pub(super) struct Answer<T> {
    pub(super) message: &'static str,
    #[schema(inline)]
    pub(super) data: T,
}

/// What `/auth/login` gives.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    pub(super) token: &'a str,
    pub(super) user: User<'a>,
}

/// What `/auth/refresh` gives.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    pub(super) token: &'a str,
}

/// What `/user` gives.
#[derive(Serialize, ToSchema)]
pub(super) struct User<'a> {
    id: i64,
    #[schema(required)]
    username: Option<&'a str>,
    #[schema(format = "date-time")]
    joined: String,
}

impl<'a> User<'a> {
    /// A user, as this dialect shows them.
    pub(super) fn of(user: &'a model::User) -> Self {
        Self { id: user.number.0, username: user.username(), joined: user.created_at.to_string() }
    }
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error {
    pub(super) message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) errors: Option<FieldErrors>,
}

/// What is wrong with which member; those with which nothing is wrong are left out.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct FieldErrors {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    username: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    password: Vec<String>,
}

impl FieldErrors {
    pub(super) fn of(errors: &[FieldError]) -> Self {
        let of = |field| {
            let own = errors.iter().filter(|error| error.field == field);
            own.map(|error| format!("{field} {}", error.message)).collect()
        };
        Self { username: of("username"), password: of("password") }
    }
}
