//! Refreshes per second on SQLite, compared with a plain loop of the same statements.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use auth_domain::model::{RefreshSecret, SecretDigest};
use e2e::TestServer;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};

use crate::bench::{Bench, Store};
use crate::client::closed;
use crate::measure::{Better, Goal, Measured};
use crate::sessions::{self, CHEAP_LOG_INS, Refreshing};
use crate::statements::{SQLITE_READ, SQLITE_ROTATE};

use super::{measure_load, rate};

/// The number of connections. Each refreshes a session of its own, and the plain loop has as many sessions.
const CONNECTIONS: usize = 32;

/// Measures the refreshes per second of 32 connections.
///
/// # Errors
/// Fails if an answer is not a refresh, or if the plain loop does not change what a refresh changes.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let data = Store::Sqlite.test_data()?;
    let server = TestServer::start_with(&data, &CHEAP_LOG_INS);
    let users = sessions::register(&server.client(), 2 * CONNECTIONS)?;
    let (theirs, ours) = users.split_at(CONNECTIONS);
    let database = data.data_dir().join("auth.db");
    let limit = async || {
        let grants = sessions::log_in(&server.client(), theirs)?;
        let tokens: Vec<_> = grants.into_iter().map(|grant| grant.refresh_token).collect();
        let mut plain = PlainLoop::new(&database, &tokens).await?;
        plain.run(bench.warm_up).await?;
        plain.run(bench.run).await
    };
    let refresh = async || {
        let grants = sessions::log_in(&server.client(), ours)?;
        let clients = grants.iter().map(|grant| Refreshing::with(&grant.refresh_token));
        let load = closed(server.base(), clients, bench.warm_up, bench.run);
        Ok(rate(&measure_load("refresh-sqlite", &server, bench, load).await?))
    };
    let rounds = bench.pairs("refreshes", limit, refresh).await?;
    Ok(vec![Measured {
        id: "refresh-sqlite".to_owned(),
        name: "Refreshes, SQLite".to_owned(),
        unit: "refreshes/s".to_owned(),
        better: Better::Higher,
        goal: Some(Goal::Ratio(0.8)),
        limit: "a plain loop of the same statements".to_owned(),
        rounds,
        notes: vec![format!(
            "{CONNECTIONS} connections, each with a session of its own whose tokens rotate. The plain loop uses the same file, \
             WAL with synchronous=FULL, one connection and one transaction per refresh. It reads its statements from the \
             same files as the service. The service may write several concurrent refreshes in one transaction."
        )],
    }])
}

/// The plain loop.
struct PlainLoop {
    connection: SqliteConnection,
    sessions: Vec<Session>,
}

struct Session {
    id: Vec<u8>,
    current: SecretDigest,
}

impl PlainLoop {
    async fn new(database: &Path, tokens: &[String]) -> Result<Self> {
        let mut connection = SqliteConnectOptions::new()
            .filename(database)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(2))
            .disable_statement_logging()
            .connect()
            .await?;
        let mut sessions = Vec::new();
        for token in tokens {
            let current = RefreshSecret::parse(token).context("a refresh token")?.digest();
            let id = sqlx::query_scalar("SELECT session_id FROM refresh_credentials WHERE digest = $1")
                .bind(current.as_bytes().as_slice())
                .fetch_one(&mut connection)
                .await?;
            sessions.push(Session { id, current });
        }
        Ok(Self { connection, sessions })
    }

    /// Refreshes one session after the other, and returns the refreshes per second.
    async fn run(&mut self, time: Duration) -> Result<f64> {
        let begun = Instant::now();
        let mut refreshes = 0_u32;
        while begun.elapsed() < time {
            let which = refreshes as usize % self.sessions.len();
            self.refresh(which).await?;
            refreshes += 1;
        }
        Ok(f64::from(refreshes) / begun.elapsed().as_secs_f64())
    }

    async fn refresh(&mut self, which: usize) -> Result<()> {
        let session = &mut self.sessions[which];
        let presented = session.current;
        let (successor, nonce) = (SecretDigest::of(presented.as_bytes()), presented);
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
        let (presented, connection) = (presented.as_bytes().as_slice(), &mut self.connection);
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let read = sqlx::query(SQLITE_READ).bind(presented).fetch_optional(&mut *connection).await?;
        ensure!(read.is_some(), "no such credential");
        let rotate = sqlx::query(SQLITE_ROTATE)
            .bind(presented)
            .bind(now)
            .bind(successor.as_bytes().as_slice())
            .bind(&session.id)
            .bind(nonce.as_bytes().as_slice());
        let changed = rotate.execute(&mut *connection).await?.rows_affected();
        ensure!(
            changed == 3,
            "{changed} rows were changed: not a credential, its successor and their session"
        );
        sqlx::query("COMMIT").execute(connection).await?;
        session.current = successor;
        Ok(())
    }
}
