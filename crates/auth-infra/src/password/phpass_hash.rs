//! Hashes of phpass (`$P$`, `$H$`: MD5) and of Drupal 7 to 10 (`$S$`: SHA-512). Both hash the previous digest and the
//! password again and again (<https://www.openwall.com/phpass/>).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{self, SHA512};
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::cost::{Cost, Step};
use super::error::ParseHashError;
use super::params::MAX_REHASHED_BYTES;

const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The maximum logarithm of the rounds: about 2 s of a core.
const MAX_LOG_ROUNDS: u32 = 21;
/// phpass itself accepts 2^7 to 2^30.
const MIN_LOG_ROUNDS: u32 = 7;
const SALT_BYTES: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhpassDigest {
    Md5,
    Sha512,
}

impl PhpassDigest {
    /// The characters of a tag. Drupal cuts the tag of SHA-512.
    fn tag_characters(self) -> usize {
        match self {
            Self::Md5 => 22,
            Self::Sha512 => 43,
        }
    }

    fn of(self, start: &[u8], password: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Md5 => Md5::new().chain_update(start).chain_update(password).finalize().to_vec(),
            Self::Sha512 => {
                let mut context = digest::Context::new(&SHA512);
                context.update(start);
                context.update(password);
                context.finish().as_ref().to_vec()
            }
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PhpassHash {
    digest: PhpassDigest,
    log_rounds: u32,
    salt: [u8; SALT_BYTES],
    tag: String,
}

impl PhpassHash {
    /// Reads what follows `$P$`: one digit of rounds, eight characters of salt, and the tag.
    pub(super) fn parse(digest: PhpassDigest, rest: &str) -> Result<Self, ParseHashError> {
        let is_well_formed = rest.len() == 1 + SALT_BYTES + digest.tag_characters()
            && rest.bytes().all(|byte| DIGITS.contains(&byte));
        let (rounds, rest) = rest.split_at_checked(1).filter(|_| is_well_formed).ok_or_else(malformed)?;
        let (salt, tag) = rest.split_at(SALT_BYTES);
        let log_rounds = DIGITS.iter().position(|digit| [*digit] == rounds.as_bytes());
        let log_rounds = log_rounds.and_then(|log| u32::try_from(log).ok()).ok_or_else(malformed)?;
        match log_rounds {
            ..MIN_LOG_ROUNDS => Err(malformed()),
            MIN_LOG_ROUNDS..=MAX_LOG_ROUNDS => {
                let salt = salt.as_bytes().try_into().map_err(|_| malformed())?;
                Ok(Self { digest, log_rounds, salt, tag: tag.to_owned() })
            }
            _ => Err(ParseHashError::TooCostly(format!(
                "phpass with 2^{log_rounds} rounds, at most 2^{MAX_LOG_ROUNDS}"
            ))),
        }
    }

    /// Whether this is the hash of `password`. The comparison takes constant time. A password beyond the maximum never
    /// matches.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let read = &password[..password.len().min(MAX_REHASHED_BYTES)];
        let mut state = self.digest.of(&self.salt, read);
        for _ in 0..1_u32 << self.log_rounds {
            state = self.digest.of(&state, read);
        }
        let tag = Zeroizing::new(encode(&state));
        let is_equal = tag
            .as_bytes()
            .get(..self.tag.len())
            .is_some_and(|tag| verify_slices_are_equal(tag, self.tag.as_bytes()).is_ok());
        is_equal && read.len() == password.len()
    }

    pub(super) fn cost(&self) -> Cost {
        let step = match self.digest {
            PhpassDigest::Md5 => Step::Md5,
            PhpassDigest::Sha512 => Step::Sha512,
        };
        Cost { step, steps: 1 << self.log_rounds, memory_bytes: 0 }
    }
}

/// Three bytes, least significant first, make four digits.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 3);
    for chunk in bytes.chunks(3) {
        let value = chunk.iter().rev().fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        text.extend((0..=chunk.len()).map(|digit| char::from(DIGITS[value >> (6 * digit) & 63])));
    }
    text
}

fn malformed() -> ParseHashError {
    ParseHashError::Malformed("phpass")
}
