//! Audit events as records.

use std::ops::Range;

use async_trait::async_trait;

use super::RecordStore;
use super::key_value_store::{KeyValueStore, ReadTransaction, Table, WriteTransaction};
use super::rows::{
    PAGE, audit_key, corrupt, count_on, decode_at, get, id_key, insert, last_number, remove, time_key,
};
use crate::model::{AuditEvent, AuditFilter, AuditId, AuditRecord, Timestamp};
use crate::ports::{AuditRepository, PortError};

/// The name of the counter of the events.
const COUNTER: &str = "audit_event";

#[async_trait]
impl<S: KeyValueStore + 'static> AuditRepository for RecordStore<S> {
    async fn append(&self, events: &[AuditEvent]) -> Result<(), PortError> {
        let events = events.to_vec();
        self.write(move |tx| append(tx, &events)).await
    }

    async fn list(
        &self,
        filter: &AuditFilter,
        after: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditRecord>, PortError> {
        let filter = filter.clone();
        self.read(move |tx| list(tx, &filter, after, limit)).await
    }

    async fn latest(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
        let filter = filter.clone();
        self.read(move |tx| latest(tx, &filter, limit)).await
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PortError> {
        self.write(move |tx| purge(tx, before, limit)).await
    }
}

/// Appends events with the next numbers. Transactions are serializable, so a number is visible before the next one.
pub(crate) fn append(tx: &mut dyn WriteTransaction, events: &[AuditEvent]) -> Result<(), PortError> {
    if events.is_empty() {
        return Ok(());
    }
    let last = count_on(tx, COUNTER, events.len())?;
    for (id, event) in (last.saturating_add(1)..).zip(events) {
        insert(tx, &AuditRecord { id: AuditId(id), event: event.clone() })?;
    }
    Ok(())
}

fn list(
    tx: &dyn ReadTransaction,
    filter: &AuditFilter,
    after: Option<AuditId>,
    limit: u32,
) -> Result<Vec<AuditRecord>, PortError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut from = after.map_or(1, |id| id.0.max(0).saturating_add(1));
    let mut listed = Vec::new();
    while listed.len() < limit {
        let page = page(tx, filter, from..i64::MAX)?;
        let Some(last) = page.last().map(|record| record.id.0) else { break };
        from = last.saturating_add(1);
        listed.extend(page.into_iter().filter(|record| filter.matches(&record.event)));
    }
    listed.truncate(limit);
    Ok(listed)
}

/// Returns all events, oldest first.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn all(tx: &dyn ReadTransaction) -> Result<Vec<AuditRecord>, PortError> {
    list(tx, &AuditFilter::default(), None, u32::MAX)
}

/// Looks at ranges of numbers before the last one, each twice as long as the one after it.
fn latest(tx: &dyn ReadTransaction, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditRecord>, PortError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut end = last_number(tx, COUNTER)?.saturating_add(1);
    let mut length: i64 = 128;
    let mut latest = Vec::new();
    while end > 1 && latest.len() < limit {
        let start = end.saturating_sub(length).max(1);
        let mut before = Vec::new();
        let mut from = start;
        while from < end {
            let page = page(tx, filter, from..end)?;
            let Some(last) = page.last().map(|record| record.id.0) else { break };
            from = last.saturating_add(1);
            before.extend(page.into_iter().filter(|record| filter.matches(&record.event)));
        }
        before.append(&mut latest);
        latest = before;
        end = start;
        length = length.saturating_mul(2);
    }
    let surplus = latest.len().saturating_sub(limit);
    latest.drain(..surplus);
    Ok(latest)
}

/// Returns the first events with these numbers: of the user of the filter, or of all. The rest of the filter is not applied.
fn page(
    tx: &dyn ReadTransaction,
    filter: &AuditFilter,
    ids: Range<i64>,
) -> Result<Vec<AuditRecord>, PortError> {
    let [start, end] = [ids.start, ids.end].map(|id| audit_key(AuditId(id)));
    let page: Vec<AuditRecord> = if let Some(user) = filter.user {
        let [start, end] = [start, end].map(|key| [id_key(user), key].concat());
        let entries = tx.scan(Table::AuditEventUsers, start.as_slice()..end.as_slice(), PAGE)?;
        entries.iter().map(|(key, _)| event_at(tx, key)).collect::<Result<_, _>>()?
    } else {
        let entries = tx.scan(Table::AuditEvents, start.as_slice()..end.as_slice(), PAGE)?;
        entries.iter().map(|(key, value)| decode_at(key, value)).collect::<Result<_, _>>()?
    };
    // The next page starts after the last number of this one, so a store that ignores the range would never end.
    if page.iter().any(|record| !ids.contains(&record.id.0)) {
        return Err(corrupt("a scan has returned an audit event outside its range"));
    }
    Ok(page)
}

fn purge(tx: &mut dyn WriteTransaction, before: Timestamp, limit: u32) -> Result<u64, PortError> {
    let limit = PAGE.min(usize::try_from(limit).unwrap_or(PAGE));
    if limit == 0 {
        return Ok(0);
    }
    let due = tx.scan(Table::AuditEventTimes, [0].as_slice()..time_key(before).as_slice(), limit)?;
    for (key, _) in &due {
        let record = event_at(tx, key)?;
        remove(tx, &record)?;
    }
    Ok(u64::try_from(due.len()).unwrap_or(u64::MAX))
}

/// Reads the event whose number is the end of `key`.
fn event_at(tx: &dyn ReadTransaction, key: &[u8]) -> Result<AuditRecord, PortError> {
    let id = key.last_chunk::<8>().ok_or_else(|| corrupt("a key of an audit event is too short"))?;
    get(tx, id)?.ok_or_else(|| corrupt("an entry leads to a missing audit event"))
}
