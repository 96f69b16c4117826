//! What ten million users cost: the same work on a store of ten thousand and on one of ten million, by turns.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use auth_domain::model::{IdentifierKey, UserId, UserNumber, UserRef};
use auth_domain::ports::UserRepository as _;
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use e2e::{Connection, TestData, TestServer};

use crate::bench::Bench;
use crate::big_store::BigStore;
use crate::cluster;
use crate::cores::CorePinning;
use crate::measure::{Better, Goal, Measured, Round, Spread};
use crate::sessions::{self, CHEAP_LOG_INS, Grant};

const SMALL: u64 = 10_000;
const BIG: u64 = 10_000_000;

/// How often something is done in a round, each time for another user.
const REPETITIONS: u64 = 500;
/// How often where it takes as long as a hash.
const HASHING_REPETITIONS: u64 = 50;
/// The users who are logged in. Each is refreshed once in a round: a session may rotate only 16 times within 10 seconds.
const ACTIVE: u64 = REPETITIONS;
/// The users on a page.
const PAGE: u32 = 100;

/// What is done. Look-ups and lists are done in the store itself: over HTTP, hashing would hide the look-up of a log-in,
/// and no dialect lists users.
const KINDS: [(&str, &str); 9] = [
    ("look-up-email", "Look-up by e-mail address"),
    ("look-up-username", "Look-up by username"),
    ("look-up-id", "Look-up by id"),
    ("list-first", "List page, the first"),
    ("list-middle", "List page, in the middle"),
    ("list-last", "List page, the last"),
    ("refresh", "Refresh"),
    ("me", "GET /me"),
    (LOGIN, "Log-in, cheapest parameters"),
];
const LOGIN: &str = "log-in";

/// The median time of each kind of work, on the small store and on the big one.
///
/// # Errors
/// When a store cannot be filled, or an answer is not as it should be.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let mut pinning = CorePinning::begin()?;
    let (mut small, mut big) = (ScaleFixture::of(SMALL, &mut pinning)?, ScaleFixture::of(BIG, &mut pinning)?);
    let mut measured = Vec::new();
    for (id, name) in KINDS {
        // A server does not wait for long for the first request of a connection.
        small.connect();
        big.connect();
        let turns = if id == LOGIN { HASHING_REPETITIONS } else { REPETITIONS };
        let mut rounds = Vec::new();
        // The first round is not counted. In it, PostgreSQL plans the statements and its processes map the pages of these
        // users. A process that has served for a while has mapped them all.
        for _ in 0..=bench.rounds {
            let (mut in_small, mut in_big) = (Vec::new(), Vec::new());
            for turn in 0..turns {
                let number = scattered(turn);
                in_small.push(small.once(id, turn, number).await?);
                in_big.push(big.once(id, turn, number).await?);
            }
            let (limit, ours) = (median(in_small)?, median(in_big)?);
            rounds.push(Round { limit: Some(limit), ours, detail: BTreeMap::new() });
        }
        rounds.remove(0);
        let goal = (id != LOGIN).then_some(Goal::Ratio(1.2));
        measured.push(measured_from(id, name, rounds, &big.store, &pinning, goal));
    }
    Ok(measured)
}

fn median(times: Vec<f64>) -> Result<f64> {
    Ok(Spread::of(times).context("nothing was done")?.median)
}

fn measured_from(
    id: &str,
    name: &str,
    rounds: Vec<Round>,
    big: &BigStore,
    pinning: &CorePinning,
    goal: Option<Goal>,
) -> Measured {
    Measured {
        id: format!("scale-{id}"),
        name: format!("{name}, 10,000,000 users against 10,000, PostgreSQL"),
        unit: "ms".to_owned(),
        better: Better::Lower,
        goal,
        limit: "the same on 10,000 users".to_owned(),
        rounds,
        notes: vec![format!(
            "Medians of single requests, alternately on each store, for users from all parts of it. The big store has {} MiB and a session for \
             every fifth user, all of it in the memory of the machine, a quarter of \
             which is PostgreSQL's, as its documentation advises. {}",
            big.bytes >> 20,
            pinning.described()
        )],
    }
}

/// A store, a service on it, and users who are logged in.
struct ScaleFixture {
    store: BigStore,
    adapter: PostgresStore,
    connection: Connection,
    users: Vec<String>,
    grants: Vec<Grant>,
    first: i64,
    last: i64,
    server: TestServer,
}

