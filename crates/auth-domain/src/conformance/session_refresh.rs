//! Refreshing a session, one attempt at a time.

use std::time::Duration;

use super::StoreFixture;
use super::scene::{Scene, client, later, now, roles};
use crate::model::{
    ClientId, CredentialState, EndReason, RefreshAttempt, RefreshDenial, RefreshStyle, RefreshVerdict,
    SecretDigest, Session, SessionEnd,
};
use crate::policy::SessionPolicy;

const MICRO: Duration = Duration::from_micros(1);

fn retry_of(first: &RefreshAttempt) -> RefreshVerdict {
    RefreshVerdict::Retry { nonce: first.nonce.clone(), consumed_at: first.now }
}

/// The verdict over an attempt by a client of this style.
async fn present(
    scene: &Scene<'_>,
    credential: SecretDigest,
    style: RefreshStyle,
    second: u64,
) -> RefreshVerdict {
    let attempt = RefreshAttempt { client: client(style), ..scene.attempt(credential, later(second)) };
    scene.refresh(&attempt).await.verdict
}

pub(super) async fn a_current_credential_is_used_up_and_its_successor_takes_its_place(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    for style in [RefreshStyle::Rotating, RefreshStyle::SelfRenewing] {
        let user = scene.register_whole(&format!("{style:?}")).await;
        let opened = scene.open(&user, now()).await;
        let mut credential = opened.credential;
        let mut session = opened.session;
        for second in 1..4 {
            let attempt =
                RefreshAttempt { client: client(style), ..scene.attempt(credential, later(second)) };
            let judged = scene.refresh(&attempt).await;
            assert_eq!(judged.verdict, RefreshVerdict::Rotate);
            assert_eq!(judged.record.user, user, "the record tells the user");
            assert_eq!(judged.record.session, session, "the record tells the session as it was");
            assert_eq!(judged.record.credential, CredentialState::Current);
            session = Session { last_refreshed_at: later(second), ..session };
            assert_eq!(scene.session(session.id).await, session, "the session counts as refreshed");
            credential = attempt.successor;
        }
    }
}

pub(super) async fn a_record_tells_the_user_as_they_are_now(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    let opened = scene.open(&user, now()).await;
    scene.users().set_roles(user.id, &roles("editor"), later(1)).await.expect("no fault");
    let judged = scene.refresh(&scene.attempt(opened.credential, later(1))).await;
    assert_eq!(judged.record.user, scene.user(user.id).await);
}

pub(super) async fn a_retry_is_answered_with_the_same_successor_and_changes_nothing(
    store: &dyn StoreFixture,
) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let first = scene.rotate(opened.credential, later(1)).await;
    let session = scene.session(opened.session.id).await;
    for second in [1, 2, 3, 10] {
        let judged = scene.refresh(&scene.attempt(opened.credential, later(second))).await;
        assert_eq!(judged.verdict, retry_of(&first));
        let consumed = CredentialState::Consumed { at: first.now, successor: Some(first.nonce.clone()) };
        assert_eq!(judged.record.credential, consumed);
        assert_eq!(scene.session(session.id).await, session, "nothing changes");
    }
    scene.rotate(first.successor, later(4)).await;
}

pub(super) async fn what_a_retry_offers_as_successor_is_not_stored(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    scene.rotate(opened.credential, later(1)).await;
    let retry = scene.attempt(opened.credential, later(2));
    scene.refresh(&retry).await;
    let attempt = scene.attempt(retry.successor, later(3));
    assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
}

pub(super) async fn the_grace_for_a_retry_ends_to_the_microsecond(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let consumed_at = later(1).plus(MICRO);
    let first = scene.rotate(opened.credential, consumed_at).await;
    let grace_over = consumed_at.plus(SessionPolicy::default().retry_grace);
    let retry = scene.refresh(&scene.attempt(opened.credential, grace_over.minus(MICRO))).await;
    assert_eq!(retry.verdict, retry_of(&first));
    let replay = scene.refresh(&scene.attempt(opened.credential, grace_over)).await;
    assert_eq!(replay.verdict, RefreshVerdict::Replay);
}

pub(super) async fn an_attempt_is_judged_by_the_policy_it_brings(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let first = scene.rotate(opened.credential, later(1)).await;
    let with = |policy| RefreshAttempt { policy, ..scene.attempt(opened.credential, later(60)) };
    let default = SessionPolicy::default();
    let idle = with(SessionPolicy { idle: Duration::from_secs(59), ..default.clone() });
    let refused = RefreshVerdict::Deny(RefreshDenial::SessionOver);
    assert_eq!(scene.refresh(&idle).await.verdict, refused);
    let patient = with(SessionPolicy { retry_grace: Duration::from_secs(60), ..default.clone() });
    assert_eq!(scene.refresh(&patient).await.verdict, retry_of(&first));
    let strict = with(SessionPolicy { retry_grace: Duration::ZERO, ..default });
    assert_eq!(scene.refresh(&strict).await.verdict, RefreshVerdict::Replay);
}

pub(super) async fn a_nonce_is_forgotten_once_the_successor_is_used(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let first = scene.rotate(opened.credential, later(1)).await;
    let second = scene.rotate(first.successor, later(2)).await;
    let retry = scene.refresh(&scene.attempt(first.successor, later(3))).await;
    assert_eq!(retry.verdict, retry_of(&second), "that of the newest one is kept");
    let replay = scene.refresh(&scene.attempt(opened.credential, later(3))).await;
    assert_eq!(replay.record.credential, CredentialState::Consumed { at: first.now, successor: None });
    assert_eq!(replay.verdict, RefreshVerdict::Replay, "though the grace is not over");
}

