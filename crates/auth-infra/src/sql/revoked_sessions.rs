//! The revoked sessions, in memory (ADR 0009).

use std::collections::HashMap;
#[cfg(feature = "sqlite")]
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use auth_domain::model::SessionId;
#[cfg(feature = "postgres")]
use auth_domain::model::{Outage, Timestamp};
use auth_domain::ports::SessionState;
use parking_lot::RwLock;
use sqlx::types::Uuid;
use tokio::sync::watch;

use super::ended_log::{Cursor, EndedLog, LogAnswer, LogPage, RevokedRow};
use super::snapshot::Snapshot;

/// After this time without a read, a session that is not in the set counts as unknown.
const MAX_STALENESS: Duration = Duration::from_secs(5);
/// Consecutive reads that are further apart than this show an outage. The feed reads twice a second.
const OUTAGE_THRESHOLD: Duration = Duration::from_secs(2);
/// The interval of full reads, which forget deleted rows.
pub(crate) const FULL_READ_INTERVAL: Duration = Duration::from_secs(30 * 60);
/// The longest duration of a full read.
pub(crate) const FULL_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of sessions that are inserted under one lock.
pub(crate) const CHUNK_SIZE: usize = 1_000;
/// The capacity of the set and of the log, which is about 120 MiB by estimate.
const MAX_SESSIONS: usize = 1_000_000;

/// A bounded set of revoked sessions, and whether it is complete.
#[derive(Debug)]
pub(crate) struct RevokedSessions {
    bound: usize,
    state: RwLock<State>,
    /// Notified when a read has seen more than the one before.
    reads: watch::Sender<()>,
    #[cfg(feature = "sqlite")]
    is_followed: AtomicBool,
    #[cfg(feature = "sqlite")]
    seen: AtomicI64,
}

#[derive(Debug, Default)]
struct State {
    /// Each with the time of its last insertion.
    revoked: HashMap<Uuid, Instant>,
    /// The rows that were read, in their order. A session that ended here is in the set before its row is read.
    log: EndedLog,
    /// The time when a session did not fit in.
    overflowed: Option<Instant>,
    /// Everything that was stored at this time is in the set.
    synced: Option<Instant>,
    /// The last two consecutive reads between which the store could not be reached.
    outage: Option<(Instant, Instant)>,
    /// Something that was stored at this time is missing.
    stale: Option<Instant>,
}

impl RevokedSessions {
    fn bounded(bound: usize) -> Self {
        Self {
            bound,
            state: RwLock::default(),
            reads: watch::Sender::new(()),
            #[cfg(feature = "sqlite")]
            is_followed: AtomicBool::new(false),
            #[cfg(feature = "sqlite")]
            seen: AtomicI64::new(0),
        }
    }

    pub(crate) fn session_state(&self, session: SessionId) -> SessionState {
        self.state_at(session, Instant::now())
    }

    fn state_at(&self, session: SessionId, now: Instant) -> SessionState {
        let state = self.state.read();
        if state.revoked.contains_key(&session.0) {
            SessionState::Ended
        } else if state.is_complete_at(now) {
            SessionState::Live
        } else {
            SessionState::Unknown
        }
    }

