//! Checks that concurrent, repeated and lost refreshes never end a session, and that a replay ends only its own.
//!
//! It runs on every store, for pairs of tokens and for tokens that renew themselves. Each credential is presented 64 times
//! at once. Some of the clients continue at once with the token that they received, while duplicates of older requests are
//! still in flight. Then all clients present the first credential again, and all get the current one. After the retry
//! window, the first credential ends its session. For some credentials, the server is killed between any two steps.
//!
//! With `lost`, clients lose the answers to their refreshes instead: see [`LostResponses`].
//!
//! ```sh
//! cargo bench -p e2e --bench refresh_storm -- 1000         # credentials of each kind on each store; some minutes
//! cargo bench -p e2e --bench refresh_storm -- lost 1000    # lost responses of each kind on each store
//! ```
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::expect_used, reason = "a panic is how it fails")]

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use e2e::{
    Connection, Grant, LostResponses, Random, Response, RotatingDialect, TestData, TestServer, arguments,
};
use test_postgres::TestPostgres;

const CREDENTIALS: usize = 1_000;
/// How often a credential is presented at once.
const AT_ONCE: usize = 64;
/// The credentials of one user, which go through each step together.
const BATCH: usize = 250;
/// The credentials that see the server killed.
const KILLED: usize = 50;
/// The sessions that lose their responses at the same time.
const LOSING_SESSIONS: usize = 50;

/// Logins cost as little as they may, and a user keeps more sessions than a batch has. On a machine that is so loaded that
/// the store seems to be unreachable, the retry window must not grow.
const SETTINGS: [(&str, &str); 5] = [
    ("AUTH_HASHING__MEMORY_KIB", "12288"),
    ("AUTH_HASHING__ITERATIONS", "3"),
    ("AUTH_SESSION__MAX_LIVE", "1000"),
    ("AUTH_TOKEN__OUTAGE_GRACE_SECONDS", "0"),
    ("AUTH_LOG__LEVEL", "warn"),
];
/// The default retry window.
const WINDOW: (&str, Duration) = ("10", Duration::from_secs(10));
/// The longest retry window. All steps until the replay take less time, in spite of two restarts.
const LONG_WINDOW: (&str, Duration) = ("30", Duration::from_secs(30));

/// Numbers of live sessions and of users. The other sessions were ended by a replay, and each user has one that was not.
const LIVE: &str =
    "SELECT (SELECT count(*) FROM sessions WHERE ended_at IS NULL), (SELECT count(*) FROM accounts)";

fn main() {
    let number = arguments().next();
    if std::env::args().any(|argument| argument == "lost") {
        lose_responses(number.unwrap_or(CREDENTIALS));
    } else {
        storm(number.unwrap_or(CREDENTIALS));
    }
}

fn store_name(data: &TestData) -> &'static str {
    data.database_url().map_or("SQLite", |_| "PostgreSQL")
}

fn lose_responses(rounds: usize) {
    println!("{rounds} lost responses of each kind, in {LOSING_SESSIONS} sessions at once");
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &SETTINGS);
        let client = server.client();
        assert_eq!(client.register("john").status, 201);
        for dialect in RotatingDialect::ALL {
            let sessions: Vec<_> = (0..LOSING_SESSIONS).map(|_| dialect.log_in(&client, "john")).collect();
            let result = LostResponses::run(&server, dialect, sessions, rounds.div_ceil(LOSING_SESSIONS));
            let name = format!("{}, {dialect:?}", store_name(&data));
            println!(
                "{name:24} {:>6} rounds: {} lost sessions; {} retries were first limited or not served",
                result.rounds, result.lost_sessions, result.delayed
            );
            assert_eq!(result.lost_sessions, 0);
            assert!(result.rounds >= rounds);
        }
    }
}

fn storm(credentials: usize) {
    println!("{credentials} credentials of each kind, each presented {AT_ONCE} times at once");
    for data in TestData::on_every_store() {
        for dialect in RotatingDialect::ALL {
            let name = format!("{}, {dialect:?}", store_name(&data));
            let mut run = RefreshStorm::new(&data, dialect, WINDOW);
            let mut total = StormResult::default();
            for first in (0..credentials).step_by(BATCH) {
                let count = BATCH.min(credentials - first);
                let result = run.run(&format!("{dialect:?}{first}"), count, false);
                total.time += result.time;
                total.requests += result.requests;
                total.limited += result.limited;
            }
            let rate = f64::from(u32::try_from(total.requests).expect("a number")) / total.time.as_secs_f64();
            println!(
                "{name:24} {credentials:>6} credentials: {} refreshes, {rate:.0}/s, {} of them limited; 0 sessions \
                 revoked, one current credential each",
                total.requests, total.limited
            );
            drop(run);
            let killed = credentials.min(KILLED);
            RefreshStorm::new(&data, dialect, LONG_WINDOW).run(&format!("{dialect:?}Killed"), killed, true);
            println!("{name:24} {killed:>6} credentials: the server killed after each step");
        }
        if let Some(url) = data.database_url() {
            let users = RotatingDialect::ALL.len() * (credentials.div_ceil(BATCH) + 1);
            let live = TestPostgres::shared().query(url, LIVE);
            assert_eq!(live, Ok(format!("{users}|{users}")), "live sessions and users");
        }
    }
    println!("Each replay ended its own session and no other.");
}

