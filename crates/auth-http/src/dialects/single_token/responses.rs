//! What the bodies of answers hold, member for member.

use serde::Serialize;
use utoipa::ToSchema;

/// 201 of `/auth/register`.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    pub(super) message: &'static str,
}

/// 200 of `/auth/login`.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    pub(super) acc_token: &'a str,
}

/// 200 of `/auth/refresh`.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    pub(super) token: &'a str,
}

/// 200 of `/protected/resource`.
#[derive(Serialize, ToSchema)]
pub(super) struct ProtectedData {
    pub(super) data: &'static str,
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error {
    pub(super) error: &'static str,
}
