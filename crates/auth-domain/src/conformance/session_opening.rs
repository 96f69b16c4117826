//! For whom a session is opened, and for whom not.

use futures_util::future::{BoxFuture, join_all};

use super::StoreUnderTest;
use super::fixture::{Fixture, hash, later, now, roles};
use crate::model::{
    EndReason, NewSession, PasswordVersion, SessionEnd, User, UserChanges, UserId, UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

const ROUNDS: usize = 20;

/// Opening this session is refused, and nothing of it is stored.
async fn assert_refused(fixture: &Fixture<'_>, new: &NewSession) {
    let crowded = SessionPolicy { max_live: 1, ..SessionPolicy::default() };
    assert_eq!(fixture.try_open(new, &crowded).await, OpenOutcome::Denied);
    assert_eq!(fixture.find_session(new.session.id).await, None);
    let attempt = fixture.attempt(new.credential, later(100));
    assert_eq!(fixture.sessions().refresh(&attempt).await.expect("no error"), None);
}

pub(super) async fn outdated_password_opens_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let old = fixture.password_version(user.id).await;
    let change = fixture.users().change_password(user.id, old, &hash("first"), later(1)).await;
    assert!(change.expect("no error"));
    let live = fixture.open(&user, later(2)).await.session;
    for version in [old, PasswordVersion(i64::MIN), PasswordVersion(i64::MAX)] {
        assert_refused(&fixture, &fixture.new_session(&user, version, later(3))).await;
    }
    assert_eq!(fixture.session(live.id).await, live, "a session that is refused takes nobody's place");
}

pub(super) async fn suspended_user_opens_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    let users = fixture.users();
    users.set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no error");
    assert_refused(&fixture, &fixture.new_session(&user, version, later(2))).await;
    users.set_status(user.id, UserStatus::Active, later(3)).await.expect("no error");
    fixture.open(&user, later(4)).await;
}

pub(super) async fn outdated_roles_open_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let version = fixture.password_version(user.id).await;
    for others in ["", "admin", "customer", "admin,customer,editor"] {
        let new = fixture.new_session(&user, version, later(1));
        assert_refused(&fixture, &NewSession { roles: roles(others), ..new }).await;
    }
    fixture
        .users()
        .set_roles(user.id, &roles("editor"), later(2))
        .await
        .expect("no error")
        .expect("the user");
    assert_refused(&fixture, &fixture.new_session(&user, version, later(3))).await;
    fixture.open(&fixture.user(user.id).await, later(4)).await;
}

pub(super) async fn deleted_user_opens_no_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    assert!(fixture.users().delete(user.id).await.expect("no error"));
    assert_refused(&fixture, &fixture.new_session(&user, version, later(1))).await;
    let nobody = User { id: UserId(fixture.uuid()), ..user };
    assert_refused(&fixture, &fixture.new_session(&nobody, version, later(1))).await;
}

pub(super) async fn hash_upgrade_does_not_prevent_a_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let proven = fixture.password_version(user.id).await;
    let upgrade = fixture.users().upgrade_password_hash(user.id, &hash("first"), &hash("better")).await;
    assert!(upgrade.expect("no error"));
    let new = fixture.new_session(&user, proven, later(1));
    assert_eq!(fixture.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
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
    async fn happen(self, fixture: &Fixture<'_>, user: UserId, version: PasswordVersion) {
        let users = fixture.users();
        match self {
            Self::PasswordChanged => {
                let changed = users.change_password(user, version, &hash("second"), later(9)).await;
                assert!(changed.expect("no error"), "opening a session is no change of the password");
            }
            Self::PasswordChangedWithOtherMembers => {
                let changes = UserChanges { password_hash: Some(hash("second")), ..UserChanges::default() };
                users.update(user, &changes, later(9)).await.expect("no error");
            }
            Self::Suspended => {
                users.set_status(user, UserStatus::Suspended, later(9)).await.expect("no error");
            }
            Self::RolesChanged => {
                users.set_roles(user, &roles("editor"), later(9)).await.expect("no error");
            }
            Self::Deleted => assert!(users.delete(user).await.expect("no error")),
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
async fn race(store: &dyn StoreUnderTest, meanwhile: Meanwhile) {
    let fixture = &Fixture::new(store);
    for round in 0..ROUNDS {
        let user = fixture.register_named(&format!("user {round}")).await;
        let version = fixture.password_version(user.id).await;
        let opening: Vec<_> = (0..6).map(|_| fixture.new_session(&user, version, now())).collect();
        let mut calls: Vec<BoxFuture<'_, Option<OpenOutcome>>> = Vec::new();
        for new in &opening {
            calls.push(Box::pin(async { Some(fixture.try_open(new, &SessionPolicy::default()).await) }));
        }
        let happening = async {
            meanwhile.happen(fixture, user.id, version).await;
            None
        };
        calls.insert(round % 7, Box::pin(happening));
        let outcomes = join_all(calls).await.into_iter().flatten();
        for (new, outcome) in opening.iter().zip(outcomes) {
            let found = fixture.find_session(new.session.id).await;
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

pub(super) async fn concurrent_password_change_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, Meanwhile::PasswordChanged).await;
}

pub(super) async fn concurrent_password_update_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, Meanwhile::PasswordChangedWithOtherMembers).await;
}

pub(super) async fn concurrent_suspension_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, Meanwhile::Suspended).await;
}

pub(super) async fn concurrent_role_change_leaves_no_live_session(store: &dyn StoreUnderTest) {
    race(store, Meanwhile::RolesChanged).await;
}

pub(super) async fn concurrent_deletion_leaves_no_session(store: &dyn StoreUnderTest) {
    race(store, Meanwhile::Deleted).await;
}
