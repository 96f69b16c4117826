//! The record store over a key-value store in memory: conflicts, cost, damaged records and the blocking pool.
#![expect(clippy::expect_used, reason = "a panic fails the test")]

mod ordered_map;

use std::future::Future as _;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auth_domain::model::{
    AuditAction, AuditEvent, AuditFilter, AuditOutcome, AuditedCaller, Client, ClientId, EndReason,
    IdentifierKey, Identifiers, ImportOutcome, ImportedUser, NewSession, NewUser, PasswordHash,
    PasswordVersion, RefreshAttempt, RefreshStyle, RefreshVerdict, Roles, SecretDigest, Session, SessionId,
    SuccessorNonce, Timestamp, UserId, UserRef, UserStatus, Username,
};
use auth_domain::policy::SessionPolicy;
use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, OpenOutcome, PortError, RegisterOutcome, RevocationFeed as _,
    SessionRepository, SessionState, UserRepository,
};
use auth_domain::records::{BlockingCall, KeyValueStore as _, RecordStore, Table};
use uuid::Uuid;

use ordered_map::OrderedMap;

/// A transaction may run again after a conflict, so the whole suite passes when each runs twice.
mod with_conflicts {
    use auth_domain::records::RecordStore;

    use super::ordered_map::OrderedMap;

    auth_domain::conformance_tests! { stores: async || RecordStore::new(OrderedMap::with_conflicts()) }
}

/// 2025-08-12T12:00:00Z.
fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_755_000_000)
}

fn store() -> RecordStore<OrderedMap> {
    RecordStore::new(OrderedMap::default())
}

fn user(number: u128) -> NewUser {
    let name = Username::parse(&format!("user-{number}")).expect("a username");
    NewUser {
        id: UserId(Uuid::from_u128(number)),
        identifiers: Identifiers::new(Some(name), None).expect("a name"),
        display_name: None,
        phone_number: None,
        roles: Roles::default(),
        password_hash: Some(PasswordHash::new("hash".to_owned())),
        created_at: now(),
        metadata: None,
    }
}

fn session(number: u128, user: UserId) -> NewSession {
    NewSession {
        session: Session {
            id: SessionId(Uuid::from_u128(number)),
            user_id: user,
            client_id: ClientId::from_static("web"),
            created_at: now(),
            last_refreshed_at: now(),
            expires_at: now().plus(Duration::from_secs(1_000)),
            end: None,
        },
        family: SecretDigest::of(&number.to_be_bytes()),
        credential: SecretDigest::of(b"credential"),
        password_version: PasswordVersion(0),
        roles: Roles::default(),
    }
}

fn rotation(session: &NewSession) -> RefreshAttempt {
    RefreshAttempt {
        family: session.family,
        credential: session.credential,
        client: Client::new(session.session.client_id.clone(), RefreshStyle::Rotating),
        user: None,
        successor: SecretDigest::of(b"successor"),
        nonce: SuccessorNonce::from_bytes([7; 16]),
        received_at: now().plus(Duration::from_secs(1)),
        policy: SessionPolicy::default(),
        leeway: Duration::ZERO,
        outage: None,
    }
}

fn event(user: Option<UserId>) -> AuditEvent {
    AuditEvent {
        at: now(),
        merged: None,
        action: AuditAction::UserLoggedIn,
        outcome: AuditOutcome::Succeeded,
        user,
        session: None,
        client: None,
        caller: AuditedCaller::default(),
        detail: None,
    }
}

