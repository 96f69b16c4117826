//! The cost of a verification: time by algorithm and parameters, and memory.

use std::time::Duration;

use argon2::Params;

/// A step of an algorithm. The time of a verification is proportional to the number of its steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// One pass over one KiB.
    Argon2,
    /// One iteration of the key schedule: a cost of 12 has 2^12.
    Bcrypt,
    /// 128 bytes of one of the parallel buffers: N·r·p.
    Scrypt,
    /// One iteration of one block of the tag.
    Pbkdf2Sha1,
    Pbkdf2Sha256,
    Pbkdf2Sha512,
    /// One round, with the longest password that is compared.
    Sha256Crypt,
    Sha512Crypt,
    /// One round of phpass, with the longest password.
    Md5,
    /// One round of Drupal, with the longest password.
    Sha512,
}

impl Step {
    pub(super) const ALL: [Self; 10] = [
        Self::Argon2,
        Self::Bcrypt,
        Self::Scrypt,
        Self::Pbkdf2Sha1,
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha512,
        Self::Sha256Crypt,
        Self::Sha512Crypt,
        Self::Md5,
        Self::Sha512,
    ];

    /// The time in nanoseconds on the machine of `docs/benchmarks.md`, rounded. Weights are ratios of these figures, so
    /// that every node computes the same weight. An import measures the machine that it runs on instead.
    pub(super) const fn nominal_nanos(self) -> f64 {
        match self {
            Self::Argon2 => 300.0,
            Self::Bcrypt => 65_000.0,
            Self::Scrypt => 270.0,
            Self::Pbkdf2Sha1 => 480.0,
            Self::Pbkdf2Sha256 => 620.0,
            Self::Pbkdf2Sha512 => 840.0,
            Self::Sha256Crypt => 310.0,
            Self::Sha512Crypt => 940.0,
            Self::Md5 => 640.0,
            Self::Sha512 => 810.0,
        }
    }
}

/// The cost of one computation of one algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) step: Step,
    pub(super) steps: u64,
    pub(super) memory_bytes: u64,
}

impl Cost {
    /// The cost of a new hash.
    pub(super) fn of_argon2(params: &Params) -> Self {
        Self {
            step: Step::Argon2,
            steps: u64::from(params.m_cost()) * u64::from(params.t_cost()),
            memory_bytes: u64::from(params.m_cost()) * 1_024,
        }
    }

    /// The time if one step takes `nanos` nanoseconds.
    pub(super) fn time(&self, nanos: f64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "an estimate needs no more than 53 bits")]
        let seconds = self.steps as f64 * nanos / 1e9;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    pub(super) fn nominal_time(&self) -> Duration {
        self.time(self.step.nominal_nanos())
    }
}

/// The nominal time of `costs` as a multiple of the time of `unit`, rounded up; at least 1.
pub(super) fn weight(costs: &[Cost], unit: Cost) -> u32 {
    let total: Duration = costs.iter().map(Cost::nominal_time).sum();
    let unit = unit.nominal_time().as_nanos().max(1);
    u32::try_from(total.as_nanos().div_ceil(unit)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Cost {
        Cost::of_argon2(&Params::new(19_456, 2, 1, None).expect("parameters"))
    }

    #[test]
    fn a_weight_is_a_multiple_of_a_new_hash_rounded_up() {
        let weigh = |steps| weight(&[Cost { steps, ..unit() }], unit());
        assert_eq!(unit().steps, 38_912);
        assert_eq!([0, 1, 38_912, 38_913, 2 * 38_912, 2 * 1_048_576].map(weigh), [1, 1, 1, 2, 2, 54]);
        assert_eq!(weight(&[unit(), unit()], unit()), 2, "the costs of several computations are added");
        assert_eq!(
            weight(&[Cost { step: Step::Bcrypt, steps: u64::MAX, memory_bytes: 0 }], unit()),
            u32::MAX
        );
    }

    #[test]
    fn time_is_proportional_to_the_steps() {
        let cost = Cost { step: Step::Bcrypt, steps: 4_096, memory_bytes: 0 };
        assert_eq!(cost.time(50_000.0), Duration::from_micros(204_800));
        assert_eq!(Cost { steps: u64::MAX, ..cost }.time(f64::MAX), Duration::MAX);
    }
}
