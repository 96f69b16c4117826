//! What the bodies of answers hold, member for member.

use std::collections::BTreeMap;

use auth_domain::model;
use serde::Serialize;
use utoipa::ToSchema;

/// 201 of `POST /users`, 200 of `GET` and `PUT /users/{user_id}`.
#[derive(Serialize, ToSchema)]
pub(super) struct User<'a> {
    #[schema(format = "uuid")]
    id: String,
    #[schema(required)]
    username: Option<&'a str>,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(format = "date-time")]
    created_at: String,
}

impl<'a> User<'a> {
    /// A user, as this dialect shows them.
    pub(super) fn of(user: &'a model::User) -> Self {
        Self {
            id: user.id.to_string(),
            username: user.username(),
            email: user.email(),
            created_at: user.created_at.to_string(),
        }
    }
}

/// 200 of `/auth/login` and of `/auth/refresh`.
#[derive(Serialize, ToSchema)]
pub(super) struct Token<'a> {
    pub(super) token: &'a str,
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error<'a> {
    pub(super) error: &'static str,
    /// What is wrong with which member; left out when it is not about members.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) details: BTreeMap<&'a str, Vec<&'a str>>,
}
