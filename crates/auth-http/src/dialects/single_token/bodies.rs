//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::model::PasswordPolicy;
use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{EmailField, NewPasswordField, TextField, UsernameField};

/// The registration of a user.
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
        let password = self.password.accept(context.terms.passwords)?;
        context.registration(Some(self.username.into_value()?), Some(self.email.into_value()?), password)
    }
}

/// The token to refresh the session with.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct Renewal {
    /// The current token, also after it has expired.
    pub(super) ref_token: TextField,
}

/// 201 of `/auth/register`.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    pub(super) message: &'static str,
}

/// 200 of `/auth/login`.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    pub(super) acc_token: &'a str,
}

/// 200 of `/auth/refresh`.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    pub(super) token: &'a str,
}

/// 200 of `/protected/resource`.
#[derive(Serialize, ToSchema)]
pub(super) struct ProtectedData {
    pub(super) data: &'static str,
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error {
    pub(super) error: &'static str,
}
