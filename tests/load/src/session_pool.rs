//! Sessions with known refresh tokens, inserted by SQL. A benchmark of refreshes needs tens of thousands of them, because a
//! session may rotate only 16 times within 10 seconds.

use std::cell::Cell;
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use auth_domain::model::{RefreshStyle, RefreshToken, SessionId, SuccessorNonce, TokenId};
use auth_domain::ports::SecureRandom;
use auth_infra::system::SystemRandom;
use e2e::TestData;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};

use crate::bench::Bench;
use crate::cluster;
use crate::sessions::Refreshing;

/// The client of the sessions: a dialect with opaque tokens that rotate.
pub const CLIENT: &str = "cookie";

/// The refreshes per second for which no session of a pool is refreshed twice in one run.
const MAX_RATE: f64 = 12_000.0;

/// The least warm-up of the limits. Each connection of pgbench prepares each statement of its script.
pub const MIN_WARM_UP: Duration = Duration::from_secs(3);

/// Microseconds of an hour. The sessions were refreshed an hour ago.
const HOUR: i64 = 3_600_000_000;

/// The sessions of a measure. Each run takes new ones, so that a refreshed row has one consumed credential: a second refresh
/// soon after the first would add another.
#[derive(Debug)]
pub struct SessionPool<'a> {
    data: &'a TestData,
    connections: u64,
    each: u64,
    /// The number of the next session.
    next: Cell<u64>,
}

impl<'a> SessionPool<'a> {
    /// Creates a pool for runs with this number of connections.
    #[must_use]
    pub fn new(data: &'a TestData, connections: u64, bench: &Bench) -> Self {
        Self { data, connections, each: sessions_per_connection(connections, bench), next: Cell::new(0) }
    }

    /// The number of sessions that each connection cycles over.
    #[must_use]
    pub fn each(&self) -> u64 {
        self.each
    }

    /// Inserts the sessions of a run and returns their numbers.
    ///
    /// # Errors
    /// If there is no user, or if the store reports an error.
    pub async fn take(&self) -> Result<Range<u64>> {
        let first = self.next.get();
        let end = first + self.connections * self.each;
        self.next.set(end);
        insert(self.data, first, end - first).await?;
        Ok(first..end)
    }

