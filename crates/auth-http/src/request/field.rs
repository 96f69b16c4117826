//! A member of a body, as the struct of the body declares it.
//!
//! Reading is lenient: a member of the wrong type becomes an invalid [`Field`], so that one answer can list the errors
//! of all members.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use auth_domain::model::{DisplayName, EmailAddress, Password, PasswordAttempt, PhoneNumber, Username};
use auth_domain::ports::BoxError;
use secrecy::ExposeSecret as _;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};
use validator::{Validate, ValidationError, ValidationErrors};

use crate::failure::Failure;

use super::MinPasswordLength;
use super::members::{Documented, Member, NewPassword};

/// A member that holds a `T`, or the reason why it does not. `Option<Field<T>>` may be absent or `null`.
///
/// A required member that is absent, and a value that is not a `T`, are invalid; validation reports them. The reason does
/// not contain what the client sent.
#[derive(Debug)]
pub struct Field<T>(Result<T, String>);

/// Any string.
pub type TextField = Field<String>;
/// A new username.
pub type UsernameField = Field<Username>;
/// A new e-mail address.
pub type EmailField = Field<EmailAddress>;
/// A name to be shown.
pub type DisplayNameField = Field<DisplayName>;
pub type PhoneNumberField = Field<PhoneNumber>;
/// A password to log in with.
pub type PasswordField = Field<PasswordAttempt>;
/// A password to be set.
pub type NewPasswordField = Field<NewPassword>;

impl<T> Field<T> {
    /// The value.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it is invalid, which happens only when the body was not validated before.
    pub fn get(&self) -> Result<&T, Failure> {
        self.0.as_ref().map_err(|_| not_validated())
    }

    /// The value.
    ///
    /// # Errors
    /// As for [`get`](Self::get).
    pub fn into_value(self) -> Result<T, Failure> {
        self.0.map_err(|_| not_validated())
    }
}

fn not_validated() -> Failure {
    Failure::Internal(BoxError::from("a body was used before it was validated"))
}

/// Turns an optional member into an optional value. It fails as [`Field::get`] does.
pub(crate) fn optional<T>(field: Option<Field<T>>) -> Result<Option<T>, Failure> {
    field.map(Field::into_value).transpose()
}

impl<T> Validate for Field<T> {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let Err(text) = &self.0 else { return Ok(()) };
        let mut errors = ValidationErrors::new();
        errors.add("value", ValidationError::new("invalid").with_message(text.clone().into()));
        Err(errors)
    }
}

impl<T: Documented> PartialSchema for Field<T> {
    fn schema() -> RefOr<Schema> {
        T::schema().into()
    }
}

impl<T: Documented> ToSchema for Field<T> {
    fn name() -> Cow<'static, str> {
        // Unique for each `T`. The name is in no document, because members are described in place.
        std::any::type_name::<T>().into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::referenced(schemas);
    }
}

impl<'de, T: Member> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `deserialize_any`: serde reports an absent member as `none` only to a type that asks for an option.
        deserializer.deserialize_option(FieldVisitor(PhantomData))
    }
}

/// Reads an optional member that must not be `null`, for `#[serde(default, deserialize_with = "not_null")]`.
pub(crate) fn not_null<'de, T: Member, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Field<T>>, D::Error> {
    Field::deserialize(deserializer).map(Some)
}

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Member> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_none<E>(self) -> Result<Field<T>, E> {
        Ok(Field(Err("is required".to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field(T::read(&Value::Null)))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<T>, D::Error> {
        Value::deserialize(deserializer).map(|value| Field(T::read(&value)))
    }
}

impl NewPasswordField {
    /// Validates the password. A member without one is reported by [`Validate`].
    ///
    /// # Errors
    /// When the password is shorter than `min`, or longer than any password.
    pub fn satisfies(&self, min: &MinPasswordLength) -> Result<(), ValidationError> {
        let Ok(NewPassword(typed)) = &self.0 else { return Ok(()) };
        match min.parse(typed.expose_secret()) {
            Ok(_) => Ok(()),
            Err(error) => Err(ValidationError::new("password").with_message(error.to_string().into())),
        }
    }

    /// The password. It fails as [`satisfies`](Self::satisfies) and [`Field::get`] do.
    pub(crate) fn accept(&self, min: MinPasswordLength) -> Result<Password, Failure> {
        let NewPassword(typed) = self.get()?;
        Ok(min.parse(typed.expose_secret())?)
    }
}

/// A copy of the rejected value is part of every error of the validator, so a member with an own validator has to be
/// serialisable. The copy of a password is empty.
impl Serialize for NewPasswordField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}
