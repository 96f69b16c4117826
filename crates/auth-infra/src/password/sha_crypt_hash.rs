//! SHA-crypt hashes of Unix systems: `$5$` and `$6$`
//! (<https://www.akkadia.org/drepper/SHA-crypt.txt>).

use sha_crypt::{PasswordHashRef, PasswordVerifier as _, ShaCrypt};

use super::cost::{Cost, Step};
use super::encoding::number;
use super::error::ParseHashError;
use super::params::MAX_REHASHED_BYTES;

/// The rounds of a hash without `rounds=`.
const DEFAULT_ROUNDS: u32 = 5_000;
/// The maximum rounds: about 2 s of a core.
const MAX_ROUNDS: u32 = 2_000_000;
const MIN_ROUNDS: u32 = 1_000;
const MIN_SALT_CHARACTERS: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShaCryptHash {
    text: String,
    step: Step,
    rounds: u32,
}

impl ShaCryptHash {
    /// Reads `$6$rounds=656000$salt$tag`, where the rounds may be left out.
    pub(super) fn parse(stored: &str) -> Result<Self, ParseHashError> {
        let mut parts = stored.split('$').skip(1);
        let (step, tag_characters) = match parts.next() {
            Some("5") => (Step::Sha256Crypt, 43),
            Some("6") => (Step::Sha512Crypt, 86),
            _ => return Err(malformed()),
        };
        let parts: Vec<_> = parts.collect();
        let (rounds, salt, tag) = match parts[..] {
            [salt, tag] => (DEFAULT_ROUNDS, salt, tag),
            [rounds, salt, tag] => {
                let rounds = rounds.strip_prefix("rounds=").and_then(number).ok_or_else(malformed)?;
                (rounds, salt, tag)
            }
            _ => return Err(malformed()),
        };
        if rounds > MAX_ROUNDS {
            return Err(ParseHashError::TooCostly(format!(
                "SHA-crypt with {rounds} rounds, at most {MAX_ROUNDS}"
            )));
        }
        let is_well_formed = rounds >= MIN_ROUNDS
            && (MIN_SALT_CHARACTERS..=16).contains(&salt.len())
            && [salt, tag].iter().all(|text| text.bytes().all(is_crypt_character))
            && tag.len() == tag_characters
            && PasswordHashRef::new(stored).is_ok();
        is_well_formed.then(|| Self { text: stored.to_owned(), step, rounds }).ok_or_else(malformed)
    }

    /// Whether this is the hash of `password`. The comparison takes constant time. A password beyond the maximum never
    /// matches.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let read = &password[..password.len().min(MAX_REHASHED_BYTES)];
        let verified = PasswordHashRef::new(&self.text)
            .is_ok_and(|hash| ShaCrypt::default().verify_password(read, hash).is_ok());
        verified && read.len() == password.len()
    }

    pub(super) fn cost(&self) -> Cost {
        Cost { step: self.step, steps: self.rounds.into(), memory_bytes: 0 }
    }
}

fn is_crypt_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

fn malformed() -> ParseHashError {
    ParseHashError::Malformed("SHA-crypt")
}
