//! The limit of live sessions for each user.

use std::time::Duration;

use super::StoreUnderTest;
use super::concurrency::{concurrently, rounds};
use super::fixture::{Fixture, at_most, later};
use crate::model::{ClientId, EndReason, NewSession, SessionEnd, Timestamp, User};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

async fn open(fixture: &Fixture<'_>, user: &User, at: Timestamp, policy: &SessionPolicy) -> NewSession {
    let new = fixture.new_session(user, fixture.password_version(user.id).await, at);
    assert_eq!(fixture.try_open(&new, policy).await, OpenOutcome::Opened);
    assert_eq!(fixture.session(new.session.id).await, new.session, "the new session is live");
    new
}

/// The end of each session, if it has ended.
async fn ends(fixture: &Fixture<'_>, sessions: &[NewSession]) -> Vec<Option<SessionEnd>> {
    let mut ends = Vec::new();
    for new in sessions {
        ends.push(fixture.session(new.session.id).await.end);
    }
    ends
}

fn superseded(at: Timestamp) -> SessionEnd {
    SessionEnd { at, reason: EndReason::Superseded }
}

pub(super) async fn new_session_ends_the_oldest_above_the_limit(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let mut sessions = Vec::new();
    for second in [20, 10, 30] {
        sessions.push(open(&fixture, &user, later(second), &at_most(3)).await);
    }
    assert_eq!(ends(&fixture, &sessions).await, [None, None, None], "three sessions are within the limit");
    sessions.push(open(&fixture, &user, later(40), &at_most(3)).await);
    assert_eq!(ends(&fixture, &sessions).await, [None, Some(superseded(later(40))), None, None]);
    sessions.push(open(&fixture, &user, later(50), &at_most(3)).await);
    let expected = [Some(superseded(later(50))), Some(superseded(later(40))), None, None, None];
    assert_eq!(ends(&fixture, &sessions).await, expected);
}

pub(super) async fn oldest_session_is_the_one_created_first(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let mut sessions = vec![
        open(&fixture, &user, later(1), &at_most(2)).await,
        open(&fixture, &user, later(2), &at_most(2)).await,
    ];
    fixture.rotate(sessions[0].token(), later(3)).await;
    sessions.push(open(&fixture, &user, later(4), &at_most(2)).await);
    assert_eq!(ends(&fixture, &sessions).await, [Some(superseded(later(4))), None, None]);
}

pub(super) async fn limit_of_one_session_is_enforced(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    // The new session is live in any case.
    for limit in [1, 0] {
        let user = fixture.register_named(&format!("limit {limit}")).await;
        let mut sessions = Vec::new();
        for second in 1..=3 {
            sessions.push(open(&fixture, &user, later(second), &at_most(limit)).await);
        }
        assert_eq!(
            ends(&fixture, &sessions).await,
            [Some(superseded(later(2))), Some(superseded(later(3))), None],
            "a limit of {limit}"
        );
    }
}

pub(super) async fn lowered_limit_ends_all_surplus_sessions(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let mut sessions = Vec::new();
    for second in 0..5 {
        let mut new = fixture.new_session(&user, fixture.password_version(user.id).await, later(second));
        if second % 2 == 0 {
            new.session.client_id = ClientId::from_static("elsewhere"); // the clients share the limit
        }
        assert_eq!(fixture.try_open(&new, &at_most(5)).await, OpenOutcome::Opened);
        sessions.push(new);
    }
    sessions.push(open(&fixture, &user, later(9), &at_most(2)).await);
    let ended = Some(superseded(later(9)));
    assert_eq!(ends(&fixture, &sessions).await, [ended, ended, ended, ended, None, None]);
}

pub(super) async fn ended_session_does_not_count(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let live = open(&fixture, &user, later(0), &at_most(2)).await;
    let logged_out = open(&fixture, &user, later(1), &at_most(2)).await;
    let end = fixture.sessions().end(logged_out.session.id, EndReason::LoggedOut, later(2)).await;
    assert!(end.expect("no error").is_some());
    let new = open(&fixture, &user, later(3), &at_most(2)).await;
    let logged_out_at_2 = Some(SessionEnd { at: later(2), reason: EndReason::LoggedOut });
    assert_eq!(ends(&fixture, &[live, logged_out, new]).await, [None, logged_out_at_2, None]);
}

