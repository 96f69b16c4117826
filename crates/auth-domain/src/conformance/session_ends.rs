//! TxOutcome sessions, and purging those that are over.

use std::time::Duration;

use futures_util::future::join_all;

use super::StoreFixture;
use super::scene::{Scene, client, later, now};
use crate::model::{
    ClientId, EndReason, NewSession, RefreshStyle, RefreshVerdict, SecretDigest, Session, SessionEnd,
    SessionId,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

async fn end(scene: &Scene<'_>, session: SessionId, reason: EndReason, second: u64) -> bool {
    scene.sessions().end(session, reason, later(second)).await.expect("no fault").is_some()
}

async fn end_by(
    scene: &Scene<'_>,
    credential: SecretDigest,
    client: &ClientId,
    second: u64,
) -> Option<Session> {
    let sessions = scene.sessions();
    let ended = sessions.end_by_credential(&credential, client, EndReason::LoggedOut, later(second)).await;
    ended.expect("no fault")
}

fn own_client() -> ClientId {
    client(RefreshStyle::Rotating).id
}

pub(super) async fn a_session_ends_once_and_the_first_end_stays(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let ended = Some(SessionEnd { at: later(2), reason: EndReason::LoggedOut });
    let returned = scene.sessions().end(opened.session.id, EndReason::LoggedOut, later(2)).await;
    let expected = Session { end: ended, ..opened.session.clone() };
    assert_eq!(returned.expect("no fault"), Some(expected), "the ended session is returned");
    for (reason, second) in [(EndReason::LoggedOut, 3), (EndReason::Replayed, 1)] {
        assert!(!end(&scene, opened.session.id, reason, second).await);
        assert_eq!(scene.session(opened.session.id).await.end, ended);
    }
    assert_eq!(end_by(&scene, opened.credential, &own_client(), 4).await, None);
    assert_eq!(scene.session(opened.session.id).await, Session { end: ended, ..opened.session });
}

pub(super) async fn of_12_ends_of_one_session_exactly_one_succeeds(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    for _ in 0..10 {
        let opened = scene.open(&user, now()).await;
        let calls = (0..12).map(|second| end(&scene, opened.session.id, EndReason::LoggedOut, second));
        let ended = join_all(calls).await;
        let winners: Vec<_> =
            (0..12).zip(ended).filter(|(_, ended)| *ended).map(|(second, _)| second).collect();
        assert_eq!(winners.len(), 1, "exactly one");
        let at = scene.session(opened.session.id).await.end.map(|end| end.at);
        assert_eq!(at, Some(later(winners[0])), "the time is that of the one that succeeded");
    }
}

pub(super) async fn ending_a_session_leaves_the_others_alone(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let ended = [scene.open(&user, now()).await, scene.open(&user, now()).await];
    let other = scene.open(&user, now()).await;
    assert!(end(&scene, ended[0].session.id, EndReason::LoggedOut, 1).await);
    assert!(end_by(&scene, ended[1].credential, &own_client(), 1).await.is_some());
    assert_eq!(scene.session(other.session.id).await, other.session);
    scene.rotate(other.credential, later(2)).await;
}

pub(super) async fn a_session_ends_by_its_current_credential_and_by_a_consumed_one(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    for rotations in 0..3 {
        for presented in 0..=rotations {
            let opened = scene.open(&user, now()).await;
            let mut credentials = vec![opened.credential];
            for second in 0..rotations {
                let newest = credentials[credentials.len() - 1];
                credentials.push(scene.rotate(newest, later(second)).await.successor);
            }
            let index = usize::try_from(presented).expect("a small number");
            let ended = end_by(&scene, credentials[index], &own_client(), 60).await.expect("the session");
            let end = Some(SessionEnd { at: later(60), reason: EndReason::LoggedOut });
            assert_eq!((ended.id, ended.end), (opened.session.id, end), "the ended session is returned");
            assert_eq!(scene.session(opened.session.id).await, ended);
        }
    }
}

pub(super) async fn another_client_and_an_unknown_credential_end_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    for id in ["elsewhere", "EXAMPLE", ""] {
        assert_eq!(end_by(&scene, opened.credential, &ClientId::from(id.to_owned()), 1).await, None);
    }
    assert_eq!(end_by(&scene, scene.digest(), &own_client(), 1).await, None);
    assert_eq!(scene.session(opened.session.id).await, opened.session);
}

