//! Knowing of ended sessions without asking the store.
//!
//! A store may look at its own clock to see whether an end is worth remembering: these sessions begin in a year in which
//! no clock finds them old.

use super::StoreUnderTest;
use super::fixture::{Fixture, client, hash, roles};
use crate::model::{
    EndReason, NewSession, RefreshStyle, RefreshVerdict, Session, SessionId, Timestamp, User, UserChanges,
    UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::{OpenOutcome, SessionState, UpdateOutcome};

/// This many seconds into the year 9000.
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

/// Two sessions of one user and one of somebody else.
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
    assert!(fixture.sessions().end(session, EndReason::LoggedOut, at(1)).await.expect("no error").is_some());
    assert_not_live(&fixture, session, "it was ended");

    let opened = fixture.open(&user, at(0)).await;
    let client = client(RefreshStyle::Rotating).id;
    let sessions = fixture.sessions();
    let ended = sessions.end_by_credential(&opened.credential, &client, EndReason::LoggedOut, at(1)).await;
    assert_eq!(ended.expect("no error").map(|ended| ended.id), Some(opened.session.id));
    assert_not_live(&fixture, opened.session.id, "it was ended by its credential");

    let opened = fixture.open(&user, at(0)).await;
    fixture.rotate(opened.credential, at(1)).await;
    let replay = fixture.refresh(&fixture.attempt(opened.credential, at(100))).await;
    assert_eq!(replay.verdict, RefreshVerdict::Replay);
    assert_not_live(&fixture, opened.session.id, "its credential was replayed");
}

pub(super) async fn superseded_session_is_not_live(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (user, [first, second], others) = sessions(&fixture, "jane").await;
    let policy = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    let new = fixture.new_session(&user, first.password_version, at(2));
    assert_eq!(fixture.try_open(&new, &policy).await, OpenOutcome::Opened);
    for made_room in [first, second] {
        assert_not_live(&fixture, made_room.session.id, "it made room");
    }
    assert_not_ended(&fixture, new.session.id, "it has just begun");
    assert_not_ended(&fixture, others.session.id, "it is somebody else's");
}

/// What ends all sessions of a user.
#[derive(Clone, Copy, Debug)]
enum Change {
    Password,
    PasswordWithOtherMembers,
    Status,
    Roles,
    Deletion,
}

impl Change {
    async fn happen(self, fixture: &Fixture<'_>, user: &User) {
        let users = fixture.users();
        match self {
            Self::Password => {
                let version = fixture.password_version(user.id).await;
                let changed = users.change_password(user.id, version, &hash("second"), at(9)).await;
                assert!(changed.expect("no error"));
            }
            Self::PasswordWithOtherMembers => {
                let changes = UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() };
                let outcome = users.update(user.id, &changes, at(9)).await.expect("no error");
                assert!(matches!(outcome, UpdateOutcome::Updated(_)));
            }
            Self::Status => {
                let suspended = users.set_status(user.id, UserStatus::Suspended, at(9)).await;
                assert!(suspended.expect("no error").is_some());
            }
            Self::Roles => {
                let changed = users.set_roles(user.id, &roles("editor"), at(9)).await;
                assert!(changed.expect("no error").is_some());
            }
            Self::Deletion => assert!(users.delete(user.id).await.expect("no error")),
        }
    }
}

pub(super) async fn sessions_ended_by_a_user_change_are_not_live(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    for change in
        [Change::Password, Change::PasswordWithOtherMembers, Change::Status, Change::Roles, Change::Deletion]
    {
        let (user, own, others) = sessions(&fixture, &format!("{change:?}")).await;
        change.happen(&fixture, &user).await;
        for new in own {
            assert_not_live(&fixture, new.session.id, &format!("{change:?}"));
        }
        assert_not_ended(&fixture, others.session.id, &format!("{change:?} of another"));
    }
}

pub(super) async fn live_session_is_not_reported_as_ended(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (_, [opened, other], _) = sessions(&fixture, "jane").await;
    assert_not_ended(&fixture, opened.session.id, "it has just begun");
    fixture.rotate(opened.credential, at(2)).await;
    assert_not_ended(&fixture, opened.session.id, "it was refreshed");
    assert!(
        fixture
            .sessions()
            .end(other.session.id, EndReason::LoggedOut, at(3))
            .await
            .expect("no error")
            .is_some()
    );
    assert_not_ended(&fixture, opened.session.id, "it is another of the same user that ended");
}

pub(super) async fn rejected_call_ends_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let (user, own, _) = sessions(&fixture, "jane").await;
    let version = own[0].password_version;
    let crowded = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    let double = fixture.new_session(&user, version, at(4));
    let double = NewSession { session: Session { id: own[0].session.id, ..double.session }, ..double };
    assert!(fixture.sessions().open(&double, &crowded).await.is_err(), "ids are unique");
    let stale = NewSession { roles: roles("editor"), ..fixture.new_session(&user, version, at(5)) };
    assert_eq!(fixture.try_open(&stale, &crowded).await, OpenOutcome::Denied);
    fixture.users().set_roles(user.id, &user.roles, at(6)).await.expect("no error").expect("the user");
    for new in own {
        assert_not_ended(&fixture, new.session.id, "nothing has happened to it");
    }
}