#[derive(Clone, Copy, Default)]
struct StormResult {
    time: Duration,
    requests: usize,
    limited: usize,
}

/// A session during a storm.
struct TestSession {
    /// The credential that the clients present at once.
    first: String,
    /// The tokens that every client gets after the storm.
    current: Mutex<Option<Grant>>,
}

impl TestSession {
    /// Compares the answer to a repeated request with those of the other clients.
    fn agree(&self, grant: Grant) -> Result<(), String> {
        let mut current = self.current.lock().expect("no panic");
        match &*current {
            Some(other) if other.id() != grant.id() => Err("two current credentials".to_owned()),
            _ => {
                *current = Some(grant);
                Ok(())
            }
        }
    }
}

/// A refresh that was limited. It is repeated when its time has come.
struct Limited<'a> {
    at: Instant,
    session: &'a TestSession,
    token: String,
}

/// A server that can be killed and comes back.
struct RefreshStorm<'a> {
    data: &'a TestData,
    dialect: RotatingDialect,
    window: (&'static str, Duration),
    server: TestServer,
}

impl<'a> RefreshStorm<'a> {
    fn new(data: &'a TestData, dialect: RotatingDialect, window: (&'static str, Duration)) -> Self {
        Self { data, dialect, window, server: Self::start(data, window) }
    }

    fn start(data: &TestData, (seconds, _): (&'static str, Duration)) -> TestServer {
        TestServer::start_with(
            data,
            &[&SETTINGS[..], &[("AUTH_TOKEN__RETRY_GRACE_SECONDS", seconds)]].concat(),
        )
    }

    /// Has a new user's credentials go through every step.
    fn run(&mut self, user: &str, credentials: usize, killing: bool) -> StormResult {
        let client = self.server.client();
        assert_eq!(client.register(user).status, 201);
        let bystander = self.dialect.log_in(&client, user);
        let log_in = |_| TestSession {
            first: self.dialect.log_in(&client, user).refresh_token,
            current: Mutex::default(),
        };
        let sessions: Vec<_> = (0..credentials).map(log_in).collect();
        let result = self.storm(&sessions, !killing);
        let (first, current): (Vec<_>, Vec<_>) = sessions
            .into_iter()
            .map(|session| (session.first, session.current.into_inner().expect("no panic")))
            .map(|(first, current)| (first, current.expect("answers")))
            .unzip();
        if killing {
            self.kill();
            self.retry(&first, &current);
            self.kill();
        }
        let last = self.use_up(&current);
        if killing {
            self.kill();
            // Along the chain of two rotations.
            self.retry(&first, &last);
            self.kill();
        }
        self.assert_live(&last);
        sleep(self.window.1 + Duration::from_secs(1));
        self.replay(&first, &last);
        if killing {
            self.kill();
        }
        self.assert_ended(&last, &bystander);
        result
    }

    fn kill(&mut self) {
        self.server.signal("KILL");
        self.server = Self::start(self.data, self.window);
    }

    fn connect(&self) -> Connection {
        Connection::open(self.server.base())
    }

    /// Presents each credential many times at once.
    fn storm(&self, sessions: &[TestSession], continuing: bool) -> StormResult {
        let barrier = Barrier::new(AT_ONCE);
        let (requests, limited) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let clients: Vec<_> = (0..AT_ONCE)
            .map(|_| StormClient {
                storm: self,
                connection: self.connect(),
                random: Random::new(),
                requests: &requests,
                limited: &limited,
                continuing,
            })
            .collect();
        let started = Instant::now();
        let errors: Vec<_> = scope(|scope| {
            let barrier = &barrier;
            let threads: Vec<_> = clients
                .into_iter()
                .map(|client| scope.spawn(move || client.run(barrier, sessions)))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("ended")).collect()
        });
        let time = started.elapsed();
        assert!(errors.is_empty(), "{} errors: {:?}", errors.len(), &errors[..errors.len().min(5)]);
        StormResult { time, requests: requests.into_inner(), limited: limited.into_inner() }
    }

    fn refreshed(&self, token: &str) -> Grant {
        let response = self.dialect.refresh_patiently(self.server.base(), token).expect("an answer");
        self.dialect.refreshed(&response)
    }

    /// Presents each credential again, as if the answers had been lost. The answers are the current credentials.
    fn retry(&self, credentials: &[String], current: &[Grant]) {
        for (credential, current) in credentials.iter().zip(current) {
            assert_eq!(self.refreshed(credential).id(), current.id(), "two current credentials");
        }
    }

    fn use_up(&self, current: &[Grant]) -> Vec<Grant> {
        current.iter().map(|grant| self.refreshed(&grant.refresh_token)).collect()
    }

    fn assert_live(&self, grants: &[Grant]) {
        let mut connection = self.connect();
        let revoked = grants.iter().filter(|grant| open(&mut connection, grant) != 200).count();
        assert_eq!(revoked, 0, "sessions are revoked");
    }

    /// Presents what was used before. It is refused, and its session, which was live until then, is over.
    fn replay(&self, credentials: &[String], last: &[Grant]) {
        let mut connection = self.connect();
        for (credential, grant) in credentials.iter().zip(last) {
            assert_eq!(open(&mut connection, grant), 200, "ended by the replay of another");
            let replay = self.dialect.refresh(&mut connection, credential).expect("an answer");
            assert_eq!(replay.status, 401, "a replay: {replay:?}");
            assert_eq!(open(&mut connection, grant), 401, "after a replay");
        }
    }

    /// The replayed sessions are over, and another of the same user is not.
    fn assert_ended(&self, last: &[Grant], bystander: &Grant) {
        let mut connection = self.connect();
        for grant in last {
            assert_eq!(open(&mut connection, grant), 401, "after a replay");
            let refused = self.dialect.refresh(&mut connection, &grant.refresh_token).expect("an answer");
            assert_eq!(refused.status, 401, "of an ended session: {refused:?}");
        }
        let renewed = self.refreshed(&bystander.refresh_token);
        assert_eq!(open(&mut connection, &renewed), 200, "another session, refreshed");
    }
}

