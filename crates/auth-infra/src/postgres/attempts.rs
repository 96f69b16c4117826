//! Counters of attempts on PostgreSQL. All nodes share them.

mod keyed_mutex;
mod record;
mod throttle_cache;

use std::collections::HashMap;

use async_trait::async_trait;
use auth_domain::model::{
    AccountRecord, Bucket, Counter, CounterKey, Guess, GuessOutcome, GuessRecords, GuessVerdict, Reservation,
    Throttled, Timestamp,
};
use auth_domain::ports::{AdmitOutcome, AttemptLimiter, PortError};
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use tokio::time::Instant;

pub(super) use keyed_mutex::KeyedMutex;
pub(super) use throttle_cache::ThrottleCache;

use self::keyed_mutex::KeyedGuard;
use super::PostgresStore;
use super::error::DbError;
use super::values::from_time;
use crate::attempts::wait_for_verdict;
use crate::sql::{TxOutcome, call};

/// No promise depends on these counters: a crash of the server may lose the last moments. So no commit waits for the disk.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// Locks in the order of the keys, as every transaction does, so that no two wait for each other.
const LOCK: &str = "SELECT key, record::text FROM attempts WHERE key = ANY ($1) ORDER BY key FOR UPDATE";

/// Inserts rows for keys without one, or waits for the transaction that does, and locks them.
const MAKE: &str = "
    INSERT INTO attempts (key, record, expires_at)
    SELECT key, 'null', $2 FROM unnest($1::bytea[]) AS key ORDER BY key
    ON CONFLICT (key) DO UPDATE SET record = attempts.record
    RETURNING key, record::text";

const WRITE: &str = "
    UPDATE attempts SET record = given.record::jsonb, expires_at = given.expires_at
    FROM unnest($1::bytea[], $2::text[], $3::timestamptz[]) AS given (key, record, expires_at)
    WHERE attempts.key = given.key";

const FORGET: &str = "DELETE FROM attempts WHERE key = $1";