    /// Returns whether the feed is running and read the store a short time ago.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_fresh(&self) -> bool {
        self.state.read().is_fresh_at(Instant::now())
    }

    #[cfg(any(feature = "postgres", test))]
    pub(crate) fn insert(&self, sessions: impl IntoIterator<Item = Uuid>) {
        let now = Instant::now();
        self.write(|state| {
            for session in sessions {
                if state.revoked.len() < self.bound || state.revoked.contains_key(&session) {
                    state.revoked.insert(session, now);
                } else {
                    state.overflowed = Some(now);
                }
            }
        });
    }

    /// Inserts rows that a read returns, until [`finish_read`](Self::finish_read).
    pub(crate) fn insert_rows(&self, rows: impl IntoIterator<Item = RevokedRow>) {
        let now = Instant::now();
        self.write(|state| {
            for row in rows {
                let fits = (state.log.contains(&row) || state.log.len() < self.bound)
                    && (state.revoked.contains_key(&row.session) || state.revoked.len() < self.bound);
                if fits {
                    state.revoked.insert(row.session, now);
                    state.log.insert(row);
                } else {
                    state.overflowed = Some(now);
                }
            }
        });
    }

    /// Marks the set and the log as complete for the time `asked`, which is before the read began.
    pub(crate) fn finish_read(&self, read: Snapshot, asked: Instant) {
        let mut is_news = false;
        self.write(|state| is_news = state.log.finish_read(read));
        self.mark_synced(asked);
        if is_news {
            self.reads.send_replace(());
        }
    }

    /// Like [`EndedLog::renumber_restored`].
    #[cfg(feature = "postgres")]
    pub(crate) fn renumber_restored(&self, read: &Snapshot) {
        self.write(|state| state.log.renumber_restored(read));
    }

    /// A receiver of a notification for each read that has seen more than the one before.
    pub(crate) fn reads(&self) -> watch::Receiver<()> {
        self.reads.subscribe()
    }

    /// Returns a page of the log, and the time at which it was complete.
    ///
    /// A cursor that has seen more is from another node or another history of the store. A read that began after `arrived`, when
    /// the cursor was presented, has seen all that any node of this store had seen by then. It tells the two apart.
    pub(crate) fn page(
        &self,
        cursor: Option<&Cursor>,
        since: i64,
        limit: usize,
        arrived: Instant,
    ) -> Result<(LogPage, Instant), PageError> {
        let state = self.state.read();
        let synced = state.synced.filter(|_| state.is_complete_at(Instant::now())).ok_or(PageError::Stale)?;
        match state.log.after(cursor, since, limit) {
            LogAnswer::Page(page) => Ok((page, synced)),
            LogAnswer::Unread => Err(PageError::Stale),
            LogAnswer::Behind if synced < arrived => Err(PageError::Behind),
            LogAnswer::Behind => match state.log.after(None, since, limit) {
                LogAnswer::Page(page) => Ok((page, synced)),
                LogAnswer::Behind | LogAnswer::Unread => Err(PageError::Stale),
            },
        }
    }

    /// Marks the set as complete for the time `asked`, which is before the read began.
    fn mark_synced(&self, asked: Instant) {
        self.write(|state| {
            let before = state.synced.replace(asked);
            state.outage = before.and_then(|before| outage_between(before, asked)).or(state.outage);
        });
    }

    /// Returns the last outage of the store, on the clock whose time is `now`. An outage that lasts ends now.
    #[cfg(feature = "postgres")]
    pub(crate) fn last_outage(&self, now: Timestamp) -> Option<Outage> {
        let instant = Instant::now();
        let (from, to) = {
            let state = self.state.read();
            let current = state.synced.and_then(|synced| outage_between(synced, instant));
            current.or(state.outage)?
        };
        let [from, to] = [from, to].map(|at| now.minus(instant.saturating_duration_since(at)));
        Some(Outage { from, to })
    }

    /// Removes the sessions that were not inserted since `began`, when a full read began: the store no longer contains them.
    pub(crate) fn forget_before(&self, began: Instant) {
        self.write(|state| {
            state.revoked.retain(|_, inserted| *inserted >= began);
            state.overflowed = state.overflowed.filter(|overflowed| *overflowed >= began);
            let State { revoked, log, .. } = state;
            log.retain(|session| revoked.contains_key(session));
        });
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write());
    }
}

/// Why there is no page of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageError {
    /// The set is not complete, or was not read for too long.
    Stale,
    /// A cursor has seen more than the last read of this node.
    Behind,
}

