//! Codecs of access tokens that break their promises.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use auth_domain::conformance::{ACCESS_TOKEN_CODEC_CASES, AccessTokenCodecs};
use auth_domain::model::{AccessClaims, AccessToken, ClientId, Roles, SessionId, Timestamp, TokenId, UserId};
use auth_domain::ports::{AccessTokenCodec, PortError};
use auth_domain::testing::PlainTokens;
use uuid::Uuid;

use crate::assert_noticed;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    DropsRoles,
    JudgesExpiry,
    MakesIdsOfItsOwn,
    AnswersWithAnEarlierToken,
    ForgivesTheLastCharacter,
    TrimsTokens,
    SignsTheHeaderOnly,
    TrustsEverybody,
    TakesNothingForAGuest,
}

struct Broken {
    fault: Fault,
    inner: PlainTokens,
    signed: Mutex<Vec<AccessClaims>>,
    made: AtomicU64,
}

impl AccessTokenCodec for Broken {
    fn sign(&self, claims: &AccessClaims) -> Result<AccessToken, PortError> {
        let mut claims = claims.clone();
        let mut signed = self.signed.lock().expect("no panic under the lock");
        match self.fault {
            Fault::MakesIdsOfItsOwn => {
                let made = self.made.fetch_add(1, Ordering::SeqCst);
                claims.token_id = TokenId(Uuid::from_u128(made.into()));
            }
            Fault::AnswersWithAnEarlierToken => {
                let earlier = signed.iter().find(|earlier| earlier.user_id == claims.user_id);
                claims = earlier.cloned().unwrap_or(claims);
            }
            Fault::SignsTheHeaderOnly => {
                signed.push(claims);
                return Ok(AccessToken::new(format!("header.{0}.signature{0}", signed.len() - 1)));
            }
            _ => {}
        }
        signed.push(claims.clone());
        self.inner.sign(&claims)
    }

    fn verify(&self, token: &str) -> Option<AccessClaims> {
        match self.fault {
            Fault::DropsRoles => Some(AccessClaims { roles: Roles::default(), ..self.inner.verify(token)? }),
            Fault::JudgesExpiry => self
                .inner
                .verify(token)
                .filter(|claims| claims.expires_at > Timestamp::from_unix_seconds(1_700_000_000)),
            Fault::ForgivesTheLastCharacter => {
                let begun = token.get(..token.len().checked_sub(1)?)?;
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
                    .chars()
                    .find_map(|last| self.inner.verify(&format!("{begun}{last}")))
            }
            Fault::TrimsTokens => self.inner.verify(token.trim()),
            Fault::SignsTheHeaderOnly => {
                let (said, signature) = token.strip_prefix("header.")?.split_once(".signature")?;
                signature.parse::<usize>().ok()?;
                self.signed.lock().expect("no panic under the lock").get(said.parse::<usize>().ok()?).cloned()
            }
            Fault::TakesNothingForAGuest if token.is_empty() => {
                let token = self.inner.sign(&guest()).ok()?;
                self.inner.verify(token.expose())
            }
            _ => self.inner.verify(token),
        }
    }
}

/// Whom a codec takes somebody without a token for.
fn guest() -> AccessClaims {
    AccessClaims {
        token_id: TokenId(Uuid::nil()),
        user_id: UserId(Uuid::nil()),
        session_id: SessionId(Uuid::nil()),
        client_id: ClientId::from_static("example"),
        roles: Roles::default(),
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MAX.whole_seconds(),
    }
}

fn broken(fault: Fault) -> Arc<AccessTokenCodecs> {
    let codec =
        Broken { fault, inner: PlainTokens::default(), signed: Mutex::default(), made: AtomicU64::new(0) };
    let stranger = if fault == Fault::TrustsEverybody { "test" } else { "stranger" };
    Arc::new(AccessTokenCodecs {
        codec: Arc::new(codec),
        strangers: vec![Arc::new(PlainTokens::issued_by(stranger))],
    })
}

#[tokio::test]
async fn a_codec_that_breaks_a_promise_is_noticed() {
    let noticed = [
        (Fault::DropsRoles, "a_token_is_verified_to_the_claims_it_was_signed_for"),
        (Fault::JudgesExpiry, "expiry_is_not_judged"),
        (Fault::MakesIdsOfItsOwn, "equal_claims_are_signed_to_the_same_id_and_times"),
        (Fault::AnswersWithAnEarlierToken, "different_claims_make_different_tokens"),
        (Fault::ForgivesTheLastCharacter, "a_token_that_was_tampered_with_is_refused"),
        (Fault::TrimsTokens, "a_token_with_something_added_is_refused"),
        (Fault::SignsTheHeaderOnly, "parts_of_two_tokens_make_no_third"),
        (Fault::TrustsEverybody, "tokens_of_strangers_are_refused"),
        (Fault::TakesNothingForAGuest, "what_is_no_token_is_refused"),
    ];
    assert_noticed(ACCESS_TOKEN_CODEC_CASES, noticed.map(|(fault, case)| (broken(fault), case))).await;
}

#[tokio::test]
async fn a_suite_without_strangers_is_noticed() {
    let codecs = AccessTokenCodecs { codec: Arc::new(PlainTokens::default()), strangers: vec![] };
    let strangers =
        ACCESS_TOKEN_CODEC_CASES.iter().find(|case| case.name() == "tokens_of_strangers_are_refused");
    let case = strangers.expect("a case of this name");
    assert!(tokio::spawn(async move { case.run(&codecs).await }).await.is_err());
}