/// The work of a registration, a login, a refresh, an import, a change and a deletion, and that of purges with nothing to do.
async fn work(store: &RecordStore<OrderedMap>) -> u64 {
    let before = store.store().touched();
    let jane = user(u128::MAX);
    let registered = store.register(&jane).await.expect("no error");
    assert!(matches!(registered, RegisterOutcome::Registered(_)));
    let key = IdentifierKey::of("USER-340282366920938463463374607431768211455").expect("a key");
    assert!(store.find_for_login(&key).await.expect("no error").is_some());
    let opened = session(u128::MAX, jane.id);
    let policy = SessionPolicy::default();
    assert_eq!(store.open(&opened, &policy).await.expect("no error"), OpenOutcome::Opened);
    let refreshed = store.refresh(&rotation(&opened)).await.expect("no error").expect("the session");
    assert!(matches!(refreshed.verdict, RefreshVerdict::Rotate(_)));
    assert_eq!(store.session_state(opened.session.id), SessionState::Live);
    assert_eq!(import(store, u128::MAX - 1..u128::MAX).await, [ImportOutcome::Imported]);
    store.set_status(jane.id, UserStatus::Suspended, now()).await.expect("no error");
    assert!(store.delete(jane.id).await.expect("no error"));
    assert!(store.delete(UserId(Uuid::from_u128(u128::MAX - 1))).await.expect("no error"));
    AuditRepository::append(store, &[event(Some(jane.id))]).await.expect("no error");
    let filter = AuditFilter { user: Some(jane.id), ..AuditFilter::default() };
    assert_eq!(store.latest(&filter, 1).await.expect("no error").len(), 1);
    assert_eq!(SessionRepository::purge(store, now(), &policy, 100).await.expect("no error"), 0);
    assert_eq!(AuditRepository::purge(store, now(), 100).await.expect("no error"), 0);
    store.store().touched() - before
}

async fn import(store: &RecordStore<OrderedMap>, numbers: std::ops::Range<u128>) -> Vec<ImportOutcome> {
    let batch: Vec<_> = numbers
        .map(|number| ImportedUser {
            user: user(number),
            email_verified: false,
            status: UserStatus::Active,
            external_id: None,
        })
        .collect();
    store.import(&batch).await.expect("no error")
}

#[tokio::test]
async fn work_of_a_call_does_not_grow_with_the_store() {
    let small = store();
    let large = store();
    import(&large, 1..2_000).await;
    for number in 1..100 {
        let opened = session(number, UserId(Uuid::from_u128(number)));
        large.open(&opened, &SessionPolicy::default()).await.expect("no error");
    }
    let events: Vec<_> = (1..2_000).map(|number| event(Some(UserId(Uuid::from_u128(number))))).collect();
    AuditRepository::append(&large, &events).await.expect("no error");
    assert_eq!(work(&large).await, work(&small).await);
}

#[tokio::test]
async fn deleted_and_purged_records_leave_no_entry() {
    let store = store();
    import(&store, 1..3).await;
    let jane = user(7);
    store.register(&jane).await.expect("no error");
    for number in 1..4 {
        let opened = session(number, if number == 1 { UserId(Uuid::from_u128(1)) } else { jane.id });
        store.open(&opened, &SessionPolicy::default()).await.expect("no error");
        store.refresh(&rotation(&opened)).await.expect("no error");
    }
    AuditRepository::append(&store, &[event(Some(jane.id)), event(None)]).await.expect("no error");
    let late = now().plus(Duration::from_secs(2_000));
    store.end(SessionId(Uuid::from_u128(2)), EndReason::LoggedOut, late).await.expect("no error");
    assert!(store.delete(jane.id).await.expect("no error"));
    while SessionRepository::purge(&store, late, &SessionPolicy::default(), 1).await.expect("no error") > 0 {}
    for number in 1..3 {
        assert!(store.delete(UserId(Uuid::from_u128(number))).await.expect("no error"));
    }
    assert_eq!(AuditRepository::purge(&store, late, 10).await.expect("no error"), 2);
    assert_eq!(store.store().len(), 0);
}