/// For a store whose rows are numbered in the order of commits.
#[cfg(feature = "sqlite")]
impl RevokedSessions {
    /// Requires every later commit that ends a session to read it into the set.
    pub(crate) fn follow(&self) {
        self.is_followed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_followed(&self) -> bool {
        self.is_followed.load(Ordering::SeqCst)
    }

    /// Returns the number of the newest row in the set. All rows before it are in the set.
    pub(crate) fn seen(&self) -> i64 {
        self.seen.load(Ordering::SeqCst)
    }

    /// Marks the rows up to this number as read. Concurrent readers may finish in any order, so the number never decreases.
    pub(crate) fn saw(&self, number: i64) {
        self.seen.fetch_max(number, Ordering::SeqCst);
    }

    /// Marks the set as incomplete until a later read.
    pub(crate) fn mark_stale(&self) {
        self.write(|state| state.stale = Some(Instant::now()));
    }
}

/// Returns the period between two consecutive reads, if it is an outage.
fn outage_between(read: Instant, next: Instant) -> Option<(Instant, Instant)> {
    (next.saturating_duration_since(read) > OUTAGE_THRESHOLD).then_some((read, next))
}

impl Default for RevokedSessions {
    fn default() -> Self {
        Self::bounded(MAX_SESSIONS)
    }
}

impl State {
    /// Returns whether a session that is not in the set is live.
    fn is_complete_at(&self, now: Instant) -> bool {
        self.overflowed.is_none() && self.is_fresh_at(now) && self.stale < self.synced
    }