    /// Inserts the sessions of a run and returns the connections that refresh them.
    ///
    /// # Errors
    /// If there is no user, or if the store reports an error.
    pub async fn clients(&self) -> Result<Vec<Refreshing>> {
        let sessions = self.take().await?;
        let of_connection = |connection: u64| {
            let begin = sessions.start + connection * self.each;
            let tokens = (begin..begin + self.each).map(|number| text(&token(number)));
            Ok(Refreshing::with(tokens.collect::<Result<_>>()?))
        };
        (0..self.connections).map(of_connection).collect()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below 2^32")]
fn sessions_per_connection(connections: u64, bench: &Bench) -> u64 {
    let refreshes = MAX_RATE * (bench.warm_up.max(MIN_WARM_UP) + bench.run).as_secs_f64();
    (refreshes as u64).div_ceil(connections)
}

/// Returns the current refresh token of session `number`. Its bytes are the number, as a big-endian integer of 16 bytes,
/// three times: once as the token family, twice as the credential.
#[must_use]
pub fn token(number: u64) -> RefreshToken {
    // An opaque token does not depend on the session id.
    let session = SessionId(TokenId::generate(&SystemRandom).0);
    RefreshToken::generate(RefreshStyle::Rotating, session, &Repeated(u128::from(number).to_be_bytes()))
}

/// Returns the text of an opaque refresh token.
///
/// # Errors
/// If the token is not opaque.
pub fn text(token: &RefreshToken) -> Result<String> {
    let RefreshToken::Opaque(secret) = token else { anyhow::bail!("the token is not opaque") };
    Ok(secret.expose().to_string())
}

/// Repeats these bytes.
struct Repeated([u8; 16]);

impl SecureRandom for Repeated {
    fn fill(&self, buffer: &mut [u8]) {
        for (to, from) in buffer.iter_mut().zip(self.0.iter().cycle()) {
            *to = *from;
        }
    }
}

/// Inserts `count` sessions of all users in turn, numbered from `first` on. Each was refreshed once, an hour ago. Like most
/// sessions in production, it has one consumed credential, which the next rotation replaces.
///
/// # Errors
/// If there is no user, or if the store reports an error.
pub async fn insert(data: &TestData, first: u64, count: u64) -> Result<()> {
    match data.database_url() {
        Some(url) => insert_on_postgres(url, first, count),
        None => insert_on_sqlite(data, first, count).await,
    }
}

fn insert_on_postgres(url: &str, first: u64, count: u64) -> Result<()> {
    // The bytes of session `n`, as in `token`.
    const BYTES: &str = "decode(lpad(to_hex(n), 32, '0'), 'hex')";
    cluster::run(
        url,
        &format!(
            "INSERT INTO sessions (id, account_id, client_id, token_family, created_at, last_refreshed_at, expires_at,
                 credential, consumed)
             SELECT gen_random_uuid(), users.id, '{CLIENT}', sha256({BYTES}), refreshed - interval '1 hour', refreshed,
                 refreshed + interval '29 days', sha256({BYTES} || {BYTES}),
                 sha256({BYTES}) || int8send((extract(epoch FROM refreshed) * 1000000)::bigint) || {BYTES}
             FROM generate_series({first}::bigint, {last}) AS n
             CROSS JOIN (SELECT now() - interval '1 hour' AS refreshed) AS clock
             JOIN (SELECT id, row_number() OVER (ORDER BY number) - 1 AS position, count(*) OVER () AS count
                   FROM accounts) AS users ON position = n % users.count",
            last = first + count - 1
        ),
    )?;
    let stored: u64 =
        cluster::run(url, &format!("SELECT count(*) FROM sessions WHERE client_id = '{CLIENT}'"))?.parse()?;
    ensure!(stored >= count, "{stored} of {count} sessions are stored: is there a user?");
    // The statistics, without which PostgreSQL does not know how large the table has become.
    cluster::run(url, "VACUUM ANALYZE sessions").map(drop)
}

async fn insert_on_sqlite(data: &TestData, first: u64, count: u64) -> Result<()> {
    const INSERT: &str = "
        INSERT INTO sessions (id, account_id, client_id, token_family, created_at, last_refreshed_at, expires_at, credential,
            consumed, has_consumed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)";
    let mut connection = open_sqlite(data).await?;
    let users: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT id FROM accounts ORDER BY number").fetch_all(&mut connection).await?;
    let refreshed = now_micros()? - HOUR;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await?;
    for (number, user) in (first..first + count).zip(users.iter().cycle()) {
        let token = token(number);
        let (family, nonce) = (token.family(), SuccessorNonce::generate(&SystemRandom));
        let consumed = consumed_credential(family.as_bytes(), refreshed, &nonce);
        sqlx::query(INSERT)
            .bind(TokenId::generate(&SystemRandom).0.into_bytes().to_vec())
            .bind(user.as_slice())
            .bind(CLIENT)
            .bind(family.as_bytes().as_slice())
            .bind(refreshed - HOUR)
            .bind(refreshed)
            .bind(refreshed + 29 * 24 * HOUR)
            .bind(token.credential().as_bytes().as_slice())
            .bind(consumed)
            .execute(&mut connection)
            .await?;
    }
    sqlx::query("COMMIT").execute(&mut connection).await?;
    // The measured run does not copy these rows from the write-ahead log.
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    ensure!(!users.is_empty(), "there is no user");
    Ok(())
}

/// Returns the stored form of a consumed credential.
#[must_use]
pub fn consumed_credential(digest: &[u8; 32], at_micros: i64, nonce: &SuccessorNonce) -> Vec<u8> {
    [digest.as_slice(), &at_micros.to_be_bytes(), nonce.as_bytes()].concat()
}

/// Opens the SQLite file of a server, with the service's settings for a writer.
///
/// # Errors
/// If there is no such file.
pub async fn open_sqlite(data: &TestData) -> Result<SqliteConnection> {
    SqliteConnectOptions::new()
        .filename(data.data_dir().join("auth.db"))
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(2))
        .disable_statement_logging()
        .connect()
        .await
        .context("the file of the store")
}

/// Returns the time in microseconds since the Unix epoch.
///
/// # Errors
/// If the clock is before 1970.
pub fn now_micros() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{RefreshSecret, SecretDigest};

    use super::*;

    #[test]
    fn session_numbers_determine_the_tokens() {
        let (token, bytes) = (token(0x0102), u128::from(0x0102_u64).to_be_bytes());
        assert_eq!(token.family(), SecretDigest::of(&bytes));
        assert_eq!(token.credential(), SecretDigest::of(&[bytes, bytes].concat()));
        assert!(RefreshSecret::parse(&text(&token).expect("a text")).is_some());
    }

    #[test]
    fn pools_grow_with_the_duration_of_a_run() {
        let bench = |seconds| Bench {
            rounds: 5,
            run: Duration::from_secs(seconds),
            warm_up: Duration::ZERO,
            refreshes: 0,
            recorded: false,
        };
        assert_eq!(sessions_per_connection(32, &bench(4)), 2_625);
        assert_eq!(sessions_per_connection(32, &bench(1)), 1_500);
    }
}
