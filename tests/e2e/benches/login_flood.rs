//! What do many logins at once cost in memory, and what do they leave for others? Many connections log in as fast as
//! they are answered, half of them with a wrong password, at the default settings of hashing. The service must stay
//! within its memory and refuse what is too much; how long others wait meanwhile is printed. Linux only.
//!
//! ```sh
//! cargo bench -p e2e --bench login_flood -- 500 60    # connections, seconds; needs an idle machine
//! ```
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::expect_used, reason = "a panic is how it fails")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

use e2e::{Answer, Connection, Server, World, arguments};

const CONNECTIONS: usize = 500;
const SECONDS: u64 = 60;
const IDLE: Duration = Duration::from_secs(10);
/// The connections of those who do not log in, each of which asks a hundred times a second.
const OTHERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(10);
/// Each soon has as many live sessions as a user may have, so that most logins end one as well.
const USERS: usize = 20;
/// The memory of one hash at the default settings, in KiB.
const HASH_KIB: u64 = 19_456;
/// What a flood may take beside hashing, in KiB.
const MARGIN_KIB: u64 = 64 * 1_024;
const OVERLOADED_WITHIN: Duration = Duration::from_millis(3_500);
const LOG_IN: &str = "/api/v1/auth/login";

fn main() {
    let mut arguments = arguments();
    let connections = arguments.next().unwrap_or(CONNECTIONS);
    let seconds = arguments.next().map_or(SECONDS, |seconds| seconds as u64);
    let world = World::on_sqlite();
    let server = Server::start(&world);
    let process = Process(server.process_id());
    let idle = process.resident_kib();
    let bound = idle + process.hashing_workers() * HASH_KIB + MARGIN_KIB;
    let token = bystander(&server);
    let alone = others(server.base(), &token, || sleep(IDLE)).0;
    let end = Instant::now() + Duration::from_secs(seconds);
    let (meanwhile, (tallies, most)) =
        others(server.base(), &token, || flood(server.base(), connections, end, &process));
    println!("{connections} connections log in for {seconds} s");
    report_answers(&tallies);
    report_times(&alone, &meanwhile);
    println!("resident: {idle} KiB idle, {most} KiB at most, {bound} KiB allowed");
    assert!(most <= bound, "more memory than promised");
    check(&tallies);
}

/// Registers those who will log in, and somebody else, whose access token this is.
fn bystander(server: &Server) -> String {
    let client = server.client();
    for user in 0..USERS {
        assert_eq!(client.register(&format!("user{user}")).status, 201);
    }
    assert_eq!(client.register("bystander").status, 201);
    client.post(LOG_IN, &credentials("bystander", "P@ssw0rd!")).member("accessToken")
}

fn credentials(user: &str, password: &str) -> String {
    format!(r#"{{"email":"{user}","password":"{password}"}}"#)
}

/// The server's process, as Linux shows it.
struct Process(u32);

impl Process {
    /// Its resident set, in KiB.
    fn resident_kib(&self) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.0)).expect("the server runs, on Linux");
        let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
        size.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// How many threads hash passwords.
    fn hashing_workers(&self) -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0)).expect("its threads");
        let names = threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
        let workers = names.filter(|name| name.starts_with("hash-")).count() as u64;
        assert!(workers > 0, "no thread is named as one that hashes");
        workers
    }
}

/// What others' requests take while `work` goes on, sorted, and what came of that.
fn others<R>(base: &str, token: &str, work: impl FnOnce() -> R) -> (Vec<Duration>, R) {
    let over = AtomicBool::new(false);
    let over = &over;
    let ask = || {
        let mut connection = Connection::open(base);
        let mut times = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let started = Instant::now();
            let answer = connection.get("/api/v1/auth/me", token);
            times.push(started.elapsed());
            assert_eq!(answer.expect("an answer").status, 200);
            sleep(PAUSE);
        }
        times
    };
    thread::scope(|scope| {
        let threads = [(); OTHERS].map(|()| scope.spawn(ask));
        let result = work();
        over.store(true, Ordering::Relaxed);
        let mut times = threads.map(|thread| thread.join().expect("answered")).concat();
        times.sort_unstable();
        (times, result)
    })
}

/// How one connection's logins were answered.
#[derive(Default)]
struct Tally {
    /// How many there were of each status, by the second of their arrival.
    seconds: Vec<BTreeMap<u16, u32>>,
    slowest_overloaded: Duration,
    without_retry_after: u32,
    error: Option<std::io::Error>,
}

