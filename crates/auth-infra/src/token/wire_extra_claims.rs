//! The JSON of extra claims, which are members of the payload next to the registered claims.

use std::fmt;

use auth_domain::model::{ClaimName, ClaimValue, ExtraClaims};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The extra claims of a payload.
pub(super) struct WireExtraClaims(pub(super) ExtraClaims);

/// The value of a claim, which its JSON type tells. Everything else is refused, such as `null`, a fraction or an object.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WireValue {
    Text(String),
    Integer(i64),
    Boolean(bool),
    Texts(Vec<String>),
}

impl From<ClaimValue> for WireValue {
    fn from(value: ClaimValue) -> Self {
        match value {
            ClaimValue::Text(text) => Self::Text(text),
            ClaimValue::Integer(integer) => Self::Integer(integer),
            ClaimValue::Boolean(boolean) => Self::Boolean(boolean),
            ClaimValue::Texts(texts) => Self::Texts(texts),
        }
    }
}

impl From<WireValue> for ClaimValue {
    fn from(value: WireValue) -> Self {
        match value {
            WireValue::Text(text) => Self::Text(text),
            WireValue::Integer(integer) => Self::Integer(integer),
            WireValue::Boolean(boolean) => Self::Boolean(boolean),
            WireValue::Texts(texts) => Self::Texts(texts),
        }
    }
}

impl Serialize for WireExtraClaims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.0.iter().map(|(name, value)| (name.as_str(), WireValue::from(value.clone()))))
    }
}

impl<'de> Deserialize<'de> for WireExtraClaims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = WireExtraClaims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("extra claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut claims = Vec::new();
        while let Some((name, value)) = members.next_entry::<String, WireValue>()? {
            claims.push((ClaimName::parse(&name).map_err(Error::custom)?, value.into()));
        }
        // A repeated name is refused here: a map would keep the last of the two.
        ExtraClaims::new(claims).map(WireExtraClaims).map_err(Error::custom)
    }
}
