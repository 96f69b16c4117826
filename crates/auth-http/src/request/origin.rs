//! Where the page is from that had a browser send a request.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN};

use crate::origin::{CorsOrigins, PublicUrl};

/// Fetch Metadata Request Headers, section 2.3.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser sent this for a page that is neither of the service's own origin nor of an allowed one.
///
/// Whoever sends neither `Origin` nor `Sec-Fetch-Site` is no browser that a page could have misled.
pub(super) fn is_cross_site(headers: &HeaderMap, own: &PublicUrl, allowed: &CorsOrigins) -> bool {
    let mut origins = headers.get_all(ORIGIN).map(HeaderValue::to_str);
    let is_own = match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(Ok(origin)), None) if allowed.contains(origin) => return false,
        (Some(Ok(origin)), None) => origin == own.as_str(),
        _ => false,
    };
    !is_own || headers.get_all(SEC_FETCH_SITE).any(|site| site == "cross-site")
}
