//! Detects requests that a browser sent for a page of another site.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, ORIGIN};

use crate::origin::{CorsOrigins, PublicUrl};

/// Defined in Fetch Metadata Request Headers, section 2.3.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser sent this for a page whose web origin is neither the service's own nor allowed.
///
/// A request with neither `Origin` nor `Sec-Fetch-Site` passes. Browsers send at least one of them with a cross-site
/// POST, and programs without a browser are not exposed to this attack.
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
