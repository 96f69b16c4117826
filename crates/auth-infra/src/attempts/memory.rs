//! Attempt counters in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use auth_domain::model::{
    AccountRecord, Bucket, Counter, CounterKey, Guess, GuessOutcome, GuessRecords, GuessVerdict, Reservation,
    Throttled, Timestamp,
};
use auth_domain::ports::{AdmitOutcome, AttemptLimiter, PortError};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::wait_for_verdict;

/// The maximum number of records, with a few hundred bytes each.
const MAX_RECORDS: usize = 100_000;

/// Counts the attempts of one process, until it ends.
///
/// It keeps at most 100,000 records. When it is full, it removes expired records first. Then it removes those that
/// expire next, an eighth at a time. These are addresses that have nearly recovered and accounts whose failure is
/// nearly forgotten. A record with a running guess stays, so that no guess is lost.
#[derive(Debug)]
pub struct MemoryAttempts {
    records: Mutex<Records>,
    max_records: usize,
}

type Records = HashMap<CounterKey, Entry>;

#[derive(Debug)]
struct Entry {
    record: Record,
    expires_at: Timestamp,
}

#[derive(Debug)]
enum Record {
    Bucket(Bucket),
    Account(AccountRecord),
}

impl Record {
    fn is_under_way(&self) -> bool {
        match self {
            Self::Bucket(bucket) => !bucket.pending.is_empty(),
            Self::Account(account) => !account.streak.pending.is_empty(),
        }
    }
}

impl Default for MemoryAttempts {
    fn default() -> Self {
        Self { records: Mutex::default(), max_records: MAX_RECORDS }
    }
}

impl MemoryAttempts {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn judge(&self, guess: &Guess, now: Timestamp) -> GuessVerdict {
        let mut records = self.records.lock();
        let mut judged = read(&records, guess);
        let verdict = judged.admit(guess, now);
        if matches!(verdict, GuessVerdict::Admit(_)) {
            self.keep(&mut records, guess, judged, now);
        }
        verdict
    }

    fn keep(&self, records: &mut Records, guess: &Guess, judged: GuessRecords, now: Timestamp) {
        if let Some(counter) = &guess.counter {
            let expires_at = judged.bucket.expires_at(&counter.rate, guess.policy.reservation);
            self.put(records, counter.key, Entry { record: Record::Bucket(judged.bucket), expires_at }, now);
        }
        let expires_at = judged.account.expires_at(&guess.policy);
        self.put(records, guess.account, Entry { record: Record::Account(judged.account), expires_at }, now);
    }

    fn put(&self, records: &mut Records, key: CounterKey, entry: Entry, now: Timestamp) {
        if entry.expires_at <= now {
            records.remove(&key);
            return;
        }
        if records.len() >= self.max_records && !records.contains_key(&key) {
            self.make_room(records, now);
        }
        records.insert(key, entry);
    }

    fn make_room(&self, records: &mut Records, now: Timestamp) {
        records.retain(|_, entry| entry.expires_at > now);
        let room = self.max_records - self.max_records.div_ceil(8);
        if records.len() <= room {
            return;
        }
        // One eighth at a time, so that a full map is sorted once per many insertions.
        let settled = records.iter().filter(|(_, entry)| !entry.record.is_under_way());
        let mut settled: Vec<_> = settled.map(|(key, entry)| (entry.expires_at, *key)).collect();
        settled.sort_unstable();
        for (_, key) in settled.into_iter().take(records.len() - room) {
            records.remove(&key);
        }
    }
}

fn read(records: &Records, guess: &Guess) -> GuessRecords {
    let account = match records.get(&guess.account) {
        Some(Entry { record: Record::Account(account), .. }) => account.clone(),
        _ => AccountRecord::default(),
    };
    let bucket = guess.counter.map(|counter| bucket(records, &counter)).unwrap_or_default();
    GuessRecords { bucket, account }
}

