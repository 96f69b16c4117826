//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::model::{DisplayName, PasswordPolicy, User};
use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{DisplayNameField, EmailField, NewPasswordField, TextField, optional};

/// The registration of a user.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[validate(nest_all_fields = true, context = PasswordPolicy)]
pub(super) struct Registration {
    email: EmailField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
    display_name: Option<DisplayNameField>,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.terms.passwords)?;
        let display_name = optional(self.display_name)?;
        let command = context.registration(None, Some(self.email.into_value()?), password)?;
        Ok(Register { display_name, ..command })
    }
}

/// The token to refresh the session with.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[validate(nest_all_fields = true)]
pub(super) struct Renewal {
    /// The refresh token of the last answer.
    pub(super) refresh_token: TextField,
}

/// 201 of `/register` and 200 of `/me`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Profile<'a> {
    #[schema(format = "uuid")]
    id: String,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
    display_name: Option<&'a str>,
    is_active: bool,
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

/// 200 of `/login` and `/refresh`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens<'a> {
    pub(super) access_token: &'a str,
    // Never `None`: log-ins of this dialect always issue a refresh token.
    #[schema(value_type = String)]
    pub(super) refresh_token: Option<&'a str>,
    pub(super) token_type: &'static str,
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error<'a> {
    pub(super) error: &'a str,
}
