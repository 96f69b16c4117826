//! Rejects requests that a browser sent for a page of another site.

use actix_web::http::header::{HeaderName, HeaderValue, ORIGIN};

use crate::failure::Failure;
use crate::origin::{CorsOrigins, PublicUrl};

use super::Request;

/// Defined in Fetch Metadata Request Headers, section 2.3.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Request {
    /// Rejects a request that a browser sent for a page whose web origin is neither `own` nor in `allowed`. The browser
    /// attaches the refresh cookie to it, so the cookie alone does not prove that the user intended the request.
    ///
    /// A request with neither `Origin` nor `Sec-Fetch-Site` passes. Browsers send at least one of them with a cross-site
    /// POST, and programs without a browser are not exposed to this attack.
    ///
    /// # Errors
    /// [`Failure::CrossSite`] for such a request.
    pub fn reject_cross_site(&self, own: &PublicUrl, allowed: &CorsOrigins) -> Result<(), Failure> {
        let headers = self.head.headers();
        let mut origins = headers.get_all(ORIGIN).map(HeaderValue::to_str);
        let is_own = match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(Ok(origin)), None) if allowed.contains(origin) => return Ok(()),
            (Some(Ok(origin)), None) => origin == own.as_str(),
            _ => false,
        };
        let is_cross_site = !is_own || headers.get_all(SEC_FETCH_SITE).any(|site| site == "cross-site");
        if is_cross_site { Err(Failure::CrossSite) } else { Ok(()) }
    }
}
