//! What the bodies of requests hold.

use auth_domain::model::{DisplayName, EmailAddress, Identifiers, Password, PasswordAttempt};
use auth_domain::use_cases::{LogIn, RefreshSession, Register};

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Fields, JsonObject, Null};

/// `{"email", "password", "displayName"?}`
pub(super) fn register(context: &Context, body: &JsonObject) -> Result<Register, Failure> {
    let mut fields = Fields::of(body);
    let email = fields.required("email", EmailAddress::parse);
    let password = fields.required("password", |typed| Password::parse(typed, context.passwords));
    let display_name = fields.optional("displayName", Null::IsAbsent, DisplayName::parse);
    match (Identifiers::new(None, email), password) {
        (Some(identifiers), Some(password)) if fields.are_sound() => Ok(Register {
            identifiers,
            password,
            display_name,
            phone_number: None,
            roles: context.default_roles.clone(),
        }),
        _ => Err(fields.failure()),
    }
}

/// `{"email", "password"}`, where `email` may as well be a username.
pub(super) fn log_in<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogIn<'a>, Failure> {
    let mut fields = Fields::of(body);
    match (fields.text("email"), fields.text("password")) {
        (Some(identifier), Some(password)) => {
            Ok(LogIn { client: &context.client, identifier, password: PasswordAttempt::new(password) })
        }
        _ => Err(fields.failure()),
    }
}

/// `{"refreshToken"}`
pub(super) fn refresh<'a>(context: &'a Context, body: &'a JsonObject) -> Result<RefreshSession<'a>, Failure> {
    let mut fields = Fields::of(body);
    match fields.text("refreshToken") {
        Some(token) => Ok(RefreshSession { client: &context.client, token }),
        None => Err(fields.failure()),
    }
}