pub(super) async fn expired_session_does_not_count(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let policy = SessionPolicy { idle: Duration::from_secs(100), ..at_most(2) };
    let busy = open(&fixture, &user, later(0), &policy).await;
    fixture.rotate(busy.token(), later(90)).await;
    let idle = open(&fixture, &user, later(10), &policy).await;
    let third = open(&fixture, &user, later(110), &policy).await;
    assert_eq!(
        ends(&fixture, &[busy, idle, third]).await,
        [None, None, None],
        "one of them was idle too long"
    );

    let other = fixture.register_named("john").await;
    let live = open(&fixture, &other, later(0), &policy).await;
    let mut expired = fixture.new_session(&other, live.password_version, later(10));
    expired.session.expires_at = later(20);
    assert_eq!(fixture.try_open(&expired, &policy).await, OpenOutcome::Opened);
    let third = open(&fixture, &other, later(20), &policy).await;
    assert_eq!(ends(&fixture, &[live, expired, third]).await, [None, None, None], "one of them has expired");
}

pub(super) async fn session_counts_until_its_last_microsecond(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let policy = SessionPolicy { idle: Duration::from_secs(100), ..at_most(1) };
    let last_micro = later(100).minus(Duration::from_micros(1));
    let idle = open(&fixture, &user, later(0), &policy).await;
    let new = open(&fixture, &user, last_micro, &policy).await;
    assert_eq!(ends(&fixture, &[idle, new]).await, [Some(superseded(last_micro)), None]);
    let other = fixture.register_named("john").await;
    let mut expiring = fixture.new_session(&other, fixture.password_version(other.id).await, later(50));
    expiring.session.expires_at = later(100);
    assert_eq!(fixture.try_open(&expiring, &policy).await, OpenOutcome::Opened);
    let new = open(&fixture, &other, last_micro, &policy).await;
    assert_eq!(ends(&fixture, &[expiring, new]).await, [Some(superseded(last_micro)), None]);
}

pub(super) async fn sessions_of_other_users_do_not_count(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (jane, john) = (fixture.register_named("jane").await, fixture.register_named("john").await);
    let sessions = [
        open(&fixture, &john, later(0), &at_most(2)).await,
        open(&fixture, &jane, later(1), &at_most(2)).await,
        open(&fixture, &jane, later(2), &at_most(2)).await,
        open(&fixture, &john, later(3), &at_most(2)).await,
    ];
    assert_eq!(ends(&fixture, &sessions).await, [None, None, None, None]);
}

pub(super) async fn largest_policy_values_cause_no_error(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let boundless = SessionPolicy {
        idle: Duration::MAX,
        absolute: Duration::MAX,
        retry_grace: Duration::MAX,
        outage_grace: Duration::MAX,
        max_live: u32::MAX,
    };
    let mut sessions = Vec::new();
    for second in 0..3 {
        sessions.push(open(&fixture, &user, later(second), &boundless).await);
    }
    let mut attempt = fixture.attempt(sessions[0].token(), later(9));
    attempt.policy = boundless.clone();
    fixture.refresh(&attempt).await;
    assert_eq!(fixture.sessions().purge(later(9), &boundless, u32::MAX).await.expect("no error"), 0);
    assert_eq!(ends(&fixture, &sessions).await, [None, None, None]);
}

pub(super) async fn concurrently_opened_sessions_respect_the_limit(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let policy = at_most(3);
    for round in rounds() {
        let user = fixture.register_named(&format!("user {round}")).await;
        let version = fixture.password_version(user.id).await;
        let opening: Vec<_> = (0..12).map(|_| fixture.new_session(&user, version, later(1))).collect();
        let outcomes = concurrently(opening.iter().map(|new| fixture.sessions().open(new, &policy)));
        for outcome in outcomes {
            assert_eq!(outcome.expect("no error"), OpenOutcome::Opened);
        }
        let ends = ends(&fixture, &opening).await;
        assert_eq!(
            ends.iter().filter(|end| end.is_none()).count(),
            3,
            "as many sessions as the limit are live"
        );
        assert!(ends.iter().flatten().all(|end| end.reason == EndReason::Superseded));
    }
}

pub(super) async fn new_session_with_an_earlier_time_stays_live(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let ahead = open(&fixture, &user, later(60), &at_most(1)).await;
    let behind = open(&fixture, &user, later(0), &at_most(1)).await;
    assert_eq!(ends(&fixture, &[ahead, behind]).await, [Some(superseded(later(0))), None]);
}
