//! How many sessions of one user are live at a time.

use std::time::Duration;

use futures_util::future::join_all;

use super::StoreFixture;
use super::scene::{Scene, later};
use crate::model::{EndReason, NewSession, SessionEnd, Timestamp, User};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

fn at_most(max_live: u32) -> SessionPolicy {
    SessionPolicy { max_live, ..SessionPolicy::default() }
}

async fn open(scene: &Scene<'_>, user: &User, at: Timestamp, policy: &SessionPolicy) -> NewSession {
    let new = scene.new_session(user, scene.password_version(user.id).await, at);
    assert_eq!(scene.try_open(&new, policy).await, OpenOutcome::Opened);
    assert_eq!(scene.session(new.session.id).await, new.session, "the new session is live");
    new
}

/// How each of these sessions has ended, if it has.
async fn ends(scene: &Scene<'_>, sessions: &[NewSession]) -> Vec<Option<SessionEnd>> {
    let mut ends = Vec::new();
    for new in sessions {
        ends.push(scene.session(new.session.id).await.end);
    }
    ends
}

fn superseded(at: Timestamp) -> SessionEnd {
    SessionEnd { at, reason: EndReason::Superseded }
}

pub(super) async fn the_oldest_session_makes_room_for_a_new_one(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let mut sessions = Vec::new();
    for second in [20, 10, 30] {
        sessions.push(open(&scene, &user, later(second), &at_most(3)).await);
    }
    assert_eq!(ends(&scene, &sessions).await, [None, None, None], "there is room for three");
    sessions.push(open(&scene, &user, later(40), &at_most(3)).await);
    assert_eq!(ends(&scene, &sessions).await, [None, Some(superseded(later(40))), None, None]);
    sessions.push(open(&scene, &user, later(50), &at_most(3)).await);
    let expected = [Some(superseded(later(50))), Some(superseded(later(40))), None, None, None];
    assert_eq!(ends(&scene, &sessions).await, expected);
}

pub(super) async fn the_oldest_is_the_one_that_began_first_however_busy(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let mut sessions = vec![
        open(&scene, &user, later(1), &at_most(2)).await,
        open(&scene, &user, later(2), &at_most(2)).await,
    ];
    scene.rotate(sessions[0].credential, later(3)).await;
    sessions.push(open(&scene, &user, later(4), &at_most(2)).await);
    assert_eq!(ends(&scene, &sessions).await, [Some(superseded(later(4))), None, None]);
}

pub(super) async fn one_session_at_a_time_is_kept_to(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let sessions = vec![
        open(&scene, &user, later(1), &at_most(1)).await,
        open(&scene, &user, later(2), &at_most(1)).await,
        open(&scene, &user, later(3), &at_most(1)).await,
    ];
    assert_eq!(ends(&scene, &sessions).await, [Some(superseded(later(2))), Some(superseded(later(3))), None]);
}

pub(super) async fn a_lowered_limit_ends_as_many_as_are_too_many(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let mut sessions = Vec::new();
    for second in 0..5 {
        sessions.push(open(&scene, &user, later(second), &at_most(5)).await);
    }
    sessions.push(open(&scene, &user, later(9), &at_most(2)).await);
    let ended = Some(superseded(later(9)));
    assert_eq!(ends(&scene, &sessions).await, [ended, ended, ended, ended, None, None]);
}

pub(super) async fn a_session_that_was_ended_takes_no_room(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let live = open(&scene, &user, later(0), &at_most(2)).await;
    let logged_out = open(&scene, &user, later(1), &at_most(2)).await;
    let end = scene.sessions().end(logged_out.session.id, EndReason::LoggedOut, later(2)).await;
    assert!(end.expect("no fault").is_some());
    let new = open(&scene, &user, later(3), &at_most(2)).await;
    let logged_out_at_2 = Some(SessionEnd { at: later(2), reason: EndReason::LoggedOut });
    assert_eq!(ends(&scene, &[live, logged_out, new]).await, [None, logged_out_at_2, None]);
}

