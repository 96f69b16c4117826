//! Bodies of requests.

use auth_domain::model::PasswordPolicy;
use auth_domain::use_cases::Register;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{EmailField, NewPasswordField, PasswordField, TextField, UsernameField};

/// Somebody who becomes a user.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = PasswordPolicy)]
pub(super) struct Registration {
    username: UsernameField,
    email: EmailField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.passwords)?;
        context.registration(Some(self.username.into_value()?), Some(self.email.into_value()?), password)
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
#[validate(nest_all_fields = true)]
pub(super) struct Renewal {
    /// The current token, also after it has expired.
    pub(super) ref_token: TextField,
}