pub(super) async fn nonces_of_other_sessions_are_kept(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let one = scene.open(&user, now()).await;
    let other = scene.open(&user, now()).await;
    let first = scene.rotate(one.credential, later(1)).await;
    scene.rotate(other.credential, later(2)).await;
    let retry = scene.refresh(&scene.attempt(one.credential, later(3))).await;
    assert_eq!(retry.verdict, retry_of(&first));
}

pub(super) async fn a_replay_ends_its_session_and_no_other(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let stolen = scene.open(&user, now()).await;
    let other = scene.open(&user, now()).await;
    let first = scene.rotate(stolen.credential, later(1)).await;
    let second = scene.rotate(first.successor, later(2)).await;
    let before = scene.session(stolen.session.id).await;
    let replay = scene.refresh(&scene.attempt(stolen.credential, later(50))).await;
    assert_eq!(replay.verdict, RefreshVerdict::Replay);
    assert_eq!(replay.record.session, before, "the record tells the session as it was");
    let end = Some(SessionEnd { at: later(50), reason: EndReason::Replayed });
    assert_eq!(scene.session(stolen.session.id).await, Session { end, ..before.clone() });
    for credential in [stolen.credential, first.successor, second.successor] {
        let judged = scene.refresh(&scene.attempt(credential, later(51))).await;
        assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
    }
    assert_eq!(scene.session(stolen.session.id).await, Session { end, ..before }, "the end stays");
    assert_eq!(scene.session(other.session.id).await, other.session, "the other session is live");
    scene.rotate(other.credential, later(52)).await;
}

pub(super) async fn a_reusable_credential_stays_and_extends_its_session(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let mut session = opened.session;
    for second in 1..4 {
        let attempt = RefreshAttempt {
            client: client(RefreshStyle::Reusable),
            ..scene.attempt(opened.credential, later(second))
        };
        let judged = scene.refresh(&attempt).await;
        assert_eq!(judged.verdict, RefreshVerdict::Extend);
        assert_eq!(
            (judged.record.session, judged.record.credential),
            (session.clone(), CredentialState::Current)
        );
        session = Session { last_refreshed_at: later(second), ..session };
        assert_eq!(scene.session(session.id).await, session, "the session counts as refreshed");
        let successor = scene.attempt(attempt.successor, later(second));
        assert_eq!(
            scene.sessions().refresh(&successor).await.expect("no fault"),
            None,
            "it has no successor"
        );
    }
}

pub(super) async fn another_client_is_refused_and_changes_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let opened = scene.open(&user, now()).await;
    let first = scene.rotate(opened.credential, later(1)).await;
    let session = scene.session(opened.session.id).await;
    for (credential, id) in
        [(first.successor, "elsewhere"), (first.successor, "EXAMPLE"), (opened.credential, "")]
    {
        let mut attempt = scene.attempt(credential, later(60));
        attempt.client.id = ClientId::from(id.to_owned());
        let judged = scene.refresh(&attempt).await;
        assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::OtherClient));
        assert_eq!(scene.session(session.id).await, session, "nothing changes");
        let successor = scene.attempt(attempt.successor, later(60));
        assert_eq!(scene.sessions().refresh(&successor).await.expect("no fault"), None);
    }
    scene.rotate(first.successor, later(2)).await;
}

pub(super) async fn a_session_that_is_over_is_refused_and_changes_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let policy = SessionPolicy::default();
    let ended = scene.open(&user, now()).await;
    let end = scene.sessions().end(ended.session.id, EndReason::LoggedOut, later(1)).await;
    assert!(end.expect("no fault").is_some());
    let opened = scene.open(&user, now()).await;
    let over = [
        (&ended, later(2)),
        (&opened, now().plus(policy.idle)), // idle for too long
        (&opened, opened.session.expires_at),
    ];
    for (new, at) in over {
        let before = scene.session(new.session.id).await;
        for style in [RefreshStyle::Rotating, RefreshStyle::SelfRenewing, RefreshStyle::Reusable] {
            let attempt = RefreshAttempt { client: client(style), ..scene.attempt(new.credential, at) };
            let judged = scene.refresh(&attempt).await;
            assert_eq!(judged.verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
            assert_eq!(judged.record.session, before, "the record tells the session");
            let successor = scene.attempt(attempt.successor, at);
            assert_eq!(scene.sessions().refresh(&successor).await.expect("no fault"), None);
        }
        assert_eq!(scene.session(new.session.id).await, before, "nothing changes");
    }
    let last = scene.refresh(&scene.attempt(opened.credential, now().plus(policy.idle).minus(MICRO))).await;
    assert_eq!(last.verdict, RefreshVerdict::Rotate, "a microsecond earlier it is live");
}

pub(super) async fn a_refreshed_session_outlives_its_idle_time_but_not_its_expiry(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let day = 24 * 60 * 60;
    for style in [RefreshStyle::Rotating, RefreshStyle::Reusable] {
        let opened = scene.open(&user, now()).await;
        let mut credential = opened.credential;
        for days in [13, 26, 29] {
            let attempt =
                RefreshAttempt { client: client(style), ..scene.attempt(credential, later(days * day)) };
            let verdict = scene.refresh(&attempt).await.verdict;
            assert!(matches!(verdict, RefreshVerdict::Rotate | RefreshVerdict::Extend), "{verdict:?}");
            if verdict == RefreshVerdict::Rotate {
                credential = attempt.successor;
            }
        }
        let verdict = present(&scene, credential, style, 30 * day).await;
        assert_eq!(verdict, RefreshVerdict::Deny(RefreshDenial::SessionOver));
    }
}
