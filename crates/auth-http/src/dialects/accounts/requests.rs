//! What the bodies of requests hold.

use auth_domain::model::{
    DisplayName, EmailAddress, Identifiers, Password, PasswordAttempt, PhoneNumber, RoleChoice, Username,
};
use auth_domain::use_cases::{LogIn, LogOut, RefreshSession, Register};
use utoipa::ToSchema;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Fields, JsonObject, NullPolicy};

/// Somebody who becomes a user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct Registration {
    /// Visible characters, shown as typed; upper and lower case make no difference.
    #[schema(format = "username", min_length = 1, max_length = 255)]
    username: String,
    /// Any characters.
    #[schema(format = "password", max_length = 255)]
    password: String,
    /// The name to be shown.
    #[schema(min_length = 1, max_length = 255)]
    full_name: Option<String>,
    /// At most 254 bytes.
    #[schema(format = "email", max_length = 254)]
    email: Option<String>,
    /// In E.164 form; spaces, hyphens, dots and parentheses are dropped.
    #[schema(pattern = r"^[-. ()]*\+[-. ()]*[1-9]([-. ()]*[0-9]){1,14}[-. ()]*$")]
    phone_number: Option<String>,
    /// One role.
    roles: Option<String>,
}

pub(super) fn register(context: &Context, body: &JsonObject) -> Result<Register, Failure> {
    let mut fields = Fields::of(body);
    let username = fields.required("username", Username::parse);
    let password = fields.required("password", |typed| Password::parse(typed, context.passwords));
    let display_name = fields.optional("full_name", NullPolicy::Absent, DisplayName::parse);
    let email = fields.optional("email", NullPolicy::Absent, EmailAddress::parse);
    let phone_number = fields.optional("phone_number", NullPolicy::Absent, PhoneNumber::parse);
    let offered = &context.self_assignable_roles;
    // The use case decides on the role and audits the denial. It is checked here only to complete the list of errors when
    // other members are invalid already, because the use case does not run then.
    let others_are_valid = fields.is_valid();
    let roles = fields.optional("roles", NullPolicy::Absent, |typed| {
        let choice = RoleChoice::requested(typed, offered);
        if others_are_valid { Ok(choice) } else { choice.resolve().map(|_| choice) }
    });
    match (Identifiers::new(username, email), password) {
        (Some(identifiers), Some(password)) if fields.is_valid() => Ok(Register {
            identifiers,
            password,
            display_name,
            phone_number,
            roles: roles.unwrap_or_else(|| RoleChoice::Assigned(context.default_roles.clone())),
        }),
        _ => Err(fields.failure()),
    }
}

/// Somebody who logs in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct Credentials {
    /// The username, or the e-mail address.
    username: String,
    #[schema(format = "password")]
    password: String,
}

pub(super) fn log_in<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogIn<'a>, Failure> {
    let mut fields = Fields::of(body);
    match (fields.text("username"), fields.text("password")) {
        (Some(identifier), Some(password)) => {
            Ok(LogIn { client: &context.client, identifier, password: PasswordAttempt::new(password) })
        }
        _ => Err(fields.failure()),
    }
}

/// Somebody who stays logged in, or logs out.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct RefreshToken {
    /// The refresh token of the login.
    refresh_token: String,
}

pub(super) fn refresh<'a>(context: &'a Context, body: &'a JsonObject) -> Result<RefreshSession<'a>, Failure> {
    Ok(RefreshSession { client: &context.client, token: refresh_token(body)? })
}

pub(super) fn log_out<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogOut<'a>, Failure> {
    Ok(LogOut::RefreshToken { client: &context.client, token: refresh_token(body)? })
}

fn refresh_token(body: &JsonObject) -> Result<&str, Failure> {
    let mut fields = Fields::of(body);
    fields.text("refresh_token").ok_or_else(|| fields.failure())
}
