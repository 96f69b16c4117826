//! Rejects requests that a browser sent for a page of another site.

use actix_web::http::header::{HeaderName, ORIGIN};

use crate::failure::Failure;
use crate::web_origin::{CrossSite, OriginPolicy, Permission};

use super::Request;

/// Defined in Fetch Metadata Request Headers, section 2.3.
pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Request {
    /// Rejects a request that a browser sent for a page that may not use the cookie. The browser attaches the refresh
    /// cookie to it, or stores the cookie of its answer. The cookie alone does not prove that the user intended the request.
    ///
    /// A request with neither `Origin` nor `Sec-Fetch-Site` passes. Browsers send at least one of them with a cross-site
    /// POST, and programs without a browser are not exposed to this attack.
    ///
    /// # Errors
    /// [`Failure::CrossSite`] for such a request.
    pub fn reject_cross_site(&self, policy: &OriginPolicy) -> Result<(), Failure> {
        let headers = self.head.headers();
        let mut origins = headers.get_all(ORIGIN);
        let permission = match (origins.next(), origins.next()) {
            (None, _) => Ok(Permission::Own),
            (Some(origin), None) => policy.judge(origin, true),
            (Some(_), Some(_)) => Err(CrossSite::Malformed),
        };
        let is_cross_site = || headers.get_all(SEC_FETCH_SITE).any(|site| site == "cross-site");
        match permission {
            Ok(Permission::Own) if is_cross_site() => Err(Failure::CrossSite(CrossSite::FetchMetadata)),
            Ok(_) => Ok(()),
            Err(refusal) => {
                policy.log(&refusal);
                Err(Failure::CrossSite(refusal))
            }
        }
    }
}
