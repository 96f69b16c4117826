//! Bodies of requests.

use auth_domain::model::{PasswordPolicy, RoleChoice};
use auth_domain::use_cases::Register;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::{Failure, FieldError};
use crate::request::{
    DisplayNameField, Documented, EmailField, Field, Member, NewPasswordField, PasswordField,
    PhoneNumberField, Request, TextField, UsernameField, errors, optional, string,
};

/// Somebody who becomes a user.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = PasswordPolicy)]
pub(super) struct Registration {
    username: UsernameField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
    full_name: Option<DisplayNameField>,
    email: Option<EmailField>,
    phone_number: Option<PhoneNumberField>,
    roles: Option<RoleField>,
}

type RoleField = Field<RequestedRole>;

/// The role that a user requests. Whether it is on offer is decided by the use case.
struct RequestedRole(String);

impl Member for RequestedRole {
    fn from_text(typed: &str) -> Result<Self, String> {
        Ok(Self(typed.to_owned()))
    }
}

impl Documented for RequestedRole {
    fn schema() -> Schema {
        string().description(Some("One role.")).into()
    }
}

pub(super) fn register(context: &Context, request: &Request) -> Result<Register, Failure> {
    let body: Registration = request.json()?.read()?;
    let mut errors = errors(&body, &context.passwords);
    let choice = body.roles.as_ref().and_then(|role| role.get().ok());
    let choice =
        choice.map(|RequestedRole(typed)| RoleChoice::requested(typed, &context.self_assignable_roles));
    if errors.is_empty() {
        return body.into_command(context, choice);
    }
    // The use case decides on the role and audits the denial, but it does not run for a body with other errors. The
    // role is checked here only to complete the list of errors.
    if let Some(Err(denied)) = choice.as_ref().map(RoleChoice::resolve) {
        errors.push(FieldError { field: "roles".into(), message: denied.to_string() });
    }
    Err(Failure::InvalidFields(errors))
}

impl Registration {
    fn into_command(self, context: &Context, roles: Option<RoleChoice>) -> Result<Register, Failure> {
        let password = self.password.accept(context.passwords)?;
        let (username, email) = (self.username.into_value()?, optional(self.email)?);
        let command = context.registration(Some(username), email, password)?;
        Ok(Register {
            display_name: optional(self.full_name)?,
            phone_number: optional(self.phone_number)?,
            roles: roles.unwrap_or(command.roles),
            ..command
        })
    }
}

/// Somebody who logs in.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct Credentials {
    /// The username, or the e-mail address.
    pub(super) username: TextField,
    pub(super) password: PasswordField,
}

/// Somebody who stays logged in, or logs out.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct RefreshToken {
    /// The refresh token of the login.
    pub(super) refresh_token: TextField,
}
