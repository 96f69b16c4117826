//! The settings of a verifier.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::ended_sessions::EndedSessions;
use crate::http::HttpClient;
use crate::key_cache::KeyCache;
use crate::verifier::{Feed, Settings, Verifier};
use crate::{Clock, SystemClock};

/// The path of the public keys, below the issuer.
const KEYS_PATH: &str = "/.well-known/jwks.json";
/// The path of the feed of ended sessions, below the issuer.
const ENDED_SESSIONS_PATH: &str = "/.well-known/ended-sessions";
/// The largest clock difference that can be tolerated.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// What a verifier does with a token of a session of which it does not know whether it has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenStale {
    /// It refuses the token with [`VerifyError::Stale`](crate::VerifyError::Stale), which is a 503. Default.
    #[default]
    Refuse,
    /// It accepts the token until it expires. An outage of the issuer then stops no request, and an ended session may be noticed
    /// as late as its access token expires.
    Accept,
}

/// Builds a [`Verifier`].
#[must_use]
pub struct VerifierBuilder {
    issuer: String,
    audience: Option<String>,
    keys_url: Option<String>,
    ended_sessions_url: Option<String>,
    is_insecure: bool,
    leeway: Duration,
    max_keys_age: Duration,
    feed: Option<(Duration, WhenStale)>,
    cached_tokens: usize,
    http: Option<Arc<dyn HttpClient>>,
    clock: Arc<dyn Clock>,
}

/// The settings of a verifier are invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidVerifier {
    /// The issuer is not a URL such as `https://auth.example.com`. Or it has a path or a final slash, and the URLs of the keys and of
    /// the feed are not set.
    #[error(
        "the issuer must be a URL without query and fragment, such as https://auth.example.com; \
         with a path or a final slash, set keys_url and ended_sessions_url too"
    )]
    Issuer,
    /// The URL of the keys or of the feed is not a URL.
    #[error("the URL of the keys or of the ended sessions must begin with https:// and contain no query")]
    Url,
    /// A URL is not of HTTPS. A program that alters the keys on their way could sign tokens.
    #[error("a URL must begin with https://; http:// is for this machine only, or call allow_insecure_http")]
    Insecure,
    /// The leeway exceeds five minutes.
    #[error("the leeway must be at most 300 seconds")]
    Leeway,
    /// There is no HTTP client.
    #[error("an HTTP client is required: enable the feature ureq, or call http_client")]
    HttpClient,
}

impl VerifierBuilder {
    pub(crate) fn new(issuer: String) -> Self {
        Self {
            issuer,
            audience: None,
            keys_url: None,
            ended_sessions_url: None,
            is_insecure: false,
            leeway: Duration::from_secs(5),
            max_keys_age: Duration::from_secs(60 * 60),
            feed: Some((Duration::from_secs(60), WhenStale::default())),
            cached_tokens: 16_384,
            http: None,
            clock: Arc::new(SystemClock::default()),
        }
    }

    /// Sets the audience that tokens must have, which is `token.audience` of the issuer. Default: the issuer.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Fetches the keys from another URL, for example of an internal address. Default: `/.well-known/jwks.json` of the issuer.
    /// Required for an issuer with a path or a final slash, and so is [`ended_sessions_url`](Self::ended_sessions_url).
    pub fn keys_url(mut self, url: impl Into<String>) -> Self {
        self.keys_url = Some(url.into());
        self
    }

    /// Follows the ended sessions at another URL. Default: `/.well-known/ended-sessions` of the issuer.
    pub fn ended_sessions_url(mut self, url: impl Into<String>) -> Self {
        self.ended_sessions_url = Some(url.into());
        self
    }

    /// Allows `http://` to other machines, for a network that no stranger can alter.
    pub fn allow_insecure_http(mut self) -> Self {
        self.is_insecure = true;
        self
    }

