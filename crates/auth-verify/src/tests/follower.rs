//! What the threads of a follower do, and that callers never wait while they run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::issuer::{FEED, Issuer, KEYS, PrivateKey, SECOND, claims};
use crate::{Clock, HttpClient, HttpError, HttpResponse, Staleness, Verifier, VerifyError, WhenStale};

const UNKNOWN: VerifyError = VerifyError::InvalidToken("its key is unknown");

/// An issuer that answers nothing on one path, and lets requests for it wait.
#[derive(Clone)]
struct Hanging {
    issuer: Issuer,
    path: Arc<Mutex<Option<&'static str>>>,
}

impl Hanging {
    fn new() -> Self {
        Self { issuer: Issuer::new(PrivateKey::p256()), path: Arc::default() }
    }

    fn verifier(&self) -> Verifier {
        let builder = self.issuer.builder().http_client(self.clone());
        let verifier = builder.when_stale(86_400 * SECOND, WhenStale::Refuse).build().expect("a verifier");
        verifier.sync().expect("synced");
        verifier
    }

    fn hang(&self, path: Option<&'static str>) {
        *self.path.lock().expect("a lock") = path;
    }
}

impl HttpClient for Hanging {
    fn get(&self, url: &str, timeout: Duration) -> Result<HttpResponse, HttpError> {
        let answer = self.issuer.get(url, timeout);
        let hangs = || self.path.lock().expect("a lock").is_some_and(|path| url.contains(path));
        if hangs() {
            let began = Instant::now();
            while hangs() && began.elapsed() < timeout {
                thread::sleep(Duration::from_millis(5));
            }
            return Err("no answer".into());
        }
        answer
    }
}

/// Waits for a condition, for at most 20 seconds.
fn until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < 20 * SECOND);
        thread::sleep(Duration::from_millis(5));
    }
}

fn token_of(key: &PrivateKey, kid: &str) -> String {
    let header = json!({"alg": key.algorithm(), "typ": "at+jwt", "kid": kid});
    let mut claims = claims();
    claims["exp"] = (claims["iat"].as_u64().expect("a time") + 86_400).into();
    key.sign(&header.to_string(), &claims.to_string())
}

#[test]
fn callers_never_wait_for_an_issuer_that_hangs() {
    let hanging = Hanging::new();
    let (verifier, issuer) = (hanging.verifier(), &hanging.issuer);
    let known = token_of(issuer.key(), "first");
    let _following = verifier.follow_in_background().expect("threads");
    assert!(verifier.verify(&known).is_ok());
    hanging.hang(Some(KEYS));
    issuer.advance(301 * SECOND);
    let (began, requests) = (Instant::now(), issuer.requests(KEYS).len());
    for number in 0..400 {
        let unknown = token_of(issuer.key(), &number.to_string());
        assert_eq!(verifier.verify(&unknown).err(), Some(VerifyError::KeysUnavailable));
        assert!(verifier.verify(&known).is_ok(), "stale keys stay in use");
        issuer.advance(Duration::from_millis(10));
    }
    // A single wait for the issuer takes three seconds, on the clock of the system.
    assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
    assert!(issuer.requests(KEYS).len() <= requests + 1, "one request at a time");
    hanging.hang(None);
}

#[test]
fn follower_fetches_a_key_that_a_caller_misses() {
    let hanging = Hanging::new();
    let (verifier, issuer, new) = (hanging.verifier(), &hanging.issuer, PrivateKey::p256());
    let _following = verifier.follow_in_background().expect("threads");
    issuer.publish(&[issuer.key().jwk("first"), new.jwk("second")]);
    issuer.advance(SECOND);
    let token = token_of(&new, "second");
    let error = verifier.verify(&token).expect_err("not fetched yet");
    assert_eq!((&error, error.retry_after()), (&VerifyError::KeysUnavailable, Some(SECOND)));
    let began = Instant::now();
    until(|| verifier.verify(&token).is_ok());
    assert!(began.elapsed() < 15 * SECOND);
    // The answer was complete a moment ago, so there is no other key.
    let requests = issuer.requests(KEYS).len();
    assert_eq!(verifier.verify(&token_of(&new, "third")).err(), Some(UNKNOWN));
    assert_eq!(issuer.requests(KEYS).len(), requests);
}

