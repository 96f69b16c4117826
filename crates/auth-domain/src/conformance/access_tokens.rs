//! Signing access and refresh tokens and verifying them.

use std::time::Duration;

use uuid::Uuid;

use super::AccessTokenCodecs;
use super::fixture::{later, most_roles, now, roles};
use crate::model::{
    AccessClaims, ClaimName, ClaimValue, ClientId, EXTRA_CLAIMS_MAX, EXTRA_CLAIMS_MAX_BYTES, ExtraClaims,
    RefreshClaims, Roles, SessionId, Timestamp, TokenId, UserId,
};

/// The claims of a typical token.
fn claims() -> AccessClaims {
    AccessClaims {
        token_id: TokenId(Uuid::from_u128(0x0d15_ea5e)),
        user_id: UserId(Uuid::from_u128(0x0198_a2f3_5d7b_7000_8000_0000_0000_0001)),
        session_id: SessionId(Uuid::from_u128(0x0198_a2f3_5d7b_7000_8000_0000_0000_0002)),
        client_id: ClientId::from_static("example"),
        roles: roles("admin,customer"),
        issued_at: now().whole_seconds(),
        expires_at: later(900).whole_seconds(),
        extra: ExtraClaims::default(),
    }
}

/// The claims of a typical refresh token, with the ids and times of [`claims`].
fn refresh_claims() -> RefreshClaims {
    let AccessClaims { token_id, user_id, session_id, issued_at, expires_at, .. } = claims();
    RefreshClaims { token_id, user_id, session_id, issued_at, expires_at }
}

fn sign_refresh(codecs: &AccessTokenCodecs, claims: &RefreshClaims) -> String {
    codecs.codec.sign_refresh(claims).expect("no error").expose().to_owned()
}

/// An id that differs from every id in [`claims`].
fn other_id() -> Uuid {
    Uuid::from_u128(1)
}

fn sign(codecs: &AccessTokenCodecs, claims: &AccessClaims) -> String {
    codecs.codec.sign(claims).expect("no error").expose().to_owned()
}

pub(super) async fn token_verifies_to_its_claims(codecs: &AccessTokenCodecs) {
    for claims in [
        claims(),
        AccessClaims { roles: Roles::default(), ..claims() },
        AccessClaims { roles: most_roles(), ..claims() },
        AccessClaims { client_id: ClientId::from("\"\u{f6}\\\u{1f600}\n\u{0}".to_owned()), ..claims() },
        AccessClaims { client_id: ClientId::from_static(""), ..claims() },
        AccessClaims { token_id: TokenId(Uuid::nil()), user_id: UserId(Uuid::max()), ..claims() },
        AccessClaims { session_id: SessionId(Uuid::max()), ..claims() },
        AccessClaims { expires_at: Timestamp::MAX.whole_seconds(), ..claims() },
    ] {
        let token = sign(codecs, &claims);
        assert_eq!(codecs.codec.verify(&token), Some(claims.clone()));
        assert_eq!(codecs.codec.verify(&token), Some(claims), "verified a second time");
    }
}

/// Extra claims with these names and values.
fn extra(claims: &[(&str, ClaimValue)]) -> ExtraClaims {
    let name = |name: &str| ClaimName::parse(name).expect("a name");
    ExtraClaims::new(claims.iter().map(|(text, value)| (name(text), value.clone()))).expect("extra claims")
}

/// The largest text that fits as the only extra claim, of characters of which JSON escapes every other one.
fn longest_text() -> ClaimValue {
    let overhead = r#""tenant":"","#.len();
    "\"\u{7f}".repeat((EXTRA_CLAIMS_MAX_BYTES - overhead) / 3).into()
}

pub(super) async fn extra_claims_are_returned_as_signed(codecs: &AccessTokenCodecs) {
    let texts = |texts: &[&str]| ClaimValue::Texts(texts.iter().map(|&text| text.to_owned()).collect());
    let names: Vec<_> = (0..EXTRA_CLAIMS_MAX).map(|index| format!("claim{index}")).collect();
    for claims in [
        extra(&[("tenant", "acme".into())]),
        extra(&[("tenant", "".into()), ("Tenant", "true".into()), ("a", "1".into()), ("b", "null".into())]),
        extra(&[("tenant", "\u{1f600} \"e\u{301}\" \\ \r\n\u{0}\u{1f}\u{7f}\u{2028}".into())]),
        extra(&[("zero", 0.into()), ("most", ((1 << 53) - 1).into()), ("least", (1 - (1 << 53)).into())]),
        extra(&[("yes", true.into()), ("no", false.into())]),
        extra(&[("none", texts(&[])), ("empty", texts(&[""])), ("many", texts(&["b", "a", "b", ",;.\n"]))]),
        extra(&[("https://example.com/claims/x.y-z_1", "url".into())]),
        extra(&[("tenant", longest_text())]),
        extra(&names.iter().map(|name| (name.as_str(), ClaimValue::from(name.as_str()))).collect::<Vec<_>>()),
    ] {
        let claims = AccessClaims { roles: most_roles(), extra: claims, ..self::claims() };
        let token = sign(codecs, &claims);
        for _ in 0..2 {
            // `Debug` shows no value, so the message names the claims only.
            assert!(codecs.codec.verify(&token).as_ref() == Some(&claims), "verified to {:?}", claims.extra);
        }
    }
}

