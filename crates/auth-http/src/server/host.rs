//! Refuses requests with an invalid host before any route.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use crate::dialects::Router;
use crate::request::check_host;

/// Answers a request with an invalid host with 400, in the envelope of the dialect at its path.
///
/// The HTTP parser itself refuses a missing and a repeated `Host`, before the path is known.
pub(super) async fn require_valid_host<B: MessageBody>(
    router: &Router,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    match check_host(request.head()) {
        Ok(()) => next.call(request).await.map(ServiceResponse::map_into_left_body),
        Err(failure) => {
            let answer = router.render_failure(request.path(), &failure);
            Ok(request.into_response(answer).map_into_right_body())
        }
    }
}
