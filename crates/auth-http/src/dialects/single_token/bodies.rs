//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{EmailField, MinPasswordLength, NewPasswordField, TextField, UsernameField};

/// The user to register.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = MinPasswordLength)]
pub(super) struct Registration {
    username: UsernameField,
    email: EmailField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.terms.min_password_length)?;
        context.registration(Some(self.username.into_value()?), Some(self.email.into_value()?), password)
    }
}

/// The token that renews itself.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct Renewal {
    /// The current token, also after it has expired.
    pub(super) ref_token: TextField,
}

/// The user was registered.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    /// A sentence for people. Programs use the status.
    pub(super) message: &'static str,
}

/// The token of the new session.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    /// A JWT: the access token, which also renews itself.
    pub(super) acc_token: &'a str,
}

/// The new token of the session.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    /// A JWT: the access token, which also renews itself.
    pub(super) token: &'a str,
}

/// The protected resource.
#[derive(Serialize, ToSchema)]
pub(super) struct ProtectedData {
    /// The content of the resource.
    pub(super) data: &'static str,
}

/// Why the request failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct Error {
    /// A sentence for people. Programs use the status.
    pub(super) error: &'static str,
}
