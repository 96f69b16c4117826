//! Records of a key-value store: damaged bytes are an error, and what is read is written back as the same value.
#![no_main]

use std::ops::Range;
use std::sync::{Arc, Mutex};

use auth_domain::model::{
    AuditFilter, SecretDigest, SessionId, SessionPolicy, Timestamp, UserId, UserRef, UserStatus,
};
use auth_domain::ports::{
    ApiKeyRepository, AuditRepository, PortError, RevocationFeed, SessionRepository, UserRepository,
};
use auth_domain::records::{
    Entry, KeyValueStore, ReadBody, ReadTransaction, RecordStore, Table, WriteBody, WriteTransaction,
};
use auth_fuzz::runtime;
use libfuzzer_sys::fuzz_target;

/// A store of one record, which each entry leads to.
#[derive(Clone)]
struct OneRecord(Arc<Mutex<Vec<u8>>>);

impl OneRecord {
    fn value(&self) -> Vec<u8> {
        self.0.lock().expect("no panic under the lock").clone()
    }

    /// Each record begins with its version and its key.
    fn key(&self, table: Table) -> Vec<u8> {
        let length = if table == Table::AuditEvents { 8 } else { 16 };
        self.value().into_iter().skip(1).take(length).collect()
    }
}

fn has_records(table: Table) -> bool {
    matches!(table, Table::Users | Table::Sessions | Table::ApiKeys | Table::AuditEvents)
}

impl KeyValueStore for OneRecord {
    fn read(&self, body: &mut ReadBody<'_>) -> Result<(), PortError> {
        body(self)
    }

    fn write(&self, body: &mut WriteBody<'_>) -> Result<(), PortError> {
        body(&mut self.clone())
    }
}

impl ReadTransaction for OneRecord {
    fn get(&self, table: Table, _: &[u8]) -> Result<Option<Vec<u8>>, PortError> {
        Ok(Some(if has_records(table) { self.value() } else { self.key(table) }))
    }

    fn scan(&self, table: Table, keys: Range<&[u8]>, limit: usize) -> Result<Vec<Entry>, PortError> {
        assert!(keys.start <= keys.end && limit > 0);
        Ok(vec![(self.key(table), self.value())])
    }
}

impl WriteTransaction for OneRecord {
    fn put(&mut self, table: Table, _: &[u8], value: &[u8]) -> Result<(), PortError> {
        if has_records(table) {
            *self.0.lock().expect("no panic under the lock") = value.to_vec();
        }
        Ok(())
    }

    fn delete(&mut self, _: Table, _: &[u8]) -> Result<(), PortError> {
        Ok(())
    }
}

/// Any result but the wrong error.
fn check<T>(result: Result<T, PortError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(PortError::Corrupt(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

fuzz_target!(|input: &[u8]| {
    let Some(id) = input.get(1..17).and_then(|id| uuid::Uuid::from_slice(id).ok()) else { return };
    let one = OneRecord(Arc::new(Mutex::new(input.to_vec())));
    let store = RecordStore::new(one);
    runtime().block_on(async {
        let read = UserRef::Id(UserId(id));
        if let Some(Some(user)) = check(UserRepository::find(&store, &read).await) {
            check(store.set_status(user.id, UserStatus::Active, Timestamp::MAX).await);
            let again = check(UserRepository::find(&store, &read).await).flatten().expect("the user");
            assert_eq!(again.identifiers, user.identifiers);
            assert_eq!((again.roles, again.phone_number), (user.roles, user.phone_number));
        }
        check(UserRepository::list(&store, None, 2).await);
        check(SessionRepository::find(&store, SessionId(id)).await);
        store.session_state(SessionId(id));
        check(SessionRepository::purge(&store, Timestamp::MAX, &SessionPolicy::default(), 2).await);
        check(ApiKeyRepository::find(&store, &SecretDigest::of(b"")).await);
        check(ApiKeyRepository::list(&store).await);
        check(AuditRepository::list(&store, &AuditFilter::default(), None, 2).await);
        check(AuditRepository::purge(&store, Timestamp::MAX, 2).await);
    });
});
