//! Faulty access token codecs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use auth_domain::conformance::{ACCESS_TOKEN_CODEC_CASES, AccessTokenCodecs};
use auth_domain::model::{
    AccessClaims, ClaimName, ClaimValue, ClientId, ExtraClaims, IssuedToken, RefreshClaims, Roles, SessionId,
    Timestamp, TokenId, UserId,
};
use auth_domain::ports::{AccessTokenCodec, PortError};
use auth_domain::testing::PlainTokens;
use uuid::Uuid;

use crate::{assert_detected, failure};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    DropsRoles,
    DropsExtraClaims,
    DropsEmptyTexts,
    ReadsTextsAsIntegers,
    SortsTexts,
    FoldsClaimNames,
    TruncatesTexts,
    ChecksExpiry,
    ReplacesTokenIds,
    ReturnsAnEarlierToken,
    IgnoresTheLastCharacter,
    TrimsTokens,
    SignsTheHeaderOnly,
    TrustsForeignTokens,
    AcceptsAnEmptyToken,
    ReplacesRefreshTokenIds,
    VerifiesRefreshTokensAsAccessTokens,
    IgnoresTheEndOfRefreshTokens,
}

struct FaultyCodec {
    fault: Fault,
    inner: PlainTokens,
    signed: Mutex<Vec<AccessClaims>>,
    made: AtomicU64,
}

impl AccessTokenCodec for FaultyCodec {
    fn sign(&self, claims: &AccessClaims) -> Result<IssuedToken, PortError> {
        let mut claims = claims.clone();
        let mut signed = self.signed.lock().expect("no panic under the lock");
        match self.fault {
            Fault::ReplacesTokenIds => {
                let made = self.made.fetch_add(1, Ordering::SeqCst);
                claims.token_id = TokenId(Uuid::from_u128(made.into()));
            }
            Fault::ReturnsAnEarlierToken => {
                let earlier = signed.iter().find(|earlier| earlier.user_id == claims.user_id);
                claims = earlier.cloned().unwrap_or(claims);
            }
            Fault::SignsTheHeaderOnly => {
                signed.push(claims);
                return Ok(IssuedToken::new(format!("header.{0}.signature{0}", signed.len() - 1)));
            }
            _ => {}
        }
        signed.push(claims.clone());
        self.inner.sign(&claims)
    }

    fn verify(&self, token: &str) -> Option<AccessClaims> {
        match self.fault {
            Fault::DropsRoles => Some(AccessClaims { roles: Roles::default(), ..self.inner.verify(token)? }),
            Fault::DropsExtraClaims
            | Fault::DropsEmptyTexts
            | Fault::ReadsTextsAsIntegers
            | Fault::SortsTexts
            | Fault::FoldsClaimNames
            | Fault::TruncatesTexts => {
                let claims = self.inner.verify(token)?;
                let extra = claims.extra.iter().filter_map(|(name, value)| self.altered_claim(name, value));
                Some(AccessClaims { extra: ExtraClaims::new(extra).expect("fewer claims"), ..claims })
            }
            Fault::ChecksExpiry => self
                .inner
                .verify(token)
                .filter(|claims| claims.expires_at > Timestamp::from_unix_seconds(1_700_000_000)),
            Fault::IgnoresTheLastCharacter => {
                let start = token.get(..token.len().checked_sub(1)?)?;
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                    .chars()
                    .find_map(|last| self.inner.verify(&format!("{start}{last}")))
            }
            Fault::TrimsTokens => self.inner.verify(token.trim()),
            Fault::SignsTheHeaderOnly => {
                let (payload, signature) = token.strip_prefix("header.")?.split_once(".signature")?;
                signature.parse::<usize>().ok()?;
                self.signed
                    .lock()
                    .expect("no panic under the lock")
                    .get(payload.parse::<usize>().ok()?)
                    .cloned()
            }
            Fault::AcceptsAnEmptyToken if token.is_empty() => {
                let token = self.inner.sign(&guest_claims()).ok()?;
                self.inner.verify(token.expose())
            }
            Fault::VerifiesRefreshTokensAsAccessTokens => {
                self.inner.verify(token).or_else(|| self.inner.verify_refresh(token).map(|_| guest_claims()))
            }
            _ => self.inner.verify(token),
        }
    }

    fn sign_refresh(&self, claims: &RefreshClaims) -> Result<IssuedToken, PortError> {
        let mut claims = claims.clone();
        if self.fault == Fault::ReplacesRefreshTokenIds {
            claims.token_id = TokenId(Uuid::from_u128(self.made.fetch_add(1, Ordering::SeqCst).into()));
        }
        self.inner.sign_refresh(&claims)
    }

