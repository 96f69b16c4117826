//! The revoked sessions in the order of their numbers, for the feed of ended sessions (ADR 0020).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::str::FromStr;

use sqlx::types::Uuid;

use super::snapshot::Snapshot;

/// The maximum length of the text of a cursor, in bytes. Two snapshots, a number and an id are shorter.
const MAX_CURSOR: usize = 1_024;

/// A row of the table `revoked_sessions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RevokedRow {
    /// The number of the change: that of the transaction on PostgreSQL, that of the row on SQLite.
    pub(crate) number: u64,
    pub(crate) session: Uuid,
    /// Unix time in seconds, by the clock of the store.
    pub(crate) recorded_at: i64,
}

/// Number and session, which order the rows. Rows of one transaction have one number.
type RowKey = (u64, Uuid);

/// Rows by key. All nodes of a store have the same order, so a follower may change the node between two pages.
#[derive(Debug, Default)]
pub(crate) struct EndedLog {
    rows: BTreeMap<RowKey, i64>,
    /// The lowest number that was recorded in each minute. Older rows are skipped with it.
    minutes: BTreeMap<i64, u64>,
    /// All rows that this read has seen are in the log.
    read: Option<Snapshot>,
}

/// Where a follower has got to. The text is opaque to it. A cursor is valid on every node of a store and after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The follower has everything that this snapshot has seen.
    seen: Option<Snapshot>,
    page: Option<PagePosition>,
}

/// A position in the pages of the rows below the end of `until`. A follower that has read the last page has all that `until` has
/// seen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PagePosition {
    until: Snapshot,
    last: RowKey,
}

/// The rows after a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogPage {
    pub(crate) sessions: Vec<Uuid>,
    pub(crate) next: Cursor,
    pub(crate) has_more: bool,
    /// The page is the first one of all rows.
    pub(crate) is_reset: bool,
}

/// What the log has for a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogAnswer {
    Page(LogPage),
    /// Another node, or another history, has seen more than this log.
    Behind,
    /// The store has not been read yet.
    Unread,
}

impl EndedLog {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn contains(&self, row: &RevokedRow) -> bool {
        self.rows.contains_key(&(row.number, row.session))
    }

    pub(crate) fn insert(&mut self, row: RevokedRow) {
        let first = self.minutes.entry(minute(row.recorded_at)).or_insert(row.number);
        *first = row.number.min(*first);
        self.rows.insert((row.number, row.session), row.recorded_at);
    }

    /// Notes that all rows that this read has seen are in the log. Returns whether it has seen more than the one before.
    pub(crate) fn finish_read(&mut self, mut read: Snapshot) -> bool {
        let before = self.read.as_ref().filter(|before| before.history == read.history);
        if before.is_some_and(|before| before.is_after(&read)) {
            return false;
        }
        let is_news = before.is_none_or(|before| read.is_after(before));
        // The transactions in between have ended no session, so a cursor need not tell them apart.
        read.join_unseen(|between| {
            let (first, last) = between.into_inner();
            first > last || self.rows.range((first, Uuid::nil())..=(last, Uuid::max())).next().is_none()
        });
        self.read = Some(read);
        is_news
    }

    /// Gives rows that a read has returned, but cannot have seen, the number 0. No transaction of this server had their numbers:
    /// they are from the dump of another one.
    #[cfg(feature = "postgres")]
    pub(crate) fn renumber_restored(&mut self, read: &Snapshot) {
        for ((_, session), recorded_at) in self.rows.split_off(&(read.to(), Uuid::nil())) {
            self.insert(RevokedRow { number: 0, session, recorded_at });
        }
    }

