//! What the bodies of answers hold, member for member.

use serde::Serialize;

/// 201 of `/auth/register`.
#[derive(Serialize)]
pub(super) struct Registered {
    pub(super) message: &'static str,
}

/// 200 of `/auth/login`.
#[derive(Serialize)]
pub(super) struct LoggedIn<'a> {
    pub(super) acc_token: &'a str,
}

/// 200 of `/auth/refresh`.
#[derive(Serialize)]
pub(super) struct Refreshed<'a> {
    pub(super) token: &'a str,
}

/// 200 of `/protected/resource`.
#[derive(Serialize)]
pub(super) struct ProtectedData {
    pub(super) data: &'static str,
}

/// Every failure.
#[derive(Serialize)]
pub(super) struct Error {
    pub(super) error: &'static str,
}
