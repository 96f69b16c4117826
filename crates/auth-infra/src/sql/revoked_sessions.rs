//! The sessions that are known to have ended.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use auth_domain::model::SessionId;
use auth_domain::ports::SessionState;
use parking_lot::RwLock;
use sqlx::types::Uuid;

/// What is older than this may have missed too much.
const MAX_STALENESS: Duration = Duration::from_secs(5);
/// The most sessions that are known: some 70 MiB.
const MAX_SESSIONS: usize = 1_000_000;

/// A bounded set of ended sessions, and whether it holds every one there is.
#[derive(Debug)]
pub(crate) struct RevokedSessions {
    bound: usize,
    state: RwLock<State>,
    #[cfg(feature = "sqlite")]
    journal: journal::Journal,
}

#[derive(Debug)]
struct State {
    /// Each with the time when it was heard of last.
    revoked: HashMap<Uuid, Instant>,
    /// When there was one more than fit in.
    overflowed: Option<Instant>,
    /// All that was stored at this time is known.
    synced: Option<Instant>,
    /// Something is known to be missing that had been stored by this time.
    stale: Option<Instant>,
}

impl RevokedSessions {
    fn bounded(bound: usize) -> Self {
        let state = State { revoked: HashMap::new(), overflowed: None, synced: None, stale: None };
        Self {
            bound,
            state: RwLock::new(state),
            #[cfg(feature = "sqlite")]
            journal: journal::Journal::default(),
        }
    }

    /// Where the session stands.
    pub(crate) fn session_state(&self, session: SessionId) -> SessionState {
        self.state_at(session, Instant::now())
    }

    fn state_at(&self, session: SessionId, now: Instant) -> SessionState {
        let state = self.state.read();
        if state.revoked.contains_key(&session.0) {
            SessionState::Ended
        } else if state.is_whole_at(now) {
            SessionState::Live
        } else {
            SessionState::Unknown
        }
    }

    /// Whether somebody keeps the watch and has looked at what is stored a short time ago.
    #[cfg(feature = "postgres")]
    pub(crate) fn is_fresh(&self) -> bool {
        self.state.read().is_fresh_at(Instant::now())
    }

    /// Notes that these have ended.
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

    /// Notes that all that was stored at this time has been added.
    pub(crate) fn mark_synced(&self, asked: Instant) {
        self.write(|state| state.synced = Some(asked));
    }

    /// Notes that something is missing.
    #[cfg(feature = "sqlite")]
    pub(crate) fn mark_stale(&self) {
        self.write(|state| state.stale = Some(Instant::now()));
    }

    /// Forgets those that have not been heard of since a time at which all that was stored began to be added anew.
    pub(crate) fn forget_before(&self, began: Instant) {
        self.write(|state| {
            state.revoked.retain(|_, heard| *heard >= began);
            state.overflowed = state.overflowed.filter(|overflowed| *overflowed >= began);
        });
    }

    fn write(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write());
    }
}

/// How far a store whose records are numbered in the order of commits has been read.
#[cfg(feature = "sqlite")]
mod journal {
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

    use super::RevokedSessions;

    #[derive(Debug, Default)]
    pub(super) struct Journal {
        is_followed: AtomicBool,
        seen: AtomicI64,
    }

    impl RevokedSessions {
        /// From now on whoever commits an end has to see to it that it is known.
        pub(crate) fn follow(&self) {
            self.journal.is_followed.store(true, Ordering::SeqCst);
        }

        /// Whether anybody wants to know.
        pub(crate) fn is_followed(&self) -> bool {
            self.journal.is_followed.load(Ordering::SeqCst)
        }

        /// The number of the newest record that was added, as were all before it.
        pub(crate) fn seen(&self) -> i64 {
            self.journal.seen.load(Ordering::SeqCst)
        }

        /// Notes that all records up to this number have been added.
        pub(crate) fn saw(&self, number: i64) {
            self.journal.seen.fetch_max(number, Ordering::SeqCst);
        }
    }
}

impl Default for RevokedSessions {
    fn default() -> Self {
        Self::bounded(MAX_SESSIONS)
    }
}

impl State {
    /// Whether a session that is not in the set has not ended.
    fn is_whole_at(&self, now: Instant) -> bool {
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
    fn until_everything_was_read_nothing_is_live_but_an_end_is_an_end() {
        let revoked = RevokedSessions::default();
        insert(&revoked, [1]);
        assert_eq!(revoked.session_state(session(1)), SessionState::Ended);
        assert_eq!(revoked.session_state(session(2)), SessionState::Unknown);
        revoked.mark_synced(Instant::now());
        assert_eq!(revoked.session_state(session(1)), SessionState::Ended);
        assert_eq!(revoked.session_state(session(2)), SessionState::Live);
    }

    #[test]
    fn what_was_confirmed_more_than_five_seconds_ago_is_not_known_any_more() {
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

    #[cfg(feature = "sqlite")]
    #[test]
    fn a_doubt_stays_until_something_newer_than_it_is_confirmed() {
        let revoked = RevokedSessions::default();
        let before = Instant::now();
        revoked.mark_synced(before);
        revoked.mark_stale();
        assert_eq!(revoked.session_state(session(1)), SessionState::Unknown);
        revoked.mark_synced(before);
        assert_eq!(revoked.session_state(session(1)), SessionState::Unknown, "it was asked before the doubt");
        revoked.mark_synced(Instant::now());
        assert_eq!(revoked.session_state(session(1)), SessionState::Live);
    }

    #[test]
    fn beyond_its_bound_nothing_is_live_until_there_is_room_again() {
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
            "forgotten: it is not stored any more"
        );

        insert(&revoked, [2, 3]);
        let began = Instant::now();
        insert(&revoked, [4]);
        revoked.forget_before(began);
        assert_eq!(
            revoked.session_state(session(4)),
            SessionState::Unknown,
            "there was no room for it when it was read"
        );
    }

    #[test]
    fn what_is_added_while_everything_is_read_anew_is_not_forgotten() {
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