fn bucket(records: &Records, counter: &Counter) -> Bucket {
    match records.get(&counter.key) {
        Some(Entry { record: Record::Bucket(bucket), .. }) => bucket.clone(),
        _ => Bucket::default(),
    }
}

#[async_trait]
impl AttemptLimiter for MemoryAttempts {
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError> {
        wait_for_verdict(guess, Instant::now(), async |now| Ok(self.judge(guess, now))).await
    }

    async fn settle(
        &self,
        guess: &Guess,
        reservation: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError> {
        let mut records = self.records.lock();
        let mut judged = read(&records, guess);
        judged.settle(guess, reservation, outcome, now);
        self.keep(&mut records, guess, judged, now);
        Ok(())
    }

    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError> {
        let mut records = self.records.lock();
        let mut bucket = bucket(&records, counter);
        if let Err(throttled) = bucket.charge(counter, now) {
            return Ok(Some(throttled));
        }
        let expires_at = bucket.full_at;
        self.put(&mut records, counter.key, Entry { record: Record::Bucket(bucket), expires_at }, now);
        Ok(None)
    }

    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled> {
        bucket(&self.records.lock(), counter).charge(counter, now).err()
    }

    async fn forget(&self, account: CounterKey) -> Result<(), PortError> {
        self.records.lock().remove(&account);
        Ok(())
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError> {
        let mut left = limit;
        self.records.lock().retain(|_, entry| {
            let goes = entry.expires_at <= now && left > 0;
            left -= u32::from(goes);
            !goes
        });
        Ok(u64::from(limit - left))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use auth_domain::model::Limit;
    use auth_domain::policy::{AttemptPolicy, Rate};

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix_seconds(1_755_080_130)
    }

    fn counter(number: u16) -> Counter {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        let rate = Rate { burst: 10, quota: 1, window: Duration::from_secs(u64::from(number) + 1) };
        Counter { key: CounterKey::from_bytes(key), limit: Limit::Registrations, rate }
    }

    fn guess(account: u8) -> Guess {
        let account = CounterKey::from_bytes([account; 32]);
        Guess {
            account,
            caller: None,
            counter: None,
            weight: NonZeroU32::MIN,
            now: now(),
            policy: AttemptPolicy::default(),
        }
    }

    #[tokio::test]
    async fn eviction_drops_the_next_to_expire_and_keeps_running_guesses() {
        let attempts = MemoryAttempts { max_records: 80, ..MemoryAttempts::new() };
        attempts.admit(&guess(255)).await.expect("admitted");
        for number in (0..200).rev() {
            attempts.count(&counter(number), now()).await.expect("counted");
            assert!(attempts.records.lock().len() <= 80);
        }
        let records = attempts.records.lock();
        assert!(records.len() > 60, "{} are kept", records.len());
        assert!(records.contains_key(&guess(255).account), "a guess that is under way");
        assert!(records.contains_key(&counter(199).key), "what is remembered for the longest");
        assert!(!records.contains_key(&counter(100).key));
        assert!(records.contains_key(&counter(0).key), "and whatever is newest");
    }

    #[tokio::test]
    async fn an_empty_record_is_removed() {
        let attempts = MemoryAttempts::new();
        let AdmitOutcome::Admitted(kept) = attempts.admit(&guess(1)).await.expect("no fault") else {
            panic!("refused")
        };
        attempts.settle(&guess(1), kept, GuessOutcome::Abandoned, now()).await.expect("no fault");
        assert!(attempts.records.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_guess_waits_at_most_two_seconds() {
        let attempts = MemoryAttempts::new();
        for _ in 0..5 {
            attempts.admit(&guess(1)).await.expect("admitted");
        }
        let begun = tokio::time::Instant::now();
        let asked = attempts.admit(&guess(1)).await;
        assert!(matches!(asked, Err(PortError::Overloaded)));
        assert!((1_500..=2_000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    }
}
