//! Signed tokens without a secret key.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::model::{
    AccessClaims, ClaimName, ClaimValue, ClientId, ExtraClaims, IssuedToken, RefreshClaims, Roles, SessionId,
    Timestamp, TokenId, UserId,
};
use crate::ports::{AccessTokenCodec, PortError};

/// An [`AccessTokenCodec`] for tests. A token is its kind, the claims in base64url, and the HMAC-SHA-256 of both. The key is
/// derived from the issuer's name.
///
/// Like every codec, it refuses tampered tokens and tokens of another issuer. It is unsafe outside tests, because the
/// issuer's name is enough to sign.
#[derive(Clone, Debug)]
pub struct PlainTokens {
    key: [u8; 64],
}

impl PlainTokens {
    /// Creates the codec of an issuer.
    #[must_use]
    pub fn issued_by(issuer: &str) -> Self {
        let mut key = [0; 64];
        key[..32].copy_from_slice(&Sha256::digest(issuer));
        Self { key }
    }

    fn seal(&self, kind: &str, payload: &str) -> IssuedToken {
        let mac = self.mac(kind, payload).finalize().into_bytes();
        let [payload, mac] = [payload.as_bytes(), &mac].map(|part| URL_SAFE_NO_PAD.encode(part));
        IssuedToken::new(format!("{kind}.{payload}.{mac}"))
    }

    /// Returns the payload of a token of this kind.
    fn open(&self, kind: &str, token: &str) -> Option<String> {
        let (payload, mac) = token.strip_prefix(kind)?.strip_prefix('.')?.split_once('.')?;
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        self.mac(kind, &payload).verify_slice(&URL_SAFE_NO_PAD.decode(mac).ok()?).ok()?;
        Some(payload)
    }

    fn mac(&self, kind: &str, payload: &str) -> Hmac<Sha256> {
        Hmac::<Sha256>::new((&self.key).into()).chain_update(kind).chain_update(payload)
    }
}

/// Uses the issuer `test`.
impl Default for PlainTokens {
    fn default() -> Self {
        Self::issued_by("test")
    }
}

const ACCESS: &str = "plain";
const REFRESH: &str = "plain-refresh";

impl AccessTokenCodec for PlainTokens {
    /// Writes one claim per line. The client id comes last, because it may contain any text, including line breaks.
    fn sign(&self, claims: &AccessClaims) -> Result<IssuedToken, PortError> {
        let AccessClaims { token_id, user_id, session_id, client_id, roles, issued_at, expires_at, extra } =
            claims;
        let (issued_at, expires_at) = (issued_at.unix_seconds(), expires_at.unix_seconds());
        let client_id = client_id.as_str();
        let extra = write_extra(extra);
        let payload = format!(
            "{token_id}\n{user_id}\n{session_id}\n{roles}\n{issued_at}\n{expires_at}\n{extra}\n{client_id}"
        );
        Ok(self.seal(ACCESS, &payload))
    }

    fn verify(&self, token: &str) -> Option<AccessClaims> {
        let payload = self.open(ACCESS, token)?;
        let mut lines = payload.splitn(8, '\n');
        Some(AccessClaims {
            token_id: TokenId(Uuid::parse_str(lines.next()?).ok()?),
            user_id: UserId(Uuid::parse_str(lines.next()?).ok()?),
            session_id: SessionId(Uuid::parse_str(lines.next()?).ok()?),
            roles: Roles::parse(lines.next()?).ok()?,
            issued_at: Timestamp::from_unix_seconds(lines.next()?.parse().ok()?),
            expires_at: Timestamp::from_unix_seconds(lines.next()?.parse().ok()?),
            extra: read_extra(lines.next()?)?,
            client_id: ClientId::from(lines.next()?.to_owned()),
        })
    }

    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<IssuedToken, PortError> {
        let RefreshClaims { token_id, user_id, session_id, issued_at, expires_at } = claims;
        let (issued_at, expires_at) = (issued_at.unix_seconds(), expires_at.unix_seconds());
        let payload = format!("{token_id}\n{user_id}\n{session_id}\n{issued_at}\n{expires_at}");
        Ok(self.seal(REFRESH, &payload))
    }

    fn verify_refresh(&self, token: &str) -> Option<RefreshClaims> {
        let payload = self.open(REFRESH, token)?;
        let mut lines = payload.split('\n');
        Some(RefreshClaims {
            token_id: TokenId(Uuid::parse_str(lines.next()?).ok()?),
            user_id: UserId(Uuid::parse_str(lines.next()?).ok()?),
            session_id: SessionId(Uuid::parse_str(lines.next()?).ok()?),
            issued_at: Timestamp::from_unix_seconds(lines.next()?.parse().ok()?),
            expires_at: Timestamp::from_unix_seconds(lines.next()?.parse().ok()?),
        })
    }
}

/// Writes extra claims in one line, without spaces: the claims separated by `;`, and the parts of a claim by `,`.
fn write_extra(extra: &ExtraClaims) -> String {
    let line = |(name, value): (&ClaimName, &ClaimValue)| {
        let (kind, texts) = match value {
            ClaimValue::Text(text) => ("text", vec![text.clone()]),
            ClaimValue::Integer(integer) => ("integer", vec![integer.to_string()]),
            ClaimValue::Boolean(boolean) => ("boolean", vec![boolean.to_string()]),
            ClaimValue::Texts(texts) => ("texts", texts.clone()),
        };
        let texts = texts.iter().map(|text| URL_SAFE_NO_PAD.encode(text));
        [name.as_str().to_owned(), kind.to_owned()].into_iter().chain(texts).collect::<Vec<_>>().join(",")
    };
    extra.iter().map(line).collect::<Vec<_>>().join(";")
}

fn read_extra(line: &str) -> Option<ExtraClaims> {
    let claims = line.split(';').filter(|claim| !claim.is_empty()).map(read_claim);
    ExtraClaims::new(claims.collect::<Option<Vec<_>>>()?).ok()
}

fn read_claim(claim: &str) -> Option<(ClaimName, ClaimValue)> {
    let mut parts = claim.split(',');
    let (name, kind) = (ClaimName::parse(parts.next()?).ok()?, parts.next()?);
    let texts = parts.map(|part| String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok());
    let texts: Vec<_> = texts.collect::<Option<_>>()?;
    let value = match (kind, &texts[..]) {
        ("text", [text]) => ClaimValue::Text(text.clone()),
        ("integer", [integer]) => ClaimValue::Integer(integer.parse().ok()?),
        ("boolean", [boolean]) => ClaimValue::Boolean(boolean.parse().ok()?),
        ("texts", _) => ClaimValue::Texts(texts),
        _ => return None,
    };
    Some((name, value))
}
