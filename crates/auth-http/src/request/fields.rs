//! Reading the members of a body into the domain's types, so that all that is wrong is said at once.

use serde_json::Value;

use crate::failure::{Failure, FieldError};

use super::JsonObject;

/// What `null` says of a member that may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NullPolicy {
    /// The same as leaving it out.
    Absent,
    /// Nothing that makes sense.
    Reject,
}

/// The members of a body, and what was found wrong with them so far.
#[derive(Debug)]
pub struct Fields<'a> {
    object: &'a JsonObject,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The members of `object`.
    #[must_use]
    pub fn of(object: &'a JsonObject) -> Self {
        Self { object, errors: Vec::new() }
    }

    /// Reads a member that has to be a string which `parse` accepts; `None` when it is not, which is noted.
    pub fn required<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        match self.object.get(field) {
            None => self.reject(field, "is required".to_owned()),
            Some(value) => self.read(field, value, parse),
        }
    }

    /// Reads a member that may be left out, and otherwise has to be a string which `parse` accepts.
    ///
    /// `None` when it is absent, and also when it is wrong; that is noted, so a body of such members is to be used
    /// only if the [`Fields::is_valid`].
    pub fn optional<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        null: NullPolicy,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        match self.object.get(field)? {
            Value::Null if null == NullPolicy::Absent => None,
            value => self.read(field, value, parse),
        }
    }

    /// Reads a member that may be left out, and otherwise has to be a value which `parse` accepts; `null` is as good as
    /// left out. `None` as for [`optional`](Self::optional).
    pub fn optional_value<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&'a Value) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.object.get(field).filter(|value| !value.is_null())?;
        match parse(value) {
            Ok(read) => Some(read),
            Err(error) => self.reject(field, error.to_string()),
        }
    }

    /// Reads a member that has to be a string.
    pub fn text(&mut self, field: &'static str) -> Option<&'a str> {
        self.required(field, Ok::<_, std::convert::Infallible>)
    }

    /// Reads a member that has to be an array of strings which `parse` accepts; `None` when it is not, which is noted.
    pub fn texts<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(Vec<&'a str>) -> Result<T, E>,
    ) -> Option<T> {
        let Some(value) = self.object.get(field) else { return self.reject(field, "is required".to_owned()) };
        let texts = value.as_array().and_then(|items| items.iter().map(Value::as_str).collect());
        match texts.map(parse) {
            Some(Ok(read)) => Some(read),
            Some(Err(error)) => self.reject(field, error.to_string()),
            None => self.reject(field, "must be an array of strings".to_owned()),
        }
    }

    /// Whether nothing was found wrong.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// What was found wrong.
    #[must_use]
    pub fn failure(self) -> Failure {
        Failure::InvalidFields(self.errors)
    }

    fn read<T, E: std::fmt::Display>(
        &mut self,
        field: &'static str,
        value: &'a Value,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Option<T> {
        let Value::String(text) = value else { return self.reject(field, "must be a string".to_owned()) };
        match parse(text) {
            Ok(read) => Some(read),
            Err(error) => self.reject(field, error.to_string()),
        }
    }

    fn reject<T>(&mut self, field: &'static str, message: String) -> Option<T> {
        self.errors.push(FieldError { field: field.into(), message });
        None
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::model::Username;

    use super::*;

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_nothing_of_what_was_sent() {
        let object = JsonObject::parse(br#"{"empty":"","number":7,"good":"john"}"#).expect("an object");
        let mut fields = Fields::of(&object);
        assert!(fields.required("empty", Username::parse).is_none());
        assert!(fields.required("number", Username::parse).is_none());
        assert!(fields.required("absent", Username::parse).is_none());
        assert_eq!(fields.required("good", Username::parse).expect("read").as_str(), "john");
        let Failure::InvalidFields(errors) = fields.failure() else { panic!("another failure") };
        let said: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
        assert_eq!(said, ["empty must not be empty", "number must be a string", "absent is required"]);
    }

    #[test]
    fn an_array_holds_strings_and_nothing_else() {
        let object = br#"{"text":"a","mixed":["a",7],"none":[],"wrong":["a",""],"good":["a","b"]}"#;
        let object = JsonObject::parse(object).expect("an object");
        let mut fields = Fields::of(&object);
        let names = |texts: Vec<&str>| texts.into_iter().map(Username::parse).collect::<Result<Vec<_>, _>>();
        assert_eq!(fields.texts("good", names).expect("read").len(), 2);
        assert_eq!(fields.texts("none", names).expect("read").len(), 0);
        for field in ["text", "mixed", "absent", "wrong"] {
            assert!(fields.texts(field, names).is_none(), "{field}");
        }
        let Failure::InvalidFields(errors) = fields.failure() else { panic!("another failure") };
        let said: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
        assert_eq!(
            said,
            [
                "text must be an array of strings",
                "mixed must be an array of strings",
                "absent is required",
                "wrong must not be empty",
            ]
        );
    }

    #[test]
    fn an_optional_member_may_be_left_out_but_not_be_wrong() {
        let object = JsonObject::parse(br#"{"null":null,"number":7,"good":"john"}"#).expect("an object");
        let mut fields = Fields::of(&object);
        assert!(fields.optional("absent", NullPolicy::Reject, Username::parse).is_none());
        assert!(fields.optional("null", NullPolicy::Absent, Username::parse).is_none());
        let good = fields.optional("good", NullPolicy::Reject, Username::parse);
        assert_eq!(good.expect("read").as_str(), "john");
        assert!(fields.is_valid());
        for wrong in ["null", "number"] {
            assert!(fields.optional(wrong, NullPolicy::Reject, Username::parse).is_none());
        }
        assert!(!fields.is_valid());
    }
}
