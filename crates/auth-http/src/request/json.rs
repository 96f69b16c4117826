//! Parses JSON strictly: text that two parsers could understand differently is rejected (RFC 8259, section 4).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::failure::Failure;

/// A JSON object without duplicate members at any depth.
#[derive(Debug)]
pub struct JsonObject(pub(super) Map<String, Value>);

impl JsonObject {
    /// # Errors
    /// [`Failure::MalformedBody`] if `bytes` are not exactly one JSON object.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        match serde_json::from_slice(bytes) {
            Ok(Strict(Value::Object(members))) => Ok(Self(members)),
            _ => Err(Failure::MalformedBody),
        }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

impl From<JsonObject> for Map<String, Value> {
    fn from(object: JsonObject) -> Self {
        object.0
    }
}

/// Any JSON value without duplicate members. [`Value`] itself silently keeps the last of them.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
    }

    fn is_valid(text: impl AsRef<[u8]>) -> bool {
        JsonObject::parse(text.as_ref()).is_ok()
    }

    #[test]
    fn object_has_all_its_members() {
        let object = JsonObject::parse(br#" {"a": "b", "c": [1, -2, 3.5, null, true, {}]} "#).expect("read");
        assert_eq!(object.get("a"), Some(&Value::from("b")));
        assert_eq!(object.get("c").map(Value::to_string).as_deref(), Some("[1,-2,3.5,null,true,{}]"));
        assert_eq!(object.get("d"), None);
    }

    #[test]
    fn duplicate_member_is_rejected_at_any_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            " ",
            "[]",
            r#"["a","b"]"#,
            "1",
            "null",
            r#""a""#,
            "{",
            "{}{}",
            "{} x",
            "{a:1}",
            "{'a':1}",
            r#"{"a":1,}"#,
            "\u{feff}{}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":NaN}",
            "{\"a\":01}",
            "{\"a\":\"\t\"}",
        ] {
            assert!(!is_valid(text), "{text:?}");
        }
        assert!(!is_valid(b"{\"a\":\"\xff\"}"));
        assert!(!is_valid(b"{\"a\":\"\xed\xa0\x80\"}"));
    }

    #[test]
    fn depth_is_bounded() {
        assert!(is_valid(nested(100)));
        assert!(!is_valid(nested(8_000)));
    }
}
