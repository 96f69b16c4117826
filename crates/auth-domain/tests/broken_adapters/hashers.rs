//! Faulty password hashers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use auth_domain::conformance::PASSWORD_HASHER_CASES;
use auth_domain::model::{CounterKey, Password, PasswordAttempt, PasswordHash, SecretDigest};
use auth_domain::ports::{BoxError, HashStrength, InvalidHash, PasswordHasher, PasswordVerdict, PortError};

use crate::{assert_detected, failure};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    IgnoresCase,
    CutsAt72Bytes,
    ReadsUpToNul,
    ReadsAsciiOnly,
    HasNoSalt,
    StoresThePassword,
    WritesNul,
    ReportsOwnHashesOutdated,
    AcceptsAnyPasswordWithoutHash,
    TreatsMalformedHashesAsDifferent,
    AcceptsMalformedHashes,
    RejectsOwnHashes,
    WeighsNothing,
    StaysOverloaded,
}

/// A hasher with one fault. Its hashes are `salt:digest`.
struct FaultyHasher {
    fault: Fault,
    calls: AtomicU64,
}

impl FaultyHasher {
    fn begin(&self) -> Result<u64, PortError> {
        let calls = self.calls.fetch_add(1, Ordering::SeqCst);
        if calls > 40 && self.fault == Fault::StaysOverloaded {
            Err(PortError::Overloaded)
        } else {
            Ok(calls)
        }
    }

    fn digest(&self, salt: &str, password: &[u8]) -> String {
        let password = match self.fault {
            Fault::IgnoresCase => password.to_ascii_lowercase(),
            Fault::CutsAt72Bytes => password.iter().take(72).copied().collect(),
            Fault::ReadsUpToNul => password.iter().take_while(|byte| **byte != 0).copied().collect(),
            _ => password.to_vec(),
        };
        format!("{:02x?}", SecretDigest::of(&[salt.as_bytes(), &password].concat()).as_bytes())
    }
}

#[async_trait]
impl PasswordHasher for FaultyHasher {
    async fn hash(&self, password: &Password, _: Option<CounterKey>) -> Result<PasswordHash, PortError> {
        let salt = match (self.begin()?, self.fault) {
            (_, Fault::HasNoSalt) => String::new(),
            (_, Fault::StoresThePassword) => String::from_utf8_lossy(password.expose()).into_owned(),
            (calls, Fault::WritesNul) => format!("{calls}\0"),
            (calls, _) => calls.to_string(),
        };
        let digest = self.digest(&salt, password.expose());
        Ok(PasswordHash::new(format!("{salt}:{digest}")))
    }

    fn accept(&self, hash: &PasswordHash) -> Result<HashStrength, InvalidHash> {
        let is_accepted = match self.fault {
            Fault::AcceptsMalformedHashes => true,
            Fault::RejectsOwnHashes => false,
            _ => parts(hash).is_some(),
        };
        if is_accepted { Ok(HashStrength::Strong) } else { Err(InvalidHash::Unsupported) }
    }

    fn weight(&self, _: &PasswordHash) -> u32 {
        u32::from(self.fault != Fault::WeighsNothing)
    }

    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
        _: Option<CounterKey>,
    ) -> Result<PasswordVerdict, PortError> {
        self.begin()?;
        let Some(stored) = stored else {
            let matches_all = self.fault == Fault::AcceptsAnyPasswordWithoutHash;
            return Ok(if matches_all { PasswordVerdict::Matches } else { PasswordVerdict::Differs });
        };
        let Some((salt, digest)) = parts(stored) else {
            return match self.fault {
                Fault::TreatsMalformedHashesAsDifferent => Ok(PasswordVerdict::Differs),
                _ => Err(PortError::Corrupt(BoxError::from("not a hash"))),
            };
        };
        let is_read = self.fault != Fault::ReadsAsciiOnly || attempt.expose().is_ascii();
        Ok(match self.digest(salt, attempt.expose()) == digest && is_read {
            true if self.fault == Fault::ReportsOwnHashesOutdated => PasswordVerdict::MatchesOutdated,
            true => PasswordVerdict::Matches,
            false => PasswordVerdict::Differs,
        })
    }
}

fn parts(hash: &PasswordHash) -> Option<(&str, &str)> {
    hash.expose().split_once(':').filter(|(_, digest)| digest.len() == 128)
}

fn faulty(fault: Fault) -> Arc<dyn PasswordHasher> {
    Arc::new(FaultyHasher { fault, calls: AtomicU64::new(0) })
}

#[test]
fn correct_hasher_passes_every_case() {
    for case in PASSWORD_HASHER_CASES {
        assert_eq!(failure(case, &*faulty(Fault::None)), None, "{case}");
    }
}

#[test]
fn faulty_hasher_fails_a_case() {
    let detected = [
        (Fault::IgnoresCase, "hash_matches_no_other_password"),
        (Fault::CutsAt72Bytes, "hash_matches_no_other_password"),
        (Fault::ReadsUpToNul, "hash_matches_no_other_password"),
        (Fault::ReadsAsciiOnly, "hash_matches_its_password"),
        (Fault::ReadsAsciiOnly, "hash_ignores_the_unicode_composition"),
        (Fault::HasNoSalt, "two_hashes_of_one_password_differ"),
        (Fault::StoresThePassword, "hash_does_not_contain_the_password"),
        (Fault::WritesNul, "hash_can_be_stored_as_text"),
        (Fault::ReportsOwnHashesOutdated, "hash_matches_its_password"),
        (Fault::AcceptsAnyPasswordWithoutHash, "every_password_differs_without_a_hash"),
        (Fault::TreatsMalformedHashesAsDifferent, "malformed_hash_is_corrupt"),
        (Fault::AcceptsMalformedHashes, "own_hashes_are_accepted_and_malformed_ones_rejected"),
        (Fault::RejectsOwnHashes, "own_hashes_are_accepted_and_malformed_ones_rejected"),
        (Fault::WeighsNothing, "own_hashes_are_accepted_and_malformed_ones_rejected"),
        (Fault::StaysOverloaded, "burst_is_answered_correctly_or_as_an_overload"),
    ];
    assert_detected(PASSWORD_HASHER_CASES, detected.map(|(fault, case)| (faulty(fault), case)));
}
