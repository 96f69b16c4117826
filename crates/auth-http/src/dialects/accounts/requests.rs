//! What the bodies of requests hold.

use auth_domain::Auth;
use auth_domain::model::{
    DisplayName, EmailAddress, Identifiers, Password, PasswordAttempt, PhoneNumber, Username,
};
use auth_domain::use_cases::{LogIn, LogOut, RefreshSession, Register};

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Fields, JsonObject, Null};

/// `{"username", "password", "full_name"?, "email"?, "phone_number"?, "roles"?}`
pub(super) fn register(context: &Context, auth: &Auth, body: &JsonObject) -> Result<Register, Failure> {
    let mut fields = Fields::of(body);
    let username = fields.required("username", Username::parse);
    let password = fields.required("password", |typed| Password::parse(typed, context.passwords));
    let display_name = fields.optional("full_name", Null::IsAbsent, DisplayName::parse);
    let email = fields.optional("email", Null::IsAbsent, EmailAddress::parse);
    let phone_number = fields.optional("phone_number", Null::IsAbsent, PhoneNumber::parse);
    let offered = &context.self_assignable_roles;
    let roles = fields.optional("roles", Null::IsAbsent, |typed| auth.choose_role(typed, offered));
    match (Identifiers::new(username, email), password) {
        (Some(identifiers), Some(password)) if fields.are_sound() => Ok(Register {
            identifiers,
            password,
            display_name,
            phone_number,
            roles: roles.unwrap_or_else(|| context.default_roles.clone()),
        }),
        _ => Err(fields.failure()),
    }
}

/// `{"username", "password"}`, where `username` may as well be an e-mail address.
pub(super) fn log_in<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogIn<'a>, Failure> {
    let mut fields = Fields::of(body);
    match (fields.text("username"), fields.text("password")) {
        (Some(identifier), Some(password)) => {
            Ok(LogIn { client: &context.client, identifier, password: PasswordAttempt::new(password) })
        }
        _ => Err(fields.failure()),
    }
}

/// `{"refresh_token"}`
pub(super) fn refresh<'a>(context: &'a Context, body: &'a JsonObject) -> Result<RefreshSession<'a>, Failure> {
    Ok(RefreshSession { client: &context.client, token: refresh_token(body)? })
}

/// `{"refresh_token"}`
pub(super) fn log_out<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogOut<'a>, Failure> {
    Ok(LogOut::RefreshToken { client: &context.client, token: refresh_token(body)? })
}

fn refresh_token(body: &JsonObject) -> Result<&str, Failure> {
    let mut fields = Fields::of(body);
    fields.text("refresh_token").ok_or_else(|| fields.failure())
}
