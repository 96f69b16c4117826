//! Tokens that were verified a moment ago.
//!
//! Whoever bears a token shows it again and again, and verifying a signature takes far longer than a digest.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use auth_domain::model::AccessClaims;
use aws_lc_rs::digest::{SHA256, digest};

use super::key_ring::ScheduledKey;
use crate::recent::Recent;

/// Parts that are locked by themselves, so that threads rarely wait for each other.
const PARTS: usize = 16;
/// How many tokens are remembered at the most: some 10 MiB.
const CAPACITY: usize = 16_384;

/// The SHA-256 digest of a token: the token itself is not kept.
type Digest = [u8; 32];

/// What tokens said that a key has verified. Only such tokens get in, so nobody fills it with noise; those that were not
/// asked for since as many others came are forgotten.
pub(super) struct TokenCache {
    parts: [Mutex<Recent<Digest, CachedToken>>; PARTS],
}

/// What a verified token says, and by which key.
pub(super) struct CachedToken {
    pub(super) claims: AccessClaims,
    /// The key, which is not kept for the token's sake.
    pub(super) key: Weak<ScheduledKey>,
}

impl TokenCache {
    pub(super) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(bound: usize) -> Self {
        Self { parts: std::array::from_fn(|_| Mutex::new(Recent::bounded(bound / PARTS))) }
    }

    /// What the token of this digest said when it was verified.
    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<CachedToken>> {
        self.part(digest, |part| part.find(digest))
    }

    /// Remembers what the token of this digest says.
    pub(super) fn insert(&self, digest: Digest, verified: CachedToken) {
        self.part(&digest, |part| part.add(digest, Arc::new(verified)));
    }

    fn part<T>(&self, digest: &Digest, work: impl FnOnce(&mut Recent<Digest, CachedToken>) -> T) -> T {
        let part = &self.parts[usize::from(digest[0]) % PARTS];
        work(&mut part.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The digest that a token is known by.
pub(super) fn token_digest(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{ClientId, Roles, SessionId, Timestamp, TokenId, UserId};
    use uuid::Uuid;

    use super::*;

    fn verified(number: u128) -> CachedToken {
        let claims = AccessClaims {
            token_id: TokenId(Uuid::from_u128(number)),
            user_id: UserId(Uuid::nil()),
            session_id: SessionId(Uuid::nil()),
            client_id: ClientId::from_static("example"),
            roles: Roles::default(),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
        };
        CachedToken { claims, key: Weak::new() }
    }

    fn add(tokens: &TokenCache, numbers: impl IntoIterator<Item = u128>) {
        for number in numbers {
            tokens.insert(token_digest(&number.to_string()), verified(number));
        }
    }

    fn knows(tokens: &TokenCache, number: u128) -> bool {
        let found = tokens.get(&token_digest(&number.to_string()));
        found.is_some_and(|found| found.claims == verified(number).claims)
    }

    #[test]
    fn what_was_added_is_found_and_nothing_else() {
        let tokens = TokenCache::new();
        add(&tokens, 0..1_000);
        assert!((0..1_000).all(|number| knows(&tokens, number)));
        assert!(!knows(&tokens, 1_000));
    }

    #[test]
    fn there_are_never_more_than_the_bound() {
        let tokens = TokenCache::with_capacity(320);
        add(&tokens, 0..10_000);
        let count: usize = tokens.parts.iter().map(|part| part.lock().map_or(0, |part| part.len())).sum();
        assert!((160..=320).contains(&count), "{count}");
    }

    #[test]
    fn a_token_that_is_asked_for_again_and_again_stays() {
        let tokens = TokenCache::with_capacity(320);
        add(&tokens, [0]);
        for number in 1..10_000 {
            add(&tokens, [number]);
            assert!(knows(&tokens, 0), "after {number} others");
        }
        assert!(!knows(&tokens, 1), "nobody asked for it");
    }
}
