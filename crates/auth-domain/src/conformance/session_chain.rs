//! The chain of refresh credentials: storing it, following it and bounding it.

use std::time::Duration;

use super::StoreUnderTest;
use super::fixture::{Fixture, later, now, retry_of};
use crate::model::{
    CredentialChain, EndReason, NewSession, RefreshAttempt, RefreshDenial, RefreshVerdict, SecretDigest,
    Session, SessionEnd, SuccessorNonce, Timestamp, User,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

const MICRO: Duration = Duration::from_micros(1);

/// Rotates by `attempt`, asserts that the stored chain was `chain`, and returns the chain of the verdict.
async fn rotate_from(
    fixture: &Fixture<'_>,
    chain: &CredentialChain,
    attempt: &RefreshAttempt,
) -> CredentialChain {
    let judged = fixture.refresh(attempt).await;
    let length = chain.consumed.len();
    assert_eq!(judged.record.chain, *chain, "a chain of {length} consumed credentials is returned as stored");
    match judged.verdict {
        RefreshVerdict::Rotate(chain) => chain,
        verdict => panic!("the credential is current: {verdict:?}"),
    }
}

/// Opens a session that lives from the beginning of time to its end.
async fn open_endless(fixture: &Fixture<'_>, user: &User) -> NewSession {
    let new = fixture.new_session(user, fixture.password_version(user.id).await, Timestamp::UNIX_EPOCH);
    let session = Session { expires_at: Timestamp::MAX, ..new.session };
    let new = NewSession { session, ..new };
    assert_eq!(fixture.try_open(&new, &endless()).await, OpenOutcome::Opened);
    new
}

fn endless() -> SessionPolicy {
    SessionPolicy { idle: Duration::MAX, ..SessionPolicy::default() }
}

pub(super) async fn chain_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    // Without a window no rotation is throttled, and a credential is kept for five seconds.
    let policy = SessionPolicy { retry_grace: Duration::ZERO, ..SessionPolicy::default() };
    let (mut token, mut at) = (opened.token(), later(1));
    let mut chain = CredentialChain::new(opened.credential);
    for number in 1..=130_u32 {
        at = at.plus(MICRO * number);
        let attempt = RefreshAttempt { policy: policy.clone(), ..fixture.attempt(token, at) };
        chain = rotate_from(&fixture, &chain, &attempt).await;
        token = attempt.successor_token();
    }
    assert!(chain.consumed.len() >= 32, "a window holds this many");
    assert_eq!(fixture.session(opened.session.id).await.last_refreshed_at, at);
}

pub(super) async fn every_byte_of_a_chain_is_returned(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let every_byte: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap_or_default());
    let end_of_time = [Duration::from_secs(1), MICRO * 6].map(|before| Timestamp::MAX.minus(before));
    for time in [Timestamp::UNIX_EPOCH, now()].into_iter().chain(end_of_time) {
        let opened = open_endless(&fixture, &user).await;
        let (mut token, mut chain) = (opened.token(), CredentialChain::new(opened.credential));
        let contents = [[0; 32], [0xff; 32], [b'\\'; 32], [b'0'; 32], every_byte.map(|byte| byte * 8)];
        for (micros, content) in (0..).zip(contents.into_iter().chain([*fixture.digest().as_bytes()])) {
            let attempt = RefreshAttempt {
                successor: SecretDigest::from_bytes(content),
                nonce: SuccessorNonce::from_bytes(*content.first_chunk().expect("16 bytes")),
                policy: endless(),
                ..fixture.attempt(token, time.plus(MICRO * micros))
            };
            chain = rotate_from(&fixture, &chain, &attempt).await;
            token = attempt.successor_token();
            let refreshed = fixture.session(opened.session.id).await.last_refreshed_at;
            assert_eq!(refreshed, attempt.received_at);
        }
    }
}

pub(super) async fn rotation_stores_the_chain_of_its_verdict(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let (mut token, mut chain) = (opened.token(), CredentialChain::new(opened.credential));
    // Credentials leave the chain one by one, several at once, and all of them. The clock is also set back.
    for second in [0, 0, 1, 14, 15, 16, 29, 28, 30, 40, 60, 61, 80, 200] {
        let attempt = fixture.attempt(token, later(second));
        chain = rotate_from(&fixture, &chain, &attempt).await;
        token = attempt.successor_token();
        let refreshed = fixture.session(opened.session.id).await.last_refreshed_at;
        assert_eq!(refreshed, later(second), "the time of the attempt is stored, even if it is earlier");
    }
}

