//! Ending sessions, and purging those that are not live.

use std::slice;
use std::time::Duration;

use super::StoreUnderTest;
use super::concurrency::{concurrently, rounds};
use super::fixture::{Fixture, client, later, now, only_success, retry_of, similar_keys};
use crate::model::{
    ClientId, CredentialChain, EndReason, NewSession, RefreshAttempt, RefreshStyle, RefreshVerdict,
    SecretDigest, Session, SessionEnd, SessionId,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

async fn end(fixture: &Fixture<'_>, session: SessionId, reason: EndReason, second: u64) -> bool {
    fixture.sessions().end(session, reason, later(second)).await.expect("no error").is_some()
}

async fn end_by(
    fixture: &Fixture<'_>,
    family: SecretDigest,
    client: &ClientId,
    second: u64,
) -> Option<Session> {
    let sessions = fixture.sessions();
    let ended = sessions.end_by_family(&family, client, EndReason::LoggedOut, later(second)).await;
    ended.expect("no error")
}

fn own_client() -> ClientId {
    client(RefreshStyle::Rotating).id
}

/// The chain of a session, as an attempt of another client reads it. That changes nothing.
async fn read_chain(fixture: &Fixture<'_>, opened: &NewSession) -> CredentialChain {
    let mut attempt = fixture.attempt(opened.token(), now());
    attempt.client.id = ClientId::from_static("elsewhere");
    fixture.refresh(&attempt).await.record.chain
}

pub(super) async fn session_ends_once_and_keeps_its_first_end(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    let ended = Some(SessionEnd { at: later(2), reason: EndReason::LoggedOut });
    let rotation = fixture.rotate(opened.token(), later(1)).await;
    let returned = fixture.sessions().end(opened.session.id, EndReason::LoggedOut, later(2)).await;
    let expected = Session { end: ended, last_refreshed_at: later(1), ..opened.session.clone() };
    assert_eq!(returned.expect("no error").as_ref(), Some(&expected), "the ended session is returned");
    for (reason, second) in [(EndReason::LoggedOut, 3), (EndReason::Replayed, 1)] {
        assert!(!end(&fixture, opened.session.id, reason, second).await);
        assert_eq!(fixture.session(opened.session.id).await.end, ended);
    }
    assert_eq!(end_by(&fixture, opened.family, &own_client(), 4).await, None);
    assert_eq!(fixture.session(opened.session.id).await, expected);
    let chain = CredentialChain { current: rotation.successor, consumed: vec![rotation.consumed()] };
    assert_eq!(read_chain(&fixture, &opened).await, chain, "its credentials are kept");
}

pub(super) async fn one_of_12_ends_of_one_session_succeeds(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for _ in rounds() {
        let opened = &fixture.open(&user, now()).await;
        let (fixture, family, client) = (&fixture, opened.family, &own_client());
        let ended = concurrently((0..12).map(|second| async move {
            match second % 2 {
                0 => end(fixture, opened.session.id, EndReason::LoggedOut, second).await,
                _ => end_by(fixture, family, client, second).await.is_some(),
            }
        }));
        let at = fixture.session(opened.session.id).await.end.map(|end| end.at);
        assert_eq!(
            at,
            Some(only_success((0..12).map(later), &ended)),
            "the time of the successful call is stored"
        );
    }
}

pub(super) async fn ending_a_session_leaves_the_others_live(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let ended = [fixture.open(&user, now()).await, fixture.open(&user, now()).await];
    let other = fixture.open(&user, now()).await;
    let rotation = fixture.rotate(other.token(), later(1)).await;
    let before = fixture.session(other.session.id).await;
    assert!(end(&fixture, ended[0].session.id, EndReason::LoggedOut, 1).await);
    assert!(end_by(&fixture, ended[1].family, &own_client(), 1).await.is_some());
    assert_eq!(fixture.session(other.session.id).await, before);
    let retry = fixture.refresh(&fixture.attempt(other.token(), later(2))).await;
    assert_eq!(retry.verdict, retry_of(slice::from_ref(&rotation)), "its credentials are kept");
    fixture.rotate(rotation.successor_token(), later(2)).await;
}

pub(super) async fn family_ends_its_session_after_any_rotations(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for rotations in 0..3 {
        let opened = fixture.open(&user, now()).await;
        let rotations = fixture.rotate_at(opened.token(), (0..rotations).map(later)).await;
        let ended = end_by(&fixture, opened.family, &own_client(), 60).await.expect("the session");
        let end = Some(SessionEnd { at: later(60), reason: EndReason::LoggedOut });
        assert_eq!((ended.id, ended.end), (opened.session.id, end), "the ended session is returned");
        assert_eq!(fixture.session(opened.session.id).await, ended);
        let consumed: Vec<_> = rotations.iter().map(RefreshAttempt::consumed).collect();
        assert_eq!(read_chain(&fixture, &opened).await.consumed, consumed, "its credentials are kept");
    }
}

pub(super) async fn other_client_or_unknown_family_ends_nothing(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, now()).await;
    for id in ["elsewhere", "EXAMPLE", ""] {
        assert_eq!(end_by(&fixture, opened.family, &ClientId::from(id.to_owned()), 1).await, None);
    }
    let rotation = fixture.rotate(opened.token(), later(1)).await;
    let similar = similar_keys(*opened.family.as_bytes()).map(SecretDigest::from_bytes);
    for family in similar.into_iter().chain([fixture.digest(), opened.credential, rotation.successor]) {
        assert_eq!(end_by(&fixture, family, &own_client(), 1).await, None);
    }
    assert_eq!(fixture.session(opened.session.id).await.end, None);
}