/// The status of a request with the access token.
fn open(connection: &mut Connection, grant: &Grant) -> u16 {
    connection.get("/v1/protected/resource", &grant.access_token).expect("an answer").status
}

/// One of the clients that present each credential at once.
struct StormClient<'a> {
    storm: &'a RefreshStorm<'a>,
    connection: Connection,
    random: Random,
    requests: &'a AtomicUsize,
    limited: &'a AtomicUsize,
    continuing: bool,
}

impl StormClient<'_> {
    /// Returns what went wrong. A failure is not raised here, because the other threads would wait at the barrier forever.
    fn run(mut self, barrier: &Barrier, sessions: &[TestSession]) -> Vec<String> {
        let (mut waiting, mut errors) = (Vec::new(), Vec::new());
        for session in sessions {
            // All clients agree on the sessions before this one.
            barrier.wait();
            let due = waiting.extract_if(.., |limited: &mut Limited<'_>| limited.at <= Instant::now());
            let due: Vec<_> = due.collect();
            errors.extend(due.into_iter().filter_map(|limited| self.finish(&limited).err()));
            match self.present(session) {
                Ok(limited) => waiting.extend(limited),
                Err(error) => errors.push(error),
            }
            barrier.wait();
            errors.extend(self.present_again(session).err());
        }
        for limited in waiting {
            sleep(limited.at.saturating_duration_since(Instant::now()));
            errors.extend(self.finish(&limited).err());
        }
        errors
    }

    fn refresh(&mut self, token: &str) -> Result<Response, String> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.storm.dialect.refresh(&mut self.connection, token).map_err(|error: io::Error| error.to_string())
    }

    /// Presents the first credential, and continues at once with what it receives, as often as chance has it. Returns the
    /// refresh that was limited, if one was.
    fn present<'s>(&mut self, session: &'s TestSession) -> Result<Option<Limited<'s>>, String> {
        let mut further = 0;
        if self.continuing {
            // Late clients present the first credential while others are several rotations ahead.
            if self.random.below(4) == 0 {
                sleep(self.random.duration(Duration::from_millis(10)));
            }
            if self.random.below(8) == 0 {
                further = 1 + self.random.below(3);
            }
            // One client in 64 is so eager that the session is limited sooner or later.
            if self.random.below(64) == 0 {
                further = 20;
            }
        }
        let mut token = session.first.clone();
        for _ in 0..=further {
            let response = self.refresh(&token)?;
            if let Some(wait) = response.retry_after() {
                self.limited.fetch_add(1, Ordering::Relaxed);
                return Ok(Some(Limited { at: Instant::now() + wait, session, token }));
            }
            token = self.read(&response)?.refresh_token;
        }
        Ok(None)
    }

    /// Presents the first credential once more. The answer is the current credential, and no other client rotates it now.
    fn present_again(&mut self, session: &TestSession) -> Result<(), String> {
        let mut response = self.refresh(&session.first)?;
        if response.retry_after().is_some() {
            response = self.patiently(&session.first)?;
        }
        session.agree(self.read(&response)?)
    }

    /// Repeats a refresh that was limited. Its token was current then, and stayed so while the session was limited. All
    /// clients that were limited get the same successor, which replaces the current credential.
    fn finish(&mut self, limited: &Limited<'_>) -> Result<(), String> {
        let response = self.patiently(&limited.token)?;
        let grant = self.read(&response)?;
        if limited.token != limited.session.first {
            *limited.session.current.lock().expect("no panic") = Some(grant);
        }
        Ok(())
    }

    fn patiently(&self, token: &str) -> Result<Response, String> {
        self.storm
            .dialect
            .refresh_patiently(self.storm.server.base(), token)
            .map_err(|error| error.to_string())
    }

    fn read(&self, response: &Response) -> Result<Grant, String> {
        if response.status != 200 {
            return Err(format!("a session is lost: {response:?}"));
        }
        Ok(self.storm.dialect.refreshed(response))
    }
}
