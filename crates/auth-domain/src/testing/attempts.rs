//! The in-memory attempt limiter.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use async_trait::async_trait;

use crate::model::{
    AccountRecord, Bucket, Counter, CounterKey, Guess, GuessOutcome, GuessRecords, GuessVerdict, Reservation,
    Throttled, Timestamp,
};
use crate::ports::{AdmitOutcome, AttemptLimiter, PortError};

/// How often a guess that waits for others is judged again. The port allows about two seconds, but the clock of a test does
/// not advance, so this limiter counts attempts instead.
const MAX_ATTEMPTS: u32 = 10_000;

/// An [`AttemptLimiter`] in memory. It uses only the times that its callers pass.
#[derive(Debug, Default)]
pub struct MemoryAttempts {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    buckets: HashMap<CounterKey, (Bucket, Timestamp)>,
    accounts: HashMap<CounterKey, (AccountRecord, Timestamp)>,
}

impl MemoryAttempts {
    /// Creates a limiter without any record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn read(&self, guess: &Guess) -> GuessRecords {
        let bucket = guess.counter.and_then(|counter| self.buckets.get(&counter.key));
        GuessRecords {
            bucket: bucket.map(|(bucket, _)| bucket.clone()).unwrap_or_default(),
            account: self
                .accounts
                .get(&guess.account)
                .map(|(account, _)| account.clone())
                .unwrap_or_default(),
        }
    }

    fn store(&mut self, guess: &Guess, records: GuessRecords) {
        if let Some(counter) = &guess.counter {
            let expires_at = records.bucket.expires_at(&counter.rate, guess.policy.reservation);
            self.buckets.insert(counter.key, (records.bucket, expires_at));
        }
        let expires_at = records.account.expires_at(&guess.policy);
        self.accounts.insert(guess.account, (records.account, expires_at));
    }
}

#[async_trait]
impl AttemptLimiter for MemoryAttempts {
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError> {
        for _ in 0..MAX_ATTEMPTS {
            {
                let mut state = self.state();
                let mut records = state.read(guess);
                match records.admit(guess, guess.now) {
                    GuessVerdict::Admit(reservation) => {
                        state.store(guess, records);
                        return Ok(AdmitOutcome::Admitted(reservation));
                    }
                    GuessVerdict::Throttle(throttled) => return Ok(AdmitOutcome::Throttled(throttled)),
                    GuessVerdict::Wait => {}
                }
            }
            yield_once().await;
        }
        Err(PortError::Overloaded)
    }

    async fn settle(
        &self,
        guess: &Guess,
        reservation: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let mut state = self.state();
        let mut records = state.read(guess);
        records.settle(guess, reservation, outcome, now);
        state.store(guess, records);
        Ok(())
    }

    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError> {
        let mut state = self.state();
        let (bucket, expires_at) =
            state.buckets.entry(counter.key).or_insert_with(|| (Bucket::default(), Timestamp::UNIX_EPOCH));
        let charged = bucket.charge(counter, now);
        *expires_at = bucket.full_at.max(*expires_at);
        Ok(charged.err())
    }

    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled> {
        let bucket = self.state().buckets.get(&counter.key).map(|(bucket, _)| bucket.clone());
        bucket.and_then(|mut bucket| bucket.charge(counter, now).err())
    }

    async fn forget(&self, account: CounterKey) -> Result<(), PortError> {
        self.state().accounts.remove(&account);
        Ok(())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError> {
        let mut state = self.state();
        let mut left = limit;
        state.buckets.retain(|_, (_, expires_at)| !takes_expired(&mut left, *expires_at, now));
        state.accounts.retain(|_, (_, expires_at)| !takes_expired(&mut left, *expires_at, now));
        Ok(u64::from(limit - left))
    }
}

/// Whether a purge deletes a record with this expiry; it deletes at most `left` records.
fn takes_expired(left: &mut u32, expires_at: Timestamp, now: Timestamp) -> bool {
    let expired = expires_at <= now && *left > 0;
    *left -= u32::from(expired);
    expired
}

/// Yields once to the other futures, with any runtime. A task that polls several futures runs the others first. Other threads
/// that hold a reservation get the processor.
#[expect(
    clippy::disallowed_methods,
    reason = "another thread has to go on, and a test has no clock to wait for"
)]
async fn yield_once() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::thread::yield_now();
        Poll::Pending
    })
    .await;
}
