//! Checks that a refresh credential has one successor, even if many clients present it at the same time.
//!
//! It runs on every store, for tokens that rotate and for tokens that renew themselves. Each credential is presented 64
//! times at once, then once more as after a lost answer, and again after its successor was used. For some credentials,
//! the server is killed and started again in between.
//!
//! ```sh
//! cargo bench -p e2e --bench refresh_storm -- 1000    # credentials of each kind on each store; some minutes
//! ```
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::expect_used, reason = "a panic is how it fails")]

use std::io;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Client, Connection, Response, TestData, TestServer, arguments, claims};
use test_postgres::TestPostgres;

const CREDENTIALS: usize = 1_000;
/// How often a credential is presented at once.
const AT_ONCE: usize = 64;
/// The credentials of one user, which go through each step together; as many see the server killed.
const BATCH: usize = 50;

/// Logins cost as little as they may; a user keeps a session more than a batch; a batch takes less than the grace.
const SETTINGS: [(&str, &str); 5] = [
    ("AUTH_HASHING__MEMORY_KIB", "12288"),
    ("AUTH_HASHING__ITERATIONS", "3"),
    ("AUTH_SESSION__MAX_LIVE", "100"),
    ("AUTH_TOKEN__RETRY_GRACE_SECONDS", "30"),
    ("AUTH_LOG__LEVEL", "warn"),
];

/// Sessions on which no credential, or more than one, could be used next.
const FORKED: &str = "
    SELECT count(*) FROM (
        SELECT FROM refresh_credentials
        GROUP BY session_id HAVING count(*) FILTER (WHERE consumed_at IS NULL) <> 1
    ) AS forked";

fn main() {
    let credentials = arguments().next().unwrap_or(CREDENTIALS);
    println!("{credentials} credentials of each kind, each presented {AT_ONCE} times at once");
    for data in TestData::on_every_store() {
        let store = data.database_url().map_or("SQLite", |_| "PostgreSQL");
        for kind in [Kind::Rotating, Kind::SelfRenewing] {
            let name = format!("{store}, {kind:?}");
            let mut storm_run = RefreshStorm::new(&data, kind);
            let times = (0..credentials).step_by(BATCH).map(|first| {
                let last = credentials.min(first + BATCH);
                storm_run.run(&format!("{kind:?}{first}"), last - first, false)
            });
            let rate = rate(credentials, times.sum());
            println!("{name:24} {credentials:>6} credentials: {rate:.0} refreshes/s");
            let killed = credentials.min(BATCH);
            storm_run.run(&format!("{kind:?}Killed"), killed, true);
            println!("{name:24} {killed:>6} credentials: the server killed after each step");
        }
        if let Some(url) = data.database_url() {
            assert_eq!(TestPostgres::shared().query(url, FORKED).as_deref(), Ok("0"), "forked sessions");
        }
    }
    println!("Each had one successor; each replay ended its own session and no other.");
}

/// Refreshes a second.
fn rate(credentials: usize, time: Duration) -> f64 {
    u32::try_from(credentials * AT_ONCE).map_or(f64::INFINITY, f64::from) / time.as_secs_f64()
}

/// How a session is refreshed.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// With a token that is replaced at each refresh: `token_pair`.
    Rotating,
    /// With its access token: `single_token`.
    SelfRenewing,
}

/// What a session's owner holds.
#[derive(Clone)]
struct Grant {
    access_token: String,
    credential: String,
}

