//! For whom a session is opened, and for whom not.

use futures_util::future::{BoxFuture, join_all};

use super::StoreFixture;
use super::scene::{Scene, hash, later, now, roles};
use crate::model::{
    EndReason, NewSession, PasswordVersion, SessionEnd, User, UserChanges, UserId, UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

const ROUNDS: usize = 20;

/// Opening this session is refused, and nothing of it is stored.
async fn assert_refused(scene: &Scene<'_>, new: &NewSession) {
    let crowded = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    assert_eq!(scene.try_open(new, &crowded).await, OpenOutcome::Denied);
    assert_eq!(scene.find_session(new.session.id).await, None);
    let attempt = scene.attempt(new.credential, later(100));
    assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
}

pub(super) async fn a_changed_password_opens_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let old = scene.password_version(user.id).await;
    let change = scene.users().change_password(user.id, old, &hash("first"), later(1)).await;
    assert!(change.expect("no fault"));
    let live = scene.open(&user, later(2)).await.session;
    for version in [old, PasswordVersion(i64::MIN), PasswordVersion(i64::MAX)] {
        assert_refused(&scene, &scene.new_session(&user, version, later(3))).await;
    }
    assert_eq!(scene.session(live.id).await, live, "a session that is refused takes nobody's place");
}

pub(super) async fn a_suspended_user_opens_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let version = scene.password_version(user.id).await;
    let users = scene.users();
    users.set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no fault");
    assert_refused(&scene, &scene.new_session(&user, version, later(2))).await;
    users.set_status(user.id, UserStatus::Active, later(3)).await.expect("no fault");
    scene.open(&user, later(4)).await;
}

pub(super) async fn changed_roles_open_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    let version = scene.password_version(user.id).await;
    for others in ["", "admin", "customer", "admin,customer,editor"] {
        let new = scene.new_session(&user, version, later(1));
        assert_refused(&scene, &NewSession { roles: roles(others), ..new }).await;
    }
    scene.users().set_roles(user.id, &roles("editor"), later(2)).await.expect("no fault").expect("the user");
    assert_refused(&scene, &scene.new_session(&user, version, later(3))).await;
    scene.open(&scene.user(user.id).await, later(4)).await;
}

pub(super) async fn who_is_gone_opens_nothing(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let version = scene.password_version(user.id).await;
    assert!(scene.users().delete(user.id).await.expect("no fault"));
    assert_refused(&scene, &scene.new_session(&user, version, later(1))).await;
    let nobody = User { id: UserId(scene.uuid()), ..user };
    assert_refused(&scene, &scene.new_session(&nobody, version, later(1))).await;
}

pub(super) async fn a_better_hash_of_the_proven_password_does_not_stand_against_it(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let proven = scene.password_version(user.id).await;
    let upgrade = scene.users().upgrade_password_hash(user.id, &hash("first"), &hash("better")).await;
    assert!(upgrade.expect("no fault"));
    let new = scene.new_session(&user, proven, later(1));
    assert_eq!(scene.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
}

/// What happens to the user while sessions are being opened.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    PasswordChanged,
    PasswordChangedWithOtherMembers,
    Suspended,
    RolesChanged,
    Deleted,
}

impl Meanwhile {
    async fn happen(self, scene: &Scene<'_>, user: UserId, version: PasswordVersion) {
        let users = scene.users();
        match self {
            Self::PasswordChanged => {
                let changed = users.change_password(user, version, &hash("second"), later(9)).await;
                assert!(changed.expect("no fault"), "opening a session is no change of the password");
            }
            Self::PasswordChangedWithOtherMembers => {
                let changes = UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() };
                users.update(user, &changes, later(9)).await.expect("no fault");
            }
            Self::Suspended => {
                users.set_status(user, UserStatus::Suspended, later(9)).await.expect("no fault");
            }
            Self::RolesChanged => {
                users.set_roles(user, &roles("editor"), later(9)).await.expect("no fault");
            }
            Self::Deleted => assert!(users.delete(user).await.expect("no fault")),
        }
    }

    /// Why a session ends by it; `None` when the session goes with its user.
    fn reason(self) -> Option<EndReason> {
        match self {
            Self::PasswordChanged | Self::PasswordChangedWithOtherMembers => Some(EndReason::PasswordChanged),
            Self::Suspended => Some(EndReason::Suspended),
            Self::RolesChanged => Some(EndReason::RolesChanged),
            Self::Deleted => None,
        }
    }
}

/// Opens sessions of one user while something happens that is to end them: afterwards none of them is live.
async fn race(store: &dyn StoreFixture, meanwhile: Meanwhile) {
    let scene = &Scene::new(store);
    for round in 0..ROUNDS {
        let user = scene.register_named(&format!("user {round}")).await;
        let version = scene.password_version(user.id).await;
        let opening: Vec<_> = (0..6).map(|_| scene.new_session(&user, version, now())).collect();
        let mut calls: Vec<BoxFuture<'_, Option<OpenOutcome>>> = Vec::new();
        for new in &opening {
            calls.push(Box::pin(async { Some(scene.try_open(new, &SessionPolicy::default()).await) }));
        }
        let happening = async {
            meanwhile.happen(scene, user.id, version).await;
            None
        };
        calls.insert(round % 7, Box::pin(happening));
        let outcomes = join_all(calls).await.into_iter().flatten();
        for (new, outcome) in opening.iter().zip(outcomes) {
            let found = scene.find_session(new.session.id).await;
            match (outcome, meanwhile.reason()) {
                (OpenOutcome::Opened, Some(reason)) => {
                    let end = found.and_then(|session| session.end);
                    assert_eq!(
                        end,
                        Some(SessionEnd { at: later(9), reason }),
                        "opened, so ended: {meanwhile:?}"
                    );
                }
                (OpenOutcome::Opened, None) | (OpenOutcome::Denied, _) => assert_eq!(found, None),
            }
        }
    }
}

pub(super) async fn a_password_changed_at_the_same_time_leaves_no_session_live(store: &dyn StoreFixture) {
    race(store, Meanwhile::PasswordChanged).await;
}

pub(super) async fn a_password_changed_with_other_members_at_the_same_time_leaves_no_session_live(
    store: &dyn StoreFixture,
) {
    race(store, Meanwhile::PasswordChangedWithOtherMembers).await;
}

pub(super) async fn a_suspension_at_the_same_time_leaves_no_session_live(store: &dyn StoreFixture) {
    race(store, Meanwhile::Suspended).await;
}

pub(super) async fn roles_changed_at_the_same_time_leave_no_session_live(store: &dyn StoreFixture) {
    race(store, Meanwhile::RolesChanged).await;
}

pub(super) async fn a_deletion_at_the_same_time_leaves_no_session(store: &dyn StoreFixture) {
    race(store, Meanwhile::Deleted).await;
}