/// Opens sessions for a purge 1,000 seconds after [`now`]. Some are not live then: one is idle too long, one has expired,
/// and one has ended for each reason. The last one is still live by a microsecond.
async fn over_and_live(fixture: &Fixture<'_>, policy: &SessionPolicy) -> (Vec<NewSession>, NewSession) {
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    let micro = Duration::from_micros(1);
    let idle_since = later(1_000).minus(policy.idle);
    let [idle, expired, live] = [
        (idle_since, later(9_000)),
        (later(950), later(1_000)),
        (idle_since.plus(micro), later(1_000).plus(micro)),
    ]
    .map(|(created_at, expires_at)| {
        let new = fixture.new_session(&user, version, created_at);
        NewSession { session: Session { expires_at, ..new.session }, ..new }
    });
    for new in [&idle, &expired, &live] {
        assert_eq!(fixture.try_open(new, policy).await, OpenOutcome::Opened);
    }
    let mut over = vec![idle, expired];
    for reason in [
        EndReason::LoggedOut,
        EndReason::PasswordChanged,
        EndReason::Suspended,
        EndReason::RolesChanged,
        EndReason::Replayed,
        EndReason::Superseded,
    ] {
        let new = fixture.new_session(&user, version, later(950));
        assert_eq!(fixture.try_open(&new, policy).await, OpenOutcome::Opened);
        assert!(end(fixture, new.session.id, reason, 960).await);
        over.push(new);
    }
    (over, live)
}

async fn purge(fixture: &Fixture<'_>, policy: &SessionPolicy, limit: u32) -> u64 {
    fixture.sessions().purge(later(1_000), policy, limit).await.expect("no error")
}

/// Purges until a call deletes nothing, as the caller of the port does.
async fn purge_all(fixture: &Fixture<'_>, policy: &SessionPolicy, limit: u32) {
    for _ in 0..100 {
        if purge(fixture, policy, limit).await == 0 {
            return;
        }
    }
    panic!("the purge must end");
}

fn policy() -> SessionPolicy {
    SessionPolicy { idle: Duration::from_secs(100), ..SessionPolicy::default() }
}

pub(super) async fn only_sessions_that_are_not_live_are_purged(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (over, live) = over_and_live(&fixture, &policy()).await;
    purge_all(&fixture, &policy(), 1).await;
    for new in over {
        assert_eq!(fixture.find_session(new.session.id).await, None);
    }
    assert_eq!(
        fixture.session(live.session.id).await,
        live.session,
        "a session in its last microsecond stays"
    );
    fixture.rotate(live.token(), later(1)).await;
    assert_eq!(fixture.user(live.session.user_id).await.username(), Some("jane"), "its user stays");
}

pub(super) async fn family_is_purged_with_its_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let opened = fixture.open(&user, later(900)).await;
    let rotation = fixture.rotate(opened.token(), later(910)).await;
    assert!(end(&fixture, opened.session.id, EndReason::LoggedOut, 920).await);
    purge_all(&fixture, &policy(), 100).await;
    for token in [opened.token(), rotation.successor_token()] {
        assert_eq!(fixture.present(token, later(1_000)).await, None);
    }
    assert_eq!(end_by(&fixture, opened.family, &own_client(), 1_000).await, None);
    let again =
        NewSession { family: opened.family, ..fixture.new_session(&user, opened.password_version, now()) };
    assert_eq!(fixture.try_open(&again, &policy()).await, OpenOutcome::Opened, "the family is free");
}

