//! What very many refreshes of a fixed number of sessions leave behind in the store.
//!
//! The refreshes go through the adapter, not over HTTP, so that each can have its own time. Each session is refreshed once in
//! 15 minutes of an artificial clock.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use auth_domain::model::{
    Client, ClientId, IdentifierKey, RefreshAttempt, RefreshStyle, RefreshToken, RefreshVerdict,
    SessionPolicy, SuccessorNonce, Timestamp, UserRef,
};
use auth_domain::ports::SessionRepository;
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use auth_infra::sqlite::{SqliteSettings, SqliteStore};
use auth_infra::store::Store as Adapter;
use auth_infra::system::SystemRandom;
use e2e::{TestData, TestServer};
use sqlx::Connection as _;
use tokio::task::JoinSet;

use crate::bench::{Bench, Store, say};
use crate::cluster;
use crate::measure::{Better, Goal, Measured, Round};
use crate::session_pool::{self, CLIENT};
use crate::sessions::{self, CHEAP_LOG_INS};

/// The number of sessions. All of them belong to one user: the most that `session.max_live` permits.
const SESSIONS: u64 = 1_000;
/// The time between two refreshes of a session: the default lifetime of an access token.
const INTERVAL: Duration = Duration::from_secs(900);
/// The most refreshes of one session. After more, the artificial clock would be past the end of the sessions.
const MAX_LAPS: u64 = 2_500;
/// The laps that are refreshed one session at a time, so that each refresh has its own commit record in the WAL.
const SINGLE_LAPS: u64 = 20;
/// The concurrent refreshes of all other laps.
const CONCURRENCY: usize = 128;
/// The time after which idle connections of PostgreSQL have reported their statistics.
const STATISTICS_DELAY: Duration = Duration::from_secs(2);

/// Measures both stores once, whatever the number of rounds.
///
/// # Errors
/// If a refresh does not rotate its credential, or if the store reports an error.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let laps = bench.refreshes.div_ceil(SESSIONS);
    ensure!((2..=MAX_LAPS).contains(&laps), "from 2,000 to 2,500,000 refreshes can be measured");
    let mut measured = on_postgres(laps).await?;
    measured.extend(on_sqlite(laps).await?);
    Ok(measured)
}

async fn on_postgres(laps: u64) -> Result<Vec<Measured>> {
    let data = TestData::at(cluster::fresh("growth")?);
    let url = data.database_url().context("the URL of its database")?;
    prepare(&data).await?;
    let adapter = Adapter::from(PostgresStore::connect(&PostgresSettings::new(url))?);
    let begun = Timestamp::from_unix_micros(session_pool::now_micros()?);
    let before = PostgresSize::of(url)?;
    cluster::run(url, "CHECKPOINT")?;

    // The first lap after a checkpoint also writes each page as a whole.
    let single_laps = SINGLE_LAPS.min(laps / 2);
    let (mut laps_done, positions) = (0, [1, single_laps, laps]);
    let mut wal = vec![wal_position(url)?];
    let mut tokens = tokens();
    for position in positions {
        let concurrency = if position > single_laps { CONCURRENCY } else { 1 };
        let run = position - laps_done;
        tokens = refresh_laps(&adapter, tokens, concurrency, after(begun, laps_done), run).await?;
        laps_done = position;
        wal.push(wal_position(url)?);
        say(format_args!("  {} refreshes on PostgreSQL", laps_done * SESSIONS));
    }
    adapter.close().await;
    tokio::time::sleep(STATISTICS_DELAY).await;
    let after = PostgresSize::of(url)?;

    let per_refresh = |from: usize, to: usize, laps: u64| {
        Ok::<_, anyhow::Error>(number(wal[to] - wal[from])? / number(laps * SESSIONS)?)
    };
    let mut detail = BTreeMap::new();
    detail.insert("first lap after a checkpoint, bytes".to_owned(), per_refresh(0, 1, 1)?);
    if single_laps > 1 {
        detail.insert("later laps, bytes".to_owned(), per_refresh(1, 2, single_laps - 1)?);
    }
    detail.insert("concurrent refreshes, bytes".to_owned(), per_refresh(2, 3, laps - single_laps)?);
    let wal = Round { ours: per_refresh(0, 2, single_laps)?, detail, ..Round::default() };
    let hot = Round {
        ours: 100.0 * number(after.hot_updates - before.hot_updates)?
            / number(after.updates - before.updates)?,
        ..Round::default()
    };
    let adapter = Adapter::from(PostgresStore::connect(&PostgresSettings::new(url))?);
    let deletion = delete_user(&adapter).await?;
    let left: u64 = cluster::run(url, "SELECT count(*) FROM sessions")?.parse()?;
    ensure!(left == 0, "{left} sessions are left of a deleted user");

    let growth = Growth { store: Store::Postgres, laps };
    Ok(vec![
        growth.rows(number(before.rows)?, number(after.rows)?),
        growth.size("the table and its indexes", number(before.bytes)?, number(after.bytes)?, BTreeMap::new()),
        growth.one(
            "hot",
            "HOT share of the updates",
            "%",
            (Better::Higher, None),
            hot,
            "The share of updates that wrote no index entry (pg_stat_user_tables). A session that is refreshed for the first \
             time on a day changes the index by that day.",
        ),
        growth.one(
            "wal",
            "WAL per refresh",
            "bytes",
            (Better::Lower, Some(Goal::Value(400.0))),
            wal,
            &format!(
                "The difference of pg_current_wal_lsn() divided by the refreshes, from a checkpoint on. The value is of the first \
                 {single_laps} refreshes of each session, one at a time, each with its own commit. After a checkpoint the \
                 first change of a page writes the whole page of 8 KiB as well; the first lap shows this for {SESSIONS} \
                 sessions. {CONCURRENCY} concurrent refreshes share commits. The audit trail is not included."
            ),
        ),
        growth.deletion(deletion),
    ])
}

