//! Refreshes per second on PostgreSQL, compared with pgbench, which runs the statements of a single refresh.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::{TestData, TestServer};

use crate::bench::Bench;
use crate::client::closed;
use crate::cluster;
use crate::measure::{Better, Goal, Measured};
use crate::sessions::{self, CHEAP_LOG_INS, Refreshing};
use crate::statements::pgbench_script;

use super::{measure_load, rate};

/// The number of connections on either side. Each refreshes a session of its own.
const CONNECTIONS: usize = 32;
/// The refreshes per run of the pgbench script, so that the script's own statements hardly count.
const UNROLLED: usize = 10;

/// Measures the refreshes per second of 32 connections.
///
/// # Errors
/// Fails if an answer is not a refresh, or if pgbench fails.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let url = cluster::fresh("refreshes")?;
    let data = TestData::at(url.clone());
    let connections = CONNECTIONS.to_string();
    let mut settings = CHEAP_LOG_INS.to_vec();
    settings.push(("AUTH_DATABASE__MAX_CONNECTIONS", &connections));
    let server = TestServer::start_with(&data, &settings);
    let users = sessions::register(&server.client(), 2 * CONNECTIONS)?;
    let (theirs, ours) = users.split_at(CONNECTIONS);
    let limit = Pgbench::new(&server, &data, &url, theirs)?;
    let refresh = || async {
        let grants = sessions::log_in(&server.client(), ours)?;
        cluster::run(&url, "CHECKPOINT")?;
        let clients = grants.iter().map(|grant| Refreshing::with(&grant.refresh_token));
        let load = closed(server.base(), clients, bench.warm_up, bench.run);
        Ok(rate(&measure_load("refresh-postgres", &server, bench, load).await?))
    };
    let rounds = bench.pairs("refreshes", || async { limit.run(bench) }, refresh).await?;
    Ok(vec![Measured {
        id: "refresh-postgres".to_owned(),
        name: "Refreshes, PostgreSQL".to_owned(),
        unit: "refreshes/s".to_owned(),
        better: Better::Higher,
        goal: Some(Goal::Ratio(0.8)),
        limit: "pgbench, the same statements".to_owned(),
        rounds,
        notes: vec![format!(
            "{CONNECTIONS} connections, each with a session of its own whose tokens rotate, on either side, and as many to \
             PostgreSQL; fsync and synchronous_commit are on. pgbench reads its two statements from the same files as the \
             service and runs them in prepared mode; everything shares the cores. The service refreshes concurrent requests by \
             one execution of the same statements, in one transaction; pgbench refreshes one session at a time. The service \
             also appends audit events in batches, which pgbench does not."
        )],
    }])
}

/// A session for each client of pgbench.
const OWN: &str = "
    CREATE TABLE load_sessions AS SELECT row_number() OVER () - 1 AS client, id AS session FROM sessions
    WHERE last_consumed IS NOT NULL";

/// pgbench with a script of the service's statements.
struct Pgbench {
    url: String,
    script: PathBuf,
}

impl Pgbench {
    fn new(server: &TestServer, data: &TestData, url: &str, users: &[String]) -> Result<Self> {
        for grant in sessions::log_in(&server.client(), users)? {
            // Before its first refresh, a session has consumed no credential, and a variable of pgbench cannot be null.
            refresh(server, &grant.refresh_token)?;
        }
        cluster::run(url, OWN)?;
        let script = data.path().join("refresh.sql");
        fs::write(&script, format!("{}{}", opening()?, pgbench_script(UNROLLED)))?;
        Ok(Self { url: url.to_owned(), script })
    }

