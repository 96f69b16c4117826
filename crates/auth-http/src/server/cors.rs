//! Cross-origin resource sharing (CORS): which web origins may call the service from a browser.

use std::sync::Arc;

use actix_cors::{Cors, CorsError};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{RequestHead, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::{Condition, Next};

use super::observer::X_REQUEST_ID;
use crate::dialects::Router;
use crate::failure::Failure;
use crate::reply::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::request::SEC_FETCH_SITE;
use crate::web_origin::CrossSite;

/// Seconds for which a browser may cache the answer to a preflight.
pub(super) const MAX_AGE: usize = 600;

/// Allows the pages of the listed origins to send requests with the cookie and to read the answers.
///
/// Requests from other origins are still answered, but without CORS headers, so that browsers do not show the answers
/// to those pages. Without origins the middleware is off.
pub(super) fn cors(router: &Arc<Router>) -> Condition<Cors> {
    let judge = Arc::clone(router);
    let cors = Cors::default()
        .allowed_origin_fn(move |origin, head| judge.judge_origin(origin, head.uri.path()).is_ok())
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allowed_headers(router.origins().headers().all())
        .expose_headers([RATE_LIMIT, RATE_LIMIT_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_REQUEST_ID])
        .supports_credentials()
        .max_age(MAX_AGE);
    Condition::new(router.origins().allows_others(), cors)
}

/// Logs refused origins, and replaces the plain text with which [`cors`] refuses a preflight by the answer of the
/// dialect at that path.
pub(super) async fn explain_refusals<B: MessageBody>(
    router: &Router,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let refusal = refused_origin(router, request.head());
    let response = next.call(request).await?;
    let error = response.response().error().and_then(|error| error.as_error::<CorsError>());
    let Some(error) = error else { return Ok(response.map_into_left_body()) };
    let reason = match error {
        CorsError::MethodNotAllowed | CorsError::BadRequestMethod => CrossSite::Method,
        CorsError::HeadersNotAllowed | CorsError::BadRequestHeaders => CrossSite::Headers,
        _ => refusal.unwrap_or(CrossSite::Malformed),
    };
    let answer = router.render_failure(response.request().path(), &Failure::CrossSite(reason));
    Ok(response.into_response(answer).map_into_right_body())
}

/// The reason why a page of the request's origin may not call its path.
///
/// Browsers mark the requests of a page to its own origin. Such a request needs no permission, even if the service is
/// reached under another URL than the configured one.
fn refused_origin(router: &Router, head: &RequestHead) -> Option<CrossSite> {
    let origin = head.headers.get(ORIGIN)?;
    if head.headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin") {
        return None;
    }
    let refusal = router.judge_origin(origin, head.uri.path()).err()?;
    router.origins().log(&refusal);
    Some(refusal)
}
