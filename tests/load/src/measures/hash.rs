//! One Argon2id hash, compared with other implementations.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::time::Duration;

use anyhow::{Context as _, Result};
use auth_infra::password::{self, HashingSettings};

use crate::bench::{Bench, folder, say};
use crate::limits::argon2::Implementation;
use crate::limits::c_implementations::CImplementation;
use crate::measure::{Better, Goal, Measured, Round, Spread};

/// Enough for a hundred hashes.
const MAX_TIME: Duration = Duration::from_secs(1);

/// One thread, the other cores idle.
///
/// # Errors
/// When an implementation computes another tag than the others.
pub async fn measure(bench: &Bench) -> Result<Vec<Measured>> {
    let run = bench.run.min(MAX_TIME);
    let mut notes = vec![
        "One thread hashes; a number is the median of the times of one second. Ours is the service's own engine with its \
         own memory, called as `auth-http hash calibrate` calls it. All compute the same tag."
            .to_owned(),
    ];
    let c_implementations = c_implementations(&mut notes)?;
    let mut details = Vec::new();
    let limit = async || {
        let times = all_ms(&c_implementations, run)?;
        let fastest = times.values().copied().min_by(f64::total_cmp).context("no implementation")?;
        say(format_args!("  {times:.2?}"));
        details.push(times);
        Ok(fastest)
    };
    let ours = async || {
        let time = password::measure(&HashingSettings::default(), NonZero::<usize>::MIN)?;
        Ok(Round { ours: milliseconds(time), ..Round::default() })
    };
    let mut rounds = bench.pairs("one hash", limit, ours).await?;
    for (round, detail) in rounds.iter_mut().zip(details) {
        round.detail = detail;
    }
    Ok(vec![Measured {
        id: "hash".to_owned(),
        name: "One Argon2id hash".to_owned(),
        unit: "ms".to_owned(),
        better: Better::Lower,
        goal: Some(Goal::Ratio(1.10)),
        limit: "the fastest of the implementations to be had, in the same round".to_owned(),
        rounds,
        notes,
    }])
}

/// Those in C that can be built here; why one cannot becomes a note.
fn c_implementations(notes: &mut Vec<String>) -> Result<Vec<CImplementation>> {
    let folder = folder()?.join("programs");
    let mut c_implementations = Vec::new();
    for found in [CImplementation::reference(&folder), CImplementation::sodium(&folder)] {
        match found {
            Ok(one) => c_implementations.push(one),
            Err(reason) => notes.push(format!("Left out: {reason:#}.")),
        }
    }
    Ok(c_implementations)
}

/// What a hash takes with each implementation, by its name.
fn all_ms(c_implementations: &[CImplementation], run: Duration) -> Result<BTreeMap<String, f64>> {
    let mut times = BTreeMap::new();
    for one in Implementation::ALL {
        times.insert(format!("{one} ms"), median_ms(&one.times(run)?)?);
    }
    for one in c_implementations {
        times.insert(format!("{} ms", one.name), median_ms(&one.times(run)?)?);
    }
    Ok(times)
}

fn median_ms(times: &[Duration]) -> Result<f64> {
    Ok(Spread::of(times.iter().copied().map(milliseconds)).context("no hash")?.median)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