/// A session that is over at [`now`] plus 1,000 seconds, for each way to be over; then one that is live.
async fn over_and_live(scene: &Scene<'_>, policy: &SessionPolicy) -> (Vec<NewSession>, NewSession) {
    let user = scene.register_named("jane").await;
    let version = scene.password_version(user.id).await;
    let micro = Duration::from_micros(1);
    let begun = |at, expires_at| {
        let new = scene.new_session(&user, version, at);
        NewSession { session: Session { expires_at, ..new.session }, ..new }
    };
    let idle = begun(later(1_000).minus(policy.idle), later(9_000));
    let expired = begun(later(950), later(1_000));
    let ended = begun(later(950), later(9_000));
    let live = begun(later(1_000).minus(policy.idle).plus(micro), later(1_000).plus(micro));
    for new in [&idle, &expired, &ended, &live] {
        assert_eq!(scene.try_open(new, policy).await, OpenOutcome::Opened);
    }
    assert!(end(scene, ended.session.id, EndReason::LoggedOut, 960).await);
    (vec![idle, expired, ended], live)
}

async fn purge(scene: &Scene<'_>, policy: &SessionPolicy, limit: u32) -> u64 {
    scene.sessions().purge(later(1_000), policy, limit).await.expect("no fault")
}

/// Purges until nothing is left, as a caller does.
async fn purge_all(scene: &Scene<'_>, policy: &SessionPolicy, limit: u32) {
    for _ in 0..100 {
        if purge(scene, policy, limit).await == 0 {
            return;
        }
    }
    panic!("there is always something left to purge");
}

fn policy() -> SessionPolicy {
    SessionPolicy { idle: Duration::from_secs(100), ..SessionPolicy::default() }
}

pub(super) async fn only_sessions_that_are_over_are_purged(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let (over, live) = over_and_live(&scene, &policy()).await;
    purge_all(&scene, &policy(), 100).await;
    for new in over {
        assert_eq!(scene.find_session(new.session.id).await, None);
    }
    assert_eq!(scene.session(live.session.id).await, live.session, "a session in its last microsecond stays");
    let judged = scene.refresh(&scene.attempt(live.credential, later(1))).await;
    assert_eq!(judged.verdict, RefreshVerdict::Rotate, "and so does its credential");
    assert_eq!(scene.user(live.session.user_id).await.username(), Some("jane"), "and so does its user");
}

pub(super) async fn credentials_are_purged_with_their_session(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, later(900)).await;
    let first = scene.rotate(opened.credential, later(910)).await;
    assert!(end(&scene, opened.session.id, EndReason::LoggedOut, 920).await);
    purge_all(&scene, &policy(), 100).await;
    for credential in [opened.credential, first.successor] {
        let attempt = scene.attempt(credential, later(1_000));
        assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
        assert_eq!(end_by(&scene, credential, &own_client(), 1_000).await, None);
    }
}

pub(super) async fn no_more_are_purged_than_the_limit(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let (over, live) = over_and_live(&scene, &policy()).await;
    let mut left = over.len();
    for limit in [0, 1, 1, 0, 1, 1, 1, 1, 1, 1] {
        let purged = purge(&scene, &policy(), limit).await;
        assert!(purged <= 2 * u64::from(limit), "limit {limit}, purged {purged}");
        let mut found = 0;
        for new in &over {
            found += usize::from(scene.find_session(new.session.id).await.is_some());
        }
        assert!(left - found <= limit as usize, "limit {limit}, {left} before and {found} after");
        left = found;
    }
    purge_all(&scene, &policy(), u32::MAX).await;
    for new in over {
        assert_eq!(scene.find_session(new.session.id).await, None);
    }
    assert_eq!(scene.session(live.session.id).await, live.session);
}

pub(super) async fn a_session_with_more_credentials_than_the_limit_is_purged(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, later(900)).await;
    let mut credential = opened.credential;
    for second in 0..7 {
        credential = scene.rotate(credential, later(910 + second)).await.successor;
    }
    assert!(end(&scene, opened.session.id, EndReason::LoggedOut, 920).await);
    purge_all(&scene, &policy(), 2).await;
    assert_eq!(scene.find_session(opened.session.id).await, None);
}
