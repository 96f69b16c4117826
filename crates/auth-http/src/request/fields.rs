//! Reading the members of a body into the domain's types, so that all that is wrong is said at once.

use serde_json::Value;

use crate::failure::{Failure, FieldError};

use super::JsonObject;

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
        let read = match self.object.get(field) {
            None => Err("is required".to_owned()),
            Some(Value::String(text)) => parse(text).map_err(|error| error.to_string()),
            Some(_) => Err("must be a string".to_owned()),
        };
        read.map_err(|message| self.errors.push(FieldError { field, message })).ok()
    }

    /// Reads a member that has to be a string.
    pub fn text(&mut self, field: &'static str) -> Option<&'a str> {
        self.required(field, |text| Ok::<_, std::convert::Infallible>(text))
    }

    /// Whether nothing was found wrong.
    #[must_use]
    pub fn are_sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// What was found wrong.
    #[must_use]
    pub fn failure(self) -> Failure {
        Failure::InvalidFields(self.errors)
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
}
