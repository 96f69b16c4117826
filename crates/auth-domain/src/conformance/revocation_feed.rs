//! Knowing of ended sessions without asking the store.
//!
//! A store may look at its own clock to see whether an end is worth remembering: these sessions begin in a year in which
//! no clock finds them old.

use super::StoreFixture;
use super::scene::{Scene, client, hash, roles};
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

fn session_state(scene: &Scene<'_>, session: SessionId) -> SessionState {
    scene.store.revocations().session_state(session)
}

fn assert_not_live(scene: &Scene<'_>, session: SessionId, why: &str) {
    assert_ne!(session_state(scene, session), SessionState::Live, "{why}");
}

fn assert_not_ended(scene: &Scene<'_>, session: SessionId, why: &str) {
    assert_ne!(session_state(scene, session), SessionState::Ended, "{why}");
}

/// Two sessions of one user and one of somebody else.
async fn sessions(scene: &Scene<'_>, name: &str) -> (User, [NewSession; 2], NewSession) {
    let user = scene.register_whole(name).await;
    let other = scene.register_named(&format!("not {name}")).await;
    let others = scene.open(&other, at(0)).await;
    let own = [scene.open(&user, at(0)).await, scene.open(&user, at(1)).await];
    (user, own, others)
}

pub(super) async fn a_session_that_was_ended_is_not_live(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let session = scene.open(&user, at(0)).await.session.id;
    assert!(scene.sessions().end(session, EndReason::LoggedOut, at(1)).await.expect("no fault").is_some());
    assert_not_live(&scene, session, "it was ended");

    let opened = scene.open(&user, at(0)).await;
    let client = client(RefreshStyle::Rotating).id;
    let sessions = scene.sessions();
    let ended = sessions.end_by_credential(&opened.credential, &client, EndReason::LoggedOut, at(1)).await;
    assert_eq!(ended.expect("no fault").map(|ended| ended.id), Some(opened.session.id));
    assert_not_live(&scene, opened.session.id, "it was ended by its credential");

    let opened = scene.open(&user, at(0)).await;
    scene.rotate(opened.credential, at(1)).await;
    let replay = scene.refresh(&scene.attempt(opened.credential, at(100))).await;
    assert_eq!(replay.verdict, RefreshVerdict::Replay);
    assert_not_live(&scene, opened.session.id, "its credential was replayed");
}

pub(super) async fn a_session_that_made_room_is_not_live(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let (user, [first, second], others) = sessions(&scene, "jane").await;
    let policy = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    let new = scene.new_session(&user, first.password_version, at(2));
    assert_eq!(scene.try_open(&new, &policy).await, OpenOutcome::Opened);
    for made_room in [first, second] {
        assert_not_live(&scene, made_room.session.id, "it made room");
    }
    assert_not_ended(&scene, new.session.id, "it has just begun");
    assert_not_ended(&scene, others.session.id, "it is somebody else's");
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
    async fn happen(self, scene: &Scene<'_>, user: &User) {
        let users = scene.users();
        match self {
            Self::Password => {
                let version = scene.password_version(user.id).await;
                let changed = users.change_password(user.id, version, &hash("second"), at(9)).await;
                assert!(changed.expect("no fault"));
            }
            Self::PasswordWithOtherMembers => {
                let changes = UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() };
                let outcome = users.update(user.id, &changes, at(9)).await.expect("no fault");
                assert!(matches!(outcome, UpdateOutcome::Updated(_)));
            }
            Self::Status => {
                let suspended = users.set_status(user.id, UserStatus::Suspended, at(9)).await;
                assert!(suspended.expect("no fault").is_some());
            }
            Self::Roles => {
                let changed = users.set_roles(user.id, &roles("editor"), at(9)).await;
                assert!(changed.expect("no fault").is_some());
            }
            Self::Deletion => assert!(users.delete(user.id).await.expect("no fault")),
        }
    }
}

pub(super) async fn sessions_that_ended_with_their_user_are_not_live(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    for change in
        [Change::Password, Change::PasswordWithOtherMembers, Change::Status, Change::Roles, Change::Deletion]
    {
        let (user, own, others) = sessions(&scene, &format!("{change:?}")).await;
        change.happen(&scene, &user).await;
        for new in own {
            assert_not_live(&scene, new.session.id, &format!("{change:?}"));
        }
        assert_not_ended(&scene, others.session.id, &format!("{change:?} of another"));
    }
}

pub(super) async fn a_session_that_goes_on_has_not_ended(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let (_, [opened, other], _) = sessions(&scene, "jane").await;
    assert_not_ended(&scene, opened.session.id, "it has just begun");
    scene.rotate(opened.credential, at(2)).await;
    assert_not_ended(&scene, opened.session.id, "it was refreshed");
    assert!(
        scene
            .sessions()
            .end(other.session.id, EndReason::LoggedOut, at(3))
            .await
            .expect("no fault")
            .is_some()
    );
    assert_not_ended(&scene, opened.session.id, "it is another of the same user that ended");
}

pub(super) async fn what_was_refused_has_ended_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let (user, own, _) = sessions(&scene, "jane").await;
    let version = own[0].password_version;
    let crowded = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    let double = scene.new_session(&user, version, at(4));
    let double = NewSession { session: Session { id: own[0].session.id, ..double.session }, ..double };
    assert!(scene.sessions().open(&double, &crowded).await.is_err(), "ids are unique");
    let stale = NewSession { roles: roles("editor"), ..scene.new_session(&user, version, at(5)) };
    assert_eq!(scene.try_open(&stale, &crowded).await, OpenOutcome::Denied);
    scene.users().set_roles(user.id, &user.roles, at(6)).await.expect("no fault").expect("the user");
    for new in own {
        assert_not_ended(&scene, new.session.id, "nothing has happened to it");
    }
}
