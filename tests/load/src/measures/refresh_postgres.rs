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
use crate::session_pool::{MIN_WARM_UP, SessionPool};
use crate::sessions::{self, CHEAP_LOG_INS};
use crate::statements::pgbench_script;

use super::{measure_load, rate};

/// The number of connections on either side. Each refreshes sessions of its own.
const CONNECTIONS: u64 = 32;
/// The number of users who share the sessions of both sides.
const USERS: usize = 64;
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
    sessions::register(&server.client(), USERS)?;
    let pool = SessionPool::new(&data, CONNECTIONS, bench);
    let pgbench = Pgbench::new(&data, &url, pool.each())?;
    let limit = async || {
        let sessions = pool.take().await?;
        cluster::run(&url, "CHECKPOINT")?;
        pgbench.run(bench, sessions.start)
    };
    let refresh = async || {
        let clients = pool.clients().await?;
        cluster::run(&url, "CHECKPOINT")?;
        let load = closed(server.base(), clients, bench.warm_up, bench.run);
        Ok(rate(&measure_load("refresh-postgres", &server, bench, load).await?))
    };
    let rounds = bench.pairs("refreshes", limit, refresh).await?;
    Ok(vec![Measured {
        id: "refresh-postgres".to_owned(),
        name: "Refreshes, PostgreSQL".to_owned(),
        unit: "refreshes/s".to_owned(),
        better: Better::Higher,
        goal: Some(Goal::Ratio(0.8)),
        limit: "pgbench, the same statements".to_owned(),
        rounds,
        notes: vec![
            format!(
                "{CONNECTIONS} connections on either side, and as many to PostgreSQL. Each cycles over {} sessions of its own in \
                 the dialect `cookie`, whose tokens rotate. fsync and synchronous_commit are on; all processes share the cores. \
                 Each run has new sessions, with one consumed credential before and after a refresh.",
                pool.each()
            ),
            "pgbench reads its two statements from the same files as the service and runs them in prepared mode. It refreshes one \
             session per transaction. The service refreshes concurrent requests by one execution of the same statements, in \
             one transaction. The service also appends audit events in batches, which pgbench does not."
                .to_owned(),
        ],
    }])
}

/// pgbench with a script of the service's statements.
struct Pgbench {
    url: String,
    script: PathBuf,
}

impl Pgbench {
    /// Each client of pgbench refreshes this many sessions.
    fn new(data: &TestData, url: &str, each: u64) -> Result<Self> {
        let script = data.path().join("refresh.sql");
        fs::write(&script, format!("{}{}", opening(each)?, pgbench_script(UNROLLED)))?;
        Ok(Self { url: url.to_owned(), script })
    }

    /// Refreshes the sessions of a run, whose numbers begin with `first`. Returns the refreshes per second.
    fn run(&self, bench: &Bench, first: u64) -> Result<f64> {
        let warm_up = whole_seconds(bench.warm_up.max(MIN_WARM_UP));
        let seconds = warm_up + whole_seconds(bench.run);
        let clients = CONNECTIONS.to_string();
        let output = Command::new(cluster::program("pgbench")?)
            .args(["-n", "-M", "prepared", "-P", "1", "-c", &clients, "-T", &seconds.to_string()])
            .args(["-D", "position=0", "-D", &format!("first={first}"), "-f"])
            .arg(&self.script)
            .arg(&self.url)
            // The service's statements have had their generic plan for a long time.
            .env("PGOPTIONS", "-c plan_cache_mode=force_generic_plan -c TimeZone=UTC")
            .output()?;
        let progress = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench: {progress}");
        let transactions =
            processed(&String::from_utf8_lossy(&output.stdout)).context("the report of pgbench")?;
        ensure!(transactions > 0, "pgbench refreshed nothing");
        let rate = rate_after(&progress, usize::try_from(warm_up)?).context("the progress of pgbench")?;
        Ok(rate * f64::from(u32::try_from(UNROLLED)?))
    }
}

/// Returns the beginning of the script: the next sessions of the client, and a new credential for each of them.
fn opening(each: u64) -> Result<String> {
    const RANDOM: &str = "sha256(uuid_send(gen_random_uuid()))";
    let mut columns = "now() AS t".to_owned();
    for number in 1..=UNROLLED {
        write!(
            columns,
            ", sha256(decode(lpad(to_hex(:first + :client_id * {each} + (:position + {number}) % {each}), 32, '0'), 'hex')) AS f{number}, \
             {RANDOM} AS d{number}, {RANDOM} || substring({RANDOM}, 1, 24) AS c{number}"
        )?;
    }
    Ok(format!("SELECT {columns} \\gset\n\\set position (:position + {UNROLLED}) % {each}\n"))
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
