//! The cost of new hashes, and the bounds of hashing.

use std::num::NonZero;
use std::time::Duration;

use argon2::Params;
use thiserror::Error;

use super::params::TAG_BYTES;

/// The maximum memory in KiB, passes and lanes, for new and stored hashes. A hash beyond them is an accident or an attack
/// (OWASP ASVS 5.0, V11.4).
pub(super) const MAX_COST: (u32, u32, u32) = (1024 * 1024, 10, 16);

/// The minimum parameters of the OWASP Password Storage Cheat Sheet: memory in KiB, largest first, and passes.
const MIN_COST: [(u32, u32); 3] = [(47_104, 1), (19_456, 2), (12_288, 3)];

/// Argon2id's parameters for new hashes (RFC 9106, section 3.1) and the bounds of the pool that computes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashingSettings {
    /// `m`: the memory of one hash, in KiB. Default: 19,456.
    pub memory_kib: u32,
    /// `t`: the passes over that memory. Default: 2.
    pub iterations: u32,
    /// `p`: the lanes of that memory. They are filled one after another, because other logins use the other
    /// cores. Default: 1.
    pub parallelism: u32,
    /// The maximum memory of all concurrent hashes, in KiB. Default: 262,144, a quarter of a GiB.
    pub memory_budget_kib: u32,
    /// How long a caller waits for room in the queue. Default: 2 seconds.
    pub wait: Duration,
}

impl Default for HashingSettings {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
            memory_budget_kib: 262_144,
            wait: Duration::from_secs(2),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidHashingSettings {
    #[error(
        "Argon2id with m={memory_kib} KiB, t={iterations}, p={parallelism} is too weak: OWASP asks for at least \
         m=47104 with t=1, m=19456 with t=2 or m=12288 with t=3, and p=1"
    )]
    TooWeak { memory_kib: u32, iterations: u32, parallelism: u32 },
    #[error(
        "Argon2id with m={memory_kib} KiB, t={iterations}, p={parallelism} is too costly: \
         at most m=1048576 KiB, t=10 and p=16"
    )]
    TooCostly { memory_kib: u32, iterations: u32, parallelism: u32 },
    #[error("the memory budget of {memory_budget_kib} KiB does not hold one hash of {memory_kib} KiB")]
    OverBudget { memory_budget_kib: u32, memory_kib: u32 },
}

impl HashingSettings {
    /// Checks that new hashes are neither too weak nor too costly.
    ///
    /// # Errors
    /// The rule that the settings violate.
    pub fn validate(&self) -> Result<(), InvalidHashingSettings> {
        let Self { memory_kib, iterations, parallelism, memory_budget_kib, .. } = *self;
        let is_strong = Self::min_iterations(memory_kib).is_some_and(|minimum| iterations >= minimum);
        if !is_strong || parallelism == 0 {
            return Err(InvalidHashingSettings::TooWeak { memory_kib, iterations, parallelism });
        }
        if memory_kib > MAX_COST.0 || iterations > MAX_COST.1 || parallelism > MAX_COST.2 {
            return Err(InvalidHashingSettings::TooCostly { memory_kib, iterations, parallelism });
        }
        if memory_kib > memory_budget_kib {
            return Err(InvalidHashingSettings::OverBudget { memory_budget_kib, memory_kib });
        }
        Ok(())
    }

    /// The parameters of new hashes.
    pub(super) fn params(&self) -> Result<Params, argon2::Error> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(TAG_BYTES))
    }

    /// The minimum passes for this memory, in KiB (OWASP); `None` if the memory is below every row.
    #[must_use]
    pub fn min_iterations(memory_kib: u32) -> Option<u32> {
        MIN_COST.iter().find(|(memory, _)| memory_kib >= *memory).map(|(_, passes)| *passes)
    }

    /// The number of concurrent hashes: one per core, within the memory budget.
    #[must_use]
    pub fn workers(&self, cores: NonZero<usize>) -> NonZero<usize> {
        let affordable =
            usize::try_from(self.memory_budget_kib / self.memory_kib.max(1)).unwrap_or(usize::MAX);
        NonZero::new(affordable).map_or(NonZero::<usize>::MIN, |affordable| affordable.min(cores))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(memory_kib: u32, iterations: u32, parallelism: u32) -> HashingSettings {
        HashingSettings {
            memory_kib,
            iterations,
            parallelism,
            memory_budget_kib: 2 * MAX_COST.0,
            ..HashingSettings::default()
        }
    }

    #[test]
    fn the_default_is_the_owasp_row_with_two_passes() {
        let default = HashingSettings::default();
        assert_eq!((default.memory_kib, default.iterations, default.parallelism), (19_456, 2, 1));
        assert_eq!(default.wait, Duration::from_secs(2));
        assert_eq!(default.validate(), Ok(()));
    }

    #[test]
    fn every_owasp_row_and_anything_stronger_is_accepted() {
        for (m, t, p) in
            [(47_104, 1, 1), (19_456, 2, 1), (12_288, 3, 1), (12_288, 4, 4), (65_536, 3, 4), MAX_COST]
        {
            assert_eq!(with(m, t, p).validate(), Ok(()), "{m}/{t}/{p}");
        }
    }

    #[test]
    fn weaker_settings_are_refused_with_the_violated_rule() {
        for (m, t, p) in [(47_103, 1, 1), (19_455, 2, 1), (12_287, 10, 1), (19_456, 0, 1), (19_456, 2, 0)] {
            let refusal = with(m, t, p).validate().expect_err("too weak");
            assert!(matches!(refusal, InvalidHashingSettings::TooWeak { .. }), "{m}/{t}/{p}");
            let said = refusal.to_string();
            assert!(said.contains(&format!("m={m} KiB, t={t}, p={p}")) && said.contains("OWASP"), "{said}");
        }
    }

    #[test]
    fn settings_above_the_verification_bounds_are_refused() {
        for (m, t, p) in [(MAX_COST.0 + 1, 1, 1), (19_456, 11, 1), (19_456, 2, 17)] {
            assert!(matches!(with(m, t, p).validate(), Err(InvalidHashingSettings::TooCostly { .. })));
        }
    }

    #[test]
    fn a_budget_below_one_hash_is_refused() {
        let settings = HashingSettings { memory_budget_kib: 19_455, ..HashingSettings::default() };
        assert_eq!(
            settings.validate(),
            Err(InvalidHashingSettings::OverBudget { memory_budget_kib: 19_455, memory_kib: 19_456 })
        );
    }

    #[test]
    fn cores_and_memory_limit_the_workers() {
        let workers = |memory_budget_kib, cores| {
            let settings = HashingSettings { memory_budget_kib, ..HashingSettings::default() };
            settings.workers(NonZero::new(cores).expect("cores")).get()
        };
        assert_eq!(workers(262_144, 2), 2);
        assert_eq!(workers(262_144, 64), 13);
        assert_eq!(workers(2 * 19_456 - 1, 64), 1);
        assert_eq!(workers(0, 64), 1);
    }
}
