//! Response times of other requests while log-ins saturate hashing, compared with those of a bare server while bare threads
//! hash on the same cores.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::TestServer;

use crate::bench::{Bench, Store};
use crate::client::{LoadClient, LoadStats, RawResponse, SameRequest, closed, get, open, post};
use crate::limits::Limit;
use crate::limits::argon2::{Implementation, PARAMETERS};
use crate::measure::{Better, Goal, Measured, Round};
use crate::measures::{cores, measure_load, percentiles, published_key, register};
use crate::process::Process;
use crate::sessions::{LOG_IN, PASSWORD};

/// The connections that log in.
const CONNECTIONS: usize = 500;
/// Each soon has as many live sessions as a user may have, so that most log-ins end one as well.
const USERS: usize = 20;
/// The connections of those who do not log in, and how often they ask, together.
const BYSTANDER_CONNECTIONS: usize = 8;
const BYSTANDER_RATE: u32 = 200;
const PATH: &str = "/api/v1/auth/me";
/// The priority of the bare hashing threads: the nice value that the service gives its own.
const NICE: &str = "10";
/// The memory that a flood may take in addition to hashing, in KiB.
const MARGIN_KIB: u64 = 64 * 1_024;
/// The longest time until the answer to a login that the service cannot take.
const MAX_RESPONSE_TIME: Duration = Duration::from_millis(3_500);

/// On each store.
///
/// # Errors
/// When a request is answered as none should be.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for store in Store::ALL {
        measured.push(on(store, bench).await?);
    }
    Ok(measured)
}

async fn on(store: Store, bench: &Bench) -> Result<Measured> {
    let data = store.test_data()?;
    let flood = Flood::prepare(TestServer::start(&data))?;
    let id = format!("flood-{}", store.id());
    let mut alone = Vec::new();
    let limit = async || {
        let idle = flood.others(bench).await?;
        let bare = flood.bare(bench).await?;
        let mut detail = percentiles("bare server during bare hashing", &bare);
        detail.extend(percentiles("idle", &idle));
        alone.push(detail);
        Ok(bare.percentile_ms(99.0))
    };
    let ours = async || {
        let log_ins = measure_load(&id, &flood.server, bench, flood.log_ins(bench));
        let (others, log_ins) = tokio::try_join!(flood.others(bench), log_ins)?;
        Ok(round(&others, &log_ins.stats))
    };
    let mut rounds = bench.pairs(&format!("/me p99 in a flood, {store}"), limit, ours).await?;
    for (round, alone) in rounds.iter_mut().zip(alone) {
        round.detail.extend(alone);
    }
    let Resident { idle_kib, most_kib, bound_kib } = flood.resident()?;
    ensure!(most_kib <= bound_kib, "{most_kib} KiB resident, and {bound_kib} KiB were promised");
    Ok(Measured {
        id: id.clone(),
        name: format!("`{PATH}` p99 in a flood of log-ins, {store}"),
        unit: "ms".to_owned(),
        better: Better::Lower,
        goal: Some(Goal::Ratio(1.2)),
        limit: "the same p99 of a bare actix-web handler that verifies the signature of the same token, while as many bare \
                threads hash on the same cores"
            .to_owned(),
        rounds,
        notes: vec![
            format!(
                "An open loop of {BYSTANDER_RATE} requests a second over {BYSTANDER_CONNECTIONS} connections; a time counts from when the request \
                 was due. Meanwhile {CONNECTIONS} connections log in as fast as they are answered, as {USERS} users, \
                 half of them with a wrong password. 200, 401 and 503 with `Retry-After` are allowed; any other response \
                 would have failed the run."
            ),
            format!(
                "The limit answers the same open loop. Meanwhile another program computes Argon2id in a bare loop, with a thread \
                 for each core and the nice value {NICE}, as the service's own hashing threads have it. The limit shows what \
                 the scheduler leaves to any server on these cores. Idle: the service without log-ins, measured before it."
            ),
            format!("Resident: {idle_kib} KiB when idle, {most_kib} KiB at most, {bound_kib} KiB promised."),
        ],
    })
}

/// What others saw, and how the log-ins meanwhile were answered.
#[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^53 responses")]
fn round(others: &LoadStats, log_ins: &LoadStats) -> Round {
    let mut detail = percentiles("flooded", others);
    detail.insert("slowest log-in answer ms".to_owned(), log_ins.percentile_ms(100.0));
    for status in [200, 401, 503] {
        let count = log_ins.statuses.get(&status).copied().unwrap_or_default() as f64;
        detail.insert(format!("{status}/s"), count / log_ins.elapsed.as_secs_f64());
    }
    Round { limit: None, ours: others.percentile_ms(99.0), detail }
}

