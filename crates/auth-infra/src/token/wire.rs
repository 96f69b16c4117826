//! What stands in a token: its header (RFC 7515, section 4) and its claims (RFC 9068, section 2.2), as JSON.
//!
//! Each is a flat object whose members are all known and all required; any other member is refused, and so is one
//! that comes twice, whether or not it is spelt with escapes. As no member's value is an object, that holds at
//! any depth. The order of members and white space between them are free, as JSON has it.

use std::borrow::Cow;

use auth_domain::model::{AccessClaims, ClientId, Role, Roles, SessionId, Timestamp, TokenId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::key::KeyAlgorithm;

/// The type of every token (RFC 9068, section 2.1): it keeps other JWTs of the same issuer from being taken for
/// access tokens.
const TYPE: &str = "at+jwt";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    aud: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    exp: u64,
    iat: u64,
    #[serde(borrow)]
    jti: Cow<'a, str>,
    #[serde(borrow)]
    sid: Cow<'a, str>,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    roles: Vec<Cow<'a, str>>,
}

/// What a header claims.
pub(super) struct TokenHeader<'a> {
    /// The name of the key.
    pub(super) kid: Cow<'a, str>,
    algorithm: Cow<'a, str>,
}

impl TokenHeader<'_> {
    /// Whether the header names the algorithm that its key is of.
    pub(super) fn is_of(&self, algorithm: KeyAlgorithm) -> bool {
        self.algorithm == algorithm.as_str()
    }
}

/// Writes the header of tokens signed by this key.
pub(super) fn header(algorithm: KeyAlgorithm, kid: &str) -> Vec<u8> {
    write(&Header { alg: algorithm.as_str().into(), typ: TYPE.into(), kid: kid.into() })
}

/// Reads a header; `None` when it is not one of an access token of ours.
pub(super) fn parse_header(json: &[u8]) -> Option<TokenHeader<'_>> {
    let Header { alg, typ, kid } = read(json)?;
    (typ == TYPE).then_some(TokenHeader { kid, algorithm: alg })
}

/// Writes claims.
pub(super) fn payload(issuer: &str, audience: &str, claims: &AccessClaims) -> Vec<u8> {
    write(&Payload {
        iss: issuer.into(),
        aud: audience.into(),
        sub: claims.user_id.to_string().into(),
        exp: seconds(claims.expires_at),
        iat: seconds(claims.issued_at),
        jti: claims.token_id.to_string().into(),
        sid: claims.session_id.to_string().into(),
        client_id: claims.client_id.as_str().into(),
        roles: claims.roles.iter().map(|role| role.as_str().into()).collect(),
    })
}

/// Reads claims; `None` when they are not ones of this issuer for this audience.
pub(super) fn parse_payload(issuer: &str, audience: &str, json: &[u8]) -> Option<AccessClaims> {
    let payload: Payload<'_> = read(json)?;
    if payload.iss != issuer || payload.aud != audience {
        return None;
    }
    Some(AccessClaims {
        token_id: TokenId(uuid(&payload.jti)?),
        user_id: UserId(uuid(&payload.sub)?),
        session_id: SessionId(uuid(&payload.sid)?),
        client_id: ClientId::from(payload.client_id.into_owned()),
        roles: Roles::new(
            payload.roles.iter().map(|role| Role::parse(role).ok()).collect::<Option<Vec<_>>>()?,
        )
        .ok()?,
        issued_at: timestamp(payload.iat)?,
        expires_at: timestamp(payload.exp)?,
    })
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    // Strings, integers and lists of strings can always be written.
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    // serde would take a list of the values, in order, for an object.
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// Reads a UUID in its one canonical spelling (RFC 9562, section 4), lower-case and with hyphens.
fn uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(uuid)
}

fn seconds(time: Timestamp) -> u64 {
    // No timestamp is before the epoch.
    u64::try_from(time.unix_seconds()).unwrap_or(0)
}

/// A time, if it is one that can be: not after the year 9999.
fn timestamp(seconds: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds <= Timestamp::MAX.unix_seconds())?;
    Some(Timestamp::from_unix_seconds(seconds))
}
