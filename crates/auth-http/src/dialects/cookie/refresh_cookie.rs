//! The cookie that holds the refresh token (RFC 6265 and its successor draft, 6265bis).

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use auth_domain::use_cases::TokenGrant;

use crate::dialects::Context;
use crate::origin::PublicUrl;
use crate::request::Request;

/// The cookie that holds the refresh token: for the service's own eyes, below `<prefix>/auth`.
pub(super) struct RefreshCookie<'a> {
    prefix: &'a str,
    is_secure: bool,
}

impl<'a> RefreshCookie<'a> {
    /// The cookie where the dialect is served. It travels by TLS only, unless clients are on this very machine and
    /// come without.
    pub(super) fn of(context: &'a Context) -> Self {
        Self::at(&context.prefix, &context.public_url)
    }

    /// The cookie of the dialect under `prefix` of a service at `url`.
    pub(super) fn at(prefix: &'a str, url: &PublicUrl) -> Self {
        Self { prefix, is_secure: url.is_https() || !url.is_loopback() }
    }

    /// The refresh token that a browser has kept.
    pub(super) fn read<'r>(&self, request: &'r Request) -> Option<&'r str> {
        request.cookie(self.name())
    }

    /// Has the browser keep the refresh token of `grant` for as long as it refreshes the session.
    pub(super) fn set(&self, answer: &mut HttpResponse, grant: &TokenGrant) {
        if let Some(token) = &grant.refresh_token {
            self.write(answer, &token.expose(), grant.session_ends_in);
        }
    }

    /// Has the browser forget the refresh token.
    pub(super) fn clear(&self, answer: &mut HttpResponse) {
        self.write(answer, "", Duration::ZERO);
    }

    /// A name with the prefix `__Secure-` is one that browsers take by TLS only (6265bis, section 4.1.3.1).
    pub(super) fn name(&self) -> &'static str {
        if self.is_secure { "__Secure-refresh_token" } else { "refresh_token" }
    }

    /// The value of the header `Set-Cookie`.
    pub(super) fn line(&self, value: &str, max_age: Duration) -> String {
        let Self { prefix, is_secure } = self;
        let (name, seconds) = (self.name(), max_age.as_secs());
        let secure = if *is_secure { "; Secure" } else { "" };
        format!("{name}={value}; HttpOnly; SameSite=Strict; Path={prefix}/auth; Max-Age={seconds}{secure}")
    }

    fn write(&self, answer: &mut HttpResponse, value: &str, max_age: Duration) {
        if let Ok(cookie) = HeaderValue::from_str(&self.line(value, max_age)) {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}