/// The size of the table of sessions.
struct PostgresSize {
    rows: u64,
    bytes: u64,
    updates: u64,
    hot_updates: u64,
}

impl PostgresSize {
    fn of(url: &str) -> Result<Self> {
        const SIZE: &str = "
            SELECT (SELECT count(*) FROM sessions), pg_total_relation_size('sessions'), n_tup_upd, n_tup_hot_upd
            FROM pg_stat_user_tables WHERE relname = 'sessions'";
        let row = cluster::run(url, SIZE)?;
        let columns: Vec<u64> = row.split('|').map(str::parse).collect::<Result<_, _>>()?;
        let &[rows, bytes, updates, hot_updates] = columns.as_slice() else {
            anyhow::bail!("not four numbers: {row}")
        };
        Ok(Self { rows, bytes, updates, hot_updates })
    }
}

/// The position at the end of the WAL, in bytes.
fn wal_position(url: &str) -> Result<u64> {
    Ok(cluster::run(url, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")?.parse()?)
}

async fn on_sqlite(laps: u64) -> Result<Vec<Measured>> {
    let data = Store::Sqlite.test_data()?;
    prepare(&data).await?;
    let file = data.data_dir().join("auth.db");
    let begun = Timestamp::from_unix_micros(session_pool::now_micros()?);
    let (rows_before, bytes_before) = sqlite_size(&data).await?;
    let adapter = Adapter::from(SqliteStore::connect(&SqliteSettings::new(file.clone()))?);
    refresh_laps(&adapter, tokens(), CONCURRENCY, begun, laps).await?;
    say(format_args!("  {} refreshes on SQLite", laps * SESSIONS));
    let wal = fs::metadata(file.with_extension("db-wal"))?.len();
    adapter.close().await;
    let (rows_after, bytes_after) = sqlite_size(&data).await?;
    let adapter = Adapter::from(SqliteStore::connect(&SqliteSettings::new(file))?);
    let deletion = delete_user(&adapter).await?;
    adapter.close().await;
    let left = sqlite_size(&data).await?.0;
    ensure!(left == 0, "{left} sessions are left of a deleted user");
    let growth = Growth { store: Store::Sqlite, laps };
    let detail = [("write-ahead log, KiB".to_owned(), number(wal)? / 1024.0)].into();
    Ok(vec![
        growth.rows(number(rows_before)?, number(rows_after)?),
        growth.size(
            "the file, without the write-ahead log",
            number(bytes_before)?,
            number(bytes_after)?,
            detail,
        ),
        growth.deletion(deletion),
    ])
}

/// Returns the number of sessions and the length of the file after a checkpoint.
async fn sqlite_size(data: &TestData) -> Result<(u64, u64)> {
    let mut connection = session_pool::open_sqlite(data).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok((u64::try_from(rows)?, fs::metadata(data.data_dir().join("auth.db"))?.len()))
}

/// Makes the schema, one user and the sessions.
async fn prepare(data: &TestData) -> Result<()> {
    let server = TestServer::start_with(data, &CHEAP_LOG_INS);
    sessions::register(&server.client(), 1)?;
    drop(server);
    session_pool::insert(data, 0, SESSIONS).await
}

fn tokens() -> Vec<RefreshToken> {
    (0..SESSIONS).map(session_pool::token).collect()
}

/// Returns the artificial time after this many refreshes of each session.
fn after(begun: Timestamp, laps: u64) -> Timestamp {
    begun.plus(Duration::from_secs(INTERVAL.as_secs() * laps))
}

/// Refreshes every session `laps` times, `concurrency` sessions at a time, and returns the last tokens.
async fn refresh_laps(
    adapter: &Adapter,
    mut tokens: Vec<RefreshToken>,
    concurrency: usize,
    begun: Timestamp,
    laps: u64,
) -> Result<Vec<RefreshToken>> {
    let mut refreshing = JoinSet::new();
    let part = tokens.len().div_ceil(concurrency);
    while !tokens.is_empty() {
        let mut part = tokens.split_off(tokens.len().saturating_sub(part));
        let sessions = adapter.sessions();
        refreshing.spawn(async move {
            for lap in 0..laps {
                for token in &mut part {
                    *token = refresh(&sessions, token, after(begun, lap)).await?;
                }
            }
            Ok::<_, anyhow::Error>(part)
        });
    }
    let parts: Vec<_> = refreshing.join_all().await.into_iter().collect::<Result<_>>()?;
    Ok(parts.into_iter().flatten().collect())
}

async fn refresh(
    sessions: &Arc<dyn SessionRepository>,
    token: &RefreshToken,
    received_at: Timestamp,
) -> Result<RefreshToken> {
    let nonce = SuccessorNonce::generate(&SystemRandom);
    let successor = token.successor(&nonce);
    let attempt = RefreshAttempt {
        family: token.family(),
        credential: token.credential(),
        client: Client::new(ClientId::from_static(CLIENT), RefreshStyle::Rotating)
            .with_access_lifetime(INTERVAL),
        user: None,
        successor: successor.credential(),
        nonce,
        received_at,
        policy: SessionPolicy::default(),
        leeway: Duration::from_secs(5),
        outage: None,
    };
    let judged = sessions.refresh(&attempt).await?.context("a session")?;
    ensure!(matches!(judged.verdict, RefreshVerdict::Rotate(_)), "{:?}", judged.verdict);
    Ok(successor)
}

/// Deletes the user of all sessions and returns how long that took, in milliseconds.
async fn delete_user(adapter: &Adapter) -> Result<f64> {
    let users = adapter.users();
    // This also opens the connection.
    let user = users.find(&UserRef::Identifier(IdentifierKey::of("user0")?)).await?.context("the user")?;
    let begun = Instant::now();
    let is_deleted = users.delete(user.id).await?;
    let time = begun.elapsed().as_secs_f64() * 1e3;
    ensure!(is_deleted, "the user was not deleted");
    Ok(time)
}

fn number(count: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(count).context("a number below 2^32")?))
}