pub(super) async fn purge_respects_the_limit(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (over, live) = over_and_live(&fixture, &policy()).await;
    let mut left = over.len();
    for limit in [0, 1, 1, 0, 1, 1, 1, 1, 1, 1] {
        let purged = purge(&fixture, &policy(), limit).await;
        assert!(purged <= 2 * u64::from(limit), "limit {limit}, purged {purged}");
        let mut found = 0;
        for new in &over {
            found += usize::from(fixture.find_session(new.session.id).await.is_some());
        }
        assert!(left - found <= limit as usize, "limit {limit}, {left} before and {found} after");
        assert!(purged > 0 || limit == 0 || found == 0, "0 means that nothing is left, but {found} are");
        assert!(purged >= (left - found) as u64, "purged {purged}: {left} before and {found} after");
        left = found;
    }
    purge_all(&fixture, &policy(), u32::MAX).await;
    for new in over {
        assert_eq!(fixture.find_session(new.session.id).await, None);
    }
    assert_eq!(fixture.session(live.session.id).await, live.session);
}

/// Opens sessions for a purge 1,000 seconds after [`now`], and rotates the first one twice, the others once. Two can no longer
/// be retried then, and one for another microsecond.
async fn refreshed_sessions(
    fixture: &Fixture<'_>,
) -> ([(NewSession, RefreshAttempt); 2], (NewSession, RefreshAttempt)) {
    let user = fixture.register_named("jane").await;
    let kept_since = policy().credentials_kept_since(later(1_000));
    let mut refreshed = Vec::new();
    for times in [&[later(909), later(910)][..], &[kept_since], &[kept_since.plus(Duration::from_micros(1))]]
    {
        let opened = fixture.open(&user, later(905)).await;
        let mut rotations = fixture.rotate_at(opened.token(), times.iter().copied()).await;
        refreshed.push((opened, rotations.pop().expect("a rotation")));
    }
    let busy = refreshed.pop().expect("three sessions");
    (refreshed.try_into().expect("two sessions"), busy)
}

pub(super) async fn purge_erases_consumed_credentials_of_idle_sessions(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (idle, busy) = refreshed_sessions(&fixture).await;
    let sessions = [&idle[0], &idle[1], &busy].map(|(opened, _)| opened.session.id);
    let mut before = Vec::new();
    for session in sessions {
        before.push(fixture.session(session).await);
    }
    purge_all(&fixture, &policy(), 100).await;
    for refreshed in &idle {
        assert_eq!(read_chain(&fixture, &refreshed.0).await, CredentialChain::new(refreshed.1.successor));
    }
    let kept = CredentialChain { current: busy.1.successor, consumed: vec![busy.1.consumed()] };
    assert_eq!(read_chain(&fixture, &busy.0).await, kept, "a request may be judged for a microsecond");
    for (session, before) in sessions.into_iter().zip(before) {
        assert_eq!(fixture.session(session).await, before, "no session has changed");
    }
    let [(opened, rotation), _] = idle;
    let next = fixture.rotate(rotation.successor_token(), later(1_001)).await;
    let retry = fixture.refresh(&fixture.attempt(rotation.successor_token(), later(1_001))).await;
    assert_eq!(retry.verdict, retry_of(&[next]), "the session can still be refreshed");
    let erased = fixture.refresh(&fixture.attempt(opened.token(), rotation.received_at)).await;
    assert_eq!(erased.verdict, RefreshVerdict::Replay, "an erased credential is a replay");
}

pub(super) async fn erasing_respects_the_limit(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (idle, _) = refreshed_sessions(&fixture).await;
    let mut kept = 2_u64;
    for limit in [0, 1, 1, 0, 1] {
        let purged = purge(&fixture, &policy(), limit).await;
        let mut left = 0_u64;
        for refreshed in &idle {
            left += u64::from(!read_chain(&fixture, &refreshed.0).await.consumed.is_empty());
        }
        assert!(
            kept - left <= u64::from(limit),
            "limit {limit}, purged {purged}: {kept} before and {left} after"
        );
        assert!(purged >= kept - left, "an erased session counts: {purged}, {kept} before and {left} after");
        kept = left;
    }
    purge_all(&fixture, &policy(), u32::MAX).await;
    for refreshed in &idle {
        assert_eq!(
            read_chain(&fixture, &refreshed.0).await.consumed,
            [],
            "all of them are erased in the end"
        );
    }
}
