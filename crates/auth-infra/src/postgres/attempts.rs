//! Counters of attempts on PostgreSQL, which all nodes share.

mod keyed_mutex;
mod record;
mod throttle_cache;

use std::collections::HashMap;

use async_trait::async_trait;
use auth_domain::model::{
    AccountRecord, Bucket, Counter, CounterKey, Guess, GuessOutcome, GuessRecords, GuessVerdict, Limit,
    Reservation, Throttled, Timestamp,
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
use super::rows::stored;
use crate::attempts::wait_for_verdict;
use crate::store::TxOutcome;

/// What is counted here was promised to nobody: a crash of the server may forget the last moments of it, and nobody has
/// to wait for the disk.
const BEGIN: &str = "BEGIN; SET LOCAL synchronous_commit = off";

const LOCK: &str = "SELECT key, record::text FROM attempts WHERE key = ANY ($1) ORDER BY key FOR UPDATE";

/// Makes rows for the keys that have none, or waits for whoever is about to make them, and locks them.
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
        let exhausted = guess.counter.and_then(|counter| self.exhausted(&counter, guess.now));
        if let Some(throttled) = exhausted {
            return Ok(AdmitOutcome::Throttled(throttled));
        }
        let begun = Instant::now();
        // Whoever waits for guesses under way keeps the turn at the account: those behind would wait for the same.
        let _turn = self.account_locks.take(guess.account).await?;
        let admission = wait_for_verdict(guess, begun, async |now| {
            let _turn = self.turn_at_place(guess).await?;
            self.transaction_begun_by(BEGIN, move |mut lease| async move {
                let work = admit(&mut lease, guess, now).await;
                lease.end(work).await
            })
            .await
        })
        .await?;
        if let (AdmitOutcome::Throttled(throttled), Some(counter)) = (admission, guess.counter)
            && throttled.limit == Limit::LogIns
        {
            self.throttle_cache.insert(counter.key, throttled, guess.now);
        }
        Ok(admission)
    }

    async fn settle(
        &self,
        guess: &Guess,
        reservation: Reservation,
        outcome: GuessOutcome,
        now: Timestamp,
    ) -> Result<(), PortError> {
        // No turn at the account: whoever has it may be waiting for this.
        let _turn = self.turn_at_place(guess).await?;
        self.transaction_begun_by(BEGIN, |mut lease| async move {
            let work = settle(&mut lease, guess, reservation, outcome, now).await;
            lease.end(work).await
        })
        .await
    }

    async fn count(&self, counter: &Counter, now: Timestamp) -> Result<Option<Throttled>, PortError> {
        let _turn = self.account_locks.take(counter.key).await?;
        let told = self
            .transaction_begun_by(BEGIN, |mut lease| async move {
                let work = count(&mut lease, counter, now).await;
                lease.end(work).await
            })
            .await?;
        if let Some(throttled) = told {
            self.throttle_cache.insert(counter.key, throttled, now);
        }
        Ok(told)
    }

    fn exhausted(&self, counter: &Counter, now: Timestamp) -> Option<Throttled> {
        self.throttle_cache.get(counter.key, now)
    }

    async fn forget(&self, account: CounterKey) -> Result<(), PortError> {
        self.transaction(|mut lease| async move {
            let forgotten =
                sqlx::query(FORGET).bind(account.as_bytes().as_slice()).execute(&mut *lease).await;
            lease.end(forgotten.map(|_| TxOutcome::Commit(())).map_err(DbError::from)).await
        })
        .await
    }

    async fn purge(&self, now: Timestamp, limit: u32) -> Result<u64, PortError> {
        self.transaction(|mut lease| async move {
            let query = sqlx::query(PURGE).bind(stored(now)).bind(i64::from(limit));
            let purged =
                query.execute(&mut *lease).await.map(|answer| TxOutcome::Commit(answer.rows_affected()));
            lease.end(purged.map_err(DbError::from)).await
        })
        .await
    }
}

impl PostgresStore {
    async fn turn_at_place(&self, guess: &Guess) -> Result<Option<KeyedGuard>, PortError> {
        match &guess.counter {
            Some(counter) => self.account_locks.take(counter.key).await.map(Some),
            None => Ok(None),
        }
    }
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

/// Locks the records with these keys, in the order of the keys, and reads them. Those that have just been made, or have
/// never been written since, are missing.
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
        rows.extend(sqlx::query(MAKE).bind(&missing).bind(stored(now)).fetch_all(connection).await?);
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
    let expiries: Vec<_> = records.iter().map(|(.., at)| stored(at_the_hour(*at))).collect();
    sqlx::query(WRITE).bind(keys).bind(texts).bind(expiries).execute(connection).await?;
    Ok(())
}

/// The next full hour.
fn at_the_hour(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600;
    Timestamp::from_unix_seconds((at.unix_seconds() / HOUR + 1) * HOUR)
}