    fn is_fresh_at(&self, now: Instant) -> bool {
        self.synced.is_some_and(|synced| now.saturating_duration_since(synced) <= MAX_STALENESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn session(number: u128) -> SessionId {
        SessionId(Uuid::from_u128(number))
    }

    fn insert(revoked: &RevokedSessions, numbers: impl IntoIterator<Item = u128>) {
        revoked.insert(numbers.into_iter().map(Uuid::from_u128));
    }

    #[test]
    fn no_session_is_live_before_the_first_sync() {
        let revoked = RevokedSessions::default();
        insert(&revoked, [1]);
        assert_eq!(revoked.session_state(session(1)), SessionState::Ended);
        assert_eq!(revoked.session_state(session(2)), SessionState::Unknown);
        revoked.mark_synced(Instant::now());
        assert_eq!(revoked.session_state(session(1)), SessionState::Ended);
        assert_eq!(revoked.session_state(session(2)), SessionState::Live);
    }

    #[test]
    fn sync_is_valid_for_five_seconds() {
        let revoked = RevokedSessions::default();
        let synced = Instant::now();
        insert(&revoked, [1]);
        revoked.mark_synced(synced);
        assert_eq!(revoked.state_at(session(2), synced + 5 * SECOND), SessionState::Live);
        let late = synced + 5 * SECOND + Duration::from_nanos(1);
        assert_eq!(revoked.state_at(session(2), late), SessionState::Unknown);
        assert_eq!(revoked.state_at(session(1), late), SessionState::Ended);
        revoked.write(|state| {
            assert!(state.is_fresh_at(synced + 5 * SECOND) && !state.is_fresh_at(late));
        });
        revoked.mark_synced(late);
        assert_eq!(revoked.state_at(session(2), late + 5 * SECOND), SessionState::Live);
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn reads_far_apart_show_an_outage() {
        let revoked = RevokedSessions::default();
        let (start, now) = (Instant::now(), Timestamp::from_unix_seconds(1_000));
        let outage = || revoked.last_outage(now);
        assert_eq!(outage(), None, "nothing was read");
        revoked.mark_synced(start.checked_sub(12 * SECOND).expect("an uptime of seconds"));
        let current = outage().expect("it lasts");
        assert!(current.to <= now && current.to.since(current.from) >= 12 * SECOND);
        revoked.mark_synced(start.checked_sub(4 * SECOND).expect("an uptime of seconds"));
        revoked.mark_synced(start.checked_sub(2 * SECOND).expect("an uptime of seconds"));
        revoked.mark_synced(start);
        let over = outage().expect("it is remembered");
        assert_eq!(over.to.since(over.from).as_secs(), 8);
        assert!(now.since(over.to) >= 4 * SECOND);
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn stale_set_recovers_with_a_later_sync() {
        let revoked = RevokedSessions::default();
        let before = Instant::now();
        revoked.mark_synced(before);
        revoked.mark_stale();
        assert_eq!(revoked.session_state(session(1)), SessionState::Unknown);
        revoked.mark_synced(before);
        assert_eq!(
            revoked.session_state(session(1)),
            SessionState::Unknown,
            "this sync began before the set was stale"
        );
        revoked.mark_synced(Instant::now());
        assert_eq!(revoked.session_state(session(1)), SessionState::Live);
    }

    #[test]
    fn full_set_makes_other_sessions_unknown() {
        let revoked = RevokedSessions::bounded(3);
        insert(&revoked, 0..4);
        revoked.mark_synced(Instant::now());
        assert_eq!(revoked.session_state(session(0)), SessionState::Ended);
        assert_eq!(revoked.session_state(session(3)), SessionState::Unknown);
        assert_eq!(revoked.session_state(session(9)), SessionState::Unknown);

        let began = Instant::now();
        insert(&revoked, [1]);
        revoked.forget_before(began);
        assert_eq!(revoked.session_state(session(1)), SessionState::Ended);
        assert_eq!(
            revoked.session_state(session(0)),
            SessionState::Live,
            "removed: the store no longer contains it"
        );

        insert(&revoked, [2, 3]);
        let began = Instant::now();
        insert(&revoked, [4]);
        revoked.forget_before(began);
        assert_eq!(
            revoked.session_state(session(4)),
            SessionState::Unknown,
            "it did not fit in when it was read"
        );
    }

    fn row(number: u64) -> RevokedRow {
        RevokedRow { number, session: Uuid::from_u128(number.into()), recorded_at: 0 }
    }

    /// Reads the rows of these numbers from a store that has all of them.
    #[cfg(feature = "sqlite")]
    fn read(revoked: &RevokedSessions, numbers: std::ops::Range<u64>) {
        let (asked, last) = (Instant::now(), numbers.end);
        revoked.insert_rows(numbers.map(row));
        revoked.finish_read(Snapshot::up_to(last.cast_signed()), asked);
    }

    #[cfg(feature = "sqlite")]
    fn listed(revoked: &RevokedSessions) -> Result<usize, PageError> {
        revoked.page(None, 0, 10, Instant::now()).map(|(page, _)| page.sessions.len())
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn rows_that_do_not_fit_in_make_the_feed_unavailable() {
        let revoked = RevokedSessions::bounded(3);
        read(&revoked, 1..4);
        read(&revoked, 1..4);
        assert_eq!(listed(&revoked), Ok(3), "rows that are read again fit in");
        read(&revoked, 4..5);
        assert_eq!(listed(&revoked), Err(PageError::Stale));
        assert_eq!(revoked.session_state(session(9)), SessionState::Unknown);
        let began = Instant::now();
        revoked.forget_before(began);
        read(&revoked, 4..5);
        assert_eq!(listed(&revoked), Ok(1));
        assert_eq!(revoked.session_state(session(9)), SessionState::Live);
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn forgotten_sessions_leave_the_feed() {
        let revoked = RevokedSessions::default();
        read(&revoked, 1..4);
        let began = Instant::now();
        read(&revoked, 2..3);
        revoked.forget_before(began);
        assert_eq!(listed(&revoked), Ok(1));
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn session_that_ended_here_is_fed_when_its_row_is_read() {
        let revoked = RevokedSessions::default();
        read(&revoked, 1..2);
        insert(&revoked, [2]);
        assert_eq!(listed(&revoked), Ok(1));
        read(&revoked, 2..3);
        assert_eq!(listed(&revoked), Ok(2));
    }

    #[test]
    fn sessions_added_during_a_full_read_stay() {
        let revoked = RevokedSessions::default();
        insert(&revoked, [1, 2]);
        let began = Instant::now();
        insert(&revoked, [2, 3]);
        revoked.forget_before(began);
        revoked.mark_synced(began);
        let session_state = [1, 2, 3].map(|number| revoked.session_state(session(number)));
        assert_eq!(session_state, [SessionState::Live, SessionState::Ended, SessionState::Ended]);
    }
}
