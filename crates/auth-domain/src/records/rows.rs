//! The records, and the entries of other tables that lead to them.

use super::encoding::{Encode, Input, decode, encode};
use super::key_value_store::{Entry, ReadTransaction, Table, WriteTransaction};
use super::values::members;
use crate::model::{
    ApiKeyId, AuditEvent, AuditId, AuditRecord, CredentialChain, ExternalId, IdentifierKey, ImportDigest,
    NewApiKey, SecretDigest, Session, SessionId, StoredPassword, Timestamp, User, UserId, UserNumber,
};
use crate::ports::PortError;

/// A value that is stored by its own key. Other tables refer to it.
pub(super) trait Record: Encode {
    /// The table of the records.
    const TABLE: Table;
    /// What an error calls the record.
    const KIND: &'static str;

    /// The key of the record.
    fn key(&self) -> Vec<u8>;

    /// The entries of other tables, which follow from the record alone.
    fn entries(&self) -> Vec<(Table, Entry)>;
}

/// A user with the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserRow {
    pub(super) user: User,
    pub(super) password: StoredPassword,
    /// The import that stored the user.
    pub(super) import: Option<ImportDigest>,
}

/// A session with its refresh credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SessionRow {
    pub(super) session: Session,
    pub(super) family: SecretDigest,
    pub(super) chain: CredentialChain,
}

members! {
    UserRow { user password import }
    SessionRow { session family chain }
    AuditRecord { id event }
}

/// A purge looks at sessions in the order of these times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionTime {
    /// The session has ended. The time is the Unix epoch: it can be purged at any time.
    Ended = 0,
    /// The absolute expiry of a session that has not ended.
    Expiry = 1,
    /// The last refresh of a session that has not ended.
    Refresh = 2,
    /// The last refresh of a session that has consumed credentials.
    Consumption = 3,
}

impl SessionTime {
    /// The start of the keys with a time of this kind.
    pub(super) fn key(self, at: Timestamp) -> Vec<u8> {
        [&[self as u8], time_key(at).as_slice()].concat()
    }
}

impl Record for UserRow {
    const TABLE: Table = Table::Users;
    const KIND: &'static str = "user";

    fn key(&self) -> Vec<u8> {
        id_key(self.user.id)
    }

    fn entries(&self) -> Vec<(Table, Entry)> {
        let User { number, identifiers, external_id, .. } = &self.user;
        let entry = |table, key| (table, (key, self.key()));
        let names = identifiers.keys();
        let mut entries = vec![entry(Table::UserNumbers, number_key(*number))];
        entries
            .extend(names.into_iter().map(|(_, name)| entry(Table::UserIdentifiers, identifier_key(name))));
        entries.extend(external_id.iter().map(|id| entry(Table::UserExternalIds, external_id_key(id))));
        entries
            .extend(self.import.iter().map(|digest| entry(Table::UserImports, digest.as_bytes().to_vec())));
        entries
    }
}

impl Record for SessionRow {
    const TABLE: Table = Table::Sessions;
    const KIND: &'static str = "session";

    fn key(&self) -> Vec<u8> {
        session_key(self.session.id)
    }

    fn entries(&self) -> Vec<(Table, Entry)> {
        let Session { user_id, last_refreshed_at, expires_at, end, .. } = &self.session;
        let mut times = if end.is_some() {
            vec![SessionTime::Ended.key(Timestamp::UNIX_EPOCH)]
        } else {
            vec![SessionTime::Expiry.key(*expires_at), SessionTime::Refresh.key(*last_refreshed_at)]
        };
        if !self.chain.consumed.is_empty() {
            times.push(SessionTime::Consumption.key(*last_refreshed_at));
        }
        let of_user = [sessions_key(*user_id, end.is_some()), self.key()].concat();
        let mut entries = vec![
            (Table::SessionFamilies, (self.family.as_bytes().to_vec(), self.key())),
            (Table::SessionUsers, (of_user, Vec::new())),
        ];
        entries.extend(
            times.into_iter().map(|time| (Table::SessionTimes, ([time, self.key()].concat(), Vec::new()))),
        );
        entries
    }
}

impl Record for NewApiKey {
    const TABLE: Table = Table::ApiKeys;
    const KIND: &'static str = "API key";

    fn key(&self) -> Vec<u8> {
        api_key_key(self.key.id)
    }

    fn entries(&self) -> Vec<(Table, Entry)> {
        vec![(Table::ApiKeyDigests, (self.digest.as_bytes().to_vec(), Record::key(self)))]
    }
}

impl Record for AuditRecord {
    const TABLE: Table = Table::AuditEvents;
    const KIND: &'static str = "audit event";

    fn key(&self) -> Vec<u8> {
        audit_key(self.id)
    }

    fn entries(&self) -> Vec<(Table, Entry)> {
        let AuditEvent { at, user, .. } = &self.event;
        let time = [time_key(*at).as_slice(), &self.key()].concat();
        let mut entries = vec![(Table::AuditEventTimes, (time, Vec::new()))];
        let of_user = user.map(|user| [id_key(user), self.key()].concat());
        entries.extend(of_user.map(|key| (Table::AuditEventUsers, (key, Vec::new()))));
        entries
    }
}

pub(super) fn id_key(user: UserId) -> Vec<u8> {
    user.0.as_bytes().to_vec()
}

pub(super) fn session_key(session: SessionId) -> Vec<u8> {
    session.0.as_bytes().to_vec()
}