    fn verify_refresh(&self, token: &str) -> Option<RefreshClaims> {
        let signed = self.inner.verify_refresh(token);
        match self.fault {
            Fault::IgnoresTheEndOfRefreshTokens => {
                signed.or_else(|| self.inner.verify_refresh(token.trim_end_matches('.')))
            }
            _ => signed,
        }
    }
}

impl FaultyCodec {
    /// An extra claim as this codec reads it.
    fn altered_claim(&self, name: &ClaimName, value: &ClaimValue) -> Option<(ClaimName, ClaimValue)> {
        let mut name = name.clone();
        let mut value = value.clone();
        match (self.fault, &mut value) {
            (Fault::DropsExtraClaims, _) => return None,
            (Fault::DropsEmptyTexts, ClaimValue::Text(text)) if text.is_empty() => return None,
            (Fault::ReadsTextsAsIntegers, ClaimValue::Text(text)) => {
                value = text.parse::<i64>().map_or(value, ClaimValue::Integer);
            }
            (Fault::SortsTexts, ClaimValue::Texts(texts)) => texts.sort(),
            (Fault::FoldsClaimNames, _) => {
                name = ClaimName::parse(&name.as_str().to_lowercase()).expect("a name");
            }
            (Fault::TruncatesTexts, ClaimValue::Text(text)) => text.truncate(255),
            _ => {}
        }
        Some((name, value))
    }
}

/// The claims that [`Fault::AcceptsAnEmptyToken`] returns for an empty token.
fn guest_claims() -> AccessClaims {
    AccessClaims {
        token_id: TokenId(Uuid::nil()),
        user_id: UserId(Uuid::nil()),
        session_id: SessionId(Uuid::nil()),
        client_id: ClientId::from_static("example"),
        roles: Roles::default(),
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX.whole_seconds(),
        extra: ExtraClaims::default(),
    }
}

fn faulty(fault: Fault) -> Arc<AccessTokenCodecs> {
    let codec = FaultyCodec {
        fault,
        inner: PlainTokens::default(),
        signed: Mutex::default(),
        made: AtomicU64::new(0),
    };
    let foreign = if fault == Fault::TrustsForeignTokens { "test" } else { "foreign" };
    Arc::new(AccessTokenCodecs {
        codec: Arc::new(codec),
        foreign: vec![Arc::new(PlainTokens::issued_by(foreign))],
    })
}

#[test]
fn faulty_codec_fails_a_case() {
    let detected = [
        (Fault::DropsRoles, "token_verifies_to_its_claims"),
        (Fault::DropsExtraClaims, "extra_claims_are_returned_as_signed"),
        (Fault::DropsEmptyTexts, "extra_claims_are_returned_as_signed"),
        (Fault::ReadsTextsAsIntegers, "extra_claims_are_returned_as_signed"),
        (Fault::SortsTexts, "extra_claims_are_returned_as_signed"),
        (Fault::FoldsClaimNames, "extra_claims_are_returned_as_signed"),
        (Fault::TruncatesTexts, "extra_claims_are_returned_as_signed"),
        (Fault::DropsExtraClaims, "different_claims_make_different_tokens"),
        (Fault::ChecksExpiry, "expiry_is_not_checked"),
        (Fault::ReplacesTokenIds, "equal_claims_get_the_same_id_and_times"),
        (Fault::ReturnsAnEarlierToken, "different_claims_make_different_tokens"),
        (Fault::IgnoresTheLastCharacter, "tampered_token_is_refused"),
        (Fault::TrimsTokens, "token_with_added_text_is_refused"),
        (Fault::SignsTheHeaderOnly, "token_mixed_from_two_is_refused"),
        (Fault::TrustsForeignTokens, "foreign_tokens_are_refused"),
        (Fault::AcceptsAnEmptyToken, "text_that_is_not_a_token_is_refused"),
        (Fault::ReplacesRefreshTokenIds, "refresh_token_verifies_to_its_claims"),
        (Fault::VerifiesRefreshTokensAsAccessTokens, "access_and_refresh_tokens_are_not_confused"),
        (Fault::IgnoresTheEndOfRefreshTokens, "tampered_refresh_token_is_refused"),
        (Fault::TrustsForeignTokens, "foreign_refresh_tokens_are_refused"),
    ];
    assert_detected(ACCESS_TOKEN_CODEC_CASES, detected.map(|(fault, case)| (faulty(fault), case)));
}

#[test]
fn suite_without_foreign_codecs_fails() {
    let codecs = AccessTokenCodecs { codec: Arc::new(PlainTokens::default()), foreign: vec![] };
    let case = ACCESS_TOKEN_CODEC_CASES.iter().find(|case| case.name() == "foreign_tokens_are_refused");
    let case = case.expect("a case of this name");
    assert!(failure(case, &codecs).is_some());
}
