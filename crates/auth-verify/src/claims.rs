//! The claims of an access token (RFC 9068, section 2.2).

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::VerifyError;

/// The last second of the year 9999 in Unix time.
const MAX_TIME: u64 = 253_402_300_799;

macro_rules! ids {
    ($($(#[$doc:meta])+ $name:ident;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name(pub Uuid);

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }
        )+
    };
}

ids! {
    /// The id of a user.
    UserId;
    /// The id of a session: what one login starts.
    SessionId;
    /// The id of a token.
    TokenId;
}

/// The claims of a verified access token.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claims {
    /// `sub`: the user.
    pub user_id: UserId,
    /// `sid`: the session.
    pub session_id: SessionId,
    /// `jti`: the id of the token.
    pub token_id: TokenId,
    /// `client_id`: the client that the token was issued to.
    pub client_id: String,
    /// `roles`: the roles of the user. A change of roles ends the user's sessions.
    pub roles: Vec<String>,
    /// `iat`: the time of issue, in whole seconds.
    pub issued_at: SystemTime,
    /// `exp`: the expiry, in whole seconds.
    pub expires_at: SystemTime,
    /// All other claims, which the issuer has added.
    pub extra: Map<String, Value>,
}

impl Claims {
    /// Returns whether the user has a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }

    /// Requires a role.
    ///
    /// # Errors
    /// [`VerifyError::MissingRole`] if the user lacks it.
    pub fn require_role(&self, role: &str) -> Result<(), VerifyError> {
        if self.has_role(role) { Ok(()) } else { Err(VerifyError::MissingRole(role.to_owned())) }
    }
}

/// The payload of a token, before it is compared with the settings of a verifier.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// The later of `iat` and `nbf`.
    pub(crate) valid_from: u64,
    pub(crate) expires_at: u64,
    /// Whether `cnf` binds the token to a key of its holder (RFC 7800).
    pub(crate) is_bound: bool,
    pub(crate) claims: Claims,
}

impl Payload {
    /// Parses a payload. Returns `None` unless it has all registered claims, each once and in its canonical form.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

/// Reads the members of a payload. A derived implementation would keep the last of two extra claims of one name.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of an access token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Payload, A::Error> {
        let mut all = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim is repeated"));
            }
        }
        payload(all).ok_or_else(|| A::Error::custom("a claim is missing or invalid"))
    }
}

fn payload(mut all: Map<String, Value>) -> Option<Payload> {
    let issuer = text(&mut all, "iss")?;
    let audience = text(&mut all, "aud")?;
    let (issued_at, expires_at) = (seconds(&mut all, "iat")?, seconds(&mut all, "exp")?);
    let not_before = if all.contains_key("nbf") { seconds(&mut all, "nbf")? } else { issued_at };
    let is_bound = all.contains_key("cnf");
    let roles = match all.remove("roles")? {
        Value::Array(roles) => roles.into_iter().map(into_text).collect::<Option<_>>()?,
        _ => return None,
    };
    let claims = Claims {
        user_id: UserId(id(&mut all, "sub")?),
        session_id: SessionId(id(&mut all, "sid")?),
        token_id: TokenId(id(&mut all, "jti")?),
        client_id: text(&mut all, "client_id")?,
        roles,
        issued_at: SystemTime::UNIX_EPOCH + Duration::from_secs(issued_at),
        expires_at: SystemTime::UNIX_EPOCH + Duration::from_secs(expires_at),
        extra: all,
    };
    let valid_from = issued_at.max(not_before);
    Some(Payload { issuer, audience, valid_from, expires_at, is_bound, claims })
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

fn text(all: &mut Map<String, Value>, name: &str) -> Option<String> {
    all.remove(name).and_then(into_text)
}

fn seconds(all: &mut Map<String, Value>, name: &str) -> Option<u64> {
    all.remove(name)?.as_u64().filter(|seconds| *seconds <= MAX_TIME)
}

/// Reads a UUID in its canonical form (RFC 9562, section 4): lower case, with hyphens.
fn id(all: &mut Map<String, Value>, name: &str) -> Option<Uuid> {
    let text = text(all, name)?;
    let id = Uuid::try_parse(&text).ok()?;
    (*id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *text).then_some(id)
}
