//! Refreshes a second on SQLite, beside a bare loop of the same statements.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use auth_domain::model::{RefreshSecret, SecretDigest};
use e2e::TestServer;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlSafeStr as _};

use crate::bench::{Bench, Store};
use crate::client::closed;
use crate::measure::{Better, Goal, Measured};
use crate::sessions::{self, CHEAP_LOG_INS, Refreshing};

use super::{measure_load, rate};

/// How many connections refresh, each a session of its own; the bare loop has as many sessions.
const CONNECTIONS: usize = 32;

/// Where the service's statements are.
const REFRESH: &str = include_str!("../../../../crates/auth-infra/src/sqlite/refresh.rs");
const COLUMNS: &str = include_str!("../../../../crates/auth-infra/src/sqlite/rows.rs");

/// Refreshes a second, of 32 connections.
///
/// # Errors
/// When an answer is no refresh, or the bare loop changes something else than a refresh does.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let data = Store::Sqlite.test_data()?;
    let server = TestServer::start_with(&data, &CHEAP_LOG_INS);
    let users = sessions::register(&server.client(), 2 * CONNECTIONS)?;
    let (theirs, ours) = users.split_at(CONNECTIONS);
    let database = data.data_dir().join("auth.db");
    let limit = async || {
        let grants = sessions::log_in(&server.client(), theirs)?;
        let tokens: Vec<_> = grants.into_iter().map(|grant| grant.refresh_token).collect();
        let mut bare = Bare::new(&database, &tokens).await?;
        bare.run(bench.warm_up).await?;
        bare.run(bench.run).await
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
        limit: "a bare loop of the same statements".to_owned(),
        rounds,
        notes: vec![format!(
            "{CONNECTIONS} connections, each with a session of its own whose tokens rotate. The bare loop has the same file, \
             WAL with synchronous=FULL, one connection and one transaction for each refresh; its statements are read from \
             the source of the service. The service may write several refreshes that wait by one transaction."
        )],
    }])
}

/// A bare loop.
struct Bare {
    connection: SqliteConnection,
    sessions: Vec<Session>,
    read: String,
    rotate: String,
}

struct Session {
    id: Vec<u8>,
    current: SecretDigest,
}

impl Bare {
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
            let id = sqlx::query_scalar("SELECT session_id FROM refresh_credentials WHERE digest = ?1")
                .bind(current.as_bytes().as_slice())
                .fetch_one(&mut connection)
                .await?;
            sessions.push(Session { id, current });
        }
        Ok(Self { connection, sessions, read: statement("READ")?, rotate: statement("ROTATE")? })
    }

    /// Refreshes a second, one session after the other.
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
        let query = |text: &str| sqlx::query(sqlx::AssertSqlSafe(text.to_owned()).into_sql_str());
        query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let read = query(&self.read).bind(presented).fetch_optional(&mut *connection).await?;
        ensure!(read.is_some(), "no such credential");
        let rotate = query(&self.rotate)
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
        query("COMMIT").execute(connection).await?;
        session.current = successor;
        Ok(())
    }
}

/// The text of the service's statement of this name.
fn statement(name: &str) -> Result<String> {
    let (_, definition) = REFRESH
        .split_once(&format!("const {name}: &str ="))
        .with_context(|| format!("the service has no statement {name} any more"))?;
    let mut text = String::new();
    let mut rest = definition;
    loop {
        let at = rest.find(['"', ';', '!']).context("the end of a statement")?;
        let (before, from) = rest.split_at(at);
        if let Some(literal) = from.strip_prefix('"') {
            let (literal, after) = literal.split_once('"').context("the end of a literal")?;
            text.push_str(literal);
            rest = after;
        } else if let Some(after) = from.strip_prefix('!') {
            let word =
                before.rsplit(|character: char| !character.is_alphanumeric() && character != '_').next();
            match word.unwrap_or_default() {
                "concat" => {}
                columns => text.push_str(&literal_of(columns)?),
            }
            rest = after;
        } else {
            return Ok(text);
        }
    }
}

/// The columns that a macro stands for.
fn literal_of(columns: &str) -> Result<String> {
    let (_, definition) = COLUMNS.split_once(&format!("macro_rules! {columns} {{")).context("a macro")?;
    match definition.split('"').nth(1) {
        Some(literal) => Ok(literal.to_owned()),
        None => bail!("{columns} stands for no text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_of_the_service_are_found_whole() {
        let read = statement("READ").expect("a statement");
        for part in
            ["SELECT accounts.id AS user_id", "consumed_at, CASE WHEN", "FROM refresh_credentials", "= ?1"]
        {
            assert!(read.contains(part), "{read}");
        }
        assert!(!read.contains(['"', '!']), "{read}");
        let rotate = statement("ROTATE").expect("a statement");
        assert_eq!(rotate.split(';').count(), 3, "{rotate}");
        assert!(statement("NOTHING").is_err());
    }
}