const PURGE: &str = "
    DELETE FROM attempts WHERE key IN
        (SELECT key FROM attempts WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

#[async_trait]
impl AttemptLimiter for PostgresStore {
    async fn admit(&self, guess: &Guess) -> Result<AdmitOutcome, PortError> {
        let begun = Instant::now();
        match self.judge(guess, guess.now).await? {
            GuessVerdict::Admit(reservation) => return Ok(AdmitOutcome::Admitted(reservation)),
            GuessVerdict::Throttle(throttled) => return Ok(AdmitOutcome::Throttled(throttled)),
            GuessVerdict::Wait => {}
        }
        // One guess at a time asks again. Those behind it wait for the same guesses.
        let _turn = self.waiting_locks.lock(guess.account).await?;
        wait_for_verdict(guess, begun, |now| self.judge(guess, now)).await
    }

    async fn settle(
        &self,
        guess: &Guess,
        reservation: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError> {
        // Without the lock of the account: the guess that holds it may be waiting for this one.
        let _caller = self.lock_caller(guess).await?;
        call!(self.db.write_after(BEGIN), settle(guess, reservation, outcome, now))
    }

    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError> {
        let _counter = self.counter_locks.lock(counter.key).await?;
        let throttled = call!(self.db.write_after(BEGIN), count(counter, now))?;
        if let Some(throttled) = throttled {
            self.throttle_cache.insert(counter.key, throttled, now);
        }
        Ok(throttled)
    }

    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled> {
        self.throttle_cache.get(counter.key, now)
    }

    async fn forget(&self, account: CounterKey) -> Result<(), PortError> {
        call!(self.db.write, forget(account))
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError> {
        call!(self.db.write, purge(now, limit))
    }
}

impl PostgresStore {
    /// Judges a guess once. No cache is consulted, and the locks are held for this judgement only. The account may know the
    /// caller, which must not wait behind the guesses of others.
    async fn judge(&self, guess: &Guess, now: Timestamp) -> Result<GuessVerdict, PortError> {
        let _account = self.counter_locks.lock(guess.account).await?;
        let _caller = self.lock_caller(guess).await?;
        call!(self.db.write_after(BEGIN), admit(guess, now))
    }

    async fn lock_caller(&self, guess: &Guess) -> Result<Option<KeyedGuard>, PortError> {
        match &guess.counter {
            Some(counter) => self.counter_locks.lock(counter.key).await.map(Some),
            None => Ok(None),
        }
    }
}

async fn forget(connection: &mut PgConnection, account: CounterKey) -> Result<TxOutcome<()>, DbError> {
    sqlx::query(FORGET).bind(account.as_bytes().as_slice()).execute(connection).await?;
    Ok(TxOutcome::Commit(()))
}

async fn purge(connection: &mut PgConnection, now: Timestamp, limit: u32) -> Result<TxOutcome<u64>, DbError> {
    let query = sqlx::query(PURGE).bind(from_time(now)).bind(i64::from(limit));
    Ok(TxOutcome::if_purged(query.execute(connection).await?.rows_affected()))
}

async fn admit(
    connection: &mut PgConnection,
    guess: &Guess,
    now: Timestamp,
) -> Result<TxOutcome<GuessVerdict>, DbError> {
    let mut records = read(connection, guess, now).await?;
    let verdict = records.admit(guess, now);
    if !matches!(verdict, GuessVerdict::Admit(_)) {
        return Ok(TxOutcome::Rollback(verdict));
    }
    write(connection, guess, &records).await?;
    Ok(TxOutcome::Commit(verdict))
}

async fn settle(
    connection: &mut PgConnection,
    guess: &Guess,
    reservation: Reservation,
    outcome: GuessOutcome,
    now: Timestamp,
) -> Result<TxOutcome<()>, DbError> {
    let mut records = read(connection, guess, now).await?;
    records.settle(guess, reservation, outcome, now);
    write(connection, guess, &records).await?;
    Ok(TxOutcome::Commit(()))
}

async fn count(
    connection: &mut PgConnection,
    counter: &Counter,
    now: Timestamp,
) -> Result<TxOutcome<Option<Throttled>>, DbError> {
    let stored = lock(connection, &[counter.key], now).await?;
    let mut bucket = bucket(&stored, counter)?;
    if let Err(throttled) = bucket.charge(counter, now) {
        return Ok(TxOutcome::Rollback(Some(throttled)));
    }
    store(connection, &[(counter.key, record::of_bucket(&bucket), bucket.full_at)]).await?;
    Ok(TxOutcome::Commit(None))
}

async fn read(connection: &mut PgConnection, guess: &Guess, now: Timestamp) -> Result<GuessRecords, DbError> {
    let keys: Vec<_> = guess.counter.iter().map(|counter| counter.key).chain([guess.account]).collect();
    let stored = lock(connection, &keys, now).await?;
    let bucket = match &guess.counter {
        Some(counter) => bucket(&stored, counter)?,
        None => Bucket::default(),
    };
    let account = match stored.get(guess.account.as_bytes().as_slice()) {
        Some(record) => record::account(record)?,
        None => AccountRecord::default(),
    };
    Ok(GuessRecords { bucket, account })
}

async fn write(connection: &mut PgConnection, guess: &Guess, records: &GuessRecords) -> Result<(), DbError> {
    let GuessRecords { bucket, account } = records;
    let of_account = (guess.account, record::of_account(account), account.expires_at(&guess.policy));
    let of_caller = guess.counter.map(|counter| {
        let expires_at = bucket.expires_at(&counter.rate, guess.policy.reservation);
        (counter.key, record::of_bucket(bucket), expires_at)
    });
    let records: Vec<_> = of_caller.into_iter().chain([of_account]).collect();
    store(connection, &records).await
}

fn bucket(stored: &HashMap<Vec<u8>, String>, counter: &Counter) -> Result<Bucket, DbError> {
    match stored.get(counter.key.as_bytes().as_slice()) {
        Some(record) => Ok(record::bucket(record)?),
        None => Ok(Bucket::default()),
    }
}

/// Locks the records with these keys in the order of the keys, and reads them. A record that was never written is missing.
async fn lock(
    connection: &mut PgConnection,
    keys: &[CounterKey],
    now: Timestamp,
) -> Result<HashMap<Vec<u8>, String>, DbError> {
    let mut missing: Vec<_> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let mut rows: Vec<PgRow> = sqlx::query(LOCK).bind(&missing).fetch_all(&mut *connection).await?;
    for row in &rows {
        let found: Vec<u8> = row.try_get("key")?;
        missing.retain(|key| *key != found);
    }
    if !missing.is_empty() {
        rows.extend(sqlx::query(MAKE).bind(&missing).bind(from_time(now)).fetch_all(connection).await?);
    }
    let mut records = HashMap::new();
    for row in rows {
        let record: String = row.try_get("record")?;
        if record != "null" {
            records.insert(row.try_get("key")?, record);
        }
    }
    Ok(records)
}

async fn store(
    connection: &mut PgConnection,
    records: &[(CounterKey, String, Timestamp)],
) -> Result<(), DbError> {
    let keys: Vec<_> = records.iter().map(|(key, ..)| key.as_bytes().to_vec()).collect();
    let texts: Vec<_> = records.iter().map(|(_, record, _)| record.as_str()).collect();
    let expiries: Vec<_> = records.iter().map(|(.., at)| from_time(next_hour(*at))).collect();
    sqlx::query(WRITE).bind(keys).bind(texts).bind(expiries).execute(connection).await?;
    Ok(())
}

/// Rounds up to the full hour, so that most writes leave `expires_at` and its index alone.
fn next_hour(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600;
    Timestamp::from_unix_seconds((at.unix_seconds() / HOUR + 1) * HOUR)
}