impl Tally {
    fn count(&mut self, second: usize, answer: &Answer, time: Duration) {
        self.seconds.resize_with(self.seconds.len().max(second + 1), BTreeMap::new);
        *self.seconds[second].entry(answer.status).or_default() += 1;
        if answer.status == 503 {
            self.slowest_overloaded = self.slowest_overloaded.max(time);
            self.without_retry_after += u32::from(answer.header("retry-after").is_none());
        }
    }
}

/// Logs in from many connections until `end`; how they were answered, and the server's greatest size meanwhile.
fn flood(base: &str, connections: usize, end: Instant, process: &Process) -> (Vec<Tally>, u64) {
    let started = Instant::now();
    thread::scope(|scope| {
        let start = |number| {
            let thread = thread::Builder::new().stack_size(256 * 1_024);
            thread.spawn_scoped(scope, move || log_in(base, number, started, end)).expect("a thread")
        };
        let threads: Vec<_> = (0..connections).map(start).collect();
        let mut most = 0;
        while !threads.iter().all(ScopedJoinHandle::is_finished) {
            most = most.max(process.resident_kib());
            sleep(Duration::from_millis(100));
        }
        (threads.into_iter().map(|thread| thread.join().expect("ended")).collect(), most)
    })
}

/// Logs in with the right and the wrong password in turn.
fn log_in(base: &str, number: usize, started: Instant, end: Instant) -> Tally {
    let user = format!("user{}", number % USERS);
    let mut bodies = ["P@ssw0rd!", "P@ssw0rd?"].map(|password| credentials(&user, password));
    bodies.rotate_left(number / USERS % 2);
    let mut connection = Connection::open(base);
    let mut tally = Tally::default();
    for body in bodies.iter().cycle() {
        let sent = Instant::now();
        if sent >= end {
            break;
        }
        match connection.post(LOG_IN, body) {
            Ok(answer) => {
                let second = usize::try_from(started.elapsed().as_secs()).unwrap_or(usize::MAX);
                tally.count(second, &answer, sent.elapsed());
            }
            Err(error) => {
                tally.error = Some(error);
                break;
            }
        }
    }
    tally
}

/// A line a second, of how many answers had each status.
fn report_answers(tallies: &[Tally]) {
    let seconds = tallies.iter().map(|tally| tally.seconds.len()).max().unwrap_or(0);
    println!("{:>6} {:>7} {:>7} {:>7}", "second", 200, 401, 503);
    let mut sums = [0; 3];
    for second in 0..seconds {
        let counts = [200, 401, 503].map(|status| {
            let counts = tallies.iter().filter_map(|tally| tally.seconds.get(second)?.get(&status));
            counts.sum::<u32>()
        });
        println!("{second:>6} {:>7} {:>7} {:>7}", counts[0], counts[1], counts[2]);
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    println!("{:>6} {:>7} {:>7} {:>7}", "all", sums[0], sums[1], sums[2]);
    let slowest = tallies.iter().map(|tally| tally.slowest_overloaded).max().unwrap_or_default();
    println!("slowest 503: {slowest:.3?}, allowed {OVERLOADED_WITHIN:.3?}");
}

/// What others waited, and whether their p99 stayed within three times that of an idle service.
fn report_times(alone: &[Duration], meanwhile: &[Duration]) {
    for (name, times) in [("idle", alone), ("flooded", meanwhile)] {
        let (median, p99) = (percentile(times, 50), percentile(times, 99));
        println!("/me, {name:8} p50 {median:>10.3?}  p99 {p99:>10.3?}  of {}", times.len());
    }
    let ratio = percentile(meanwhile, 99).as_secs_f64() / percentile(alone, 99).as_secs_f64();
    println!("/me, p99 flooded / idle: {ratio:.1}, where 3 is the goal");
}

/// The value that `percent` of these sorted ones do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// Fails unless every login was served or refused as promised.
fn check(tallies: &[Tally]) {
    for tally in tallies {
        assert!(tally.error.is_none(), "a connection broke: {:?}", tally.error);
        let mut statuses = tally.seconds.iter().flat_map(BTreeMap::keys);
        let unexpected = statuses.find(|status| ![200, 401, 503].contains(status));
        assert_eq!(unexpected, None, "a status that no login should get");
        assert_eq!(tally.without_retry_after, 0, "503 without Retry-After");
        assert!(tally.slowest_overloaded <= OVERLOADED_WITHIN, "a 503 took too long");
    }
}
