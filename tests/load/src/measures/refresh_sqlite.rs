//! Refreshes per second on SQLite, compared with a bare loop of the same statements.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use auth_domain::model::{SecretDigest, SuccessorNonce};
use auth_infra::system::SystemRandom;
use e2e::TestServer;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use crate::bench::{Bench, Store};
use crate::client::closed;
use crate::measure::{Better, Goal, Measured};
use crate::session_pool::{self, SessionPool, consumed_credential, now_micros};
use crate::sessions::{self, CHEAP_LOG_INS};
use crate::statements::{SQLITE_READ, SQLITE_WRITE};

use super::{measure_load, rate};

/// The number of connections. Each refreshes sessions of its own. The bare loop refreshes as many sessions.
const CONNECTIONS: u64 = 32;
/// The number of users who share the sessions of both sides.
const USERS: usize = 64;

/// Measures the refreshes per second of 32 connections.
///
/// # Errors
/// Fails if an answer is not a refresh, or if the bare loop does not change what a refresh changes.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let data = Store::Sqlite.test_data()?;
    let server = TestServer::start_with(&data, &CHEAP_LOG_INS);
    sessions::register(&server.client(), USERS)?;
    let pool = SessionPool::new(&data, CONNECTIONS, bench);
    let limit = async || {
        let families = pool.take().await?.map(|number| session_pool::token(number).family()).collect();
        let mut bare = BareLoop { connection: session_pool::open_sqlite(&data).await?, families, next: 0 };
        bare.run(bench.warm_up).await?;
        bare.run(bench.run).await
    };
    let refresh = async || {
        let clients = pool.clients().await?;
        let load = closed(server.base(), clients, bench.warm_up, bench.run);
        Ok(rate(&measure_load("refresh-sqlite", &server, bench, load).await?))
    };
    let rounds = bench.pairs("refreshes", limit, refresh).await?;
    Ok(vec![Measured {
        id: "refresh-sqlite".to_owned(),
        name: "Refreshes, SQLite".to_owned(),
        unit: "refreshes/s".to_owned(),
        better: Better::Higher,
        goal: Some(Goal::Ratio(1.0)),
        limit: "a bare loop of the same statements".to_owned(),
        rounds,
        notes: vec![format!(
            "{CONNECTIONS} connections, each with {} sessions of its own in the dialect `cookie`, whose tokens rotate. Each run has new \
             sessions, with one consumed credential before and after a refresh. The bare loop refreshes as many sessions of the same \
             file, WAL with synchronous=FULL, by one connection and one transaction per refresh. It reads its statements from \
             the same files as the service. The service writes several concurrent refreshes in one transaction.",
            pool.each()
        )],
    }])
}

/// The bare loop over the sessions of these token families.
struct BareLoop {
    connection: SqliteConnection,
    families: Vec<SecretDigest>,
    next: usize,
}

impl BareLoop {
    /// Refreshes one session after the other, and returns the refreshes per second.
    async fn run(&mut self, time: Duration) -> Result<f64> {
        let begun = Instant::now();
        let mut refreshes = 0_u32;
        while begun.elapsed() < time {
            self.refresh().await?;
            refreshes += 1;
        }
        Ok(f64::from(refreshes) / begun.elapsed().as_secs_f64())
    }

    async fn refresh(&mut self) -> Result<()> {
        let family = self.families[self.next % self.families.len()];
        self.next += 1;
        let now = now_micros()?;
        let connection = &mut self.connection;
        sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        let family = family.as_bytes().as_slice();
        let row = sqlx::query(SQLITE_READ).bind(family).fetch_one(&mut *connection).await?;
        let (session, credential): (Vec<u8>, Vec<u8>) =
            (row.try_get("session_id")?, row.try_get("credential")?);
        let presented = SecretDigest::from_bytes(credential.as_slice().try_into()?);
        let nonce = SuccessorNonce::generate(&SystemRandom);
        let write = sqlx::query(SQLITE_WRITE)
            .bind(session)
            .bind(now)
            .bind(SecretDigest::of(presented.as_bytes()).as_bytes().as_slice())
            .bind(consumed_credential(presented.as_bytes(), now, &nonce));
        let changed = write.execute(&mut *connection).await?.rows_affected();
        ensure!(changed == 1, "{changed} rows were changed instead of one session");
        sqlx::query("COMMIT").execute(connection).await?;
        Ok(())
    }
}