impl ScaleFixture {
    fn of(users: u64, pinning: &mut CorePinning) -> Result<Self> {
        let store = BigStore::of(users)?;
        read_into_memory(&store.url)?;
        let adapter = PostgresStore::connect(&PostgresSettings::new(store.url.clone()))?;
        // As old as the store is, nothing in it is ever over.
        let mut settings = CHEAP_LOG_INS.to_vec();
        settings.extend([
            ("AUTH_SESSION__IDLE_SECONDS", "31622400"),
            ("AUTH_SESSION__ABSOLUTE_SECONDS", "31622400"),
        ]);
        let data = TestData::at(store.url.clone());
        pinning.keep_store(&data)?;
        let server = TestServer::start_under(pinning.server(), &data, &settings);
        server.wait_until_ready();
        let users: Vec<_> = (0..ACTIVE).map(|number| store.email(scattered(number))).collect();
        let grants = sessions::log_in(&server.client(), &users)?;
        let first = cluster::run(&store.url, "SELECT min(number) FROM accounts")?.parse()?;
        let last = cluster::run(&store.url, "SELECT max(number) FROM accounts")?.parse()?;
        let connection = Connection::open(server.base());
        Ok(Self { store, adapter, connection, users, grants, first, last, server })
    }

    fn connect(&mut self) {
        self.connection = Connection::open(self.server.base());
    }

    /// Milliseconds of one turn.
    async fn once(&mut self, kind: &str, turn: u64, number: u64) -> Result<f64> {
        match kind {
            "look-up-email" => self.log_in_look_up(&self.store.email(number)).await,
            "look-up-username" => self.log_in_look_up(&self.store.username(number)).await,
            "look-up-id" => self.look_up_id(&self.store.username(number)).await,
            "list-first" => self.list(0).await,
            "list-middle" => self.list(i64::midpoint(self.first, self.last)).await,
            "list-last" => self.list(self.last - i64::from(PAGE)).await,
            over_http => self.ask(over_http, usize::try_from(turn % ACTIVE)?),
        }
    }

    fn ask(&mut self, kind: &str, user: usize) -> Result<f64> {
        let grant = &mut self.grants[user];
        let refresh = format!(r#"{{"refreshToken":"{}"}}"#, grant.refresh_token);
        let begun = Instant::now();
        let response = match kind {
            "refresh" => self.connection.post("/api/v1/auth/refresh", &refresh)?,
            "me" => self.connection.get("/api/v1/auth/me", &grant.access_token)?,
            _ => self.connection.post(sessions::LOG_IN, &sessions::credentials(&self.users[user]))?,
        };
        let time = milliseconds(begun);
        ensure!(response.status == 200, "{kind}: {response:?}");
        if kind == "refresh" {
            grant.refresh_token = response.member("refreshToken");
        }
        Ok(time)
    }

    async fn log_in_look_up(&self, typed: &str) -> Result<f64> {
        let key = IdentifierKey::of(typed)?;
        let begun = Instant::now();
        let found = self.adapter.find_for_login(&key).await?;
        let time = milliseconds(begun);
        ensure!(found.is_some(), "{typed} is not there");
        Ok(time)
    }

    async fn look_up_id(&self, username: &str) -> Result<f64> {
        let key = UserRef::Identifier(IdentifierKey::of(username)?);
        let id: UserId = self.adapter.find(&key).await?.context("a user")?.id;
        let begun = Instant::now();
        self.adapter.find(&UserRef::Id(id)).await?.context("the same user")?;
        Ok(milliseconds(begun))
    }

    async fn list(&self, after: i64) -> Result<f64> {
        let begun = Instant::now();
        let page = self.adapter.list(Some(UserNumber(after)), PAGE).await?;
        let time = milliseconds(begun);
        ensure!(page.len() == PAGE as usize, "a page of {} users", page.len());
        Ok(time)
    }
}

/// Has the kernel read the files of the store: what is compared is the work, not the disk.
fn read_into_memory(url: &str) -> Result<()> {
    // What is read last stays: that of the accounts, which every kind of work looks at.
    const READ: &str = "
        SELECT count(pg_prewarm(relation, 'buffer')) FROM (
            SELECT oid::regclass AS relation FROM pg_class
            WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
            ORDER BY relname LIKE 'account%') AS in_turn";
    cluster::run(url, "CREATE EXTENSION IF NOT EXISTS pg_prewarm")?;
    cluster::run(url, READ).map(drop)
}

/// A number that looks nothing like those next to it, the same in every run (splitmix64).
fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn milliseconds(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}
