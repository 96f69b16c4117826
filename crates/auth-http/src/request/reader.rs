//! Reading a JSON object into the struct of a body, and validating it.
//!
//! The struct of a body derives `Deserialize`, `Validate` (with `nest_all_fields`) and `ToSchema`; its members are
//! [`Field`](super::Field)s. Nothing else declares the body.

use std::cell::Cell;
use std::fmt::{self, Display};

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use validator::{ValidateArgs, ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::failure::{Failure, FieldError};

use super::JsonObject;

impl JsonObject {
    /// Reads the members of `T` and validates them. Other members are ignored.
    ///
    /// # Errors
    /// [`Failure::InvalidFields`] with the errors of all members.
    pub fn read_valid<'v, T: DeserializeOwned + ValidateArgs<'v>>(
        &self,
        args: T::Args,
    ) -> Result<T, Failure> {
        let body = self.read()?;
        match errors(&body, args) {
            errors if errors.is_empty() => Ok(body),
            errors => Err(Failure::InvalidFields(errors)),
        }
    }

    /// Reads the members of `T` and does not validate them.
    ///
    /// # Errors
    /// [`Failure::MalformedBody`] if a member of `T` is not lenient, unlike [`Field`](super::Field).
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let names = Cell::default();
        T::deserialize(Members { object: self.members(), names: &names })
            .map_err(|Unreadable| Failure::MalformedBody)
    }
}

/// Validates a body: an error for each invalid member, in the order in which the struct declares the members.
pub fn errors<'v, T: DeserializeOwned + ValidateArgs<'v>>(body: &T, args: T::Args) -> Vec<FieldError> {
    let Err(errors) = body.validate_with_args(args) else { return Vec::new() };
    let names = member_names::<T>();
    let mut found: Vec<_> = errors.errors().iter().collect();
    found.sort_by_key(|(name, _)| names.iter().position(|member| is_same_name(member, name)));
    let errors = found.into_iter().flat_map(|(name, kind)| {
        let member = names.iter().find(|member| is_same_name(member, name)).copied();
        let field = member.map_or_else(|| name.clone(), Into::into);
        messages(kind).into_iter().map(move |message| FieldError { field: field.clone(), message })
    });
    errors.collect()
}

/// The validator uses the names of the Rust fields: `display_name` for `displayName`.
fn is_same_name(member: &str, field: &str) -> bool {
    let letters = |name: &'_ str| name.replace('_', "").to_ascii_lowercase();
    letters(member) == letters(field)
}

fn messages(kind: &ValidationErrorsKind) -> Vec<String> {
    fn of(errors: &ValidationErrors) -> Vec<String> {
        errors.errors().values().flat_map(messages).collect()
    }
    match kind {
        ValidationErrorsKind::Field(errors) => errors.iter().map(message).collect(),
        ValidationErrorsKind::Struct(errors) => of(errors),
        ValidationErrorsKind::List(items) => items.values().flat_map(|errors| of(errors)).collect(),
    }
}

/// The text of an error, made of its message and bounds. The other parameters contain the rejected value, so an error
/// is never serialised or displayed as a whole.
fn message(error: &ValidationError) -> String {
    let bound = |name| error.params.get(name).and_then(Value::as_u64);
    match (&error.message, bound("min"), bound("max")) {
        (Some(message), ..) => message.to_string(),
        (None, Some(min), Some(max)) => format!("must be {min} to {max} characters long"),
        (None, Some(min), None) => format!("must be at least {min} characters long"),
        (None, None, Some(max)) => format!("must be at most {max} characters long"),
        (None, None, None) => "is invalid".to_owned(),
    }
}

/// Returns the names of the members of `T` in JSON, in the order of their declaration.
#[must_use]
pub fn member_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let (empty, names) = (Map::new(), Cell::default());
    // The result does not matter: serde passes the names before it reads a member.
    let _ = T::deserialize(Members { object: &empty, names: &names });
    names.get()
}

/// The members of an object that a struct declares, and the names that the struct declares.
struct Members<'a> {
    object: &'a Map<String, Value>,
    names: &'a Cell<&'static [&'static str]>,
}

impl<'de> Deserializer<'de> for Members<'de> {
    type Error = Unreadable;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.names.set(fields);
        let members = fields.iter().filter_map(|name| Some((*name, Present(self.object.get(*name)?))));
        visitor.visit_map(MapDeserializer::new(members))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unreadable> {
        Err(Unreadable)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A member that is present. Unlike in `serde_json`, `null` is `unit`, not `none`: `Option` accepts both, and a
/// [`Field`](super::Field) can tell it from an absent member.
struct Present<'a>(&'a Value);

