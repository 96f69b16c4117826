//! Hashers that break their promises.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use auth_domain::conformance::PASSWORD_HASHER_CASES;
use auth_domain::model::{Password, PasswordAttempt, PasswordHash, SecretDigest};
use auth_domain::ports::{BoxError, InvalidHash, PasswordHasher, PasswordVerdict, PortError};

use crate::assert_noticed;

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
    FindsItsHashesOutdated,
    LetsNobodyIn,
    TakesGarbageForAnotherPassword,
    AcceptsAnything,
    RejectsItsOwn,
    StaysOverloaded,
}

/// Writes `salt:digest`.
struct Broken {
    fault: Fault,
    calls: AtomicU64,
}

impl Broken {
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
impl PasswordHasher for Broken {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PortError> {
        let salt = match (self.begin()?, self.fault) {
            (_, Fault::HasNoSalt) => String::new(),
            (_, Fault::StoresThePassword) => String::from_utf8_lossy(password.expose()).into_owned(),
            (calls, Fault::WritesNul) => format!("{calls}\0"),
            (calls, _) => calls.to_string(),
        };
        let digest = self.digest(&salt, password.expose());
        Ok(PasswordHash::new(format!("{salt}:{digest}")))
    }

    fn accept(&self, hash: &PasswordHash) -> Result<(), InvalidHash> {
        let is_read = match self.fault {
            Fault::AcceptsAnything => true,
            Fault::RejectsItsOwn => false,
            _ => parts(hash).is_some(),
        };
        if is_read { Ok(()) } else { Err(InvalidHash::Unsupported) }
    }

    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
    ) -> Result<PasswordVerdict, PortError> {
        self.begin()?;
        let Some(stored) = stored else {
            let lets_in = self.fault == Fault::LetsNobodyIn;
            return Ok(if lets_in { PasswordVerdict::Matches } else { PasswordVerdict::Differs });
        };
        let Some((salt, digest)) = parts(stored) else {
            return match self.fault {
                Fault::TakesGarbageForAnotherPassword => Ok(PasswordVerdict::Differs),
                _ => Err(PortError::Corrupt(BoxError::from("not a hash"))),
            };
        };
        let is_read = self.fault != Fault::ReadsAsciiOnly || attempt.expose().is_ascii();
        Ok(match self.digest(salt, attempt.expose()) == digest && is_read {
            true if self.fault == Fault::FindsItsHashesOutdated => PasswordVerdict::MatchesOutdated,
            true => PasswordVerdict::Matches,
            false => PasswordVerdict::Differs,
        })
    }
}

fn parts(hash: &PasswordHash) -> Option<(&str, &str)> {
    hash.expose().split_once(':').filter(|(_, digest)| digest.len() == 128)
}

fn broken(fault: Fault) -> Arc<dyn PasswordHasher> {
    Arc::new(Broken { fault, calls: AtomicU64::new(0) })
}

#[tokio::test]
async fn a_hasher_that_keeps_its_promises_passes() {
    for case in PASSWORD_HASHER_CASES {
        case.run(&*broken(Fault::None)).await;
    }
}

#[tokio::test]
async fn a_hasher_that_breaks_a_promise_is_noticed() {
    let noticed = [
        (Fault::IgnoresCase, "a_hash_matches_no_other_password"),
        (Fault::CutsAt72Bytes, "a_hash_matches_no_other_password"),
        (Fault::ReadsUpToNul, "a_hash_matches_no_other_password"),
        (Fault::ReadsAsciiOnly, "a_hash_matches_the_password_it_was_made_of"),
        (Fault::ReadsAsciiOnly, "a_hash_matches_however_the_keyboard_composed_the_password"),
        (Fault::HasNoSalt, "two_hashes_of_one_password_differ"),
        (Fault::StoresThePassword, "a_hash_does_not_show_the_password"),
        (Fault::WritesNul, "a_hash_survives_being_stored_as_text"),
        (Fault::FindsItsHashesOutdated, "a_hash_matches_the_password_it_was_made_of"),
        (Fault::LetsNobodyIn, "whatever_is_tried_for_nobody_differs"),
        (Fault::TakesGarbageForAnotherPassword, "what_is_no_hash_is_corrupt"),
        (Fault::AcceptsAnything, "what_it_made_is_accepted_and_what_is_no_hash_is_rejected"),
        (Fault::RejectsItsOwn, "what_it_made_is_accepted_and_what_is_no_hash_is_rejected"),
        (Fault::StaysOverloaded, "a_burst_is_answered_rightly_or_as_an_overload_and_passes"),
    ];
    assert_noticed(PASSWORD_HASHER_CASES, noticed.map(|(fault, case)| (broken(fault), case))).await;
}