    /// Returns the refreshes per second.
    fn run(&self, bench: &Bench) -> Result<f64> {
        const REFRESHED: &str = "
            SELECT count(*) FROM refresh_credentials
            WHERE session_id IN (SELECT session FROM load_sessions) AND consumed_at IS NOT NULL";
        let before: u64 = cluster::run(&self.url, REFRESHED)?.parse()?;
        cluster::run(&self.url, "CHECKPOINT")?;
        let warm_up = whole_seconds(bench.warm_up);
        let seconds = warm_up + whole_seconds(bench.run);
        let clients = CONNECTIONS.to_string();
        let output = Command::new(cluster::program("pgbench")?)
            .args(["-n", "-M", "prepared", "-P", "1", "-c", &clients, "-T", &seconds.to_string()])
            .args(["-D", "is_under_way=0", "-f"])
            .arg(&self.script)
            .arg(&self.url)
            // The service's statements have had their generic plan for a long time.
            .env("PGOPTIONS", "-c plan_cache_mode=force_generic_plan -c TimeZone=UTC")
            .output()?;
        let progress = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench: {progress}");
        let transactions =
            processed(&String::from_utf8_lossy(&output.stdout)).context("the report of pgbench")?;
        let done: u64 = cluster::run(&self.url, REFRESHED)?.parse()?;
        let refreshes = transactions * u64::try_from(UNROLLED)?;
        ensure!(done == before + refreshes, "{} of {refreshes} refreshes were done", done - before);
        let rate = rate_after(&progress, usize::try_from(warm_up)?).context("the progress of pgbench")?;
        Ok(rate * f64::from(u32::try_from(UNROLLED)?))
    }
}

/// Refreshes a token and returns its successor.
fn refresh(server: &TestServer, token: &str) -> Result<String> {
    let body = format!(r#"{{"refreshToken":"{token}"}}"#);
    let response = server.client().post("/api/v1/auth/refresh", &body);
    ensure!(response.status == 200, "a refresh: {response:?}");
    Ok(response.member("refreshToken"))
}

/// Returns the beginning of the script. The first run reads the session and its credentials. Later runs take those of the
/// previous run. Each run creates new credentials and nonces.
fn opening() -> Result<String> {
    const RANDOM: &str = "sha256(uuid_send(gen_random_uuid()))";
    let mut new = "now() AS t".to_owned();
    for number in 1..=UNROLLED {
        write!(new, ", {RANDOM} AS d{}, {RANDOM} AS n{number}", number + 1)?;
    }
    Ok(format!(
        "\\if :is_under_way
         SELECT :d{UNROLLED}::bytea AS d0, :d{}::bytea AS d1, {new} \\gset
         \\else
         SELECT session AS s, last_consumed AS d0, digest AS d1, {new} FROM load_sessions
             JOIN sessions ON id = session JOIN refresh_credentials ON session_id = session
             WHERE client = :client_id AND consumed_at IS NULL \\gset
         \\set is_under_way 1
         \\endif\n",
        UNROLLED + 1
    ))
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Reads the number of processed transactions from the report of pgbench.
fn processed(report: &str) -> Option<u64> {
    let (_, rest) = report.split_once("number of transactions actually processed: ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Returns the mean of the transactions per second after the warm-up.
fn rate_after(progress: &str, warm_up: usize) -> Option<f64> {
    let rates = progress.lines().filter_map(|line| {
        let (_, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
        rest.split_once(" tps")?.0.parse::<f64>().ok()
    });
    let rates: Vec<_> = rates.skip(warm_up).collect();
    let count = u32::try_from(rates.len()).ok().filter(|count| *count > 0)?;
    Some(rates.iter().sum::<f64>() / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_seconds_do_not_count() {
        let progress = "pgbench: note\nprogress: 1.0 s, 10.0 tps, lat 3.1 ms stddev 0.9, 0 failed\n\
                        progress: 2.0 s, 20.0 tps, lat 3.1 ms\nprogress: 3.0 s, 30.5 tps, lat 3.1 ms\n";
        assert_eq!(rate_after(progress, 1), Some(25.25));
        assert_eq!((rate_after(progress, 3), rate_after("", 0)), (None, None));
    }

    #[test]
    fn processed_transactions_are_read_from_the_report() {
        assert_eq!(processed("x\nnumber of transactions actually processed: 123\ny"), Some(123));
        assert_eq!(processed("number of transactions actually processed: 123/124"), None);
    }

    #[test]
    fn partial_seconds_are_rounded_up_for_pgbench() {
        assert_eq!(whole_seconds(Duration::from_millis(1_200)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(3)), 3);
    }
}