impl<'de> IntoDeserializer<'de, Unreadable> for Present<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Present<'de> {
    type Error = Unreadable;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.0.deserialize_any(visitor).map_err(|_| Unreadable)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct struct map enum identifier ignored_any
    }
}

/// A member cannot be read. The reason is dropped, because it may contain the value.
#[derive(Debug)]
struct Unreadable;

impl Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unreadable member")
    }
}

impl std::error::Error for Unreadable {}

impl Error for Unreadable {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{PasswordPolicy, Roles};
    use serde::Deserialize;
    use validator::Validate;

    use super::*;
    use crate::request::{Change, Field, Member, NewPasswordField, TextField, UsernameField};

    const SECRET: &str = "s3cret-of-jane";

    /// A list of role names.
    struct Names;

    impl Member for Names {
        const EXPECTED: &'static str = "must be an array of strings";

        fn from_list(names: Option<Vec<String>>) -> Result<Self, String> {
            let names = names.ok_or(Self::EXPECTED)?;
            Roles::parse(&names.join(",")).map(|_| Self).map_err(|error| error.to_string())
        }
    }

    #[derive(Deserialize, Validate)]
    #[serde(rename_all = "camelCase")]
    #[validate(nest_all_fields = true, context = PasswordPolicy)]
    struct Body {
        user_name: UsernameField,
        #[validate(custom(function = NewPasswordField::satisfies, use_context))]
        password: NewPasswordField,
        display_name: Option<TextField>,
        #[serde(default)]
        new_name: Change<UsernameField>,
        role_names: Field<Names>,
    }

    fn errors_in(json: &str) -> Vec<String> {
        let object = JsonObject::parse(json.as_bytes()).expect("an object");
        match object.read_valid::<Body>(&PasswordPolicy { min_length: 8 }) {
            Ok(_) => Vec::new(),
            Err(Failure::InvalidFields(errors)) => {
                errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect()
            }
            Err(failure) => panic!("another failure: {failure:?}"),
        }
    }

    #[test]
    fn all_errors_are_listed_in_declaration_order() {
        assert_eq!(
            errors_in(r#"{"password":7,"displayName":[],"newName":null,"roleNames":["a",7]}"#),
            [
                "userName is required",
                "password must be a string",
                "displayName must be a string",
                "newName must be a string",
                "roleNames must be an array of strings",
            ]
        );
        assert_eq!(
            errors_in(r#"{"userName":"","password":"1234567","roleNames":{"a":{}}}"#),
            [
                "userName must not be empty",
                "password must be at least 8 characters long",
                "roleNames must be an array of strings",
            ]
        );
    }

    #[test]
    fn optional_members_may_be_absent_and_only_options_null() {
        let required = r#""userName":"jane","password":"12345678","roleNames":["a"],"unknown":1"#;
        assert_eq!(errors_in(&format!("{{{required}}}")), [""; 0]);
        assert_eq!(errors_in(&format!(r#"{{{required},"displayName":null,"newName":"j"}}"#)), [""; 0]);
        assert_eq!(errors_in(&format!(r#"{{{required},"newName":null}}"#)), ["newName must be a string"]);
    }

    #[test]
    fn validation_errors_never_contain_the_password() {
        let object = JsonObject::parse(format!(r#"{{"password":"{SECRET}","roleNames":[]}}"#).as_bytes());
        let body: Body = object.expect("an object").read().expect("read");
        let errors = body.validate_with_args(&PasswordPolicy { min_length: 20 }).expect_err("invalid");
        assert!(!format!("{errors:?}").contains(SECRET));
    }

    #[test]
    fn error_text_uses_bounds_and_never_the_value() {
        let mut error = ValidationError::new("length");
        error.add_param("value".into(), &SECRET);
        assert_eq!(message(&error), "is invalid");
        error.add_param("min".into(), &2);
        assert_eq!(message(&error), "must be at least 2 characters long");
        error.add_param("max".into(), &9);
        assert_eq!(message(&error), "must be 2 to 9 characters long");
    }

    #[test]
    fn member_names_are_those_in_json() {
        let names = ["userName", "password", "displayName", "newName", "roleNames"];
        assert_eq!(member_names::<Body>(), names);
    }
}
