//! Verifies access tokens.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

use crate::bearer::bearer_token;
use crate::builder::{VerifierBuilder, WhenStale};
use crate::claims::{Claims, Payload};
use crate::clock::{Clock, unix_seconds};
use crate::compact::{Compact, Header, MAX_TOKEN};
use crate::ended_sessions::{EndedSessions, Progress, SessionState};
use crate::error::{FetchError, VerifyError};
use crate::follower::PAGE_PAUSE;
use crate::key_cache::KeyCache;
use crate::key_set::Key;
use crate::locks::lock;

/// The type of an access token (RFC 9068, section 2.1). A signed refresh token of the same issuer has another one.
const TYPE: &str = "at+jwt";

/// Verifies the access tokens of one issuer. Cloning it is cheap: the clones share keys, ended sessions and cache.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    settings: Settings,
    keys: KeyCache,
    feed: Option<Feed>,
    follow_errors: Mutex<FollowErrors>,
    /// Claims by the digest of their token. Only verified tokens are inserted, so a forger cannot fill it.
    cache: Option<Cache<[u8; 32], Arc<CachedToken>>>,
}

/// Why the last requests of a follower failed, if they did.
#[derive(Default)]
struct FollowErrors {
    feed: Option<String>,
    keys: Option<String>,
}

pub(crate) struct Settings {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) leeway: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The feed of ended sessions, and what happens without it.
pub(crate) struct Feed {
    pub(crate) ended: EndedSessions,
    pub(crate) max_staleness: Duration,
    pub(crate) when_stale: WhenStale,
}

/// A token whose signature was verified.
struct CachedToken {
    claims: Arc<Claims>,
    /// The later of `iat` and `nbf`.
    valid_from: u64,
    expires_at: u64,
    key: Arc<Key>,
}

/// How late a verifier may notice that a session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Staleness {
    /// Every session that had ended this long ago is refused. While the feed is followed, this is at most about 25 seconds without
    /// news, and an end is noticed within two seconds.
    Feed(Duration),
    /// The feed has not been read yet.
    Unread,
    /// There is no feed: a token is accepted until it expires.
    UntilExpiry,
}

impl Verifier {
    /// Begins to build a verifier of the tokens of `issuer`, such as `https://auth.example.com`. This is the `public_url` of the
    /// service.
    pub fn builder(issuer: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(issuer.into())
    }

    pub(crate) fn new(settings: Settings, keys: KeyCache, feed: Option<Feed>, cached_tokens: usize) -> Self {
        let cache = (cached_tokens > 0).then(|| Cache::new(cached_tokens));
        Self(Arc::new(Inner { settings, keys, feed, follow_errors: Mutex::default(), cache }))
    }

    /// Verifies an access token, and that its session has not ended.
    ///
    /// With a [follower](Self::follow), it never waits for the issuer. A token that names an unknown key makes the follower fetch the
    /// keys, at most once a second. Until this fetch has ended, the error is [`VerifyError::KeysUnavailable`].
    ///
    /// Without one, it blocks for a request to the issuer if the token names an unknown key, or if the keys are stale. This takes at
    /// most three seconds, for at most 64 callers at a time.
    ///
    /// # Errors
    /// If the request must be refused. [`VerifyError::status`] is the status of the answer.
    pub fn verify(&self, token: &str) -> Result<Arc<Claims>, VerifyError> {
        let verified = self.verified(token)?;
        self.check_times(&verified)?;
        self.check_session(&verified.claims)?;
        Ok(Arc::clone(&verified.claims))
    }

    /// Verifies the access token in the value of an `Authorization` header (RFC 6750, section 2.1).
    ///
    /// # Errors
    /// [`VerifyError::MissingToken`] without a bearer token, and otherwise as for [`verify`](Self::verify).
    pub fn verify_authorization(&self, header: Option<&str>) -> Result<Arc<Claims>, VerifyError> {
        self.verify(bearer_token(header)?)
    }

    /// Fetches the keys and the ended sessions. A service that calls this before it serves has both for its first request.
    ///
    /// # Errors
    /// If the issuer does not answer, or its list of ended sessions has no end.
    pub fn sync(&self) -> Result<(), FetchError> {
        self.0.keys.fetch()?;
        while self.fetch_ended(false)?.has_more {
            thread::sleep(PAGE_PAUSE);
        }
        Ok(())
    }

