//! Every member of a session is returned as it was stored.

use std::time::Duration;

use uuid::Uuid;

use super::StoreUnderTest;
use super::fixture::{Fixture, PresentedToken, last_micro, later, now, roles, similar_keys};
use crate::model::{
    ClientId, CredentialChain, EndReason, NewSession, SecretDigest, Session, SessionEnd, SessionId,
    Timestamp, User, UserStatus,
};
use crate::policy::SessionPolicy;
use crate::ports::OpenOutcome;

/// Stores a session and reads it back.
async fn round_trip(fixture: &Fixture<'_>, user: &User, session: Session) {
    let version = fixture.password_version(user.id).await;
    let roles = fixture.user(session.user_id).await.roles;
    let (family, credential) = (fixture.digest(), fixture.digest());
    let new = NewSession { session, family, credential, password_version: version, roles };
    assert_eq!(fixture.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
    let found = fixture.sessions().find(new.session.id).await.expect("no error");
    assert_eq!(found, Some((new.session, user.clone())));
}

pub(super) async fn session_is_returned_as_stored(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    for client in
        ["example", "", "\u{f6}\u{1f600} client", "'; DROP TABLE sessions; --", "007", &"c".repeat(255)]
    {
        let session = fixture.new_session(&user, fixture.password_version(user.id).await, now()).session;
        let times = Session {
            client_id: ClientId::from(client.to_owned()),
            created_at: now().plus(Duration::from_micros(1)),
            last_refreshed_at: now().plus(Duration::from_micros(2)),
            expires_at: now().plus(Duration::from_micros(3)),
            ..session
        };
        round_trip(&fixture, &user, times).await;
    }
}

pub(super) async fn earliest_and_latest_times_are_returned(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for (created_at, expires_at) in [
        (now(), Timestamp::MAX),
        (now(), last_micro()),
        (Timestamp::UNIX_EPOCH, Timestamp::from_unix_micros(1)),
        (last_micro(), Timestamp::MAX),
    ] {
        let new = fixture.new_session(&user, fixture.password_version(user.id).await, created_at);
        round_trip(&fixture, &user, Session { expires_at, ..new.session }).await;
    }
}

pub(super) async fn smallest_and_largest_ids_are_returned(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    for id in [Uuid::nil(), Uuid::from_u128(1), Uuid::max()].map(SessionId) {
        let new = fixture.new_session(&user, fixture.password_version(user.id).await, now());
        round_trip(&fixture, &user, Session { id, ..new.session }).await;
    }
}

pub(super) async fn session_is_read_by_its_family(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let sessions = fixture.sessions();
    let other = fixture.register_full_user("john").await;
    fixture.open(&other, now()).await;
    let user = fixture.register_full_user("jane").await;
    let opened = fixture.open(&user, now()).await;
    let read = async |family| sessions.find_by_family(&family).await.expect("no error");
    assert_eq!(read(opened.family).await, Some((opened.session.clone(), user.clone())));
    for unknown in similar_keys(*opened.family.as_bytes()).map(SecretDigest::from_bytes) {
        assert_eq!(read(unknown).await, None, "a similar family");
    }
    assert_eq!(read(opened.credential).await, None, "a credential is no family");

    let attempt = fixture.attempt(opened.token(), later(1));
    sessions.refresh(&attempt).await.expect("no error").expect("the session");
    let refreshed = Session { last_refreshed_at: later(1), ..opened.session.clone() };
    assert_eq!(read(opened.family).await, Some((refreshed, user.clone())), "after a refresh");
    for credential in [opened.credential, attempt.successor] {
        assert_eq!(read(credential).await, None, "neither a consumed nor a current credential is a family");
    }

    let roles = roles("editor");
    fixture.users().set_roles(user.id, &roles, later(2)).await.expect("no error");
    let (session, found) = read(opened.family).await.expect("an ended session is found");
    assert_eq!(session.end, Some(SessionEnd { at: later(2), reason: EndReason::RolesChanged }));
    assert_eq!(found, User { roles, ..user.clone() }, "with its current user");

    fixture.users().delete(user.id).await.expect("no error");
    assert_eq!(read(opened.family).await, None, "a deleted session is not found");
}

pub(super) async fn session_is_returned_with_its_current_user(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_full_user("jane").await;
    let session = fixture.open(&user, now()).await.session;
    store.verify_email(user.id).await;
    fixture.users().set_roles(user.id, &roles("editor"), later(1)).await.expect("no error");
    fixture.users().set_status(user.id, UserStatus::Suspended, later(1)).await.expect("no error");
    let (_, found) =
        fixture.sessions().find(session.id).await.expect("no error").expect("the session exists");
    assert_eq!(
        found,
        User { email_verified: true, status: UserStatus::Suspended, roles: roles("editor"), ..user }
    );
}

pub(super) async fn every_end_reason_is_returned(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let at = [later(1), Timestamp::UNIX_EPOCH, Timestamp::MAX, last_micro(), later(5), later(6)];
    let reasons = [
        EndReason::LoggedOut,
        EndReason::PasswordChanged,
        EndReason::Suspended,
        EndReason::RolesChanged,
        EndReason::Replayed,
        EndReason::Superseded,
    ];
    for (at, reason) in at.into_iter().zip(reasons) {
        let session = fixture.open(&user, now()).await.session;
        assert!(fixture.sessions().end(session.id, reason, at).await.expect("no error").is_some());
        let end = Some(SessionEnd { at, reason });
        assert_eq!(fixture.session(session.id).await, Session { end, ..session });
    }
}

pub(super) async fn session_is_found_only_by_its_whole_family(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    let mut half_zero = [7; 32];
    half_zero[16..].fill(0);
    for digest in [[0; 32], [0xff; 32], [b'0'; 32], half_zero] {
        let family = SecretDigest::from_bytes(digest);
        let new = NewSession { family, ..fixture.new_session(&user, version, now()) };
        assert_eq!(fixture.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
        for similar in similar_keys(digest).map(SecretDigest::from_bytes) {
            let token = PresentedToken { family: similar, ..new.token() };
            assert_eq!(fixture.present(token, later(1)).await, None);
        }
        let judged = fixture.refresh(&fixture.attempt(new.token(), later(1))).await;
        assert_eq!(judged.record.session, new.session);
        assert_eq!(judged.record.chain, CredentialChain::new(new.credential));
    }
}

pub(super) async fn sessions_with_similar_families_are_not_confused(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let version = fixture.password_version(user.id).await;
    let family = *fixture.digest().as_bytes();
    let mut sessions = Vec::new();
    for family in similar_keys(family).into_iter().chain([family]).map(SecretDigest::from_bytes) {
        let new = NewSession { family, ..fixture.new_session(&user, version, now()) };
        assert_eq!(fixture.try_open(&new, &SessionPolicy::default()).await, OpenOutcome::Opened);
        sessions.push(new);
    }
    for new in &sessions {
        let rotation = fixture.attempt(new.token(), later(1));
        assert_eq!(fixture.refresh(&rotation).await.record.session, new.session);
        let record = fixture.refresh(&fixture.attempt(new.token(), later(2))).await.record;
        let chain = CredentialChain { current: rotation.successor, consumed: vec![rotation.consumed()] };
        assert_eq!((record.session.id, record.chain), (new.session.id, chain));
    }
    let (first, others) = sessions.split_first().expect("four sessions");
    let client = &first.session.client_id;
    let ended = fixture.sessions().end_by_family(&first.family, client, EndReason::LoggedOut, later(3)).await;
    assert_eq!(ended.expect("no error").map(|ended| ended.id), Some(first.session.id));
    for other in others {
        assert_eq!(fixture.session(other.session.id).await.end, None);
    }
}

/// Two sessions may have one credential, because only the family identifies a session.
pub(super) async fn credential_does_not_find_a_session(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    let one = fixture.open(&user, now()).await;
    let other =
        NewSession { credential: one.credential, ..fixture.new_session(&user, one.password_version, now()) };
    assert_eq!(fixture.try_open(&other, &SessionPolicy::default()).await, OpenOutcome::Opened);
    let swapped = PresentedToken { family: one.credential, credential: one.family };
    assert_eq!(fixture.present(swapped, later(1)).await, None);
    for new in [&one, &other] {
        assert_eq!(
            fixture.refresh(&fixture.attempt(new.token(), later(1))).await.record.session,
            new.session
        );
    }
    assert_eq!(fixture.present(swapped, later(1)).await, None, "the credential is consumed");
}

pub(super) async fn unknown_session_is_not_found(store: &dyn StoreUnderTest) {
    let fixture = Fixture::new(store);
    let user = fixture.register_named("jane").await;
    fixture.open(&user, now()).await;
    for id in [fixture.uuid(), Uuid::nil(), Uuid::max(), user.id.0].map(SessionId) {
        assert_eq!(fixture.find_session(id).await, None);
        let ended = fixture.sessions().end(id, EndReason::LoggedOut, later(1)).await;
        assert_eq!(ended.expect("no error"), None);
    }
    let unknown = PresentedToken { family: fixture.digest(), credential: fixture.digest() };
    assert_eq!(fixture.present(unknown, later(1)).await, None);
}
