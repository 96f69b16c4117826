//! Answers the connections that exceed the limits: only health checks are served.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use super::connections::is_surplus;
use crate::dialects::Router;
use crate::failure::Failure;

/// The paths that are served on every connection.
const HEALTH: &str = "/health/";

/// Answers 503 on a connection that exceeds the limits, except to health checks.
pub(super) async fn refuse_surplus<B: MessageBody>(
    router: &Router,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    if !is_surplus(request.request()) || request.path().starts_with(HEALTH) {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let failure = Failure::Unavailable("the client address has too many connections".into());
    let answer = router.render_failure(request.path(), &failure);
    Ok(request.into_response(answer).map_into_right_body())
}
