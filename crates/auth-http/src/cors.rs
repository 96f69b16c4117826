//! Cross-origin resource sharing: the pages of which other origins browsers let use the service.

use actix_cors::{Cors, CorsError};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::{Condition, Next};

use crate::dialects::Router;
use crate::failure::Failure;
use crate::observe::X_REQUEST_ID;
use crate::origin::CorsOrigins;
use crate::reply::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::request::X_API_KEY;

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

/// Answers a request as `next` does, unless that is [`cors`] refusing a preflight, which it does in plain text: this is
/// said as whoever is at the path says it.
///
/// # Errors
/// None of its own.
pub async fn refuse_in_words_of<B: MessageBody>(
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
