//! The types of a body's members. Each one combines the JSON type, the rule of the domain and the schema.
//!
//! Reading is lenient: a member of the wrong type becomes an invalid [`Field`], so that one answer can list the errors
//! of all members.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use auth_domain::model::{
    DisplayName, EMAIL_MAX_BYTES, EmailAddress, InvalidPassword, PASSWORD_MAX_CODE_POINTS, Password,
    PasswordAttempt, PasswordPolicy, PhoneNumber, USERNAME_MAX_CODE_POINTS, Username,
};
use auth_domain::ports::BoxError;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};
use validator::{Validate, ValidationError, ValidationErrors};

use crate::failure::Failure;

/// A value that can be read from a member of a JSON object.
///
/// Error texts follow the name of the member and never contain the value.
pub trait Member: Sized {
    /// The error text for a value of another JSON type.
    const EXPECTED: &'static str = "must be a string";

    /// Reads a string.
    ///
    /// # Errors
    /// The text of the error.
    fn from_text(_text: &str) -> Result<Self, String> {
        Err(Self::EXPECTED.to_owned())
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// The text of the error.
    fn from_bool(_flag: bool) -> Result<Self, String> {
        Err(Self::EXPECTED.to_owned())
    }

    /// Reads an array of strings; `None` if an item is not a string.
    ///
    /// # Errors
    /// The text of the error.
    fn from_list(_items: Option<Vec<String>>) -> Result<Self, String> {
        Err(Self::EXPECTED.to_owned())
    }
}

/// A member with a schema.
pub trait Documented {
    /// The schema of a required member.
    fn schema() -> Schema;

