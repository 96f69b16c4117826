//! What ten million users cost: the same work on a store of ten thousand and on one of ten million, by turns.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use auth_domain::model::{IdentifierKey, UserId, UserNumber, UserRef};
use auth_domain::ports::UserRepository as _;
use auth_infra::postgres::{PostgresSettings, PostgresStore};
use e2e::{Server, World};

use crate::bench::{Bench, say};
use crate::big_store::BigStore;
use crate::client::{Talk, closed, get, post};
use crate::cluster;
use crate::measure::{Better, Goal, Measured, Round, Spread};
use crate::sessions::{self, CHEAP_LOG_INS, Grant, InTurn, LOG_IN, Refreshing};

const SMALL: u64 = 10_000;
const BIG: u64 = 10_000_000;

/// The look-ups of a kind in a round, each of another user.
const LOOK_UPS: u64 = 500;
/// The users who refresh and ask who they are.
const ACTIVE: u64 = 100;
/// The users on a page.
const PAGE: u32 = 100;

/// What is done in the store itself: over HTTP, hashing would hide the look-up of a log-in, and no dialect lists users.
const IN_THE_STORE: [(&str, &str); 6] = [
    ("look-up-email", "Look-up by e-mail address"),
    ("look-up-username", "Look-up by username"),
    ("look-up-id", "Look-up by id"),
    ("list-first", "List page, the first"),
    ("list-middle", "List page, in the middle"),
    ("list-last", "List page, the last"),
];

/// What is asked over HTTP.
const OVER_HTTP: [(&str, &str); 3] =
    [("refresh", "Refresh"), ("me", "GET /me"), ("log-in", "Log-in, cheapest parameters")];

/// The median time of each kind of work, on the small store and on the big one.
///
/// # Errors
/// When a store cannot be filled, or an answer is not as it should be.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let (small, big) = (Scene::of(SMALL).await?, Scene::of(BIG).await?);
    let mut measured = Vec::new();
    for (id, name) in IN_THE_STORE {
        let once = async |scene: &Scene, seed| scene.in_the_store(id, seed).await;
        // Connections are made, statements planned and pages read.
        for scene in [&small, &big] {
            once(scene, u64::MAX).await?;
        }
        let mut rounds = Vec::new();
        for round in 0..bench.rounds {
            let seed = u64::try_from(round)?;
            rounds.push(pair(name, once(&small, seed), once(&big, seed)).await?);
        }
        measured.push(told(id, name, rounds, &big.store, Some(Goal::Ratio(1.2))));
    }
    for (id, name) in OVER_HTTP {
        let mut rounds = Vec::new();
        for _ in 0..bench.rounds {
            rounds.push(pair(name, small.over_http(id, bench), big.over_http(id, bench)).await?);
        }
        let goal = (id != "log-in").then_some(Goal::Ratio(1.2));
        measured.push(told(id, name, rounds, &big.store, goal));
    }
    Ok(measured)
}

async fn pair(
    name: &str,
    small: impl Future<Output = Result<f64>>,
    big: impl Future<Output = Result<f64>>,
) -> Result<Round> {
    let round = Round { limit: Some(small.await?), ours: big.await?, detail: BTreeMap::new() };
    let (limit, ratio) = (round.limit.unwrap_or_default(), round.ratio().unwrap_or_default());
    say(format_args!("  {name}: {limit:.3} {:.3} ms = {ratio:.3}", round.ours));
    Ok(round)
}

fn told(id: &str, name: &str, rounds: Vec<Round>, big: &BigStore, goal: Option<Goal>) -> Measured {
    Measured {
        id: format!("scale-{id}"),
        name: format!("{name}, 10,000,000 users beside 10,000, PostgreSQL"),
        unit: "ms".to_owned(),
        better: Better::Lower,
        goal,
        limit: "the same on 10,000 users".to_owned(),
        rounds,
        notes: vec![format!(
            "Medians, one at a time, of users from everywhere in the store. The big store is of {} MiB with a session for \
             every fifth user, all of it in the memory of the machine, 1 GiB in that of PostgreSQL.",
            big.bytes >> 20
        )],
    }
}

