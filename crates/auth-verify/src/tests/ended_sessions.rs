//! When a session counts as ended, and what happens when the feed is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use uuid::Uuid;

use super::issuer::{FEED, ISSUER, Issuer, KEYS, NOW, PrivateKey, SECOND, uuid};
use crate::ended_sessions::{EndedSessions, MAX_PAGES, SessionState};
use crate::{
    Clock, FetchError, HttpClient, HttpError, HttpResponse, SessionId, Staleness, VerifyError, WhenStale,
};

/// The session of the tokens of [`Issuer::token`].
const SESSION: u128 = 2;

#[test]
fn token_of_an_ended_session_is_refused() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.verifier(), issuer.token());
    assert!(verifier.verify(&token).is_ok());
    issuer.end(&[SESSION], false);
    verifier.fetch_ended(true).expect("fetched");
    let error = verifier.verify(&token).expect_err("ended, although the token is cached");
    assert_eq!((&error, error.status()), (&VerifyError::SessionEnded, 401));
    assert_eq!(error.www_authenticate(), Some(r#"Bearer error="invalid_token""#));
    assert_eq!(issuer.requests(FEED), ["?wait=0", "?wait=20&after=0.7.7"]);
}

#[test]
fn nothing_is_accepted_before_the_whole_list() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.builder().build().expect("a verifier"), issuer.token());
    assert_eq!(
        (verifier.verify(&token).err(), verifier.staleness()),
        (Some(VerifyError::Stale), Staleness::Unread)
    );
    issuer.end(&[7], true);
    assert!(verifier.fetch_ended(false).expect("fetched").has_more);
    assert_eq!(verifier.verify(&token).err(), Some(VerifyError::Stale));
    issuer.end(&[8], false);
    assert!(!verifier.fetch_ended(false).expect("fetched").has_more);
    assert!(verifier.verify(&token).is_ok());
}

#[test]
fn feed_may_be_away_for_a_minute() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.verifier(), issuer.token());
    for answer in [None, Some((503, "no-store", String::new())), Some((404, "", String::new()))] {
        issuer.answer(FEED, answer);
        assert!(verifier.fetch_ended(false).is_err());
    }
    issuer.advance(60 * SECOND);
    assert!(verifier.verify(&token).is_ok());
    assert_eq!(verifier.staleness(), Staleness::Feed(60 * SECOND));
    issuer.advance(Duration::from_micros(1));
    let error = verifier.verify(&token).expect_err("stale");
    assert_eq!((&error, error.status(), error.retry_after()), (&VerifyError::Stale, 503, Some(SECOND)));
    issuer.end(&[], false);
    verifier.fetch_ended(false).expect("fetched");
    assert!(verifier.verify(&token).is_ok());
}

#[test]
fn policy_decides_without_the_feed() {
    let issuer = Issuer::new(PrivateKey::p256());
    let token = issuer.token();
    let builder = || issuer.builder().when_stale(10 * SECOND, WhenStale::Accept);
    let verifier = builder().build().expect("a verifier");
    assert!(verifier.verify(&token).is_ok(), "never read");
    issuer.end(&[SESSION], false);
    verifier.sync().expect("synced");
    issuer.advance(600 * SECOND);
    assert_eq!(verifier.verify(&token).err(), Some(VerifyError::SessionEnded), "what is known stays known");

    let without = issuer.builder().without_ended_sessions().build().expect("a verifier");
    without.sync().expect("synced");
    assert!(without.verify(&token).is_ok());
    assert_eq!(without.staleness(), Staleness::UntilExpiry);
}

#[test]
fn old_answer_does_not_count_as_fresh() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.builder().build().expect("a verifier"), issuer.token());
    // As from a cache that ignores max-age.
    issuer.advance(61 * SECOND);
    let page = json!({"sessions": [], "next": "0.7.7", "more": false, "synced_at": NOW, "keep_seconds": 965});
    issuer.answer(FEED, Some((200, "", page.to_string())));
    verifier.sync().expect("synced");
    assert_eq!(verifier.verify(&token).err(), Some(VerifyError::Stale));
}

#[test]
fn answer_may_be_older_than_the_process() {
    let issuer = Issuer::new(PrivateKey::p256());
    let page = |age| {
        let synced_at = NOW - age;
        let page = json!({"sessions": [], "next": "0.7.7", "more": false, "synced_at": synced_at, "keep_seconds": 965});
        issuer.answer(FEED, Some((200, "", page.to_string())));
    };
    page(3);
    let verifier = issuer.verifier();
    assert!(verifier.verify(&issuer.token()).is_ok());
    for (age, expected) in [(3, 3), (1, 1), (2, 1)] {
        page(age);
        verifier.fetch_ended(false).expect("fetched");
        assert_eq!(verifier.staleness(), Staleness::Feed(expected * SECOND), "{age}");
    }
}

