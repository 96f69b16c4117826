//! CORS of the documents that pages of every origin may read: the public keys, their discovery and the ended
//! sessions.

use actix_web::HttpResponse;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN,
};
use actix_web::middleware::Next;

use super::cors::MAX_AGE;
use crate::system_routes::is_public_document;

static EVERY_ORIGIN: HeaderValue = HeaderValue::from_static("*");

/// Allows pages of every origin to read the public documents, without credentials, and answers their preflights.
pub(super) async fn open_to_all_origins<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if !is_public_document(request.path()) {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(ORIGIN)
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        return Ok(request.into_response(preflight()).map_into_right_body());
    }
    // The rules for listed origins do not apply here: they would add an origin.
    request.headers_mut().remove(ORIGIN);
    let mut response = next.call(request).await?;
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, EVERY_ORIGIN.clone());
    // With listed origins, `Cors` adds this header to every answer. Browsers refuse it together with `*`.
    response.headers_mut().remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
    Ok(response.map_into_left_body())
}

/// Allows every header. `*` does not include `Authorization` (Fetch, CORS protocol), which some clients add to all
/// requests.
fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, EVERY_ORIGIN.clone()))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "*, Authorization"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE))
        .finish()
}
