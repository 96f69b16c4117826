//! What is stored of a session is given back as it was.

use std::time::Duration;

use uuid::Uuid;

use super::StoreFixture;
use super::scene::{Scene, later, now, roles};
use crate::model::{
    ClientId, EndReason, NewSession, RefreshVerdict, SecretDigest, Session, SessionEnd, SessionId, Timestamp,
    User, UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

/// Stores a session and reads it back.
async fn round_trip(scene: &Scene<'_>, user: &User, session: Session) {
    let version = scene.password_version(user.id).await;
    let roles = scene.user(session.user_id).await.roles;
    let new = NewSession { session, credential: scene.digest(), password_version: version, roles };
    assert_eq!(scene.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
    let found = scene.sessions().find(new.session.id).await.expect("no fault");
    assert_eq!(found, Some((new.session, user.clone())));
}

pub(super) async fn every_member_of_a_session_is_given_back_as_stored(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    for client in
        ["example", "", "\u{f6}\u{1f600} client", "'; DROP TABLE sessions; --", "007", &"c".repeat(255)]
    {
        let session = scene.new_session(&user, scene.password_version(user.id).await, now()).session;
        let times = Session {
            client_id: ClientId::from(client.to_owned()),
            created_at: now().plus(Duration::from_micros(1)),
            last_refreshed_at: now().plus(Duration::from_micros(2)),
            expires_at: now().plus(Duration::from_micros(3)),
            ..session
        };
        round_trip(&scene, &user, times).await;
    }
}

pub(super) async fn the_earliest_and_the_latest_times_are_given_back(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let last_micro = Timestamp::from_unix_micros(Timestamp::MAX.unix_micros() - 1);
    for (created_at, expires_at) in [
        (now(), Timestamp::MAX),
        (now(), last_micro),
        (Timestamp::UNIX_EPOCH, Timestamp::from_unix_micros(1)),
        (last_micro, Timestamp::MAX),
    ] {
        let new = scene.new_session(&user, scene.password_version(user.id).await, created_at);
        round_trip(&scene, &user, Session { expires_at, ..new.session }).await;
    }
}

pub(super) async fn the_least_and_the_greatest_ids_are_given_back(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    for id in [Uuid::nil(), Uuid::from_u128(1), Uuid::max()].map(SessionId) {
        let new = scene.new_session(&user, scene.password_version(user.id).await, now());
        round_trip(&scene, &user, Session { id, ..new.session }).await;
    }
}

pub(super) async fn a_session_is_given_back_with_its_user_as_they_are_now(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_whole("jane").await;
    let session = scene.open(&user, now()).await.session;
    store.verify_email(user.id).await;
    scene.users().set_roles(user.id, &roles("editor"), later(1)).await.expect("no fault");
    scene.users().set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no fault");
    let (_, found) =
        scene.sessions().find(session.id).await.expect("no fault").expect("the session is there");
    assert_eq!(
        found,
        User { email_verified: true, status: UserStatus::Suspended, roles: roles("editor"), ..user }
    );
}

pub(super) async fn every_way_to_end_is_given_back(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let at = [later(1), Timestamp::UNIX_EPOCH, Timestamp::MAX, later(4), later(5), later(6)];
    let reasons = [
        EndReason::LoggedOut,
        EndReason::PasswordChanged,
        EndReason::Suspended,
        EndReason::RolesChanged,
        EndReason::Replayed,
        EndReason::Superseded,
    ];
    for (at, reason) in at.into_iter().zip(reasons) {
        let session = scene.open(&user, now()).await.session;
        assert!(scene.sessions().end(session.id, reason, at).await.expect("no fault").is_some());
        let end = Some(SessionEnd { at, reason });
        assert_eq!(scene.session(session.id).await, Session { end, ..session });
    }
}

pub(super) async fn a_credential_is_known_by_its_digest_and_by_nothing_else(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    let version = scene.password_version(user.id).await;
    let mut half_zero = [7; 32];
    half_zero[16..].fill(0);
    for digest in [[0; 32], [0xff; 32], [b'0'; 32], half_zero] {
        let new = NewSession {
            credential: SecretDigest::from_bytes(digest),
            ..scene.new_session(&user, version, now())
        };
        assert_eq!(scene.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
        for index in [0, 15, 31] {
            let mut resembling = digest;
            resembling[index] ^= 0x10;
            let attempt = scene.attempt(SecretDigest::from_bytes(resembling), later(1));
            assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
        }
        let judged = scene.refresh(&scene.attempt(new.credential, later(1))).await;
        assert_eq!((judged.record.session, judged.verdict), (new.session, RefreshVerdict::Rotate));
    }
}

pub(super) async fn what_is_not_there_is_not_found(store: &dyn StoreFixture) {
    let scene = Scene::new(store);
    let user = scene.register_named("jane").await;
    scene.open(&user, now()).await;
    for id in [scene.uuid(), Uuid::nil(), Uuid::max(), user.id.0].map(SessionId) {
        assert_eq!(scene.find_session(id).await, None);
        let ended = scene.sessions().end(id, EndReason::LoggedOut, later(1)).await;
        assert_eq!(ended.expect("no fault"), None);
    }
    let attempt = scene.attempt(scene.digest(), later(1));
    assert_eq!(scene.sessions().refresh(&attempt).await.expect("no fault"), None);
}
