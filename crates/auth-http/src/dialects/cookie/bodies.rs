//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::model;
use auth_domain::model::{
    InvalidIdentifier, PASSWORD_MAX_CODE_POINTS, Password, PasswordAttempt, PasswordPolicy,
    USERNAME_MAX_CODE_POINTS,
};
use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::{Failure, FieldError};
use crate::request::{Documented, Field, Member, NewPasswordField, UsernameField, password, string, text};

/// The password policy of the document. It applies to log-ins as well as to new passwords.
pub(super) const PASSWORDS: PasswordPolicy = PasswordPolicy { min_length: 6 };

/// The registration of a user.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = PasswordPolicy)]
pub(super) struct Registration {
    username: UsernameField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.terms.passwords)?;
        context.registration(Some(self.username.into_value()?), None, password)
    }
}

/// The credentials of a login.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct Credentials {
    pub(super) username: LoginNameField,
    pub(super) password: LoginPasswordField,
}

type LoginNameField = Field<LoginName>;

/// A username or an e-mail address within the length limits of the document. Log-ins check nothing else, so the answer
/// does not reveal whether it is a valid name.
pub(super) struct LoginName(pub(super) String);

impl Member for LoginName {
    fn read(value: &Value) -> Result<Self, String> {
        let typed = text(value)?;
        if typed.is_empty() {
            Err(InvalidIdentifier::Empty.to_string())
        } else if typed.chars().nth(USERNAME_MAX_CODE_POINTS).is_some() {
            Err(InvalidIdentifier::TooLong.to_string())
        } else {
            Ok(Self(typed.to_owned()))
        }
    }
}

impl Documented for LoginName {
    fn schema() -> Schema {
        string()
            .description(Some("The username, or the e-mail address."))
            .min_length(Some(1))
            .max_length(Some(USERNAME_MAX_CODE_POINTS))
            .into()
    }
}

type LoginPasswordField = Field<LoginPassword>;

/// A password within the length limits of the document. Stricter settings for new passwords do not apply.
pub(super) struct LoginPassword(pub(super) PasswordAttempt);

impl Member for LoginPassword {
    fn read(value: &Value) -> Result<Self, String> {
        let typed = text(value)?;
        Password::parse(typed, PASSWORDS).map_err(|error| error.to_string())?;
        Ok(Self(PasswordAttempt::new(typed)))
    }
}

impl Documented for LoginPassword {
    fn schema() -> Schema {
        password().min_length(Some(PASSWORDS.min_length)).max_length(Some(PASSWORD_MAX_CODE_POINTS)).into()
    }
}

/// 201 of `/auth/register`, 200 of `/auth/logout`.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    pub(super) message: &'static str,
}

/// 200 of `/auth/login`, of `/auth/refresh` and of `/user`.
#[derive(Serialize, ToSchema)]
pub(super) struct Answer<T> {
    pub(super) message: &'static str,
    #[schema(inline)]
    pub(super) data: T,
}

/// The data of `/auth/login`.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    pub(super) token: &'a str,
    pub(super) user: User<'a>,
}

/// The data of `/auth/refresh`.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    pub(super) token: &'a str,
}

/// The data of `/user`.
#[derive(Serialize, ToSchema)]
pub(super) struct User<'a> {
    id: i64,
    #[schema(required)]
    username: Option<&'a str>,
    #[schema(format = "date-time")]
    joined: String,
}

impl<'a> User<'a> {
    pub(super) fn of(user: &'a model::User) -> Self {
        Self { id: user.number.0, username: user.username(), joined: user.created_at.to_string() }
    }
}

/// Every failure.
#[derive(Serialize, ToSchema)]
pub(super) struct Error {
    pub(super) message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) errors: Option<FieldErrors>,
}

/// The errors by member. Valid members are absent.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct FieldErrors {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    username: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    password: Vec<String>,
}

impl FieldErrors {
    pub(super) fn of(errors: &[FieldError]) -> Self {
        Self { username: messages_for("username", errors), password: messages_for("password", errors) }
    }
}

fn messages_for(field: &str, errors: &[FieldError]) -> Vec<String> {
    let of_field = errors.iter().filter(|error| error.field == field);
    of_field.map(|error| format!("{field} {}", error.message)).collect()
}
