//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::model::{DisplayName, PasswordPolicy, PhoneNumber, RoleChoice, User};
use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::{Failure, FieldError};
use crate::request::{
    DisplayNameField, EmailField, NewPasswordField, PhoneNumberField, Request, TextField, UsernameField,
    errors, optional,
};

/// The registration of a user.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = PasswordPolicy)]
pub(super) struct Registration {
    username: UsernameField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
    full_name: Option<DisplayNameField>,
    email: Option<EmailField>,
    phone_number: Option<PhoneNumberField>,
    /// One role.
    // Any string: the use case decides whether the role is on offer.
    roles: Option<TextField>,
}

pub(super) fn register_command(context: &Context, request: &Request) -> Result<Register, Failure> {
    let body: Registration = request.json()?.read()?;
    let mut errors = errors(&body, &context.terms.passwords);
    let choice = body.roles.as_ref().and_then(|role| role.get().ok());
    let choice = choice.map(|typed| RoleChoice::requested(typed, &context.terms.self_assignable_roles));
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
        let password = self.password.accept(context.terms.passwords)?;
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

/// The refresh token of the session to refresh or to end.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct RefreshToken {
    /// The refresh token of the login.
    pub(super) refresh_token: TextField,
}

/// 201 of `/register`.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered<'a> {
    message: &'static str,
    account: NewAccount<'a>,
}

#[derive(Serialize, ToSchema)]
struct NewAccount<'a> {
    account_id: i64,
    #[schema(required)]
    username: Option<&'a str>,
    /// Joined by commas.
    roles: String,
    /// `active` or `suspended`.
    status: &'static str,
    #[schema(format = "date-time")]
    created_at: String,
}

impl<'a> Registered<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        let account = NewAccount {
            account_id: user.number.0,
            username: user.username(),
            roles: user.roles.to_string(),
            status: user.status.as_str(),
            created_at: user.created_at.to_string(),
        };
        Self { message: "Account created successfully", account }
    }
}

/// 200 of `/login`.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    pub(super) access_token: &'a str,
    // Never `None`: log-ins of this dialect always issue a refresh token.
    #[schema(value_type = String)]
    pub(super) refresh_token: Option<&'a str>,
    /// Seconds.
    pub(super) expires_in: u64,
    /// Joined by commas.
    pub(super) roles: String,
}

/// 200 of `/refresh`.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    pub(super) access_token: &'a str,
    /// Seconds.
    pub(super) expires_in: u64,
}

/// 200 of `/logout`.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedOut {
    pub(super) message: &'static str,
}

/// 200 of `/me`.
#[derive(Serialize, ToSchema)]
pub(super) struct Profile<'a> {
    account_id: i64,
    #[schema(required)]
    username: Option<&'a str>,
    /// Joined by commas.
    roles: String,
    /// `active` or `suspended`.
    status: &'static str,
    #[schema(required)]
    full_name: Option<&'a str>,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
    phone_number: Option<&'a str>,
}

impl<'a> Profile<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            account_id: user.number.0,
            username: user.username(),
            roles: user.roles.to_string(),
            status: user.status.as_str(),
            full_name: user.display_name.as_ref().map(DisplayName::as_str),
            email: user.email(),
            phone_number: user.phone_number.as_ref().map(PhoneNumber::as_str),
        }
    }
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error<'a> {
    pub(super) error: &'a str,
}
