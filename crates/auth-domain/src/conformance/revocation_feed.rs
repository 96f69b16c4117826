//! The revocation feed: revoked sessions are known without a query.
//!
//! A store may use its own clock to decide whether it still has to remember an ended session. The sessions of these cases
//! start in the year 9000, so that no clock considers them old.

use uuid::Uuid;

use super::StoreUnderTest;
use super::fixture::{Fixture, at_most, client, roles};
use super::user_change::SessionEndingChange;
use crate::model::{
    EndReason, NewSession, RefreshStyle, RefreshVerdict, Session, SessionId, Timestamp, User,
};
use crate::policy::SessionPolicy;
use crate::ports::{OpenOutcome, SessionState};

/// The start of the year 9000 plus `second`.
fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_seconds(221_845_392_000 + second)
}

fn session_state(fixture: &Fixture<'_>, session: SessionId) -> SessionState {
    fixture.store.revocations().session_state(session)
}

fn assert_not_live(fixture: &Fixture<'_>, session: SessionId, why: &str) {
    assert_ne!(session_state(fixture, session), SessionState::Live, "{why}");
}

fn assert_not_ended(fixture: &Fixture<'_>, session: SessionId, why: &str) {
    assert_ne!(session_state(fixture, session), SessionState::Ended, "{why}");
}

/// Two sessions of one user and one session of another user.
async fn sessions(fixture: &Fixture<'_>, name: &str) -> (User, [NewSession; 2], NewSession) {
    let user = fixture.register_full_user(name).await;
    let other = fixture.register_named(&format!("not {name}")).await;
    let others = fixture.open(&other, at(0)).await;
    let own = [fixture.open(&user, at(0)).await, fixture.open(&user, at(1)).await];
    (user, own, others)
}

pub(super) async fn ended_session_is_not_live(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let session = fixture.open(&user, at(0)).await.session.id;
    assert!(fixture.log_out(session, at(1)).await);
    assert_not_live(&fixture, session, "ended");

    let opened = fixture.open(&user, at(0)).await;
    let client = client(RefreshStyle::Rotating).id;
    let sessions = fixture.sessions();
    let ended = sessions.end_by_family(&opened.family, &client, EndReason::LoggedOut, at(1)).await;
    assert_eq!(ended.expect("no error").map(|ended| ended.id), Some(opened.session.id));
    assert_not_live(&fixture, opened.session.id, "ended by its token family");

    let opened = fixture.open(&user, at(0)).await;
    fixture.rotate(opened.token(), at(1)).await;
    let replay = fixture.refresh(&fixture.attempt(opened.token(), at(100))).await;
    assert_eq!(replay.verdict, RefreshVerdict::Replay);
    assert_not_live(&fixture, opened.session.id, "its credential was replayed");
}

pub(super) async fn superseded_session_is_not_live(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (user, [first, second], others) = sessions(&fixture, "jane").await;
    let policy = at_most(1);
    let new = fixture.new_session(&user, first.password_version, at(2));
    assert_eq!(fixture.try_open(&new, &policy).await, OpenOutcome::Opened);
    for superseded in [first, second] {
        assert_not_live(&fixture, superseded.session.id, "superseded");
    }
    assert_not_ended(&fixture, new.session.id, "just opened");
    assert_not_ended(&fixture, others.session.id, "a session of another user");

    let mut sessions = vec![new];
    for _ in 0..1_001 {
        let new = fixture.new_session(&user, others.password_version, at(3));
        assert_eq!(fixture.try_open(&new, &policy).await, OpenOutcome::Opened);
        sessions.push(new);
    }
    let live = sessions.pop().expect("a session");
    for superseded in &sessions {
        assert_not_live(&fixture, superseded.session.id, "one of 1,001 superseded sessions");
    }
    assert_not_ended(&fixture, live.session.id, "the last one");
}

pub(super) async fn sessions_ended_by_a_user_change_are_not_live(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for change in SessionEndingChange::ALL {
        let (user, own, others) = sessions(&fixture, &format!("{change:?}")).await;
        change.apply(&fixture, user.id, own[0].password_version, at(9)).await;
        for new in own {
            assert_not_live(&fixture, new.session.id, &format!("{change:?}"));
        }
        assert_not_ended(&fixture, others.session.id, &format!("{change:?} of another user"));
    }
}

pub(super) async fn live_session_is_not_reported_as_ended(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (user, [opened, other], _) = sessions(&fixture, "jane").await;
    assert_not_ended(&fixture, opened.session.id, "just opened");
    fixture.rotate(opened.token(), at(2)).await;
    assert_not_ended(&fixture, opened.session.id, "refreshed");
    assert!(fixture.log_out(other.session.id, at(3)).await);
    assert_not_ended(&fixture, opened.session.id, "only the other session of the user ended");

    let ended = other.session.id.0.as_u128();
    for bit in [0, 63, 64, 127] {
        let new = fixture.new_session(&user, opened.password_version, at(4));
        let id = SessionId(Uuid::from_u128(ended ^ (1 << bit)));
        let new = NewSession { session: Session { id, ..new.session }, ..new };
        assert_eq!(fixture.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
        assert_not_ended(&fixture, id, &format!("bit {bit} of its id differs from that of an ended session"));
    }
}

pub(super) async fn call_without_effect_ends_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (user, own, _) = sessions(&fixture, "jane").await;
    let version = own[0].password_version;
    let crowded = at_most(1);
    let duplicate = fixture.new_session(&user, version, at(4));
    let duplicate =
        NewSession { session: Session { id: own[0].session.id, ..duplicate.session }, ..duplicate };
    assert!(fixture.sessions().open(&duplicate, &crowded).await.is_err(), "ids must be unique");
    let stale = NewSession { roles: roles("editor"), ..fixture.new_session(&user, version, at(5)) };
    assert_eq!(fixture.try_open(&stale, &crowded).await, OpenOutcome::Denied);
    fixture.users().set_roles(user.id, &user.roles, at(6)).await.expect("no error").expect("the user");
    for new in own {
        assert_not_ended(&fixture, new.session.id, "no call has changed it");
    }
}

pub(super) async fn ended_session_is_not_live_after_its_purge(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (_, [ended, other], _) = sessions(&fixture, "jane").await;
    assert!(fixture.log_out(ended.session.id, at(1)).await);
    let policy = SessionPolicy::default();
    while fixture.sessions().purge(at(2), &policy, 10).await.expect("no error") > 0 {}
    assert_not_live(&fixture, ended.session.id, "ended a second ago, and purged");
    assert_not_ended(&fixture, other.session.id, "not purged");
}
