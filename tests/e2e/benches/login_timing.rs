//! Measures whether the time of a refused login reveals that an account exists. The real binary runs with its default
//! settings, and the requests go over HTTP. Refused logins of several classes run in random order, one at a time. Welch's
//! t-test compares each class with the class of wrong passwords. The method is that of "Dude, is my code constant time?"
//! (<https://eprint.iacr.org/2016/1123>).
//!
//! ```sh
//! cargo bench -p e2e --bench login_timing -- 10000    # samples a class; needs some ten minutes of an idle machine
//! ```
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::expect_used, reason = "a panic is how it fails")]

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use e2e::{Client, Response, TestData, TestServer, arguments, command};

const SAMPLES: usize = 10_000;
const WARM_UP: usize = 20;
/// Beyond this |t| a difference is taken for real.
const THRESHOLD: f64 = 4.5;
/// The share of all samples, the slowest, that is left out of the second t: interruptions hide small differences.
const CROPPED: f64 = 0.1;

/// What is wrong with a login. The first is what the others are compared with.
const CLASSES: [&str; 5] =
    ["wrong password", "unknown user", "empty password", "over-long password", "suspended user"];

fn main() {
    let samples = arguments().next().unwrap_or(SAMPLES);
    let data = TestData::on_sqlite();
    let server = TestServer::start_with(&data, &[("AUTH_RATE_LIMIT", "off")]);
    let client = server.client();
    for name in ["existing", "disabled"] {
        assert_eq!(client.register(name).status, 201);
    }
    let suspended = command(&data).args(["user", "suspend", "disabled"]).status().expect("started");
    assert!(suspended.success());
    let times = measure(&client, samples);
    report(&times);
}

/// A refused login of this class.
fn log_in(client: &Client, class: usize) -> Response {
    let over_long = "x".repeat(300);
    match class {
        0 => client.log_in_with("existing", "P@ssw0rd?"),
        1 => client.log_in_with("unknown0", "P@ssw0rd?"),
        2 => client.log_in_with("existing", ""),
        3 => client.log_in_with("existing", &over_long),
        _ => client.log_in_with("disabled", "P@ssw0rd!"),
    }
}

/// Seconds of each sample, by class.
fn measure(client: &Client, samples: usize) -> [Vec<f64>; CLASSES.len()] {
    let refusal = log_in(client, 0);
    assert_eq!(refusal.status, 401, "{}", refusal.body);
    let mut times: [Vec<f64>; CLASSES.len()] = Default::default();
    let mut chance = RandomState::new().hash_one(samples);
    for round in 0..WARM_UP + samples {
        for class in shuffled(&mut chance) {
            let started = Instant::now();
            let response = log_in(client, class);
            let elapsed = started.elapsed();
            assert_eq!(
                (response.status, &response.body),
                (refusal.status, &refusal.body),
                "{}",
                CLASSES[class]
            );
            if round >= WARM_UP {
                times[class].push(elapsed.as_secs_f64());
            }
        }
    }
    times
}

/// The classes in random order.
fn shuffled(chance: &mut u64) -> [usize; CLASSES.len()] {
    let mut order = std::array::from_fn(|class| class);
    for last in (1..order.len()).rev() {
        // SplitMix64: https://prng.di.unimi.it/splitmix64.c
        *chance = chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (*chance ^ (*chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let other = usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or(0) % (last + 1);
        order.swap(last, other);
    }
    order
}

fn report(times: &[Vec<f64>; CLASSES.len()]) {
    let mut all = times.concat();
    all.sort_unstable_by(f64::total_cmp);
    let slowest = all[share(all.len(), 1.0 - CROPPED)];
    let cropped = times.each_ref().map(|times| below(times, slowest));
    let reference = median(&times[0]);
    println!("{} samples a class; |t| from {THRESHOLD} on is a difference", times[0].len());
    println!("{:20} {:>12} {:>10} {:>8} {:>14}", "class", "median", "difference", "|t|", "|t| of fastest");
    let mut worst: f64 = 0.0;
    for (class, name) in CLASSES.iter().enumerate() {
        let median = median(&times[class]);
        let difference = 100.0 * (median - reference) / reference;
        let (t, t_cropped) =
            (welch(&times[class], &times[0]).abs(), welch(&cropped[class], &cropped[0]).abs());
        worst = worst.max(t).max(t_cropped);
        let median = Duration::from_secs_f64(median);
        println!("{name:20} {median:>12.3?} {difference:>9.2}% {t:>8.2} {t_cropped:>14.2}");
    }
    println!("{}", if worst < THRESHOLD { "No difference is to be seen." } else { "There is a difference." });
}

fn below(times: &[f64], limit: f64) -> Vec<f64> {
    times.iter().copied().filter(|time| *time < limit).collect()
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Welch's t of two samples.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let (mean_one, error_one) = mean_and_error(one);
    let (mean_other, error_other) = mean_and_error(other);
    let error = (error_one + error_other).sqrt();
    if error > 0.0 { (mean_one - mean_other) / error } else { 0.0 }
}

/// The mean, and the square of its standard error.
fn mean_and_error(times: &[f64]) -> (f64, f64) {
    let count = as_f64(times.len());
    let mean = times.iter().sum::<f64>() / count;
    let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance / count)
}

fn share(count: usize, share: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the count")]
    let index = (as_f64(count) * share) as usize;
    index.min(count - 1)
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
