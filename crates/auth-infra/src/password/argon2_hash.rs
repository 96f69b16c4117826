//! Hashes of Argon2, as PHC strings. Every new hash is one.

use std::fmt;

use argon2::password_hash::phc::{self, Output, ParamsString};
use argon2::{Algorithm, Params, Version};
use zeroize::Zeroizing;

use super::cost::Cost;
use super::error::{HashingError, ParseHashError};
use super::memory::Memory;
use super::params::{Argon2Params, SALT_BYTES, TAG_BYTES, parse_phc};
use super::settings::{HashingSettings, MAX_COST};

/// A hash that is stored or about to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argon2Hash {
    pub(super) params: Argon2Params,
    pub(super) tag: Output,
}

impl Argon2Hash {
    pub(super) fn compute(
        params: Argon2Params,
        password: &[u8],
        memory: &mut Memory,
    ) -> Result<Self, HashingError> {
        let tag = compute_tag(&params, password, memory)?;
        Ok(Self { params, tag })
    }

    /// Reads `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`. Hashes of other programs with Argon2i, Argon2d or version 16
    /// are accepted too. Without `v=` the version is 16, as in the reference implementation.
    pub(super) fn parse(stored: &str) -> Result<Self, ParseHashError> {
        let (hash, salt, tag) = parse_phc(stored)?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(ParseHashError::Parameters)?;
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
        let version = version.map_err(|error| ParseHashError::Parameters(error.into()))?;
        let cost = Params::try_from(&hash).map_err(ParseHashError::Parameters)?;
        let (memory_kib, iterations, parallelism) = (cost.m_cost(), cost.t_cost(), cost.p_cost());
        if memory_kib > MAX_COST.0 || iterations > MAX_COST.1 || parallelism > MAX_COST.2 {
            return Err(ParseHashError::TooCostly(format!(
                "Argon2 with m={memory_kib} KiB, t={iterations}, p={parallelism}, at most m={}, t={}, p={}",
                MAX_COST.0, MAX_COST.1, MAX_COST.2
            )));
        }
        Ok(Self { params: Argon2Params { algorithm, version, cost, salt }, tag })
    }

    /// Whether this is the hash of `password`. [`Output`] compares tags in constant time.
    pub(super) fn matches(&self, password: &[u8], memory: &mut Memory) -> Result<bool, HashingError> {
        Ok(compute_tag(&self.params, password, memory)? == self.tag)
    }

    /// Whether its verification takes as long as a new hash with the `current` parameters.
    pub(super) fn has_cost_of(&self, current: &Params) -> bool {
        let cost = &self.params.cost;
        (cost.m_cost(), cost.t_cost(), cost.p_cost())
            == (current.m_cost(), current.t_cost(), current.p_cost())
    }

    pub(super) fn cost(&self) -> Cost {
        Cost::of_argon2(&self.params.cost)
    }

    /// What the OWASP Password Storage Cheat Sheet asks for and this hash does not have.
    pub(super) fn weakness(&self) -> Option<String> {
        let (memory_kib, iterations) = (self.params.cost.m_cost(), self.params.cost.t_cost());
        let is_strong = HashingSettings::min_iterations(memory_kib).is_some_and(|least| iterations >= least);
        (!is_strong).then(|| {
            format!(
                "uses Argon2 with m={memory_kib} KiB and t={iterations}; OWASP asks for at least m=47104 with t=1, \
                 m=19456 with t=2 or m=12288 with t=3"
            )
        })
    }

    /// Whether a new hash with the `current` parameters would be stronger. It is, if this one has less memory, fewer
    /// passes, a shorter salt or tag, or is not Argon2id in version 19. The number of lanes does not affect strength.
    pub(super) fn is_weaker_than(&self, current: &Params) -> bool {
        let Argon2Params { algorithm, version, cost, salt } = &self.params;
        (*algorithm, *version) != (Algorithm::Argon2id, Version::V0x13)
            || cost.m_cost() < current.m_cost()
            || cost.t_cost() < current.t_cost()
            || salt.len() < SALT_BYTES
            || self.tag.len() < TAG_BYTES
    }
}

fn compute_tag(params: &Argon2Params, password: &[u8], memory: &mut Memory) -> Result<Output, HashingError> {
    let mut tag = Zeroizing::new([0; Output::MAX_LENGTH]);
    let tag = &mut tag[..params.cost.output_len().unwrap_or(TAG_BYTES)];
    memory.compute(params, password, tag)?;
    Output::new(tag).map_err(HashingError::Tag)
}

impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Argon2Params { algorithm, version, cost, salt } = &self.params;
        let hash = phc::PasswordHash {
            algorithm: algorithm.ident(),
            version: Some((*version).into()),
            params: ParamsString::try_from(cost).map_err(|_| fmt::Error)?,
            salt: Some(*salt),
            hash: Some(self.tag),
        };
        hash.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::engine::Engine;
    use super::*;

    /// What both engines say; they say the same.
    fn matches(password: &[u8], stored: &str) -> bool {
        let hash = Argon2Hash::parse(stored).expect("a hash");
        let [simd, portable] = [Engine::Simd, Engine::Portable].map(|engine| {
            hash.matches(password, &mut Memory::new(engine, 8, Arc::default())).expect("computed")
        });
        assert_eq!(simd, portable, "{stored}");
        simd
    }

    /// Made by the reference implementation (phc-winner-argon2 20190702).
    #[test]
    fn what_the_reference_implementation_made_is_verified() {
        for stored in [
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$2gcOV25Q8vOKPIl8vdxsf7QCjocJcf+erntOGHkpXm4",
            "$argon2id$m=256,t=2,p=1$c29tZXNhbHQ$2gcOV25Q8vOKPIl8vdxsf7QCjocJcf+erntOGHkpXm4",
            "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E",
            "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
            "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8",
        ] {
            assert!(matches(b"password", stored), "{stored}");
            assert!(!matches(b"passwore", stored), "{stored}");
        }
    }

    const SALT: &str = "c2l4dGVlbiBieXRlcyA6KQ";
    const TAG: &str = "3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";

    /// Made by the reference implementation under the parameters that are allowed for new hashes.
    #[test]
    fn every_byte_of_a_password_counts() {
        const SALTED: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$";
        let stored = |tag: &str| format!("{SALTED}{tag}");
        let with_nul = stored("CpIeGTcF5KUA3L4u9lEWMV6wy+pms2wwpu49Ap1Z/ek");
        assert!(matches("P@ss\0w\u{f6}rd \u{1f600}".as_bytes(), &with_nul));
        assert!(!matches("P@ss\0w\u{f6}rd \u{1f601}".as_bytes(), &with_nul));
        assert!(!matches(b"P@ss", &with_nul));
        let longest = stored("CLI4a7MrLHxyN2sxI0lhYmwHH7Yq7/jl0tus9bfUMJk");
        assert!(matches("\u{1f600}".repeat(255).as_bytes(), &longest));
        assert!(!matches("\u{1f600}".repeat(254).as_bytes(), &longest));
        assert!(matches(b"", &stored("3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg")));
    }

    #[test]
    fn a_hash_is_written_as_it_was_read() {
        const STORED: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg";
        assert_eq!(Argon2Hash::parse(STORED).expect("a hash").to_string(), STORED);
    }

    #[test]
    fn an_invalid_hash_is_refused_without_being_quoted() {
        for stored in [
            String::new(),
            "P@ssw0rd!".to_owned(),
            format!("$2b$12${SALT}{TAG}"),
            format!("$scrypt$ln=17,r=8,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${TAG}$more"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${TAG}="),
            format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${TAG}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}$c2hvcnQ"),
            format!("$argon2id$v=20$m=19456,t=2,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=19456,t=0,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=19456,t=2,p=0${SALT}${TAG}"),
            format!("$argon2id$v=19$m=31,t=2,p=4${SALT}${TAG}"),
            format!("$argon2id$v=19$m=-1,t=2,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=4294967296,t=2,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1,x=1${SALT}${TAG}"),
        ] {
            let refusal = Argon2Hash::parse(&stored).expect_err(&stored).to_string();
            assert!(!refusal.contains("3Wb8") && !refusal.contains("P@ss"), "{refusal}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        let stored = |m: u32, t: u32, p: u32| {
            Argon2Hash::parse(&format!(
                "$argon2id$v=19$m={m},t={t},p={p}$c2l4dGVlbiBieXRlcyA6KQ$3Wb8vUN60fcQUwC+Dp79Gry3hJrpwYWtbTJLT5BKJRg"
            ))
        };
        assert!(stored(1_048_576, 10, 16).is_ok());
        for (m, t, p) in [(1_048_577, 1, 1), (19_456, 11, 1), (19_456, 2, 17), (u32::MAX, u32::MAX, 1)] {
            assert!(matches!(stored(m, t, p), Err(ParseHashError::TooCostly(_))), "{m}/{t}/{p}");
        }
    }

    #[test]
    fn less_of_any_parameter_makes_a_hash_weaker() {
        let today = Params::new(19_456, 2, 1, Some(TAG_BYTES)).expect("parameters");
        let is_weaker = |algorithm: &str, parameters: &str, salt: &str, tag: &str| {
            let stored = format!("${algorithm}${parameters}${salt}${tag}");
            Argon2Hash::parse(&stored).expect("a hash").is_weaker_than(&today)
        };
        for as_good in ["m=19456,t=2,p=1", "m=19456,t=3,p=1", "m=65536,t=2,p=4", "m=19456,t=2,p=2"] {
            assert!(!is_weaker("argon2id$v=19", as_good, SALT, TAG), "{as_good}");
        }
        for weaker in ["m=19455,t=2,p=1", "m=47104,t=1,p=1", "m=12288,t=3,p=1"] {
            assert!(is_weaker("argon2id$v=19", weaker, SALT, TAG), "{weaker}");
        }
        for other in ["argon2id$v=16", "argon2id", "argon2i$v=19", "argon2d$v=19"] {
            assert!(is_weaker(other, "m=19456,t=2,p=1", SALT, TAG), "{other}");
        }
        assert!(is_weaker("argon2id$v=19", "m=19456,t=2,p=1", "c29tZXNhbHQ", TAG));
        assert!(is_weaker("argon2id$v=19", "m=19456,t=2,p=1", SALT, &TAG[..32]));
    }

    #[test]
    fn only_the_current_parameters_have_the_usual_cost() {
        let today = Params::new(19_456, 2, 1, None).expect("parameters");
        let has_cost = |params: &str| {
            let stored = format!("$argon2id$v=19${params}${SALT}${TAG}");
            Argon2Hash::parse(&stored).expect("a hash").has_cost_of(&today)
        };
        assert!(has_cost("m=19456,t=2,p=1"));
        for other in ["m=19457,t=2,p=1", "m=19456,t=3,p=1", "m=19456,t=2,p=2", "m=19455,t=2,p=1"] {
            assert!(!has_cost(other), "{other}");
        }
    }
}
