//! The types of a body's members: how each is read from JSON, and its schema.

use auth_domain::model::{
    DISPLAY_NAME_MAX_CODE_POINTS, DisplayName, EMAIL_MAX_BYTES, EmailAddress, PASSWORD_MAX_CODE_POINTS,
    PasswordAttempt, PhoneNumber, USERNAME_MAX_CODE_POINTS, Username,
};
use secrecy::SecretString;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaFormat, Type};

use super::patterns;

/// A value that can be read from a member of a JSON object.
pub trait Member: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// The text of the error. It follows the name of the member and never contains the value.
    fn read(value: &Value) -> Result<Self, String>;
}

/// A member with a schema.
pub trait Documented {
    /// The schema of a required member.
    fn schema() -> Schema;

    /// Adds the schemas that [`schema`](Self::schema) refers to, by name.
    fn referenced(_schemas: &mut Vec<(String, RefOr<Schema>)>) {}
}

/// The value, if it is a string.
pub(crate) fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "must be a string".to_owned())
}

/// The items of an array of strings. `None` if the value is something else.
pub(crate) fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

/// The start of a schema for a string.
pub(crate) fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// The start of a schema for a password.
pub(crate) fn password() -> ObjectBuilder {
    string_in("password")
}

fn string_in(format: &str) -> ObjectBuilder {
    string().format(Some(SchemaFormat::Custom(format.to_owned())))
}

/// Implements [`Member`] for types of the domain that parse a string.
macro_rules! read_by_parsing {
    ($($parsed:ty),*) => {
        $(impl Member for $parsed {
            fn read(value: &Value) -> Result<Self, String> {
                Self::parse(text(value)?).map_err(|error| error.to_string())
            }
        })*
    };
}

read_by_parsing!(Username, EmailAddress, DisplayName, PhoneNumber);

impl Documented for Username {
    fn schema() -> Schema {
        string_in("username")
            .description(Some(
                "1 to 255 visible characters, without white space at the ends. The service shows the name as typed and \
                 compares it without case and Unicode form. The compared form has at most 1,020 bytes.",
            ))
            .min_length(Some(1))
            .max_length(Some(USERNAME_MAX_CODE_POINTS))
            .pattern(Some(patterns::username()))
            .into()
    }
}

impl Documented for EmailAddress {
    fn schema() -> Schema {
        string_in("email").description(Some("An e-mail address of at most 254 bytes, also in its ASCII form (IDNA). The service shows it as typed and compares it without case.")).max_length(Some(EMAIL_MAX_BYTES)).into()
    }
}

impl Documented for DisplayName {
    fn schema() -> Schema {
        string()
            .description(Some(
                "The name of the person, shown as typed: 1 to 255 characters of any script, at least one of them \
                 visible. Joiners, variation selectors and directional marks are allowed. Control characters, line and \
                 paragraph separators, and directional embeddings and overrides are not. Directional isolates are \
                 paired and not nested.",
            ))
            .min_length(Some(1))
            .max_length(Some(DISPLAY_NAME_MAX_CODE_POINTS))
            .pattern(Some(patterns::display_name()))
            .into()
    }
}

impl Documented for PhoneNumber {
    fn schema() -> Schema {
        string()
            .description(Some("A phone number in E.164 form. The service removes spaces, hyphens, dots and parentheses, and checks only the form."))
            .pattern(Some(r"^[-. ()]*\+[-. ()]*[1-9]([-. ()]*[0-9]){1,14}[-. ()]*$"))
            .into()
    }
}

/// Any string.
impl Member for String {
    fn read(value: &Value) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }
}

impl Documented for String {
    fn schema() -> Schema {
        string().into()
    }
}

impl Member for PasswordAttempt {
    fn read(value: &Value) -> Result<Self, String> {
        text(value).map(Self::new)
    }
}

impl Documented for PasswordAttempt {
    fn schema() -> Schema {
        password().description(Some("The password of the user.")).into()
    }
}

/// A password to be set, before the policy is applied.
#[derive(Debug)]
pub struct NewPassword(pub(super) SecretString);

impl Member for NewPassword {
    fn read(value: &Value) -> Result<Self, String> {
        text(value).map(|typed| Self(typed.into()))
    }
}

impl Documented for NewPassword {
    fn schema() -> Schema {
        password()
            .description(Some("The new password: any characters, compared in the Unicode form NFC."))
            .max_length(Some(PASSWORD_MAX_CODE_POINTS))
            .into()
    }
}
