//! What the bodies of requests hold.

use auth_domain::model::{DisplayName, EmailAddress, Identifiers, Password, PasswordAttempt, RoleChoice};
use auth_domain::use_cases::{LogIn, RefreshSession, Register};
use utoipa::ToSchema;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Fields, JsonObject, NullPolicy};

/// Somebody who becomes a user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
#[schema(rename_all = "camelCase")]
pub(super) struct Registration {
    /// At most 254 bytes.
    #[schema(format = "email", max_length = 254)]
    email: String,
    /// Any characters.
    #[schema(format = "password", max_length = 255)]
    password: String,
    /// The name to be shown.
    #[schema(min_length = 1, max_length = 255)]
    display_name: Option<String>,
}

pub(super) fn register(context: &Context, body: &JsonObject) -> Result<Register, Failure> {
    let mut fields = Fields::of(body);
    let email = fields.required("email", EmailAddress::parse);
    let password = fields.required("password", |typed| Password::parse(typed, context.passwords));
    let display_name = fields.optional("displayName", NullPolicy::Absent, DisplayName::parse);
    match (Identifiers::new(None, email), password) {
        (Some(identifiers), Some(password)) if fields.is_valid() => Ok(Register {
            identifiers,
            password,
            display_name,
            phone_number: None,
            roles: RoleChoice::Assigned(context.default_roles.clone()),
        }),
        _ => Err(fields.failure()),
    }
}

/// Somebody who logs in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
pub(super) struct Credentials {
    /// The e-mail address, or the username.
    email: String,
    #[schema(format = "password")]
    password: String,
}

pub(super) fn log_in<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogIn<'a>, Failure> {
    let mut fields = Fields::of(body);
    match (fields.text("email"), fields.text("password")) {
        (Some(identifier), Some(password)) => {
            Ok(LogIn { client: &context.client, identifier, password: PasswordAttempt::new(password) })
        }
        _ => Err(fields.failure()),
    }
}

/// Somebody who stays logged in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its schema is all that is asked of it")]
#[schema(rename_all = "camelCase")]
pub(super) struct Renewal {
    /// The refresh token of the last answer.
    refresh_token: String,
}

pub(super) fn refresh<'a>(context: &'a Context, body: &'a JsonObject) -> Result<RefreshSession<'a>, Failure> {
    let mut fields = Fields::of(body);
    match fields.text("refreshToken") {
        Some(token) => Ok(RefreshSession { client: &context.client, token }),
        None => Err(fields.failure()),
    }
}