pub(super) async fn credentials_of_other_sessions_are_unchanged(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let (one, other) = (fixture.open(&user, now()).await, fixture.open(&user, now()).await);
    let rotations = fixture.rotate_at(one.token(), [later(1), later(2)]).await;
    fixture.rotate_at(other.token(), [later(3), later(20)]).await;
    let retry = fixture.refresh(&fixture.attempt(one.token(), later(4))).await;
    assert_eq!(retry.verdict, retry_of(&rotations));
    fixture.rotate(rotations[1].successor_token(), later(21)).await;
}

pub(super) async fn chain_does_not_grow_with_the_rotations(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let rotations = fixture.rotate_at(opened.token(), (1..=40).map(|number| later(11 * number))).await;
    let last = rotations[39].successor_token();
    let chain = fixture.refresh(&fixture.attempt(last, later(1_000))).await.record.chain;
    assert_eq!(chain.consumed, [rotations[38].consumed(), rotations[39].consumed()]);
}

pub(super) async fn retry_follows_the_chain_to_the_current_credential(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let rotations = fixture.rotate_at(opened.token(), (1..=9).map(later)).await;
    let session = fixture.session(opened.session.id).await;
    let presented = rotations.iter().map(|rotation| rotation.credential);
    for (index, credential) in presented.enumerate() {
        let attempt = RefreshAttempt { credential, ..fixture.attempt(opened.token(), later(10)) };
        assert_eq!(fixture.refresh(&attempt).await.verdict, retry_of(&rotations[index..]));
    }
    assert_eq!(fixture.session(opened.session.id).await, session, "a retry changes nothing");
    fixture.rotate(rotations[8].successor_token(), later(10)).await;
}

pub(super) async fn credential_outside_the_chain_is_a_replay(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let other = fixture.open(&user, now()).await;
    let foreign = fixture.open(&fixture.register_named("john").await, now()).await;
    for refreshed in [false, true] {
        for wrong in
            [fixture.digest(), other.credential, foreign.credential, SecretDigest::from_bytes([0; 32])]
        {
            let opened = fixture.open(&user, now()).await;
            if refreshed {
                fixture.rotate(opened.token(), later(1)).await;
            }
            let attempt = RefreshAttempt { credential: wrong, ..fixture.attempt(opened.token(), later(2)) };
            assert_eq!(fixture.refresh(&attempt).await.verdict, RefreshVerdict::Replay);
            let end = Some(SessionEnd { at: later(2), reason: EndReason::Replayed });
            assert_eq!(fixture.session(opened.session.id).await.end, end);
        }
    }
    for unaffected in [other, foreign] {
        assert_eq!(fixture.session(unaffected.session.id).await, unaffected.session);
        fixture.rotate(unaffected.token(), later(3)).await;
    }
}

pub(super) async fn denied_rotation_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let times = (0..16).map(|number| later(1).plus(MICRO * number));
    let rotations = fixture.rotate_at(opened.token(), times).await;
    let session = fixture.session(opened.session.id).await;
    let consumed: Vec<_> = rotations.iter().map(RefreshAttempt::consumed).collect();
    let current = rotations[15].successor_token();
    for second in [2, 10] {
        let judged = fixture.refresh(&fixture.attempt(current, later(second))).await;
        let denied = matches!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::TooManyRotations(_)));
        assert!(denied, "{:?}", judged.verdict);
        assert_eq!(judged.record.chain.consumed, consumed, "the credentials are unchanged");
        assert_eq!(fixture.session(session.id).await, session, "the session is unchanged");
    }
    let retry = fixture.refresh(&fixture.attempt(opened.token(), later(10))).await;
    assert_eq!(retry.verdict, retry_of(&rotations), "a retry is still answered");
    fixture.rotate(current, later(11)).await;
}

pub(super) async fn attempt_received_before_the_consumption_is_a_retry(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let rotations = fixture.rotate_at(opened.token(), [later(6), later(7)]).await;
    let session = fixture.session(opened.session.id).await;
    for at in [later(1), later(5), later(6).minus(MICRO)] {
        let retry = fixture.refresh(&fixture.attempt(opened.token(), at)).await;
        assert_eq!(retry.verdict, retry_of(&rotations), "it was delayed");
        assert_eq!(fixture.session(session.id).await, session, "the session is unchanged");
    }
}

pub(super) async fn clock_that_is_behind_changes_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let rotation = fixture.rotate(opened.token(), later(60)).await;
    let session = fixture.session(opened.session.id).await;
    let chain = CredentialChain { current: rotation.successor, consumed: vec![rotation.consumed()] };
    for at in [later(1), later(55).minus(MICRO)] {
        let judged = fixture.refresh(&fixture.attempt(opened.token(), at)).await;
        let lag = later(60).since(at);
        assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::ClockBehind(lag)));
        assert_eq!(judged.record.chain, chain, "the credentials are unchanged");
        assert_eq!(fixture.session(session.id).await, session, "the session is unchanged");
    }
    fixture.rotate(rotation.successor_token(), later(61)).await;
}