#[test]
fn ended_session_is_forgotten_when_its_tokens_have_expired() {
    let issuer = Issuer::new(PrivateKey::p256());
    let client = Arc::new(issuer.clone());
    let ended = EndedSessions::new(format!("{ISSUER}{FEED}"), client.clone(), client);
    issuer.end(&[SESSION], false);
    ended.fetch(false).expect("fetched");
    for (pause, expected) in [(964, SessionState::Ended), (60, SessionState::Live)] {
        issuer.advance(pause * SECOND);
        issuer.end(&[], false);
        ended.fetch(false).expect("fetched");
        assert_eq!(ended.look_up(SessionId(Uuid::from_u128(SESSION))).0, expected);
    }
}

#[test]
fn repeated_session_is_kept_for_the_longest_time() {
    let issuer = Issuer::new(PrivateKey::p256());
    let client = Arc::new(issuer.clone());
    let ended = EndedSessions::new(format!("{ISSUER}{FEED}"), client.clone(), client).bounded(1);
    let state = |number| ended.look_up(SessionId(Uuid::from_u128(number))).0;
    for keep in [3_600, 965] {
        let page = json!({
            "sessions": [uuid(1), uuid(2)], "next": "0.7.7", "more": false, "synced_at": NOW, "keep_seconds": keep,
        });
        issuer.answer(FEED, Some((200, "", page.to_string())));
        ended.fetch(false).expect("fetched");
    }
    issuer.answer(FEED, None);
    issuer.advance(3_599 * SECOND);
    issuer.end(&[], false);
    ended.fetch(false).expect("fetched");
    assert_eq!([state(1), state(2)], [SessionState::Ended, SessionState::Unknown]);
}

#[test]
fn sessions_beyond_the_bound_make_others_unknown() {
    let issuer = Issuer::new(PrivateKey::p256());
    let client = Arc::new(issuer.clone());
    let ended = EndedSessions::new(format!("{ISSUER}{FEED}"), client.clone(), client).bounded(2);
    let state = |number| ended.look_up(SessionId(Uuid::from_u128(number))).0;
    issuer.end(&[1, 2], false);
    ended.fetch(false).expect("fetched");
    assert_eq!([state(1), state(3)], [SessionState::Ended, SessionState::Live]);
    issuer.end(&[2, 3], false);
    ended.fetch(false).expect("fetched");
    assert_eq!(
        [state(1), state(3), state(4)],
        [SessionState::Ended, SessionState::Unknown, SessionState::Unknown]
    );
    issuer.advance(965 * SECOND);
    issuer.end(&[], false);
    ended.fetch(false).expect("fetched");
    assert_eq!([state(1), state(3)], [SessionState::Live, SessionState::Live]);
}

#[test]
fn invalid_page_changes_nothing() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.verifier(), issuer.token());
    let page = |sessions, next| {
        json!({"sessions": sessions, "next": next, "more": false, "synced_at": NOW, "keep_seconds": 965})
            .to_string()
    };
    for body in [
        String::new(),
        "{}".to_owned(),
        page(json!(["not an id"]), "0.7.7"),
        page(json!([uuid(SESSION), 7]), "0.7.7"),
        page(json!([]), ""),
        page(json!([]), "0.7.7&wait=0"),
        page(json!([]), "0.7.7#"),
        page(json!([]), &"1".repeat(1_025)),
    ] {
        issuer.answer(FEED, Some((200, "", body.clone())));
        let error = verifier.fetch_ended(false).expect_err("invalid");
        assert!(matches!(error, FetchError::Invalid { .. }), "{body}: {error}");
    }
    assert!(verifier.verify(&token).is_ok());
    issuer.end(&[], false);
    verifier.fetch_ended(false).expect("fetched");
    assert_eq!(issuer.requests(FEED).last().map(String::as_str), Some("?wait=0&after=0.7.7"));
}

#[test]
fn follower_reads_until_it_is_dropped() {
    let issuer = Issuer::new(PrivateKey::p256());
    let (verifier, token) = (issuer.builder().build().expect("a verifier"), issuer.token());
    let following = verifier.follow_in_background().expect("a thread");
    let until = |condition: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !condition() {
            assert!(began.elapsed() < Duration::from_secs(20));
            thread::sleep(Duration::from_millis(5));
        }
    };
    until(&|| verifier.verify(&token).is_ok());
    issuer.answer(FEED, None);
    let requests = issuer.requests(FEED).len();
    until(&|| issuer.requests(FEED).len() > requests + 1);
    let error = verifier.follow_error().expect("an error");
    assert!(error.contains(FEED) && error.contains("the issuer is away"), "{error}");
    issuer.end(&[SESSION], false);
    until(&|| verifier.verify(&token).err() == Some(VerifyError::SessionEnded));
    assert_eq!(verifier.follow_error(), None);
    // The keys are fetched before they are stale.
    let fetches = issuer.requests(KEYS).len();
    issuer.advance(240 * SECOND);
    until(&|| issuer.requests(KEYS).len() > fetches);
    drop(following);
    until(&|| verifier.strong_count() == 1);
    let requests = issuer.requests(FEED).len();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(issuer.requests(FEED).len(), requests);
}

