//! The request and response bodies, with exactly the members of the dialect's document.

use auth_domain::model;
use auth_domain::model::{
    InvalidIdentifier, PASSWORD_MAX_CODE_POINTS, PasswordAttempt, USERNAME_MAX_CODE_POINTS,
};
use auth_domain::use_cases::Register;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::{Failure, FieldError};
use crate::request::{
    Documented, Field, Member, MinPasswordLength, NewPasswordField, UsernameField, password, string, text,
};

/// The minimum length of the document. It applies to log-ins as well as to new passwords.
pub(super) const MIN_PASSWORD_LENGTH: MinPasswordLength = MinPasswordLength(6);

/// The account to register.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = MinPasswordLength)]
pub(super) struct Registration {
    username: UsernameField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.terms.min_password_length)?;
        context.registration(Some(self.username.into_value()?), None, password)
    }
}

/// The credentials of the user to log in.
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
        MIN_PASSWORD_LENGTH.parse(typed).map_err(|error| error.to_string())?;
        Ok(Self(PasswordAttempt::new(typed)))
    }
}

impl Documented for LoginPassword {
    fn schema() -> Schema {
        password()
            .description(Some("The password of the user."))
            .min_length(Some(MIN_PASSWORD_LENGTH.0))
            .max_length(Some(PASSWORD_MAX_CODE_POINTS))
            .into()
    }
}

/// The request is done.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    /// A sentence for people. Programs use the status.
    pub(super) message: &'static str,
}

/// The user is logged in.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginAnswer<'a> {
    /// A sentence for people. Programs use the status.
    pub(super) message: &'static str,
    /// The access token and the user.
    pub(super) data: LoggedIn<'a>,
}

/// The session was refreshed.
#[derive(Serialize, ToSchema)]
pub(super) struct RefreshAnswer<'a> {
    /// A sentence for people. Programs use the status.
    pub(super) message: &'static str,
    /// The access token.
    pub(super) data: Refreshed<'a>,
}

/// The user of the access token.
#[derive(Serialize, ToSchema)]
pub(super) struct UserAnswer<'a> {
    /// A sentence for people. Programs use the status.
    pub(super) message: &'static str,
    /// The user.
    pub(super) data: User<'a>,
}

/// The access token of the new session, and its user.
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn<'a> {
    /// A JWT, for the header `Authorization`. It is valid for 15 minutes by default.
    pub(super) token: &'a str,
    /// The user who logged in.
    pub(super) user: User<'a>,
}

/// The new access token of the session.
#[derive(Serialize, ToSchema)]
pub(super) struct Refreshed<'a> {
    /// A JWT, for the header `Authorization`. It is valid for 15 minutes by default.
    pub(super) token: &'a str,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub(super) struct User<'a> {
    /// The id, a number below 2^53. It never changes.
    id: i64,
    /// The username as typed. `null` if the user has none.
    #[schema(required)]
    username: Option<&'a str>,
    /// The time of the registration.
    #[schema(format = "date-time")]
    joined: String,
}

impl<'a> User<'a> {
    pub(super) fn of(user: &'a model::User) -> Self {
        Self { id: user.number.0, username: user.username(), joined: user.created_at.to_string() }
    }
}

/// Why the request failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub(super) struct Error {
    /// A sentence for people. Programs use the status.
    pub(super) message: Cow<'static, str>,
    /// The errors by member. Absent if the failure does not concern the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) errors: Option<FieldErrors>,
}

/// The errors by member. Valid members are absent.
#[derive(Default, Serialize, ToSchema)]
pub(super) struct FieldErrors {
    /// What is wrong with `username`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    username: Vec<String>,
    /// What is wrong with `password`.
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