/// Describes what one store came to.
struct Growth {
    store: Store,
    laps: u64,
}

impl Growth {
    fn rows(&self, before: f64, after: f64) -> Measured {
        let round = Round { limit: Some(before), ours: after, ..Round::default() };
        let better = (Better::Lower, Some(Goal::Ratio(1.0)));
        self.one("rows", "Rows of sessions", "rows", better, round, "")
    }

    fn size(&self, what: &str, before: f64, after: f64, detail: BTreeMap<String, f64>) -> Measured {
        let round = Round { limit: Some(before / 1024.0), ours: after / 1024.0, detail };
        self.one(
            "size",
            "Size of the store",
            "KiB",
            (Better::Lower, None),
            round,
            &format!("The size of {what}."),
        )
    }

    fn deletion(&self, milliseconds: f64) -> Measured {
        self.one(
            "delete",
            "Deletion of a user",
            "ms",
            (Better::Lower, Some(Goal::Value(50.0))),
            Round { ours: milliseconds, ..Round::default() },
            "The user has all of these sessions.",
        )
    }

    fn one(
        &self,
        id: &str,
        name: &str,
        unit: &str,
        (better, goal): (Better, Option<Goal>),
        round: Round,
        note: &str,
    ) -> Measured {
        let refreshes = self.laps * SESSIONS;
        let mut notes = vec![format!(
            "{refreshes} refreshes of {SESSIONS} sessions through the service's adapter, each session once in {} minutes of an \
             artificial clock.",
            INTERVAL.as_secs() / 60
        )];
        if !note.is_empty() {
            notes.push(note.to_owned());
        }
        Measured {
            id: format!("growth-{id}-{}", self.store.id()),
            name: format!("{name} after {refreshes} refreshes, {}", self.store),
            unit: unit.to_owned(),
            better,
            goal,
            limit: if round.limit.is_some() {
                "the same before the refreshes".to_owned()
            } else {
                String::new()
            },
            rounds: vec![round],
            notes,
        }
    }
}
