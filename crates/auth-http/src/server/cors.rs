//! Cross-origin resource sharing (CORS): which web origins may call the service from a browser.

use actix_cors::{Cors, CorsError};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::{Condition, Next};

use super::observer::X_REQUEST_ID;
use crate::dialects::Router;
use crate::failure::Failure;
use crate::origin::CorsOrigins;
use crate::reply::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::request::X_API_KEY;

/// Seconds for which a browser may cache the answer to a preflight.
const MAX_AGE: usize = 600;

/// Allows the pages of `origins` to send requests with the cookie and to read the answers.
///
/// Requests from other origins are still answered, but without CORS headers, so that browsers do not show the answers
/// to those pages. Without origins the middleware is off.
pub(super) fn cors(origins: &CorsOrigins) -> Condition<Cors> {
    let cors = origins.iter().fold(Cors::default(), Cors::allowed_origin);
    let cors = cors
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, X_API_KEY])
        .expose_headers([RATE_LIMIT, RATE_LIMIT_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_REQUEST_ID])
        .supports_credentials()
        .max_age(MAX_AGE);
    Condition::new(!origins.is_empty(), cors)
}

/// Replaces the plain text with which [`cors`] refuses a preflight by the answer of the dialect at that path.
pub(super) async fn render_refused_preflight<B: MessageBody>(
    router: &Router,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let response = next.call(request).await?;
    let refused = response.response().error().is_some_and(|error| error.as_error::<CorsError>().is_some());
    if !refused {
        return Ok(response.map_into_left_body());
    }
    let answer = router.render_failure(response.request().path(), &Failure::CrossSite);
    Ok(response.into_response(answer).map_into_right_body())
}