pub(super) async fn expiry_is_not_checked(codecs: &AccessTokenCodecs) {
    let at = Timestamp::from_unix_seconds;
    for (issued_at, expires_at) in [
        (at(0), at(1)),
        (at(1_000_000_000), at(1_000_000_900)),
        (at(250_000_000_000), at(250_000_000_900)),
        (at(2_000), at(1_000)),
        (at(1_000), at(1_000)),
    ] {
        let claims = AccessClaims { issued_at, expires_at, ..claims() };
        assert_eq!(codecs.codec.verify(&sign(codecs, &claims)), Some(claims));
    }
}

pub(super) async fn equal_claims_get_the_same_id_and_times(codecs: &AccessTokenCodecs) {
    let (one, two) = (sign(codecs, &claims()), sign(codecs, &claims()));
    for token in [one, two] {
        let read = codecs.codec.verify(&token).expect("its own token");
        assert_eq!(read.token_id, claims().token_id);
        assert_eq!((read.issued_at, read.expires_at), (claims().issued_at, claims().expires_at));
    }
}

pub(super) async fn different_claims_make_different_tokens(codecs: &AccessTokenCodecs) {
    let second = Duration::from_secs(1);
    let variants = [
        claims(),
        AccessClaims { token_id: TokenId(other_id()), ..claims() },
        AccessClaims { user_id: UserId(other_id()), ..claims() },
        AccessClaims { session_id: SessionId(other_id()), ..claims() },
        AccessClaims { client_id: ClientId::from_static("other"), ..claims() },
        AccessClaims { roles: roles("customer"), ..claims() },
        AccessClaims { extra: extra(&[("tenant", "acme".into())]), ..claims() },
        AccessClaims { extra: extra(&[("tenant", "other".into())]), ..claims() },
        AccessClaims { issued_at: claims().issued_at.plus(second), ..claims() },
        AccessClaims { expires_at: claims().expires_at.plus(second), ..claims() },
    ];
    for claims in variants {
        assert_eq!(codecs.codec.verify(&sign(codecs, &claims)), Some(claims));
    }
}

pub(super) async fn tampered_token_is_refused(codecs: &AccessTokenCodecs) {
    let token = sign(codecs, &claims());
    assert_eq!(codecs.codec.verify(&token), Some(claims()), "whatever remembers tokens knows it now");
    for (index, character) in token.char_indices() {
        for replacement in ['A', 'B', '-', '.'] {
            if replacement != character {
                let mut tampered = token.clone();
                tampered.replace_range(index..=index, replacement.encode_utf8(&mut [0; 4]));
                assert_eq!(
                    codecs.codec.verify(&tampered),
                    None,
                    "character {index} replaced by {replacement}"
                );
            }
        }
        assert_eq!(codecs.codec.verify(&token[..index]), None, "cut off at {index}");
    }
}

pub(super) async fn token_with_added_text_is_refused(codecs: &AccessTokenCodecs) {
    let token = sign(codecs, &claims());
    assert_eq!(codecs.codec.verify(&token), Some(claims()), "whatever remembers tokens knows it now");
    for added in ["A", "=", "==", ".", " ", "\n", "\0", ".A", &token] {
        assert_eq!(codecs.codec.verify(&format!("{token}{added}")), None, "{added:?} appended");
        assert_eq!(codecs.codec.verify(&format!("{added}{token}")), None, "{added:?} prepended");
    }
}

pub(super) async fn token_mixed_from_two_is_refused(codecs: &AccessTokenCodecs) {
    let other = AccessClaims { user_id: UserId(other_id()), ..claims() };
    let (one, two) = (sign(codecs, &claims()), sign(codecs, &other));
    let (one, two): (Vec<_>, Vec<_>) = (one.split('.').collect(), two.split('.').collect());
    if one.len() != two.len() {
        return; // this kind of token does not consist of parts
    }
    for index in (0..one.len()).filter(|index| one[*index] != two[*index]) {
        let mut mixed = one.clone();
        mixed[index] = two[index];
        assert_eq!(codecs.codec.verify(&mixed.join(".")), None, "part {index} of another token");
    }
}

