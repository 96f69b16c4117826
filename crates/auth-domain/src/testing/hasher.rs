//! A fast password hasher.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::model::{CounterKey, Password, PasswordAttempt, PasswordHash};
use crate::ports::{BoxError, HashStrength, InvalidHash, PasswordHasher, PasswordVerdict, PortError};

const PREFIX: &str = "$plain-sha256$";

/// A fast [`PasswordHasher`] for tests: one salted SHA-256, so a thousand logins take a few milliseconds.
///
/// It is unsafe outside tests: an attacker with such a hash tries a thousand million passwords per second. The hash does not
/// contain the password in readable form. A test that searches a store or a log for passwords finds only real leaks.
///
/// It counts its work. A test can make it [overloaded](Self::set_overloaded) and can make the existing hashes
/// [outdated](Self::outdate).
#[derive(Debug, Default)]
pub struct PlainHasher {
    generation: AtomicU64,
    overloaded: AtomicBool,
    hashed: AtomicU64,
    verified: AtomicU64,
}

impl PlainHasher {
    /// Creates a hasher that has not done any work.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether every call returns [`PortError::Overloaded`].
    pub fn set_overloaded(&self, overloaded: bool) {
        self.overloaded.store(overloaded, Ordering::SeqCst);
    }

    /// Makes all existing hashes outdated, as higher hash parameters would.
    pub fn outdate(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// The number of hashed passwords.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::SeqCst)
    }

    /// The number of verifications, including those without a stored hash.
    #[must_use]
    pub fn verified(&self) -> u64 {
        self.verified.load(Ordering::SeqCst)
    }

    fn work(&self, done: &AtomicU64) -> Result<u64, PortError> {
        if self.overloaded.load(Ordering::SeqCst) {
            return Err(PortError::Overloaded);
        }
        Ok(done.fetch_add(1, Ordering::SeqCst))
    }
}

#[async_trait]
impl PasswordHasher for PlainHasher {
    async fn hash(&self, password: &Password, _: Option<CounterKey>) -> Result<PasswordHash, PortError> {
        let salt = self.work(&self.hashed)?;
        let generation = self.generation.load(Ordering::SeqCst);
        let digest = URL_SAFE_NO_PAD.encode(digest(salt, password.expose()));
        Ok(PasswordHash::new(format!("{PREFIX}{generation}${salt}${digest}")))
    }

    fn accept(&self, hash: &PasswordHash) -> Result<HashStrength, InvalidHash> {
        PlainHash::parse(hash).map(|_| HashStrength::Strong).ok_or(InvalidHash::Unsupported)
    }

    fn weight(&self, _: &PasswordHash) -> u32 {
        1
    }

    async fn verify<'a>(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&'a PasswordHash>,
        _: Option<CounterKey>,
    ) -> Result<PasswordVerdict, PortError> {
        self.work(&self.verified)?;
        let Some(stored) = stored else { return Ok(PasswordVerdict::Differs) };
        let stored =
            PlainHash::parse(stored).ok_or_else(|| PortError::Corrupt(BoxError::from("not a plain hash")))?;
        if digest(stored.salt, attempt.expose()) != stored.digest {
            Ok(PasswordVerdict::Differs)
        } else if stored.generation == self.generation.load(Ordering::SeqCst) {
            Ok(PasswordVerdict::Matches)
        } else {
            Ok(PasswordVerdict::MatchesOutdated)
        }
    }
}

struct PlainHash {
    generation: u64,
    salt: u64,
    digest: [u8; 32],
}

impl PlainHash {
    fn parse(hash: &PasswordHash) -> Option<Self> {
        let mut parts = hash.expose().strip_prefix(PREFIX)?.split('$');
        let generation = parts.next()?.parse().ok()?;
        let salt = parts.next()?.parse().ok()?;
        let digest = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?.try_into().ok()?;
        parts.next().is_none().then_some(Self { generation, salt, digest })
    }
}

fn digest(salt: u64, password: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt.to_be_bytes()).chain_update(password).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password() -> Password {
        Password::parse("P@ssw0rd!").expect("accepted")
    }

    fn attempt() -> PasswordAttempt {
        PasswordAttempt::new("P@ssw0rd!")
    }

    #[tokio::test]
    async fn outdate_makes_earlier_hashes_outdated() {
        let hasher = PlainHasher::new();
        let old = hasher.hash(&password(), None).await.expect("no error");
        hasher.outdate();
        let new = hasher.hash(&password(), None).await.expect("no error");
        let verdict = hasher.verify(&attempt(), Some(&old), None).await.expect("no error");
        assert_eq!(verdict, PasswordVerdict::MatchesOutdated);
        let verdict = hasher.verify(&attempt(), Some(&new), None).await.expect("no error");
        assert_eq!(verdict, PasswordVerdict::Matches);
        let verdict =
            hasher.verify(&PasswordAttempt::new("wrong"), Some(&old), None).await.expect("no error");
        assert_eq!(verdict, PasswordVerdict::Differs);
    }

    #[tokio::test]
    async fn refused_work_is_not_counted() {
        let hasher = PlainHasher::new();
        hasher.hash(&password(), None).await.expect("no error");
        hasher.verify(&attempt(), None, None).await.expect("no error");
        hasher.set_overloaded(true);
        assert!(matches!(hasher.hash(&password(), None).await, Err(PortError::Overloaded)));
        assert!(matches!(hasher.verify(&attempt(), None, None).await, Err(PortError::Overloaded)));
        assert_eq!((hasher.hashed(), hasher.verified()), (1, 1));
        hasher.set_overloaded(false);
        hasher.verify(&attempt(), None, None).await.expect("no longer overloaded");
        assert_eq!((hasher.hashed(), hasher.verified()), (1, 2));
    }
}
