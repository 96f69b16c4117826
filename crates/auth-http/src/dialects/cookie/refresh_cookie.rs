//! The cookie that holds the refresh token (RFC 6265 and its successor draft, 6265bis).

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use auth_domain::use_cases::TokenGrant;

use crate::dialects::PublicTerms;
use crate::failure::Failure;
use crate::request::Request;

/// The maximum number of cookies whose sessions one logout ends, because each of them costs a write to the store. Browsers
/// hold one, and one more for each domain that planted one.
const MAX_COOKIES: usize = 4;

/// The cookie that holds the refresh token. Scripts cannot read it, and browsers send it only below `<prefix>/auth`.
pub(super) struct RefreshCookie<'a> {
    prefix: &'a str,
    is_secure: bool,
}

impl<'a> RefreshCookie<'a> {
    /// The cookie is `Secure`, except for a loopback URL without TLS: some browsers drop secure cookies there, and
    /// development needs no TLS.
    pub(super) fn of(terms: &'a PublicTerms) -> Self {
        let url = &terms.public_url;
        Self { prefix: &terms.prefix, is_secure: url.is_https() || !url.is_loopback() }
    }

    pub(super) fn read<'r>(&self, request: &'r Request) -> Option<&'r str> {
        request.cookie(self.name())
    }

    /// The refresh tokens of every cookie of this name, for a logout: the header does not reveal which one the browser is
    /// about to delete.
    ///
    /// # Errors
    /// [`Failure::MalformedHeader`] if there are more than [`MAX_COOKIES`].
    pub(super) fn read_all<'r>(&self, request: &'r Request) -> Result<Vec<&'r str>, Failure> {
        let tokens: Vec<_> = request.cookies(self.name()).take(MAX_COOKIES + 1).collect();
        if tokens.len() > MAX_COOKIES { Err(Failure::MalformedHeader) } else { Ok(tokens) }
    }

    /// Stores the refresh token of `grant` in the browser until the session expires.
    pub(super) fn set(&self, response: &mut HttpResponse, grant: &TokenGrant) {
        if let Some(token) = &grant.refresh_token {
            self.write(response, token.expose(), grant.session_ends_in);
        }
    }

    /// Deletes the refresh token from the browser.
    pub(super) fn clear(&self, response: &mut HttpResponse) {
        self.write(response, "", Duration::ZERO);
    }

    /// Browsers accept a name with the prefix `__Secure-` only over TLS (6265bis, section 4.1.3.1).
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

    fn write(&self, response: &mut HttpResponse, value: &str, max_age: Duration) {
        if let Ok(cookie) = HeaderValue::from_str(&self.line(value, max_age)) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
}