    /// Tolerates this difference between the clocks of the issuer and of this machine. At most 5 minutes. Default: 5 seconds.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Uses keys for this time after they were fetched, if the issuer is away. Later, every token is refused with
    /// [`VerifyError::KeysUnavailable`](crate::VerifyError::KeysUnavailable). Default: 1 hour.
    pub fn max_keys_age(mut self, age: Duration) -> Self {
        self.max_keys_age = age;
        self
    }

    /// Sets what happens when the ended sessions were not read for `max_staleness`. Default: 60 seconds, and [`WhenStale::Refuse`].
    pub fn when_stale(mut self, max_staleness: Duration, policy: WhenStale) -> Self {
        self.feed = Some((max_staleness, policy));
        self
    }

    /// Verifies without the feed. A token is then accepted until it expires, even if its session has ended.
    pub fn without_ended_sessions(mut self) -> Self {
        self.feed = None;
        self
    }

    /// Keeps the claims of this many tokens, each about 1 KiB. A token that comes again then costs no signature check. Default: 16,384.
    /// 0: none.
    pub fn cached_tokens(mut self, tokens: usize) -> Self {
        self.cached_tokens = tokens;
        self
    }

    /// Fetches with this client. Default: [`UreqClient`](crate::UreqClient), with the feature `ureq`.
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.http = Some(Arc::new(client));
        self
    }

    /// Reads the time from this clock. Default: [`SystemClock`].
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the verifier. Nothing is fetched before the first token.
    ///
    /// # Errors
    /// If a setting is invalid.
    pub fn build(self) -> Result<Verifier, InvalidVerifier> {
        if !is_issuer(&self.issuer) {
            return Err(InvalidVerifier::Issuer);
        }
        if self.leeway > MAX_LEEWAY {
            return Err(InvalidVerifier::Leeway);
        }
        let keys_url = self.url(self.keys_url.as_ref(), KEYS_PATH)?;
        let ended_url = match self.feed {
            Some(_) => self.url(self.ended_sessions_url.as_ref(), ENDED_SESSIONS_PATH)?,
            None => String::new(),
        };
        let http = self.http.clone().or_else(default_client).ok_or(InvalidVerifier::HttpClient)?;
        let keys = KeyCache::new(keys_url, Arc::clone(&http), Arc::clone(&self.clock), self.max_keys_age);
        let feed = self.feed.map(|(max_staleness, when_stale)| Feed {
            ended: EndedSessions::new(ended_url, http, Arc::clone(&self.clock)),
            max_staleness,
            when_stale,
        });
        let settings = Settings {
            audience: self.audience.unwrap_or_else(|| self.issuer.clone()),
            issuer: self.issuer,
            leeway: self.leeway,
            clock: self.clock,
        };
        Ok(Verifier::new(settings, keys, feed, self.cached_tokens))
    }

    /// The URL that is set, or else the one at this path of the issuer.
    fn url(&self, set: Option<&String>, path: &str) -> Result<String, InvalidVerifier> {
        let url = match set {
            Some(url) => url.clone(),
            None if is_origin(&self.issuer) => format!("{}{path}", self.issuer),
            None => return Err(InvalidVerifier::Issuer),
        };
        check_url(&url, self.is_insecure)?;
        Ok(url)
    }
}

#[cfg(feature = "ureq")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is none")]
fn default_client() -> Option<Arc<dyn HttpClient>> {
    Some(Arc::new(crate::UreqClient::default()))
}

#[cfg(not(feature = "ureq"))]
fn default_client() -> Option<Arc<dyn HttpClient>> {
    None
}

/// The host and the rest of a URL, and whether it is of HTTPS.
fn split(url: &str) -> Option<(bool, &str, &str)> {
    let (is_https, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("http://")?),
    };
    let is_visible = rest.bytes().all(|byte| byte.is_ascii_graphic());
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    (is_visible && !host.is_empty() && !host.contains('@') && !rest.contains(['?', '#']))
        .then_some((is_https, host, path))
}