pub(super) async fn foreign_tokens_are_refused(codecs: &AccessTokenCodecs) {
    assert!(!codecs.foreign.is_empty(), "at least one foreign codec is needed");
    let own = sign(codecs, &claims());
    for (index, foreign) in codecs.foreign.iter().enumerate() {
        let token = foreign.sign(&claims()).expect("no error");
        assert_eq!(
            foreign.verify(token.expose()),
            Some(claims()),
            "foreign codec {index} verifies its own token"
        );
        assert_eq!(codecs.codec.verify(token.expose()), None, "a token of foreign codec {index}");
        assert_eq!(foreign.verify(&own), None, "foreign codec {index} refuses a token of the codec");
    }
}

pub(super) async fn text_that_is_not_a_token_is_refused(codecs: &AccessTokenCodecs) {
    // `alg` none, the well-known HS256 example of jwt.io, and the JSON serialization.
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiIxIn0.";
    let famous = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0Ijox\
                  NTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c";
    let json = r#"{"payload":"eyJzdWIiOiIxIn0","signatures":[]}"#;
    let huge = "A".repeat(1 << 20);
    for text in
        ["", ".", "..", "...", "....", "a.b.c", " ", "\0", "\u{1f600}", "null", unsigned, famous, json, &huge]
    {
        assert_eq!(codecs.codec.verify(text), None, "{} bytes", text.len());
    }
}

pub(super) async fn refresh_token_verifies_to_its_claims(codecs: &AccessTokenCodecs) {
    let at = Timestamp::from_unix_seconds;
    for claims in [
        refresh_claims(),
        RefreshClaims { token_id: TokenId(other_id()), ..refresh_claims() },
        RefreshClaims { user_id: UserId(other_id()), ..refresh_claims() },
        RefreshClaims { session_id: SessionId(other_id()), ..refresh_claims() },
        RefreshClaims {
            token_id: TokenId(Uuid::nil()),
            session_id: SessionId(Uuid::max()),
            ..refresh_claims()
        },
        RefreshClaims { issued_at: at(0), expires_at: at(1), ..refresh_claims() },
        RefreshClaims { issued_at: at(2_000), expires_at: at(1_000), ..refresh_claims() },
        RefreshClaims { expires_at: Timestamp::MAX.whole_seconds(), ..refresh_claims() },
    ] {
        for _ in 0..2 {
            let token = sign_refresh(codecs, &claims);
            assert_eq!(codecs.codec.verify_refresh(&token), Some(claims.clone()));
        }
    }
}

pub(super) async fn access_and_refresh_tokens_are_not_confused(codecs: &AccessTokenCodecs) {
    let refresh = sign_refresh(codecs, &refresh_claims());
    assert_eq!(codecs.codec.verify(&refresh), None, "a refresh token is not an access token");
    assert_eq!(codecs.codec.verify_refresh(&refresh), Some(refresh_claims()));
    assert_eq!(codecs.codec.verify(&refresh), None, "nor after it was verified as a refresh token");
    let access = sign(codecs, &claims());
    assert_eq!(codecs.codec.verify(&access), Some(claims()));
    assert_eq!(codecs.codec.verify_refresh(&access), None, "an access token is not a refresh token");
}

pub(super) async fn tampered_refresh_token_is_refused(codecs: &AccessTokenCodecs) {
    let token = sign_refresh(codecs, &refresh_claims());
    assert_eq!(
        codecs.codec.verify_refresh(&token),
        Some(refresh_claims()),
        "whatever remembers tokens knows it now"
    );
    for (index, character) in token.char_indices() {
        let mut tampered = token.clone();
        tampered.replace_range(index..=index, if character == 'A' { "B" } else { "A" });
        assert_eq!(codecs.codec.verify_refresh(&tampered), None, "character {index} replaced");
        assert_eq!(codecs.codec.verify_refresh(&token[..index]), None, "cut off at {index}");
    }
    for added in ["A", "=", ".", " ", "\n"] {
        assert_eq!(codecs.codec.verify_refresh(&format!("{token}{added}")), None, "{added:?} appended");
    }
}

pub(super) async fn foreign_refresh_tokens_are_refused(codecs: &AccessTokenCodecs) {
    let own = sign_refresh(codecs, &refresh_claims());
    for (index, foreign) in codecs.foreign.iter().enumerate() {
        let token = foreign.sign_refresh(&refresh_claims()).expect("no error");
        assert_eq!(foreign.verify_refresh(token.expose()), Some(refresh_claims()));
        assert_eq!(codecs.codec.verify_refresh(token.expose()), None, "a token of foreign codec {index}");
        assert_eq!(foreign.verify_refresh(&own), None, "foreign codec {index} refuses a token of the codec");
    }
}
