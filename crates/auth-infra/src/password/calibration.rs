//! How fast this machine computes each algorithm.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::cost::{Cost, Step};
use super::engine::Engine;
use super::memory::Memory;
use super::params::MAX_REHASHED_BYTES;
use super::stored::{StoredHash, TypedPassword};

/// Measurements of one algorithm. The fastest counts, because other work on the machine only adds time.
const MEASUREMENTS: usize = 3;
/// The factor by which a machine may differ from the nominal one. A measurement beyond it is a disturbance.
const MAX_FACTOR: f64 = 20.0;

/// The time of one step of each algorithm. It is measured when it is first needed and then kept.
pub(super) struct Calibration {
    nanos: [OnceLock<f64>; Step::ALL.len()],
}

impl Calibration {
    /// Measures this machine.
    pub(super) fn measured() -> Self {
        Self { nanos: [const { OnceLock::new() }; Step::ALL.len()] }
    }

    /// A machine that takes `factor` times the nominal time.
    #[cfg(test)]
    pub(super) fn nominal(factor: f64) -> Self {
        Self { nanos: Step::ALL.map(|step| OnceLock::from(step.nominal_nanos() * factor)) }
    }

    /// The time of computations with these `costs`, one after another.
    pub(super) fn time(&self, costs: &[Cost]) -> Duration {
        costs.iter().map(|cost| cost.time(self.nanos(cost.step))).sum()
    }

    fn nanos(&self, step: Step) -> f64 {
        let nominal = step.nominal_nanos();
        let index = Step::ALL.iter().position(|known| *known == step);
        let measured = index.and_then(|index| self.nanos.get(index));
        measured.map_or(nominal, |measured| *measured.get_or_init(|| measure(step).unwrap_or(nominal)))
    }
}

/// The nanoseconds of one step; `None` if the sample cannot be computed.
fn measure(step: Step) -> Option<f64> {
    let sample = StoredHash::parse(sample(step)).ok()?;
    // The costliest password: some algorithms hash it in every round. Each sample is computed once for it.
    let password = TypedPassword::new(&[b'a'; MAX_REHASHED_BYTES], None);
    let mut fastest = Duration::MAX;
    for _ in 0..MEASUREMENTS {
        // New memory each time, as a verification in the lane of imported hashes has.
        let mut memory = Memory::new(Engine::select(), 0, Arc::default());
        let begun = processor_time();
        sample.compare(&password, &mut memory).ok()?;
        fastest = fastest.min(processor_time().saturating_sub(begun));
    }
    let steps = sample.costs().first()?.steps;
    #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 53 bits")]
    let nanos = fastest.as_nanos() as f64 / steps as f64;
    let nominal = step.nominal_nanos();
    Some(nanos.clamp(nominal / MAX_FACTOR, nominal * MAX_FACTOR))
}

/// The time that this thread has had a core. The time that it waits for one is not a property of the machine.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// A hash that takes 1 to 50 ms.
fn sample(step: Step) -> &'static str {
    match step {
        Step::Argon2 => {
            "$argon2id$v=19$m=65536,t=1,p=1$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg"
        }
        Step::Bcrypt => "$2b$08$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        Step::Scrypt => {
            "$scrypt$ln=14,r=8,p=1$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg"
        }
        Step::Pbkdf2Sha1 => "$pbkdf2$20000$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJo",
        Step::Pbkdf2Sha256 => {
            "$pbkdf2-sha256$20000$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg"
        }
        Step::Pbkdf2Sha512 => {
            "$pbkdf2-sha512$20000$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg"
        }
        Step::Sha256Crypt => "$5$n4VH/sblJMQqMvuq$DJIUOkNca/18lmPKMCBdmifx/lzugu6E5fYmHJ.PaZ3",
        Step::Sha512Crypt => {
            "$6$h2e7zMN7IHRGoWuJ$ah.pUFlTEKets9WqGLuiJZOoZptsn1g9298KKGPa7y1NpphVrs4A2aVmk2uYO9J4x1xHkT91Zw8Zt4qurh1dc1"
        }
        Step::Md5 => "$P$AndMz32wG9PG8ccslSXEm5VMGqz7R8/",
        Step::Sha512 => "$S$BsaltsaltfwxjVj42DTY00JwaxNjiHHAqff9BjJ.6uzNYjb0F7Oh",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_measured_within_the_bounds() {
        let calibration = Calibration::measured();
        for step in Step::ALL {
            let costs = StoredHash::parse(sample(step)).expect("a sample").costs();
            assert!(costs.iter().all(|cost| cost.step == step), "{step:?}");
            let nanos = calibration.nanos(step);
            println!("{step:?}: {nanos:.0} ns, nominal {:.0}", step.nominal_nanos());
            assert_eq!(calibration.nanos(step).to_bits(), nanos.to_bits(), "it is measured once");
            let factor = nanos / step.nominal_nanos();
            assert!((1.0 / MAX_FACTOR..=MAX_FACTOR).contains(&factor), "{step:?}: {factor}");
        }
    }

    #[test]
    fn a_given_speed_decides_the_time() {
        let cost = Cost { step: Step::Bcrypt, steps: 4_096, memory_bytes: 0 };
        assert_eq!(Calibration::nominal(1.0).time(&[cost]), Duration::from_micros(266_240));
        assert_eq!(Calibration::nominal(2.0).time(&[cost, cost]), Duration::from_micros(1_064_960));
    }
}
