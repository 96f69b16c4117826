//! Reading a JSON object into the struct of a body, and validating it.
//!
//! The struct of a body derives `Deserialize`, `Validate` (with `nest_all_fields`) and `ToSchema`; its members are
//! [`Field`](super::Field)s. Nothing else declares the body.

use std::cell::Cell;

use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};
use validator::{ValidateArgs, ValidationError, ValidationErrorsKind};

use crate::failure::{Failure, FieldError};

use super::JsonObject;

impl JsonObject {
    /// Reads the members of `T` and validates them. Other members are ignored. A [`Failure::InvalidFields`] lists the errors
    /// of all members.
    pub(crate) fn read_valid<'v, T: DeserializeOwned + ValidateArgs<'v>>(
        &self,
        args: T::Args,
    ) -> Result<T, Failure> {
        let body = self.read()?;
        match errors(&body, args) {
            errors if errors.is_empty() => Ok(body),
            errors => Err(Failure::InvalidFields(errors)),
        }
    }

    /// Reads the members of `T` and does not validate them. It fails only if a member of `T` is not lenient, unlike
    /// [`Field`](super::Field).
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let names = Cell::default();
        // The error is dropped, because it may contain a value of the body.
        T::deserialize(Members { object: &self.0, names: &names }).map_err(|_| Failure::MalformedBody)
    }
}

/// Validates a body: an error for each invalid member, in the order in which the struct declares the members.
pub(crate) fn errors<'v, T: DeserializeOwned + ValidateArgs<'v>>(body: &T, args: T::Args) -> Vec<FieldError> {
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
    match kind {
        ValidationErrorsKind::Field(errors) => errors.iter().map(message).collect(),
        ValidationErrorsKind::Struct(errors) => errors.errors().values().flat_map(messages).collect(),
        ValidationErrorsKind::List(items) => {
            items.values().flat_map(|errors| errors.errors().values()).flat_map(messages).collect()
        }
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

/// The names of the members of `T` in JSON, in the order of their declaration.
pub(crate) fn member_names<T: DeserializeOwned>() -> &'static [&'static str] {
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
    type Error = serde_json::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        self.names.set(fields);
        let members = fields.iter().filter_map(|name| Some((*name, Present(self.object.get(*name)?))));
        visitor.visit_map(MapDeserializer::new(members))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> serde_json::Result<V::Value> {
        Err(Error::custom("not a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A member that is present. Unlike in `serde_json`, `null` is `unit`, not `none`: `Option` accepts both, and a
/// [`Field`](super::Field) can tell it from an absent member.
struct Present<'a>(&'a Value);

impl<'de> IntoDeserializer<'de, serde_json::Error> for Present<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Present<'de> {
    type Error = serde_json::Error;

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> serde_json::Result<V::Value> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::model::Roles;
    use serde::Deserialize;
    use validator::Validate;

    use super::*;
    use crate::request::MinPasswordLength;
    use crate::request::{Field, Member, NewPasswordField, TextField, UsernameField, not_null, texts};

    const SECRET: &str = "s3cret-of-jane";

    /// A list of role names.
    struct Names;

    impl Member for Names {
        fn read(value: &Value) -> Result<Self, String> {
            let names = texts(value).ok_or("must be an array of strings")?;
            Roles::parse(&names.join(",")).map(|_| Self).map_err(|error| error.to_string())
        }
    }

    #[derive(Deserialize, Validate)]
    #[serde(rename_all = "camelCase")]
    #[validate(nest_all_fields = true, context = MinPasswordLength)]
    struct Body {
        user_name: UsernameField,
        #[validate(custom(function = NewPasswordField::satisfies, use_context))]
        password: NewPasswordField,
        display_name: Option<TextField>,
        #[serde(default, deserialize_with = "not_null")]
        new_name: Option<UsernameField>,
        role_names: Field<Names>,
    }

    fn errors_in(json: &str) -> Vec<String> {
        let object = JsonObject::parse(json.as_bytes()).expect("an object");
        match object.read_valid::<Body>(&MinPasswordLength(8)) {
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
        let errors = body.validate_with_args(&MinPasswordLength(20)).expect_err("invalid");
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
