//! Decides which pages may call the service.

use actix_web::http::header::HeaderValue;

use super::allowed::AllowedOrigin;
use super::refused::RefusalLog;
use super::{CorsHeaders, CorsOrigins, CrossSite};
use crate::origin::PublicUrl;

/// The service's own origin and the listed ones, and what their pages may send.
#[derive(Debug)]
pub struct OriginPolicy {
    own: PublicUrl,
    allowed: CorsOrigins,
    headers: CorsHeaders,
    log: RefusalLog,
}

/// Why a page may call the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It is a page of the service's own origin.
    Own,
    /// Its origin is listed, so cross-site requests are intended.
    Listed,
}

impl OriginPolicy {
    #[must_use]
    pub fn new(own: PublicUrl, allowed: CorsOrigins, headers: CorsHeaders) -> Self {
        Self { own, allowed, headers, log: RefusalLog::default() }
    }

    /// Whether pages of other origins may call the service at all.
    #[must_use]
    pub fn allows_others(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// The settings of the request headers that pages of other origins may send.
    #[must_use]
    pub fn headers(&self) -> &CorsHeaders {
        &self.headers
    }

    /// Decides whether pages of the origin in an `Origin` header may call a path, which uses the cookie or does not.
    ///
    /// The origin of an app does not identify the app, because all apps of a framework share it. It may therefore not
    /// use the cookie, which browsers attach without the page. An access token proves more: the page has to know it.
    ///
    /// # Errors
    /// The reason why they may not.
    pub fn judge(&self, origin: &HeaderValue, uses_cookie: bool) -> Result<Permission, CrossSite> {
        let origin = origin.to_str().map_err(|_| CrossSite::Malformed)?;
        if self.own.has_origin(origin) {
            return Ok(Permission::Own);
        }
        match self.allowed.find(origin) {
            Some(AllowedOrigin::App(_)) if uses_cookie => Err(CrossSite::App(origin.to_owned())),
            Some(_) => Ok(Permission::Listed),
            None => Err(CrossSite::not_listed(origin)),
        }
    }

    /// Logs a refused origin, at most once.
    pub fn log(&self, refusal: &CrossSite) {
        self.log.record(refusal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ListenAddress;

    fn of_listener(address: &str) -> PublicUrl {
        PublicUrl::of_listener(&ListenAddress::parse(address).expect("an address"))
    }

    fn policy(own: PublicUrl) -> OriginPolicy {
        let allowed = CorsOrigins::parse("https://app.example.com,capacitor://localhost").expect("origins");
        OriginPolicy::new(own, allowed, CorsHeaders::default())
    }

    fn judge(own: &PublicUrl, origin: &str, uses_cookie: bool) -> Result<Permission, CrossSite> {
        policy(own.clone()).judge(&HeaderValue::from_str(origin).expect("a value"), uses_cookie)
    }

    #[test]
    fn loopback_names_are_one_origin_under_the_default_url() {
        for listener in ["127.0.0.1:8080", "[::1]:8080", "localhost:8080"] {
            let default = of_listener(listener);
            for origin in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"] {
                assert_eq!(judge(&default, origin, true), Ok(Permission::Own), "{origin}");
                let given = PublicUrl::parse("http://127.0.0.1:8080").expect("a URL");
                let is_own = judge(&given, origin, true).is_ok();
                assert_eq!(is_own, origin == given.as_str(), "a configured URL is exact: {origin}");
            }
            for origin in [
                "https://localhost:8080",
                "http://localhost",
                "http://localhost:80",
                "http://a.localhost:8080",
            ] {
                assert!(judge(&default, origin, true).is_err(), "{origin}");
            }
        }
        let port_80 = of_listener("127.0.0.1:80");
        for origin in ["http://127.0.0.1", "http://localhost", "http://[::1]"] {
            assert_eq!(judge(&port_80, origin, true), Ok(Permission::Own), "browsers omit port 80: {origin}");
        }
        let exposed = of_listener("192.0.2.1:8080");
        assert!(judge(&exposed, "http://localhost:8080", true).is_err());
    }

    #[test]
    fn app_may_use_bearer_tokens_but_not_the_cookie() {
        let own = PublicUrl::parse("https://auth.example.com").expect("a URL");
        assert_eq!(judge(&own, "capacitor://localhost", false), Ok(Permission::Listed));
        let refusal = judge(&own, "capacitor://localhost", true);
        assert_eq!(refusal, Err(CrossSite::App("capacitor://localhost".to_owned())));
        for uses_cookie in [false, true] {
            assert_eq!(judge(&own, "https://app.example.com", uses_cookie), Ok(Permission::Listed));
            let other = judge(&own, "ionic://localhost", uses_cookie);
            assert_eq!(other, Err(CrossSite::NotListed("ionic://localhost".to_owned())));
            assert_eq!(judge(&own, "null", uses_cookie), Err(CrossSite::Null));
        }
    }
}