#[test]
fn keys_are_refreshed_while_the_feed_waits() {
    let hanging = Hanging::new();
    let (verifier, issuer) = (hanging.verifier(), &hanging.issuer);
    hanging.hang(Some(FEED));
    let feed = issuer.requests(FEED).len();
    let _following = verifier.follow_in_background().expect("threads");
    until(|| issuer.requests(FEED).len() > feed);
    let keys = issuer.requests(KEYS).len();
    issuer.advance(241 * SECOND);
    until(|| issuer.requests(KEYS).len() > keys);
    assert_eq!(issuer.requests(FEED).len(), feed + 1, "the feed waits for 25 seconds");
    hanging.hang(None);
}

#[test]
fn feed_is_read_while_the_keys_hang() {
    let hanging = Hanging::new();
    let (verifier, issuer) = (hanging.verifier(), &hanging.issuer);
    hanging.hang(Some(KEYS));
    issuer.advance(241 * SECOND);
    let _following = verifier.follow_in_background().expect("threads");
    // Each round would take four seconds with the keys.
    let (began, feed) = (Instant::now(), issuer.requests(FEED).len());
    until(|| issuer.requests(FEED).len() >= feed + 4);
    assert!(began.elapsed() < 9 * SECOND, "{:?}", began.elapsed());
    hanging.hang(None);
}

/// An HTTP client and clock of a test that panic while their flag is set.
#[derive(Clone)]
struct Panicking {
    issuer: Issuer,
    client: Arc<AtomicBool>,
    clock: Arc<AtomicBool>,
}

impl HttpClient for Panicking {
    fn get(&self, url: &str, timeout: Duration) -> Result<HttpResponse, HttpError> {
        assert!(!self.client.load(Ordering::SeqCst), "the client fails");
        self.issuer.get(url, timeout)
    }
}

impl Clock for Panicking {
    fn now(&self) -> SystemTime {
        assert!(!self.clock.load(Ordering::SeqCst), "the clock fails");
        self.issuer.now()
    }

    fn elapsed(&self) -> Duration {
        self.issuer.elapsed()
    }
}

#[test]
fn panic_of_the_client_or_clock_does_not_end_a_follower() {
    for (client, clock) in [(true, false), (false, true)] {
        let issuer = Issuer::new(PrivateKey::p256());
        let fails = Panicking {
            issuer: issuer.clone(),
            client: Arc::new(client.into()),
            clock: Arc::new(clock.into()),
        };
        let builder = issuer.builder().http_client(fails.clone()).clock(fails.clone());
        let verifier = builder.build().expect("a verifier");
        let _following = verifier.follow_in_background().expect("threads");
        until(|| verifier.follow_error().is_some_and(|error| error.contains("has panicked")));
        fails.client.store(false, Ordering::SeqCst);
        fails.clock.store(false, Ordering::SeqCst);
        issuer.advance(SECOND);
        until(|| verifier.verify(&issuer.token()).is_ok());
        until(|| verifier.follow_error().is_none());
        assert!(matches!(verifier.staleness(), Staleness::Feed(_)));
    }
}

#[test]
fn failure_of_the_keys_is_a_follow_error() {
    let issuer = Issuer::new(PrivateKey::p256());
    issuer.answer(KEYS, None);
    let verifier = issuer.builder().build().expect("a verifier");
    let _following = verifier.follow_in_background().expect("threads");
    until(|| verifier.follow_error().is_some_and(|error| error.contains(KEYS)));
}
