//! Bodies of requests.

use auth_domain::model::PasswordPolicy;
use auth_domain::use_cases::Register;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{DisplayNameField, EmailField, NewPasswordField, PasswordField, TextField, optional};

/// Somebody who becomes a user.
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
        let password = self.password.accept(context.passwords)?;
        let display_name = optional(self.display_name)?;
        let command = context.registration(None, Some(self.email.into_value()?), password)?;
        Ok(Register { display_name, ..command })
    }
}

/// Somebody who logs in.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct Credentials {
    /// The e-mail address, or the username.
    pub(super) email: TextField,
    pub(super) password: PasswordField,
}

/// Somebody who stays logged in.
#[derive(Deserialize, ToSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[validate(nest_all_fields = true)]
pub(super) struct Renewal {
    /// The refresh token of the last answer.
    pub(super) refresh_token: TextField,
}