    /// Adds the schemas that [`schema`](Self::schema) refers to, by name.
    fn referenced(_schemas: &mut Vec<(String, RefOr<Schema>)>) {}
}

/// The start of a schema for a string.
#[must_use]
pub fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The start of a schema for a password.
#[must_use]
pub fn password() -> ObjectBuilder {
    string().format(Some(format("password")))
}

fn format(name: &str) -> SchemaFormat {
    SchemaFormat::Custom(name.to_owned())
}

fn text<T, E: Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// Any string.
impl Member for String {
    fn from_text(typed: &str) -> Result<Self, String> {
        Ok(typed.to_owned())
    }
}

impl Documented for String {
    fn schema() -> Schema {
        string().into()
    }
}

impl Member for Username {
    fn from_text(typed: &str) -> Result<Self, String> {
        text(Self::parse(typed))
    }
}

impl Documented for Username {
    fn schema() -> Schema {
        string()
            .format(Some(format("username")))
            .description(Some("Visible characters, shown as typed; upper and lower case make no difference."))
            .min_length(Some(1))
            .max_length(Some(USERNAME_MAX_CODE_POINTS))
            .into()
    }
}

impl Member for EmailAddress {
    fn from_text(typed: &str) -> Result<Self, String> {
        text(Self::parse(typed))
    }
}

impl Documented for EmailAddress {
    fn schema() -> Schema {
        string()
            .format(Some(format("email")))
            .description(Some("At most 254 bytes."))
            .max_length(Some(EMAIL_MAX_BYTES))
            .into()
    }
}

impl Member for DisplayName {
    fn from_text(typed: &str) -> Result<Self, String> {
        text(Self::parse(typed))
    }
}

impl Documented for DisplayName {
    fn schema() -> Schema {
        string().description(Some("The name to be shown.")).min_length(Some(1)).max_length(Some(255)).into()
    }
}

impl Member for PhoneNumber {
    fn from_text(typed: &str) -> Result<Self, String> {
        text(Self::parse(typed))
    }
}

impl Documented for PhoneNumber {
    fn schema() -> Schema {
        string()
            .description(Some("In E.164 form; spaces, hyphens, dots and parentheses are dropped."))
            .pattern(Some(r"^[-. ()]*\+[-. ()]*[1-9]([-. ()]*[0-9]){1,14}[-. ()]*$"))
            .into()
    }
}

impl Member for PasswordAttempt {
    fn from_text(typed: &str) -> Result<Self, String> {
        Ok(Self::new(typed))
    }
}

impl Documented for PasswordAttempt {
    fn schema() -> Schema {
        password().into()
    }
}

/// A member that holds a `T`. `Option<Field<T>>` may be absent or `null`.
///
/// A required member that is absent, and a value that is not a `T`, are invalid; validation reports them.
#[derive(Debug)]
pub struct Field<T>(Result<T, ErrorText>);

/// The reason why a member has no value. It does not contain what the client sent.
type ErrorText = Cow<'static, str>;

/// Any string.
pub type TextField = Field<String>;
/// A new username.
pub type UsernameField = Field<Username>;
/// A new e-mail address.
pub type EmailField = Field<EmailAddress>;
/// A name to be shown.
pub type DisplayNameField = Field<DisplayName>;
/// A phone number.
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

/// Turns an optional member into an optional value.
///
/// # Errors
/// As for [`Field::get`].
pub fn optional<T>(field: Option<Field<T>>) -> Result<Option<T>, Failure> {
    field.map(Field::into_value).transpose()
}

impl<T> Validate for Field<T> {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let Err(text) = &self.0 else { return Ok(()) };
        let mut errors = ValidationErrors::new();
        errors.add("value", ValidationError::new("invalid").with_message(text.clone()));
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

struct FieldVisitor<T>(PhantomData<T>);

impl<'de, T: Member> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_none<E>(self) -> Result<Field<T>, E> {
        Ok(Field(Err("is required".into())))
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::read(&Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<T>, D::Error> {
        Value::deserialize(deserializer).map(|value| Field::read(&value))
    }
}

impl<T: Member> Field<T> {
    fn read(value: &Value) -> Self {
        let read = match value {
            Value::String(text) => T::from_text(text),
            Value::Bool(flag) => T::from_bool(*flag),
            Value::Array(items) => {
                T::from_list(items.iter().map(|item| item.as_str().map(str::to_owned)).collect())
            }
            Value::Null | Value::Number(_) | Value::Object(_) => Err(T::EXPECTED.to_owned()),
        };
        Self(read.map_err(Cow::Owned))
    }
}

/// A member of a change: absent means unchanged, and `null` is invalid. It needs `#[serde(default)]`.
#[derive(Debug)]
pub struct Change<T>(Option<T>);

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Change<Field<T>> {
    /// The new value, if there is one.
    ///
    /// # Errors
    /// As for [`Field::get`].
    pub fn into_value(self) -> Result<Option<T>, Failure> {
        optional(self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(|value| Self(Some(value)))
    }
}

impl<T: Validate> Validate for Change<T> {
    fn validate(&self) -> Result<(), ValidationErrors> {
        self.0.as_ref().map_or(Ok(()), Validate::validate)
    }
}

impl<T: ToSchema> PartialSchema for Change<T> {
    fn schema() -> RefOr<Schema> {
        T::schema()
    }
}

impl<T: ToSchema> ToSchema for Change<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}

/// A password to be set. The body's context is the [`PasswordPolicy`] in force.
#[derive(Debug)]
pub struct NewPassword(SecretString);

impl Member for NewPassword {
    fn from_text(typed: &str) -> Result<Self, String> {
        Ok(Self(typed.into()))
    }
}

impl Documented for NewPassword {
    fn schema() -> Schema {
        password().description(Some("Any characters.")).max_length(Some(PASSWORD_MAX_CODE_POINTS)).into()
    }
}

/// A copy of the rejected value is part of every error of the validator, so a member with an own validator has to be
/// serialisable. The copy of a password is empty.
impl Serialize for NewPasswordField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl Serialize for Change<NewPasswordField> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl NewPassword {
    fn parse(&self, policy: PasswordPolicy) -> Result<Password, InvalidPassword> {
        Password::parse(self.0.expose_secret(), policy)
    }
}

impl NewPasswordField {
    /// Validates the password; a member without one is reported by [`Validate`].
    ///
    /// # Errors
    /// When the policy does not allow the password.
    pub fn satisfies(&self, policy: &PasswordPolicy) -> Result<(), ValidationError> {
        let Ok(password) = &self.0 else { return Ok(()) };
        let rejected =
            |error: InvalidPassword| ValidationError::new("password").with_message(error.to_string().into());
        password.parse(*policy).map(drop).map_err(rejected)
    }

    /// The password.
    ///
    /// # Errors
    /// When the policy does not allow it, and as for [`Field::get`].
    pub fn accept(&self, policy: PasswordPolicy) -> Result<Password, Failure> {
        Ok(self.get()?.parse(policy)?)
    }
}

impl Change<NewPasswordField> {
    /// As for [`Field::satisfies`].
    ///
    /// # Errors
    /// When the policy does not allow the password.
    pub fn satisfies(&self, policy: &PasswordPolicy) -> Result<(), ValidationError> {
        self.0.as_ref().map_or(Ok(()), |password| password.satisfies(policy))
    }

    /// The new password, if there is one.
    ///
    /// # Errors
    /// As for [`Field::accept`].
    pub fn accept(&self, policy: PasswordPolicy) -> Result<Option<Password>, Failure> {
        self.0.as_ref().map(|password| password.accept(policy)).transpose()
    }
}
