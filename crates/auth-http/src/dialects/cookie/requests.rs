//! What the bodies of requests hold.

use auth_domain::model::{
    Identifiers, InvalidIdentifier, InvalidPassword, Password, PasswordAttempt, RoleChoice,
    USERNAME_MAX_CODE_POINTS, Username,
};
use auth_domain::use_cases::{LogIn, Register};
use utoipa::ToSchema;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Fields, JsonObject};

use super::PASSWORDS;

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
}

pub(super) fn register(context: &Context, body: &JsonObject) -> Result<Register, Failure> {
    let mut fields = Fields::of(body);
    let username = fields.required("username", Username::parse);
    let password = fields.required("password", |typed| Password::parse(typed, context.passwords));
    match (Identifiers::new(username, None), password) {
        (Some(identifiers), Some(password)) => Ok(Register {
            identifiers,
            password,
            display_name: None,
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
    /// The username, or the e-mail address.
    #[schema(min_length = 1, max_length = 255)]
    username: String,
    #[schema(format = "password", min_length = 6, max_length = 255)]
    password: String,
}

pub(super) fn log_in<'a>(context: &'a Context, body: &'a JsonObject) -> Result<LogIn<'a>, Failure> {
    let mut fields = Fields::of(body);
    match (fields.required("username", identifier), fields.required("password", attempt)) {
        (Some(identifier), Some(password)) => Ok(LogIn { client: &context.client, identifier, password }),
        _ => Err(fields.failure()),
    }
}

/// A text within the bounds that the document prints. Whether it can be anybody's name is not said at login.
fn identifier(typed: &str) -> Result<&str, InvalidIdentifier> {
    if typed.is_empty() {
        Err(InvalidIdentifier::Empty)
    } else if typed.chars().nth(USERNAME_MAX_CODE_POINTS).is_some() {
        Err(InvalidIdentifier::TooLong)
    } else {
        Ok(typed)
    }
}

/// A password within the bounds that the document prints, whatever a setting asks of new ones.
fn attempt(typed: &str) -> Result<PasswordAttempt, InvalidPassword> {
    Password::parse(typed, PASSWORDS).map(|_| PasswordAttempt::new(typed))
}