    /// Returns how late the end of a session may be noticed now.
    #[must_use]
    pub fn staleness(&self) -> Staleness {
        match &self.0.feed {
            None => Staleness::UntilExpiry,
            Some(feed) => feed.ended.age().map_or(Staleness::Unread, Staleness::Feed),
        }
    }

    /// Returns why the last request of [`follow`](Self::follow) for the feed or for the keys failed, or `None` if neither did.
    #[must_use]
    pub fn follow_error(&self) -> Option<String> {
        let errors = lock(&self.0.follow_errors);
        errors.feed.clone().or_else(|| errors.keys.clone())
    }

    pub(crate) fn set_feed_error(&self, error: Option<String>) {
        lock(&self.0.follow_errors).feed = error;
    }

    pub(crate) fn set_keys_error(&self, error: Option<String>) {
        lock(&self.0.follow_errors).keys = error;
    }

    #[cfg(test)]
    pub(crate) fn strong_count(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    pub(crate) fn keys(&self) -> &KeyCache {
        &self.0.keys
    }

    /// Reads the next ended sessions. Without a feed there are none.
    pub(crate) fn fetch_ended(&self, wait: bool) -> Result<Progress, FetchError> {
        let none = Progress { has_more: false, is_empty: true };
        self.0.feed.as_ref().map_or(Ok(none), |feed| feed.ended.fetch(wait))
    }

    /// The token, with a signature that was verified now or before.
    fn verified(&self, token: &str) -> Result<Arc<CachedToken>, VerifyError> {
        if token.len() > MAX_TOKEN {
            return Err(VerifyError::InvalidToken("it is too long"));
        }
        let Some(cache) = &self.0.cache else { return self.verify_signature(token).map(Arc::new) };
        let mut key = [0; 32];
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        // The key of a token may have been withdrawn.
        if let Some(cached) = cache.get(&key).filter(|cached| self.0.keys.holds(&cached.key)) {
            return Ok(cached);
        }
        let verified = Arc::new(self.verify_signature(token)?);
        cache.insert(key, Arc::clone(&verified));
        Ok(verified)
    }

    fn verify_signature(&self, token: &str) -> Result<CachedToken, VerifyError> {
        let invalid = VerifyError::InvalidToken;
        let compact = Compact::parse(token).ok_or(invalid("it is malformed"))?;
        let header = Header::parse(&compact.header).ok_or(invalid("its header is invalid"))?;
        if header.typ != TYPE {
            return Err(invalid("it is not an access token"));
        }
        let key = self.0.keys.find(&header.kid)?.ok_or(invalid("its key is unknown"))?;
        if header.alg != key.algorithm() || !key.has_signed(compact.signed, &compact.signature) {
            return Err(invalid("its signature is invalid"));
        }
        let payload = compact.payload().and_then(|json| Payload::parse(&json));
        let Payload { issuer, audience, valid_from, expires_at, is_bound, claims } =
            payload.ok_or(invalid("its claims are invalid"))?;
        if issuer != self.0.settings.issuer {
            return Err(VerifyError::WrongIssuer);
        }
        if audience != self.0.settings.audience {
            return Err(VerifyError::WrongAudience);
        }
        if is_bound {
            return Err(invalid("it is bound to a key (cnf), and the proof of the key is not checked"));
        }
        Ok(CachedToken { claims: Arc::new(claims), valid_from, expires_at, key })
    }

    fn check_times(&self, token: &CachedToken) -> Result<(), VerifyError> {
        let Settings { clock, leeway, .. } = &self.0.settings;
        let (now, leeway) = (unix_seconds(clock.now()), leeway.as_secs());
        if token.valid_from > now + leeway || token.valid_from >= token.expires_at {
            return Err(VerifyError::InvalidToken("it is from the future"));
        }
        if now >= token.expires_at + leeway {
            return Err(VerifyError::Expired);
        }
        Ok(())
    }

    fn check_session(&self, claims: &Claims) -> Result<(), VerifyError> {
        let Some(Feed { ended, max_staleness, when_stale }) = &self.0.feed else { return Ok(()) };
        let (state, age) = ended.look_up(claims.session_id);
        let is_known = state == SessionState::Live && age.is_some_and(|age| age <= *max_staleness);
        match (state, when_stale) {
            (SessionState::Ended, _) => Err(VerifyError::SessionEnded),
            (_, WhenStale::Refuse) if !is_known => Err(VerifyError::Stale),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { issuer, audience, .. } = &self.0.settings;
        f.debug_struct("Verifier").field("issuer", issuer).field("audience", audience).finish_non_exhaustive()
    }
}
