//! Bodies of requests.

use auth_domain::model::{
    InvalidIdentifier, PASSWORD_MAX_CODE_POINTS, Password, PasswordAttempt, PasswordPolicy,
    USERNAME_MAX_CODE_POINTS,
};
use auth_domain::use_cases::Register;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::Schema;
use validator::Validate;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::request::{Documented, Field, Member, NewPasswordField, UsernameField, password, string};

use super::PASSWORDS;

/// Somebody who becomes a user.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true, context = PasswordPolicy)]
pub(super) struct Registration {
    username: UsernameField,
    #[validate(custom(function = NewPasswordField::satisfies, use_context))]
    password: NewPasswordField,
}

impl Registration {
    pub(super) fn into_command(self, context: &Context) -> Result<Register, Failure> {
        let password = self.password.accept(context.passwords)?;
        context.registration(Some(self.username.into_value()?), None, password)
    }
}

/// Somebody who logs in.
#[derive(Deserialize, ToSchema, Validate)]
#[validate(nest_all_fields = true)]
pub(super) struct Credentials {
    pub(super) username: LoginNameField,
    pub(super) password: LoginPasswordField,
}

type LoginNameField = Field<LoginName>;

/// A username or an e-mail address within the bounds that the document prints. A log-in does not reveal whether it is a
/// valid name.
pub(super) struct LoginName(pub(super) String);

impl Member for LoginName {
    fn from_text(typed: &str) -> Result<Self, String> {
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

/// A password within the bounds that the document prints. Settings that ask more of new passwords do not apply.
pub(super) struct LoginPassword(pub(super) PasswordAttempt);

impl Member for LoginPassword {
    fn from_text(typed: &str) -> Result<Self, String> {
        Password::parse(typed, PASSWORDS).map_err(|error| error.to_string())?;
        Ok(Self(PasswordAttempt::new(typed)))
    }
}

impl Documented for LoginPassword {
    fn schema() -> Schema {
        password().min_length(Some(PASSWORDS.min_length)).max_length(Some(PASSWORD_MAX_CODE_POINTS)).into()
    }
}
