//! The JSON of a token: its header (RFC 7515, section 4) and its claims (RFC 7519, section 4; RFC 9068, section 2.2).
//!
//! Each is a flat object whose members are all known and all required. Any other member is refused, and so is a
//! duplicate, whether or not it is written with escapes. No member's value is an object, so this holds at any depth. An access
//! token may also have extra claims. Their names are not those of registered claims.
//! The order of members and the white space between them are free.

use std::borrow::Cow;

use auth_domain::model::{
    AccessClaims, ClientId, RefreshClaims, Role, Roles, SessionId, Timestamp, TokenId, UserId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::algorithm::KeyAlgorithm;
use super::wire_extra_claims::WireExtraClaims;

/// The kind of a token: its `typ`. A token of one kind, or of any other JWT of the same issuer, is never one of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// An access token (RFC 9068, section 2.1).
    Access,
    /// A refresh token. No standard defines its type.
    Refresh,
}

impl TokenKind {
    fn typ(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
        }
    }
}

/// The header of a token that was presented. jsonwebtoken's own `Header` accepts any member and any type, so it is
/// only written, never read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kid: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
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
    /// All other members.
    #[serde(flatten)]
    extra: WireExtraClaims,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefreshPayload<'a> {
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
}

impl<'a> TokenHeader<'a> {
    /// Reads a header; `None` unless it is the header of a token of this kind.
    pub(super) fn parse(kind: TokenKind, json: &'a [u8]) -> Option<Self> {
        read(json).filter(|header: &Self| header.typ == kind.typ())
    }

    /// Whether the header names the algorithm of its key. The header confirms the algorithm and never selects it.
    pub(super) fn has_algorithm(&self, algorithm: KeyAlgorithm) -> bool {
        self.alg == algorithm.as_str()
    }
}

/// Writes the header of the tokens of this kind that a key signs.
pub(super) fn header(token: TokenKind, algorithm: KeyAlgorithm, kid: &str) -> Vec<u8> {
    let mut header = jsonwebtoken::Header::new(algorithm.jwt());
    header.typ = Some(token.typ().to_owned());
    header.kid = Some(kid.to_owned());
    write(&header)
}

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
        extra: WireExtraClaims(claims.extra.clone()),
    })
}

/// Reads the claims of an access token; `None` unless they are from this issuer and for this audience.
pub(super) fn parse_payload(issuer: &str, audience: &str, json: &[u8]) -> Option<AccessClaims> {
    let payload: Payload<'_> = read(json)?;
    if payload.iss != issuer || payload.aud != audience {
        return None;
    }
    let roles: Option<Vec<_>> = payload.roles.iter().map(|role| Role::parse(role).ok()).collect();
    Some(AccessClaims {
        token_id: TokenId(uuid(&payload.jti)?),
        user_id: UserId(uuid(&payload.sub)?),
        session_id: SessionId(uuid(&payload.sid)?),
        client_id: ClientId::from(payload.client_id.into_owned()),
        roles: Roles::new(roles?).ok()?,
        issued_at: timestamp(payload.iat)?,
        expires_at: timestamp(payload.exp)?,
        extra: payload.extra.0,
    })
}

/// Writes the claims of a refresh token.
pub(super) fn refresh_payload(issuer: &str, audience: &str, claims: &RefreshClaims) -> Vec<u8> {
    write(&RefreshPayload {
        iss: issuer.into(),
        aud: audience.into(),
        sub: claims.user_id.to_string().into(),
        exp: seconds(claims.expires_at),
        iat: seconds(claims.issued_at),
        jti: claims.token_id.to_string().into(),
        sid: claims.session_id.to_string().into(),
    })
}

/// Reads the claims of a refresh token; `None` unless they are from this issuer and for this audience.
pub(super) fn parse_refresh_payload(issuer: &str, audience: &str, json: &[u8]) -> Option<RefreshClaims> {
    let payload: RefreshPayload<'_> = read(json)?;
    if payload.iss != issuer || payload.aud != audience {
        return None;
    }
    Some(RefreshClaims {
        token_id: TokenId(uuid(&payload.jti)?),
        user_id: UserId(uuid(&payload.sub)?),
        session_id: SessionId(uuid(&payload.sid)?),
        issued_at: timestamp(payload.iat)?,
        expires_at: timestamp(payload.exp)?,
    })
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    // Strings, integers and lists of strings can always be written.
    serde_json::to_vec(value).unwrap_or_default()
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    // serde accepts a list of the values, in order, for a struct.
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// Reads a UUID in its canonical form (RFC 9562, section 4): lower case, with hyphens.
fn uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(uuid)
}

fn seconds(time: Timestamp) -> u64 {
    // No timestamp is before the epoch.
    u64::try_from(time.unix_seconds()).unwrap_or(0)
}

/// Reads a time, which may not be after the year 9999.
fn timestamp(seconds: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds <= Timestamp::MAX.unix_seconds())?;
    Some(Timestamp::from_unix_seconds(seconds))
}
