//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::model::{DisplayName, PhoneNumber, RoleChoice, User};
use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::{Failure, FieldError};
use crate::request::{
    DisplayNameField, EmailField, MinPasswordLength, NewPasswordField, PhoneNumberField, Request, TextField,
    UsernameField, errors, optional,
};

/// The account to register.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = MinPasswordLength)]
pub(super) struct Registration {
    username: UsernameField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
    full_name: Option<DisplayNameField>,
    email: Option<EmailField>,
    phone_number: Option<PhoneNumberField>,
    /// The role of the new account. Without it, the account gets the default roles of the service.
    // Any string: the use case decides whether the role is on offer.
    roles: Option<TextField>,
}

pub(super) fn register_command(context: &Context, request: &Request) -> Result<Register, Failure> {
    let body: Registration = request.json()?.read()?;
    let mut errors = errors(&body, &context.terms.min_password_length);
    let choice = body.roles.as_ref().and_then(|role| role.get().ok());
    let choice = choice.map(|typed| RoleChoice::requested(typed));
    if errors.is_empty() {
        return body.into_command(context, choice);
    }
    // The use case decides on the role and audits the denial, but it does not run for a body with other errors. The
    // role is checked here only to complete the list of errors.
    let registration = &context.auth.policy().registration;
    if let Some(Err(denied)) = choice.map(|choice| choice.resolve(registration)) {
        errors.push(FieldError { field: "roles".into(), message: denied.to_string() });
    }
    Err(Failure::InvalidFields(errors))
}

impl Registration {
    fn into_command(self, context: &Context, roles: Option<RoleChoice>) -> Result<Register, Failure> {
        let password = self.password.accept(context.terms.min_password_length)?;
        let (username, email) = (self.username.into_value()?, optional(self.email)?);
        let mut command = context.registration(Some(username), email, password)?;
        command.display_name = optional(self.full_name)?;
        command.phone_number = optional(self.phone_number)?;
        command.roles = roles.unwrap_or(command.roles);
        Ok(command)
    }
}

/// The refresh token of the session to refresh or to end.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
#[schema(as = PresentedToken)]
pub(super) struct RefreshToken {
    /// The refresh token from the login.
    pub(super) refresh_token: TextField,
}

/// The account was registered.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered<'a> {
    /// A sentence for people. Programs use the status.
    message: &'static str,
    /// The new account.
    account: Account<'a>,
}

/// An account.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the member names of the document")]
struct Account<'a> {
    /// The id, a number below 2^53. It never changes.
    account_id: i64,
    /// The username as typed. `null` if the account has none.
    #[schema(required)]
    username: Option<&'a str>,
    /// The roles, joined by commas. Empty if the account has none.
    roles: String,
    /// `active` or `suspended`.
    status: &'static str,
    /// The time of the registration.
    #[schema(format = "date-time")]
    created_at: String,
}

impl<'a> Registered<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        let account = Account {
            account_id: user.number.0,
            username: user.username(),
            roles: user.roles.to_string(),
            status: user.status.as_str(),
            created_at: user.created_at.to_string(),
        };
        Self { message: "Account created successfully", account }
    }
}

/// The tokens of the new session.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    /// A JWT, for the header `Authorization`.
    pub(super) access_token: &'a str,
    /// For the next refresh and for the logout. It stays the same until the session ends.
    // Never `None`: log-ins of this dialect always issue a refresh token.
    #[schema(value_type = String)]
    pub(super) refresh_token: Option<&'a str>,
    /// The seconds for which the access token is valid.
    pub(super) expires_in: u64,
    /// The roles, joined by commas. Empty if the account has none.
    pub(super) roles: String,
}

/// Another access token of the session.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    /// A JWT, for the header `Authorization`.
    pub(super) access_token: &'a str,
    /// The seconds for which the access token is valid.
    pub(super) expires_in: u64,
}

/// The session has ended.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedOut {
    /// A sentence for people. Programs use the status.
    pub(super) message: &'static str,
}

/// The profile of the account.
#[derive(Serialize, ToSchema)]
pub(super) struct Profile<'a> {
    /// The id, a number below 2^53. It never changes.
    account_id: i64,
    /// The username as typed. `null` if the account has none.
    #[schema(required)]
    username: Option<&'a str>,
    /// The roles, joined by commas. Empty if the account has none.
    roles: String,
    /// `active` or `suspended`.
    status: &'static str,
    /// The name to be shown, as typed. `null` if the account has none.
    #[schema(required)]
    full_name: Option<&'a str>,
    /// The e-mail address as typed. `null` if the account has none.
    #[schema(required)]
    email: Option<&'a str>,
    /// The phone number in E.164 form. `null` if the account has none.
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

/// Why the request failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct Error<'a> {
    /// A text for people. Programs use the status.
    pub(super) error: &'a str,
}