#[tokio::test]
async fn pages_beyond_one_scan_are_complete() {
    let store = store();
    import(&store, 1..2_501).await;
    let users = UserRepository::list(&store, None, 2_400).await.expect("no error");
    assert_eq!(users.len(), 2_400);
    assert!(users.is_sorted_by(|one, next| one.number < next.number));
    let events: Vec<_> =
        (0..2_500).map(|index| event((index % 2 == 0).then_some(UserId(Uuid::nil())))).collect();
    AuditRepository::append(&store, &events).await.expect("no error");
    for (user, count) in [(None, 2_500), (Some(UserId(Uuid::nil())), 1_250)] {
        let filter = AuditFilter { user, ..AuditFilter::default() };
        let listed = AuditRepository::list(&store, &filter, None, u32::MAX).await.expect("no error");
        assert_eq!(listed.len(), count);
        assert!(listed.is_sorted_by(|one, next| one.id < next.id));
        assert_eq!(store.latest(&filter, u32::MAX).await.expect("no error"), listed);
        assert_eq!(store.latest(&filter, 1_100).await.expect("no error"), listed[count - 1_100..]);
    }
}

#[tokio::test]
async fn damaged_record_is_an_error_and_never_absent() {
    let store = store();
    let jane = user(7);
    store.register(&jane).await.expect("no error");
    let opened = session(7, jane.id);
    store.open(&opened, &SessionPolicy::default()).await.expect("no error");
    for damaged in [[].as_slice(), &[1], &[2, 0]] {
        for table in [Table::Users, Table::Sessions] {
            let id = Uuid::from_u128(7);
            store.store().write(&mut |tx| tx.put(table, id.as_bytes(), damaged)).expect("a write");
        }
        let found = UserRepository::find(&store, &UserRef::Id(jane.id)).await;
        assert!(matches!(found, Err(PortError::Corrupt(_))), "{found:?}");
        let found = SessionRepository::find(&store, opened.session.id).await;
        assert!(matches!(found, Err(PortError::Corrupt(_))), "{found:?}");
        assert_eq!(store.session_state(opened.session.id), SessionState::Unknown);
    }
}

#[tokio::test]
async fn record_under_the_key_of_another_is_an_error() {
    let store = store();
    for number in [7, 8] {
        store.register(&user(number)).await.expect("no error");
    }
    let [one, other] = [7, 8].map(Uuid::from_u128);
    let moved = store.store().write(&mut |tx| {
        let value = tx.get(Table::Users, one.as_bytes())?.expect("the user");
        tx.put(Table::Users, other.as_bytes(), &value)
    });
    moved.expect("a write");
    let found = UserRepository::find(&store, &UserRef::Id(UserId(other))).await;
    assert!(matches!(found, Err(PortError::Corrupt(_))), "{found:?}");
}

#[tokio::test]
async fn call_that_the_pool_drops_is_unavailable() {
    let store = store().with_blocking_pool(drop);
    let listed = ApiKeyRepository::list(&store).await;
    assert!(matches!(listed, Err(PortError::Unavailable(_))), "{listed:?}");
}

#[tokio::test]
async fn call_on_the_pool_continues_without_its_future() {
    let (calls, waiting) = mpsc::channel::<BlockingCall>();
    let pooled = store().with_blocking_pool(move |call| calls.send(call).expect("the receiver lives"));
    let jane = user(7);
    {
        let mut registering = pin!(pooled.register(&jane));
        let poll = registering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(poll, Poll::Pending), "the call waits for the pool");
    }
    waiting.recv().expect("the call")();
    assert_eq!(pooled.session_state(SessionId(Uuid::nil())), SessionState::Ended, "read without the pool");
    assert_eq!(pooled.store().len(), 3, "a user with a number and a name");
}

#[test]
fn debug_writes_no_record() {
    assert_eq!(format!("{:?}", store()), "RecordStore { .. }");
}

/// A store is closed when the last clone is dropped, so that its files can be opened again.
#[tokio::test]
async fn finished_call_on_the_pool_keeps_no_store() {
    for _ in 0..100 {
        let pooled = store().with_blocking_pool(|call| drop(tokio::task::spawn_blocking(call)));
        let owner = Arc::clone(pooled.store().alive());
        pooled.register(&user(7)).await.expect("no error");
        drop(pooled);
        assert_eq!(Arc::strong_count(&owner), 1, "the call still holds the store");
    }
}