/// Whether the service accepts this issuer: a URL without query and fragment (RFC 8414, section 2).
fn is_issuer(url: &str) -> bool {
    split(url).is_some_and(|(_, host, _)| !host.starts_with(':') && !url.contains(['"', '\\', '<', '>', '@']))
}

fn is_origin(url: &str) -> bool {
    split(url).is_some_and(|(_, _, path)| path.is_empty())
}

fn check_url(url: &str, is_insecure: bool) -> Result<(), InvalidVerifier> {
    let (is_https, host, _) = split(url).ok_or(InvalidVerifier::Url)?;
    if is_https || is_insecure || is_this_machine(host) { Ok(()) } else { Err(InvalidVerifier::Insecure) }
}

fn is_this_machine(host: &str) -> bool {
    let port = |rest: &str| {
        rest.is_empty()
            || rest.strip_prefix(':').is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
    };
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| host.strip_prefix(name).is_some_and(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(issuer: &str) -> Result<Verifier, InvalidVerifier> {
        VerifierBuilder::new(issuer.to_owned()).build()
    }

    #[test]
    fn issuer_is_a_host_over_tls_or_this_machine() {
        for issuer in [
            "https://auth.example.com",
            "https://auth.example.com:8443",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:8080",
        ] {
            assert!(build(issuer).is_ok(), "{issuer}");
        }
        for issuer in [
            "auth.example.com",
            "https://",
            "https://auth.example.com/",
            "https://auth.example.com/path",
            "https://auth.example.com?a",
            "https://user@auth.example.com",
            "https://auth.example.com ",
            "ftp://auth.example.com",
        ] {
            assert_eq!(build(issuer).err(), Some(InvalidVerifier::Issuer), "{issuer}");
        }
        for issuer in
            ["http://auth.example.com", "http://localhost.example.com", "http://127.0.0.1.example.com"]
        {
            assert_eq!(build(issuer).err(), Some(InvalidVerifier::Insecure), "{issuer}");
        }
        assert!(
            VerifierBuilder::new("http://auth.internal".to_owned()).allow_insecure_http().build().is_ok()
        );
    }

    #[test]
    fn unsafe_settings_are_refused() {
        let builder = || VerifierBuilder::new("https://auth.example.com".to_owned());
        let leeway = builder().leeway(Duration::from_secs(301)).build();
        assert_eq!(leeway.err(), Some(InvalidVerifier::Leeway));
        let keys = builder().keys_url("http://auth.internal/jwks.json").build();
        assert_eq!(keys.err(), Some(InvalidVerifier::Insecure));
        let feed = builder().ended_sessions_url("https://auth.internal/ended?a=b").build();
        assert_eq!(feed.err(), Some(InvalidVerifier::Url));
    }

    #[test]
    fn issuer_with_a_path_needs_both_urls() {
        let builder = |issuer: &str| VerifierBuilder::new(issuer.to_owned());
        let keys = "https://auth.internal/jwks.json";
        for issuer in
            ["https://auth.example.com/", "https://auth.example.com/tenant", "http://auth.example.com"]
        {
            let with_urls =
                || builder(issuer).keys_url(keys).ended_sessions_url("https://auth.internal/ended");
            assert!(with_urls().build().is_ok(), "{issuer}");
            assert!(builder(issuer).keys_url(keys).without_ended_sessions().build().is_ok(), "{issuer}");
            assert!(builder(issuer).keys_url(keys).build().is_err(), "{issuer}");
        }
        // The service refuses these issuers too.
        for issuer in [
            "auth",
            "https://",
            "https://:80",
            "https:///a",
            "https://a/?b",
            "https://a/#b",
            "https://a/@",
            "https://a b/",
        ] {
            let built = builder(issuer).keys_url(keys).ended_sessions_url(keys).build();
            assert_eq!(built.err(), Some(InvalidVerifier::Issuer), "{issuer}");
        }
    }
}
