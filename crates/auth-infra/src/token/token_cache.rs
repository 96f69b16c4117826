//! Claims of tokens that were verified recently.
//!
//! A client presents its token many times, and verifying a signature takes far longer than a digest.

use std::sync::{Arc, Weak};

use auth_domain::model::AccessClaims;
use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use super::key_ring::ScheduledKey;

/// The maximum number of cached tokens: about 10 MiB.
const CAPACITY: usize = 16_384;

/// The SHA-256 digest of a token. The token itself is not kept.
type Digest = [u8; 32];

/// Claims by the digest of their token. Only verified tokens are inserted, so a forger cannot fill the cache.
pub(super) type TokenCache = Cache<Digest, Arc<CachedToken>>;

/// The claims of a verified token, and the key that verified it.
pub(super) struct CachedToken {
    pub(super) claims: AccessClaims,
    /// Weak, so that the cache does not keep a private key in memory.
    pub(super) key: Weak<ScheduledKey>,
}

pub(super) fn token_cache() -> TokenCache {
    Cache::new(CAPACITY)
}

pub(super) fn token_digest(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use auth_domain::model::{ClientId, ExtraClaims, Roles, SessionId, Timestamp, TokenId, UserId};
    use uuid::Uuid;

    use super::*;

    fn cached(number: u128) -> Arc<CachedToken> {
        let claims = AccessClaims {
            token_id: TokenId(Uuid::from_u128(number)),
            user_id: UserId(Uuid::nil()),
            session_id: SessionId(Uuid::nil()),
            client_id: ClientId::from_static("example"),
            roles: Roles::default(),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
            extra: ExtraClaims::default(),
        };
        Arc::new(CachedToken { claims, key: Weak::new() })
    }

    fn insert(tokens: &TokenCache, number: u128) {
        tokens.insert(token_digest(&number.to_string()), cached(number));
    }

    fn contains(tokens: &TokenCache, number: u128) -> bool {
        let found = tokens.get(&token_digest(&number.to_string()));
        found.is_some_and(|found| found.claims == cached(number).claims)
    }

    #[test]
    fn an_inserted_token_is_found_and_no_other() {
        let tokens = token_cache();
        (0..1_000).for_each(|number| insert(&tokens, number));
        assert!((0..1_000).all(|number| contains(&tokens, number)));
        assert!(!contains(&tokens, 1_000));
    }

    #[test]
    fn the_cache_never_exceeds_its_capacity() {
        let tokens = token_cache();
        let capacity = u128::try_from(CAPACITY).expect("a number");
        (0..3 * capacity).for_each(|number| insert(&tokens, number));
        assert!((CAPACITY / 2..=CAPACITY).contains(&tokens.len()), "{}", tokens.len());
    }

    #[test]
    fn a_token_in_constant_use_stays_cached() {
        let tokens = TokenCache::new(320);
        insert(&tokens, 0);
        for number in 1..10_000 {
            insert(&tokens, number);
            assert!(contains(&tokens, 0), "after {number} others");
        }
    }
}
