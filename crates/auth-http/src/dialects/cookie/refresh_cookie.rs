//! The cookie that holds the refresh token (RFC 6265 and its successor draft, 6265bis).

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use auth_domain::use_cases::TokenGrant;

use crate::dialects::Context;
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
        let url = &context.public_url;
        Self { prefix: &context.prefix, is_secure: url.is_https() || !url.is_loopback() }
    }

    /// The refresh token that a browser has kept.
    pub(super) fn read<'r>(&self, request: &'r Request) -> Option<&'r str> {
        request.cookie(self.name())
    }

    /// Has the browser keep the refresh token of `grant` for as long as it refreshes the session.
    pub(super) fn set(&self, answer: &mut HttpResponse, grant: &TokenGrant) {
        if let Some(token) = &grant.refresh_token {
            self.write(answer, &token.expose(), grant.session_ends_in.as_secs());
        }
    }

    /// Has the browser forget the refresh token.
    pub(super) fn clear(&self, answer: &mut HttpResponse) {
        self.write(answer, "", 0);
    }

    /// A name with the prefix `__Secure-` is one that browsers take by TLS only (6265bis, section 4.1.3.1).
    fn name(&self) -> &'static str {
        if self.is_secure { "__Secure-refresh_token" } else { "refresh_token" }
    }

    fn write(&self, answer: &mut HttpResponse, value: &str, max_age: u64) {
        let Self { prefix, is_secure } = self;
        let name = self.name();
        let secure = if *is_secure { "; Secure" } else { "" };
        let cookie = format!(
            "{name}={value}; HttpOnly; SameSite=Strict; Path={prefix}/auth; Max-Age={max_age}{secure}"
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            answer.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}
