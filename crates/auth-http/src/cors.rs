//! Cross-origin resource sharing: the pages of which other origins browsers let use the service.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Condition;

use crate::observe::X_REQUEST_ID;
use crate::reply::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::request::X_API_KEY;
use crate::settings::CorsOrigins;

/// For how long browsers may remember what they are allowed, in seconds.
const MAX_AGE: usize = 600;

/// Tells browsers what the pages of `origins` may send and read, the cookie included. Without origins it does
/// nothing; other browsers' requests are answered as ever, and their pages cannot read the answers.
#[must_use]
pub fn cors(origins: &CorsOrigins) -> Condition<Cors> {
    let cors = origins.iter().fold(Cors::default(), Cors::allowed_origin);
    let cors = cors
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, X_API_KEY])
        .expose_headers([RATE_LIMIT, RATE_LIMIT_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_REQUEST_ID])
        .supports_credentials()
        .max_age(MAX_AGE);
    Condition::new(!origins.is_empty(), cors)
}