    /// Removes the other rows.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&Uuid) -> bool) {
        self.rows.retain(|(_, session), _| is_kept(session));
        self.minutes.clear();
        for ((number, _), recorded_at) in &self.rows {
            let first = self.minutes.entry(minute(*recorded_at)).or_insert(*number);
            *first = (*number).min(*first);
        }
    }

    /// At most `limit` of the sessions that were recorded at `since` or later, and that a follower with this cursor lacks.
    pub(crate) fn after(&self, cursor: Option<&Cursor>, since: i64, limit: usize) -> LogAnswer {
        let Some(read) = &self.read else { return LogAnswer::Unread };
        let cursor =
            cursor.filter(|cursor| cursor.snapshots().all(|snapshot| snapshot.history == read.history));
        if cursor.is_some_and(|cursor| cursor.snapshots().any(|snapshot| snapshot.is_after(read))) {
            return LogAnswer::Behind;
        }
        // The text of a cursor may have joined ranges. If it is of this very read, the read itself is more exact.
        let exact = |snapshot| if read.is_after(snapshot) { snapshot } else { read };
        let seen = cursor.and_then(|cursor| cursor.seen.as_ref()).map(exact);
        let page = cursor.and_then(|cursor| cursor.page.as_ref());
        let until = page.map_or(read, |page| exact(&page.until));
        // This read has seen all that `until` has, also what the text of `until` does not tell.
        let is_missing = |number| read.has_seen(number) && seen.is_none_or(|seen| !seen.has_seen(number));
        let start = self.start(seen, page, since);
        let mut rows = start
            .into_iter()
            .flat_map(|start| self.rows.range((start, Bound::Unbounded)))
            .take_while(|((number, _), _)| *number < until.to())
            .filter(|((number, _), recorded_at)| is_missing(*number) && **recorded_at >= since)
            .map(|(key, _)| *key);
        let keys: Vec<_> = rows.by_ref().take(limit).collect();
        let has_rest = rows.next().is_some();
        let next = match keys.last().filter(|_| has_rest) {
            Some(last) => {
                Cursor { seen: seen.cloned(), page: Some(PagePosition { until: until.clone(), last: *last }) }
            }
            None => Cursor { seen: Some(until.clone()), page: None },
        };
        let sessions = keys.into_iter().map(|(_, session)| session).collect();
        // The answer is as complete as this read only if the pages go up to it.
        let has_more = has_rest || read.is_after(until);
        LogAnswer::Page(LogPage { sessions, next, has_more, is_reset: cursor.is_none() })
    }

    /// The first key that can be missing. `None` if nothing was recorded at `since` or later.
    fn start(
        &self,
        seen: Option<&Snapshot>,
        page: Option<&PagePosition>,
        since: i64,
    ) -> Option<Bound<RowKey>> {
        let recorded = self.minutes.range(minute(since)..).map(|(_, first)| *first).min()?;
        let first = seen.map_or(0, Snapshot::from).max(recorded);
        Some(match page {
            Some(page) if page.last >= (first, Uuid::nil()) => Bound::Excluded(page.last),
            _ => Bound::Included((first, Uuid::nil())),
        })
    }
}

fn minute(seconds: i64) -> i64 {
    seconds.div_euclid(60)
}

impl Cursor {
    fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        self.seen.iter().chain(self.page.iter().map(|page| &page.until))
    }
}

/// `seen`, and `~until~number~session` for a position in the pages. Without `seen` the text begins with `~`.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seen) = &self.seen {
            write!(f, "{seen}")?;
        }
        match &self.page {
            Some(PagePosition { until, last: (number, session) }) => write!(f, "~{until}~{number}~{session}"),
            None => Ok(()),
        }
    }
}

/// The text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the value of `next` in an earlier answer")]
pub struct InvalidCursor;

/// Accepts exactly what [`Display`](fmt::Display) writes.
impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let parsed = if text.len() <= MAX_CURSOR { parse(text) } else { None };
        parsed.filter(|cursor| cursor.to_string() == text).ok_or(InvalidCursor)
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let mut parts = text.split('~');
    let seen = match parts.next()? {
        "" => None,
        seen => Some(seen.parse().ok()?),
    };
    let page = match parts.next() {
        Some(until) => {
            let (until, number) = (until.parse().ok()?, parts.next()?.parse().ok()?);
            let session = Uuid::try_parse(parts.next()?).ok()?;
            Some(PagePosition { until, last: (number, session) })
        }
        None => None,
    };
    (parts.next().is_none() && (seen.is_some() || page.is_some())).then_some(Cursor { seen, page })
}

#[cfg(test)]
#[cfg(feature = "postgres")]
mod tests;