pub(super) fn api_key_key(key: ApiKeyId) -> Vec<u8> {
    key.0.as_bytes().to_vec()
}

/// The key of a number. Numbers are not negative, so the order of the keys is that of the numbers.
pub(super) fn number_key(number: UserNumber) -> Vec<u8> {
    number.0.to_be_bytes().to_vec()
}

pub(super) fn audit_key(id: AuditId) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

pub(super) fn time_key(at: Timestamp) -> [u8; 8] {
    at.unix_micros().to_be_bytes()
}

/// An identifier has up to 1,020 bytes, and LMDB takes keys of 511 bytes. Its digest is short.
pub(super) fn identifier_key(key: &IdentifierKey) -> Vec<u8> {
    SecretDigest::of(key.as_str().as_bytes()).as_bytes().to_vec()
}

pub(super) fn external_id_key(id: &ExternalId) -> Vec<u8> {
    SecretDigest::of(id.as_str().as_bytes()).as_bytes().to_vec()
}

/// The start of the keys of the sessions of a user that have ended, or that have not.
pub(super) fn sessions_key(user: UserId, ended: bool) -> Vec<u8> {
    [user.0.as_bytes().as_slice(), &[u8::from(ended)]].concat()
}

/// Reads a record by its key.
pub(super) fn get<T: Record>(tx: &dyn ReadTransaction, key: &[u8]) -> Result<Option<T>, PortError> {
    tx.get(T::TABLE, key)?.map(|value| decode_at(key, &value)).transpose()
}

/// Decodes the record with this key.
pub(super) fn decode_at<T: Record>(key: &[u8], value: &[u8]) -> Result<T, PortError> {
    let record: T = decode(value, T::KIND)?;
    if record.key() == key { Ok(record) } else { Err(corrupt("a record is stored under the key of another")) }
}

/// Reads a record by an entry of another table.
pub(super) fn find<T: Record>(
    tx: &dyn ReadTransaction,
    table: Table,
    key: &[u8],
) -> Result<Option<T>, PortError> {
    let Some(key) = tx.get(table, key)? else { return Ok(None) };
    get(tx, &key)?.map_or_else(|| Err(corrupt("an entry leads to a missing record")), |found| Ok(Some(found)))
}

/// Stores a new record, whose key is free.
pub(super) fn insert<T: Record>(tx: &mut dyn WriteTransaction, new: &T) -> Result<(), PortError> {
    tx.put(T::TABLE, &new.key(), &encode(new))?;
    new.entries().iter().try_for_each(|(table, (key, value))| tx.put(*table, key, value))
}

/// Replaces a record by a changed one with the same key. Entries that both have are not written.
pub(super) fn replace<T: Record>(tx: &mut dyn WriteTransaction, old: &T, new: &T) -> Result<(), PortError> {
    let (before, after) = (old.entries(), new.entries());
    for (table, (key, _)) in before.iter().filter(|entry| !after.contains(entry)) {
        tx.delete(*table, key)?;
    }
    for (table, (key, value)) in after.iter().filter(|entry| !before.contains(entry)) {
        tx.put(*table, key, value)?;
    }
    tx.put(T::TABLE, &new.key(), &encode(new))
}

/// Deletes a record and its entries.
pub(super) fn remove<T: Record>(tx: &mut dyn WriteTransaction, old: &T) -> Result<(), PortError> {
    tx.delete(T::TABLE, &old.key())?;
    old.entries().iter().try_for_each(|(table, (key, _))| tx.delete(*table, key))
}

/// The most entries that one scan asks for. It bounds the memory of a call over many records.
pub(super) const PAGE: usize = 1_000;

/// Returns the keys that begin with `start`. Such keys have at most 32 further bytes.
pub(super) fn keys_from(
    tx: &dyn ReadTransaction,
    table: Table,
    start: &[u8],
) -> Result<Vec<Vec<u8>>, PortError> {
    let (mut from, end) = (start.to_vec(), [start, &[0xff; 33]].concat());
    let mut keys: Vec<Vec<u8>> = Vec::new();
    loop {
        let page = tx.scan(table, from.as_slice()..end.as_slice(), PAGE)?;
        let is_last = page.len() < PAGE;
        keys.extend(page.into_iter().map(|(key, _)| key));
        match keys.last() {
            Some(last) if !is_last => from = after(last),
            _ => return Ok(keys),
        }
    }
}

/// Returns the least key that is greater than `key`.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

/// The last 16 bytes of a key are the key of a record.
pub(super) fn last_16(key: &[u8]) -> &[u8] {
    &key[key.len().saturating_sub(16)..]
}

/// Reserves the next `count` numbers and returns the last number before them.
pub(super) fn count_on(tx: &mut dyn WriteTransaction, name: &str, count: usize) -> Result<i64, PortError> {
    let last = last_number(tx, name)?;
    let next = i64::try_from(count).ok().and_then(|count| last.checked_add(count));
    let next = next.ok_or_else(|| corrupt("no number is left"))?;
    tx.put(Table::Counters, name.as_bytes(), &encode(&next))?;
    Ok(last)
}

/// Returns the last number that was assigned, or 0.
pub(super) fn last_number(tx: &dyn ReadTransaction, name: &str) -> Result<i64, PortError> {
    let last = tx.get(Table::Counters, name.as_bytes())?;
    Ok(last.map(|value| decode(&value, "counter")).transpose()?.unwrap_or(0))
}

pub(super) fn corrupt(what: &'static str) -> PortError {
    PortError::Corrupt(what.into())
}
