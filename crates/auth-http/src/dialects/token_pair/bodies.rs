//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::model::{DisplayName, User};
use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{
    DisplayNameField, EmailField, MinPasswordLength, NewPasswordField, TextField, optional,
};

/// The user to register.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[validate(nest_all_fields = true, context = MinPasswordLength)]
pub(super) struct Registration {
    email: EmailField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
    display_name: Option<DisplayNameField>,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.terms.min_password_length)?;
        let mut command = context.registration(None, Some(self.email.into_value()?), password)?;
        command.display_name = optional(self.display_name)?;
        Ok(command)
    }
}

/// The refresh token of the session.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[validate(nest_all_fields = true)]
pub(super) struct Renewal {
    /// The refresh token of the last response.
    pub(super) refresh_token: TextField,
}

/// The profile of the user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile<'a> {
    /// The id, a UUID of version 7. It never changes.
    #[schema(format = "uuid")]
    id: String,
    /// The e-mail address as typed. `null` if the user has none.
    #[schema(required)]
    email: Option<&'a str>,
    /// The name to be shown, as typed. `null` if the user has none.
    #[schema(required)]
    display_name: Option<&'a str>,
    /// Whether the user may log in.
    is_active: bool,
    /// Whether the e-mail address is verified.
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

/// The tokens of the session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens<'a> {
    /// A JWT, for the header `Authorization`. It is valid for 15 minutes by default.
    pub(super) access_token: &'a str,
    /// A JWT, for the next refresh. The next refresh replaces it.
    // Never `None`: log-ins of this dialect always issue a refresh token.
    #[schema(value_type = String)]
    pub(super) refresh_token: Option<&'a str>,
    /// Always `bearer` (RFC 6750).
    pub(super) token_type: &'static str,
}

/// Why the request failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct Error<'a> {
    /// A text for people. Programs use the status.
    pub(super) error: &'a str,
}