#[test]
fn follower_asks_once_a_second_without_a_place_to_wait() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.builder().build().expect("a verifier");
    let began = Instant::now();
    let following = verifier.follow_in_background().expect("a thread");
    while issuer.requests(FEED).len() < 3 {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    drop(following);
}

#[test]
fn list_that_does_not_advance_is_an_error() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.builder().build().expect("a verifier");
    issuer.end(&[1], true);
    let error = verifier.sync().expect_err("a page without progress");
    assert!(error.to_string().contains("the cursor does not advance"), "{error}");
    assert_eq!(issuer.requests(FEED), ["?wait=0", "?wait=0&after=0.7.7"]);
    let following = verifier.follow_in_background().expect("a thread");
    thread::sleep(Duration::from_millis(500));
    assert!(issuer.requests(FEED).len() < 14, "pauses grow from 50 ms: {}", issuer.requests(FEED).len());
    drop(following);
}

/// A feed of this many pages, each with another cursor.
struct Pages(AtomicU32);

impl HttpClient for Pages {
    fn get(&self, url: &str, _timeout: Duration) -> Result<HttpResponse, HttpError> {
        if url.contains(KEYS) {
            let body = json!({"keys": [PrivateKey::p256().jwk("first")]}).to_string().into_bytes();
            return Ok(HttpResponse { status: 200, cache_control: None, body });
        }
        let left = self.0.fetch_sub(1, Ordering::SeqCst);
        let page = json!({"sessions": [], "next": left.to_string(), "more": left > 1, "synced_at": NOW, "keep_seconds": 965});
        Ok(HttpResponse { status: 200, cache_control: None, body: page.to_string().into_bytes() })
    }
}

#[test]
fn list_without_an_end_is_an_error() {
    let client = Arc::new(Issuer::new(PrivateKey::p256()));
    let pages = Arc::new(Pages(AtomicU32::new(u32::MAX)));
    let ended = EndedSessions::new(format!("{ISSUER}{FEED}"), pages, client);
    for _ in 0..2 {
        for _ in 1..MAX_PAGES {
            assert!(ended.fetch(false).expect("a page").has_more);
        }
        let error = ended.fetch(false).expect_err("too many pages");
        assert!(error.to_string().contains("the list has no end"), "{error}");
    }
}

#[test]
fn pages_of_a_list_are_read_with_pauses() {
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.builder().http_client(Pages(AtomicU32::new(21))).build().expect("a verifier");
    let began = Instant::now();
    verifier.sync().expect("synced");
    assert!(began.elapsed() >= Duration::from_millis(100), "{:?}", began.elapsed());
}

/// The clocks of a machine that sleeps: only the time of day goes on.
#[derive(Clone)]
struct Sleeping(Arc<AtomicU32>);

impl Clock for Sleeping {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + u64::from(self.0.load(Ordering::SeqCst)))
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn sleep_of_the_machine_makes_the_feed_stale() {
    let issuer = Issuer::new(PrivateKey::p256());
    let clock = Sleeping(Arc::default());
    let builder = || issuer.builder().clock(clock.clone()).max_keys_age(600 * SECOND);
    let (verifier, without_feed) = (
        builder().build().expect("a verifier"),
        builder().without_ended_sessions().build().expect("a verifier"),
    );
    let token = issuer.token();
    verifier.sync().expect("synced");
    without_feed.sync().expect("synced");
    clock.0.store(60, Ordering::SeqCst);
    assert!(verifier.verify(&token).is_ok());
    clock.0.store(61, Ordering::SeqCst);
    assert_eq!(verifier.verify(&token).err(), Some(VerifyError::Stale));
    assert_eq!(verifier.staleness(), Staleness::Feed(61 * SECOND));
    // The keys are too old as well.
    issuer.answer(KEYS, None);
    clock.0.store(601, Ordering::SeqCst);
    assert_eq!(without_feed.verify(&token).err(), Some(VerifyError::KeysUnavailable));
}

#[test]
fn time_of_day_that_steps_back_makes_nothing_younger() {
    /// The time of day steps back by the seconds that the other clock advances.
    struct Stepping(Issuer);
    impl Clock for Stepping {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(NOW) - self.0.elapsed()
        }
        fn elapsed(&self) -> Duration {
            self.0.elapsed()
        }
    }
    let issuer = Issuer::new(PrivateKey::p256());
    let verifier = issuer.builder().clock(Stepping(issuer.clone())).build().expect("a verifier");
    verifier.sync().expect("synced");
    issuer.advance(100 * SECOND);
    assert_eq!(verifier.staleness(), Staleness::Feed(100 * SECOND));
}