/// A store, a service on it, and users who are logged in.
struct Scene {
    store: BigStore,
    adapter: PostgresStore,
    server: Server,
    active: Vec<String>,
    first: i64,
    last: i64,
}

impl Scene {
    async fn of(users: u64) -> Result<Self> {
        let store = BigStore::of(users)?;
        read_into_memory(&store.url)?;
        let adapter = PostgresStore::connect(&PostgresSettings::new(store.url.clone()))?;
        // As old as the store is, nothing in it is ever over.
        let mut settings = CHEAP_LOG_INS.to_vec();
        settings.extend([
            ("AUTH_SESSION__IDLE_SECONDS", "31622400"),
            ("AUTH_SESSION__ABSOLUTE_SECONDS", "31622400"),
        ]);
        let server = Server::start_with(&World::at(store.url.clone()), &settings);
        let active: Vec<_> = (0..ACTIVE).map(|number| store.email(scattered(number))).collect();
        let number = async |end: &str| -> Result<i64> {
            Ok(cluster::run(&store.url, &format!("SELECT {end}(number) FROM accounts"))?.parse()?)
        };
        let (first, last) = (number("min").await?, number("max").await?);
        Ok(Self { store, adapter, server, active, first, last })
    }

    /// Milliseconds, the median.
    async fn in_the_store(&self, kind: &str, seed: u64) -> Result<f64> {
        let mut times = Vec::new();
        for turn in 0..LOOK_UPS {
            let number = scattered(seed.wrapping_mul(LOOK_UPS).wrapping_add(turn));
            let time = match kind {
                "look-up-email" => self.log_in_look_up(&self.store.email(number)).await?,
                "look-up-username" => self.log_in_look_up(&self.store.username(number)).await?,
                "look-up-id" => self.look_up_id(&self.store.username(number)).await?,
                "list-first" => self.list(0).await?,
                "list-middle" => self.list(i64::midpoint(self.first, self.last)).await?,
                _ => self.list(self.last - i64::from(PAGE)).await?,
            };
            times.push(time);
        }
        Ok(Spread::of(times).context("no look-ups")?.median)
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

    /// Milliseconds, the median.
    async fn over_http(&self, kind: &str, bench: &Bench) -> Result<f64> {
        let base = self.server.base();
        let grants = || sessions::log_in(&self.server.client(), &self.active);
        match kind {
            "refresh" => {
                let sessions = grants()?.iter().map(|grant| Refreshing::with(&grant.refresh_token)).collect();
                one_at_a_time(base, Turns::of(sessions), bench).await
            }
            "me" => {
                let ask = |grant: &Grant| get("/api/v1/auth/me", &grant.access_token);
                one_at_a_time(base, InTurn::of(grants()?.iter().map(ask).collect())?, bench).await
            }
            _ => {
                let ask = |user: &String| post(LOG_IN, &sessions::credentials(user));
                one_at_a_time(base, InTurn::of(self.active.iter().map(ask).collect())?, bench).await
            }
        }
    }
}

async fn one_at_a_time(base: &str, talk: impl Talk, bench: &Bench) -> Result<f64> {
    Ok(closed(base, [talk], bench.warm_up, bench.run).await?.percentile_ms(50.0))
}

/// Sessions that take turns on one connection.
struct Turns {
    sessions: Vec<Refreshing>,
    turn: usize,
}

impl Turns {
    fn of(sessions: Vec<Refreshing>) -> Self {
        Self { sessions, turn: 0 }
    }
}

impl Talk for Turns {
    fn request(&mut self) -> &[u8] {
        self.turn = (self.turn + 1) % self.sessions.len();
        self.sessions[self.turn].request()
    }

    fn is_expected(&mut self, response: &crate::client::Response<'_>) -> bool {
        self.sessions[self.turn].is_expected(response)
    }
}

/// Has the kernel read the files of the store: what is compared is the work, not the disk.
fn read_into_memory(url: &str) -> Result<()> {
    const READ: &str = "
        SELECT count(pg_prewarm(oid::regclass, 'read')) FROM pg_class
        WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace";
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