pub(super) async fn a_session_that_ended_by_itself_takes_no_room(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let policy = SessionPolicy { idle: Duration::from_secs(100), ..at_most(2) };
    let busy = open(&scene, &user, later(0), &policy).await;
    scene.rotate(busy.credential, later(90)).await;
    let idle = open(&scene, &user, later(10), &policy).await;
    let third = open(&scene, &user, later(110), &policy).await;
    assert_eq!(
        ends(&scene, &[busy, idle, third]).await,
        [None, None, None],
        "one of them was idle for too long"
    );

    let other = scene.register_named("john").await;
    let live = open(&scene, &other, later(0), &policy).await;
    let mut expired = scene.new_session(&other, live.password_version, later(10));
    expired.session.expires_at = later(20);
    assert_eq!(scene.try_open(&expired, &policy).await, OpenOutcome::Opened);
    let third = open(&scene, &other, later(20), &policy).await;
    assert_eq!(ends(&scene, &[live, expired, third]).await, [None, None, None], "one of them has expired");
}

pub(super) async fn a_session_in_its_last_microsecond_takes_room(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let policy = SessionPolicy { idle: Duration::from_secs(100), ..at_most(1) };
    let last_micro = later(100).minus(Duration::from_micros(1));
    let idle = open(&scene, &user, later(0), &policy).await;
    let new = open(&scene, &user, last_micro, &policy).await;
    assert_eq!(ends(&scene, &[idle, new]).await, [Some(superseded(last_micro)), None]);
    let other = scene.register_named("john").await;
    let mut expiring = scene.new_session(&other, scene.password_version(other.id).await, later(50));
    expiring.session.expires_at = later(100);
    assert_eq!(scene.try_open(&expiring, &policy).await, OpenOutcome::Opened);
    let new = open(&scene, &other, last_micro, &policy).await;
    assert_eq!(ends(&scene, &[expiring, new]).await, [Some(superseded(last_micro)), None]);
}

pub(super) async fn sessions_of_others_take_no_room(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let (jane, john) = (scene.register_named("jane").await, scene.register_named("john").await);
    let sessions = [
        open(&scene, &john, later(0), &at_most(2)).await,
        open(&scene, &jane, later(1), &at_most(2)).await,
        open(&scene, &jane, later(2), &at_most(2)).await,
        open(&scene, &john, later(3), &at_most(2)).await,
    ];
    assert_eq!(ends(&scene, &sessions).await, [None, None, None, None]);
}

pub(super) async fn limits_beyond_all_bounds_are_no_fault(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let boundless = SessionPolicy {
        idle: Duration::MAX,
        absolute: Duration::MAX,
        retry_grace: Duration::MAX,
        max_live: u32::MAX,
    };
    let mut sessions = Vec::new();
    for second in 0..3 {
        sessions.push(open(&scene, &user, later(second), &boundless).await);
    }
    let mut attempt = scene.attempt(sessions[0].credential, later(9));
    attempt.policy = boundless.clone();
    scene.refresh(&attempt).await;
    assert_eq!(scene.sessions().purge(later(9), &boundless, u32::MAX).await.expect("no fault"), 0);
    assert_eq!(ends(&scene, &sessions).await, [None, None, None]);
}

pub(super) async fn sessions_opened_at_once_keep_to_the_limit(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let policy = at_most(3);
    for round in 0..5 {
        let user = scene.register_named(&format!("user {round}")).await;
        let version = scene.password_version(user.id).await;
        let opening: Vec<_> = (0..12).map(|_| scene.new_session(&user, version, later(1))).collect();
        let outcomes = join_all(opening.iter().map(|new| scene.sessions().open(new, &policy))).await;
        for outcome in outcomes {
            assert_eq!(outcome.expect("no fault"), OpenOutcome::Opened);
        }
        let ends = ends(&scene, &opening).await;
        assert_eq!(ends.iter().filter(|end| end.is_none()).count(), 3, "as many as the limit allows");
        assert!(ends.iter().flatten().all(|end| end.reason == EndReason::Superseded));
    }
}

pub(super) async fn a_session_that_begins_by_a_slow_clock_is_not_the_one_that_ends(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let ahead = open(&scene, &user, later(60), &at_most(1)).await;
    let behind = open(&scene, &user, later(0), &at_most(1)).await;
    assert_eq!(ends(&scene, &[ahead, behind]).await, [Some(superseded(later(0))), None]);
}