impl Kind {
    fn log_in(self, client: &Client, user: &str) -> Grant {
        let path = match self {
            Self::Rotating => "/api/v1/auth/login",
            Self::SelfRenewing => "/v1/auth/login",
        };
        let response = client.post(path, &format!(r#"{{"email":"{user}","password":"P@ssw0rd!"}}"#));
        assert_eq!(response.status, 200, "{response:?}");
        self.grant(&response, "acc_token")
    }

    fn refresh(self, connection: &mut Connection, credential: &str) -> io::Result<Response> {
        let (path, member) = match self {
            Self::Rotating => ("/api/v1/auth/refresh", "refreshToken"),
            Self::SelfRenewing => ("/v1/auth/refresh", "ref_token"),
        };
        connection.post(path, &format!(r#"{{"{member}":"{credential}"}}"#))
    }

    fn refreshed(self, connection: &mut Connection, credential: &str) -> Grant {
        self.granted(&self.refresh(connection, credential).expect("an answer"))
    }

    fn granted(self, response: &Response) -> Grant {
        assert_eq!(response.status, 200, "a refresh: {response:?}");
        self.grant(response, "token")
    }

    /// `single` is the member of the one token where there is one.
    fn grant(self, response: &Response, single: &str) -> Grant {
        let (access_token, credential) = match self {
            Self::Rotating => ("accessToken", "refreshToken"),
            Self::SelfRenewing => (single, single),
        };
        Grant { access_token: response.member(access_token), credential: response.member(credential) }
    }

    /// What tells a credential from another.
    fn identity(self, grant: &Grant) -> String {
        match self {
            Self::Rotating => grant.credential.clone(),
            Self::SelfRenewing => claims(&grant.credential)["jti"].as_str().expect("a jti").to_owned(),
        }
    }
}

/// A server that can be killed and comes back.
struct RefreshStorm<'a> {
    data: &'a TestData,
    kind: Kind,
    server: TestServer,
}

impl<'a> RefreshStorm<'a> {
    fn new(data: &'a TestData, kind: Kind) -> Self {
        Self { data, kind, server: TestServer::start_with(data, &SETTINGS) }
    }

    /// Has a new user's credentials go through every step; the time for which they were presented at once.
    fn run(&mut self, user: &str, credentials: usize, killing: bool) -> Duration {
        let client = self.server.client();
        assert_eq!(client.register(user).status, 201);
        let bystander = self.kind.log_in(&client, user);
        let first: Vec<_> = (0..credentials).map(|_| self.kind.log_in(&client, user).credential).collect();
        let (successors, time) = self.storm(&first);
        self.next(killing);
        self.retry(&first, &successors);
        self.next(killing);
        let last = self.use_up(&successors);
        self.next(killing);
        self.replay(&first, &last);
        self.next(killing);
        self.find_ended(&last, &bystander);
        time
    }

    fn next(&mut self, killing: bool) {
        if killing {
            self.server.signal("KILL");
            self.server = TestServer::start_with(self.data, &SETTINGS);
        }
    }

    fn connect(&self) -> Connection {
        Connection::open(self.server.base())
    }

    /// Presents each credential many times at once: all get the one successor.
    fn storm(&self, credentials: &[String]) -> (Vec<Grant>, Duration) {
        let connections: Vec<_> = (0..AT_ONCE).map(|_| self.connect()).collect();
        let (kind, barrier) = (self.kind, Barrier::new(AT_ONCE));
        let started = Instant::now();
        let responses: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = connections
                .into_iter()
                .map(|connection| scope.spawn(|| present_all(kind, connection, &barrier, credentials)))
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("ended")).collect()
        });
        let time = started.elapsed();
        let successors = (0..credentials.len())
            .map(|number| self.only_successor(responses.iter().map(|responses| &responses[number])));
        (successors.collect(), time)
    }

    fn only_successor<'b>(&self, responses: impl Iterator<Item = &'b io::Result<Response>>) -> Grant {
        let mut grants = responses.map(|response| self.kind.granted(response.as_ref().expect("an answer")));
        let first = grants.next().expect("a first answer");
        grants.for_each(|grant| self.assert_same(&grant, &first));
        first
    }

    fn assert_same(&self, one: &Grant, other: &Grant) {
        assert_eq!(self.kind.identity(one), self.kind.identity(other), "two successors of one credential");
    }

    /// As if the answers had been lost: the same successors again.
    fn retry(&self, credentials: &[String], successors: &[Grant]) {
        let mut connection = self.connect();
        for (credential, successor) in credentials.iter().zip(successors) {
            self.assert_same(&self.kind.refreshed(&mut connection, credential), successor);
        }
    }

    fn use_up(&self, successors: &[Grant]) -> Vec<Grant> {
        let mut connection = self.connect();
        successors.iter().map(|grant| self.kind.refreshed(&mut connection, &grant.credential)).collect()
    }

    /// Presents what was used before: refused, and its session, which lived until then, is over.
    fn replay(&self, credentials: &[String], last: &[Grant]) {
        let mut connection = self.connect();
        for (credential, grant) in credentials.iter().zip(last) {
            assert_eq!(opens(&mut connection, grant), 200, "ended by the replay of another");
            let replay = self.kind.refresh(&mut connection, credential).expect("an answer");
            assert_eq!(replay.status, 401, "a replay: {replay:?}");
            assert_eq!(opens(&mut connection, grant), 401, "after a replay");
        }
    }

    /// The replayed sessions are over, and another of the same user is not.
    fn find_ended(&self, last: &[Grant], bystander: &Grant) {
        let mut connection = self.connect();
        for grant in last {
            assert_eq!(opens(&mut connection, grant), 401, "after a replay");
            let refused = self.kind.refresh(&mut connection, &grant.credential).expect("an answer");
            assert_eq!(refused.status, 401, "of an ended session: {refused:?}");
        }
        assert_eq!(opens(&mut connection, bystander), 200, "another session");
        let renewed = self.kind.refreshed(&mut connection, &bystander.credential);
        assert_eq!(opens(&mut connection, &renewed), 200, "another session, refreshed");
    }
}

/// What the access token is answered with.
fn opens(connection: &mut Connection, grant: &Grant) -> u16 {
    connection.get("/v1/protected/resource", &grant.access_token).expect("an answer").status
}

/// Presents each credential when all threads are ready. A failure is not raised here, because the other threads would
/// wait at the barrier forever.
fn present_all(
    kind: Kind,
    mut connection: Connection,
    barrier: &Barrier,
    credentials: &[String],
) -> Vec<io::Result<Response>> {
    let mut responses = Vec::new();
    for credential in credentials {
        barrier.wait();
        responses.push(kind.refresh(&mut connection, credential));
    }
    responses
}