/// A server with users who log in and a bystander who does not.
#[derive(Debug)]
pub struct Flood {
    server: TestServer,
    idle_kib: u64,
    token: String,
}

/// The resident set of the server, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Resident {
    /// Before the first request.
    pub idle_kib: u64,
    /// The most until now.
    pub most_kib: u64,
    /// The most that was promised: idle, a hash for each worker, and 64 MiB.
    pub bound_kib: u64,
}

impl Flood {
    /// Registers everybody at a server that has just been started.
    ///
    /// # Errors
    /// When this is not Linux.
    pub fn prepare(server: TestServer) -> Result<Self> {
        let idle_kib = Process::new(server.process_id()).resident_kib()?;
        let client = server.client();
        for user in 0..USERS {
            register(&client, &format!("user{user}"))?;
        }
        register(&client, "bystander")?;
        let token = client.post(LOG_IN, &credentials("bystander", PASSWORD)).member("accessToken");
        Ok(Self { server, idle_kib, token })
    }

    /// Everybody logs in until the time of a run is over.
    ///
    /// # Errors
    /// When an answer is neither 200, 401 nor 503 with `Retry-After`, or takes too long.
    pub async fn log_ins(&self, bench: &Bench) -> Result<LoadStats> {
        let clients = (0..CONNECTIONS).map(LogIns::of);
        let stats = closed(self.server.base(), clients, bench.warm_up, bench.run).await?;
        let slowest = stats.percentile_ms(100.0);
        ensure!(slowest <= MAX_RESPONSE_TIME.as_secs_f64() * 1e3, "a log-in was answered after {slowest} ms");
        Ok(stats)
    }

    /// What others see in the time of a run.
    ///
    /// # Errors
    /// When one is not answered 200.
    pub async fn others(&self, bench: &Bench) -> Result<LoadStats> {
        self.others_at(self.server.base(), bench).await
    }

    async fn others_at(&self, base: &str, bench: &Bench) -> Result<LoadStats> {
        let (base, warm_up, run) = (base.to_owned(), bench.warm_up, bench.run);
        let clients = vec![SameRequest(get(PATH, &self.token)); BYSTANDER_CONNECTIONS];
        tokio::task::spawn_blocking(move || open(&base, clients, BYSTANDER_RATE, warm_up, run)).await?
    }

    /// What others see of a bare server, while as many bare threads as the service has hash on the same cores.
    ///
    /// # Errors
    /// If an answer is not 200, or if the threads did not hash until the end.
    async fn bare(&self, bench: &Bench) -> Result<LoadStats> {
        let client = self.server.client();
        let body = client.get(PATH, Some(&self.token)).body;
        let mut limiting = Limit::start(&[], &["bearer", &published_key(&client)?, &body])?;
        let base = limiting.line()?;
        let (implementation, threads) = (Implementation::Simd.to_string(), cores().to_string());
        // Longer than the measurement: the load is stopped at its end.
        let seconds = (2 * (bench.warm_up + bench.run)).as_secs_f64().to_string();
        let mut hashing =
            Limit::start(&["nice", "-n", NICE], &["hash", &implementation, &threads, &seconds])?;
        let stats = self.others_at(&base, bench).await?;
        ensure!(hashing.is_running()?, "the cores were not kept hashing");
        Ok(stats)
    }

    /// What the server has taken.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resident(&self) -> Result<Resident> {
        let process = Process::new(self.server.process_id());
        let workers = u64::try_from(process.threads("hash-")?)?;
        ensure!(workers > 0, "no thread is named as one that hashes");
        let bound_kib = self.idle_kib + workers * u64::from(PARAMETERS.0) + MARGIN_KIB;
        Ok(Resident { idle_kib: self.idle_kib, most_kib: process.peak_resident_kib()?, bound_kib })
    }
}

fn credentials(user: &str, password: &str) -> String {
    format!(r#"{{"email":"{user}","password":"{password}"}}"#)
}

/// One who logs in with the right and the wrong password in turn.
struct LogIns {
    requests: [Vec<u8>; 2],
    is_wrong: bool,
}

impl LogIns {
    fn of(number: usize) -> Self {
        let user = format!("user{}", number % USERS);
        let requests = [PASSWORD, "P@ssw0rd?"].map(|password| post(LOG_IN, &credentials(&user, password)));
        Self { requests, is_wrong: number / USERS % 2 == 1 }
    }
}

impl LoadClient for LogIns {
    fn request(&mut self) -> &[u8] {
        self.is_wrong = !self.is_wrong;
        &self.requests[usize::from(self.is_wrong)]
    }

    fn is_expected(&mut self, response: &RawResponse<'_>) -> bool {
        match response.status {
            200 => !self.is_wrong,
            401 => self.is_wrong,
            503 => response.header("retry-after").is_some(),
            _ => false,
        }
    }
}
