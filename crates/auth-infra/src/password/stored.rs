//! Stored hashes of all supported formats.

use argon2::Params;
use auth_domain::ports::HashStrength;
use zeroize::Zeroizing;

use super::argon2_hash::Argon2Hash;
use super::bcrypt_hash::{self, BcryptHash};
use super::cost::Cost;
use super::error::{HashingError, ParseHashError};
use super::firebase_hash::FirebaseHash;
use super::memory::Memory;
use super::pbkdf2_hash::Pbkdf2Hash;
use super::phpass_hash::PhpassHash;
use super::preparation::Preparation;
use super::scrypt_hash::ScryptHash;
use super::sha_crypt_hash::ShaCryptHash;
use super::spelling;

/// A salt and a tag of one algorithm.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Algorithm {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Scrypt(ScryptHash),
    Pbkdf2(Pbkdf2Hash),
    ShaCrypt(ShaCryptHash),
    Phpass(PhpassHash),
    Firebase(FirebaseHash),
}

impl Algorithm {
    /// Whether this is the hash of `input`. The comparison takes constant time.
    fn matches(&self, input: &[u8], memory: &mut Memory) -> Result<bool, HashingError> {
        match self {
            Self::Argon2(hash) => hash.matches(input, memory),
            Self::Bcrypt(hash) => hash.matches(input),
            Self::Scrypt(hash) => hash.matches(input, memory),
            Self::Pbkdf2(hash) => Ok(hash.matches(input)),
            Self::ShaCrypt(hash) => Ok(hash.matches(input)),
            Self::Phpass(hash) => Ok(hash.matches(input)),
            Self::Firebase(hash) => hash.matches(input, memory),
        }
    }

    /// Whether another input would give another tag, wherever it differs.
    fn covers(&self, input: &[u8]) -> bool {
        match self {
            Self::Argon2(_) | Self::ShaCrypt(_) | Self::Phpass(_) => true,
            // bcrypt also reads the NUL at the end. An input of the maximum has none, like the start of a longer one.
            Self::Bcrypt(_) => input.len() < bcrypt_hash::MAX_PASSWORD_BYTES,
            // The password is the key of an HMAC, which zeros extend to the length of a block (RFC 2104).
            Self::Scrypt(_) | Self::Pbkdf2(_) | Self::Firebase(_) => !input.ends_with(&[0]),
        }
    }

    fn cost(&self) -> Cost {
        match self {
            Self::Argon2(hash) => hash.cost(),
            Self::Bcrypt(hash) => hash.cost(),
            Self::Scrypt(hash) => hash.params.cost(),
            Self::Pbkdf2(hash) => hash.cost(),
            Self::ShaCrypt(hash) => hash.cost(),
            Self::Phpass(hash) => hash.cost(),
            Self::Firebase(hash) => hash.params.cost(),
        }
    }

    fn weakness(&self) -> Option<String> {
        match self {
            Self::Argon2(hash) => hash.weakness(),
            Self::Bcrypt(hash) => hash.weakness(),
            Self::Scrypt(hash) => hash.params.weakness(),
            Self::Pbkdf2(hash) => hash.weakness(),
            Self::ShaCrypt(_) => Some("uses SHA-crypt, which OWASP does not recommend".to_owned()),
            Self::Phpass(_) => Some("uses phpass, which OWASP does not recommend".to_owned()),
            Self::Firebase(hash) => hash.params.weakness(),
        }
    }
}

/// The forms of a password attempt, as a job owns them.
pub(super) struct TypedPassword {
    /// Normalisation form C first, then the text as typed if it differs. This service hashes the former; most other
    /// programs have hashed the latter. Every hash is compared with both, so that an unknown user costs the same.
    forms: Vec<Zeroizing<Vec<u8>>>,
}

impl TypedPassword {
    pub(super) fn new(normalised: &[u8], typed: Option<&[u8]>) -> Self {
        let forms = [Some(normalised), typed].into_iter().flatten();
        Self { forms: forms.map(|form| Zeroizing::new(form.to_vec())).collect() }
    }
}

/// How a password matches a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Whether the hash depends on every byte of the password. If not, a new hash of the password would bind the user to
    /// bytes that were never compared.
    pub(super) is_whole: bool,
    /// Whether the hash is one of normalisation form C.
    pub(super) is_normalised: bool,
}

/// A stored hash: one of this adapter's own, or an imported one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredHash {
    /// The ways in which the program may have made the hash, if its spelling does not tell. A password matches in one.
    ways: Vec<(Preparation, Algorithm)>,
}

impl StoredHash {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        Self { ways: vec![(Preparation::None, algorithm)] }
    }

    pub(super) fn with(preparation: Preparation, algorithm: Algorithm) -> Self {
        Self { ways: vec![(preparation, algorithm)] }
    }

    pub(super) fn any_of(ways: Vec<(Preparation, Algorithm)>) -> Self {
        Self { ways }
    }

    pub(super) fn parse(stored: &str) -> Result<Self, ParseHashError> {
        spelling::parse(stored)
    }

    /// Compares `password` with this hash.
    pub(super) fn compare(
        &self,
        password: &TypedPassword,
        memory: &mut Memory,
    ) -> Result<Option<Match>, HashingError> {
        let mut compared = Vec::new();
        for (index, form) in password.forms.iter().enumerate() {
            for (preparation, algorithm) in &self.ways {
                let Some(prepared) = preparation.apply(form) else { continue };
                // Two ways may prepare a password alike.
                let computation = (algorithm, prepared.input.clone());
                if compared.contains(&computation) {
                    continue;
                }
                if algorithm.matches(&prepared.input, memory)? {
                    let is_whole = *prepared.read == **form
                        && (preparation.is_digest() || algorithm.covers(&prepared.input));
                    return Ok(Some(Match { is_whole, is_normalised: index == 0 }));
                }
                compared.push(computation);
            }
        }
        Ok(None)
    }

    fn as_argon2(&self) -> Option<&Argon2Hash> {
        match &self.ways[..] {
            [(Preparation::None, Algorithm::Argon2(hash))] => Some(hash),
            _ => None,
        }
    }

    /// Whether its verification takes as long as a new hash with the `current` parameters.
    pub(super) fn has_cost_of(&self, current: &Params) -> bool {
        self.as_argon2().is_some_and(|hash| hash.has_cost_of(current))
    }

    /// Whether a new hash with the `current` parameters would be stronger. Of the supported algorithms only Argon2id costs
    /// an attacker with special hardware as much as it costs a server.
    pub(super) fn is_weaker_than(&self, current: &Params) -> bool {
        self.as_argon2().is_none_or(|hash| hash.is_weaker_than(current))
    }

    /// The costs of comparing one form of a password, at most: one for each way. A password with two forms costs at most
    /// twice as much, whatever the hash is.
    pub(super) fn costs(&self) -> Vec<Cost> {
        self.ways.iter().map(|(_, algorithm)| algorithm.cost()).collect()
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.costs().iter().map(|cost| cost.memory_bytes).max().unwrap_or_default()
    }

    /// Compares the parameters with the OWASP Password Storage Cheat Sheet.
    pub(super) fn strength(&self) -> HashStrength {
        let weakness = self.ways.first().and_then(|(_, algorithm)| algorithm.weakness());
        weakness.map_or(HashStrength::Strong, HashStrength::Weak)
    }
}
