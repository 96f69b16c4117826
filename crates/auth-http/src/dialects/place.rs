//! A path, and the dialects that answer there.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use auth_domain::ports::BoxError;
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::request::Request;

use super::{Mount, Route};

/// How long an answer may take once the request is there. A wait for a hash and one for the store can add up; a client
/// that is told to come back should not have waited for longer than this.
const DEADLINE: Duration = Duration::from_millis(3_250);

/// A route of a dialect in its place.
type MountedRoute = (Arc<Mount>, &'static Route);

/// A path, and the dialects that answer there, in the order of [`ALL`](super::ALL).
#[derive(Default)]
pub(super) struct Place {
    routes: Vec<MountedRoute>,
}

impl Place {
    /// Adds a route to this path.
    pub(super) fn add(&mut self, mount: Arc<Mount>, route: &'static Route) {
        self.routes.push((mount, route));
    }

    /// Answers a request for this path, whatever its method.
    pub(super) async fn answer(&self, head: HttpRequest, payload: Payload) -> HttpResponse {
        // A HEAD is a GET whose answer goes out without its body (RFC 9110, section 9.3.2).
        let method = if head.method() == Method::HEAD { Method::GET } else { head.method().clone() };
        let (request, received) = Request::receive(head, payload).await;
        let candidates = || self.routes.iter().filter(|(_, route)| route.method == method);
        let Some((mount, route)) = choose(candidates(), &request) else {
            return self.refuse_method(&request);
        };
        let answer = guard(async {
            mount.dialect.admit(route.endpoint, &mount.context, &request).await?;
            received?;
            (route.handler)(&mount.context, &request).await
        });
        answer.await.unwrap_or_else(|failure| mount.refuse(&failure, Some(route.endpoint)))
    }

    fn refuse_method(&self, request: &Request) -> HttpResponse {
        let failure = Failure::MethodNotAllowed(self.methods());
        match choose(self.routes.iter(), request) {
            Some((mount, _)) => mount.refuse(&failure, None),
            None => crate::problem::refuse(&failure),
        }
    }

    fn methods(&self) -> Vec<Method> {
        let mut methods: Vec<Method> = Vec::new();
        for (_, route) in &self.routes {
            if !methods.contains(&route.method) {
                methods.push(route.method.clone());
            }
        }
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        methods
    }
}

/// Picks the dialect that a request is in: the first that recognises it, else the last.
fn choose<'a>(
    candidates: impl Iterator<Item = &'a MountedRoute>,
    request: &Request,
) -> Option<&'a MountedRoute> {
    let mut candidates = candidates.peekable();
    while let Some(candidate) = candidates.next() {
        let (mount, route) = candidate;
        let is_last = candidates.peek().is_none();
        if is_last || mount.dialect.recognises(route.endpoint, request, &mount.context.auth) {
            return Some(candidate);
        }
    }
    None
}

/// Bounds the time a request may take, and turns a panic into a failure of this request alone.
async fn guard(answer: impl Future<Output = Result<HttpResponse, Failure>>) -> Result<HttpResponse, Failure> {
    match timeout(DEADLINE, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => Err(Failure::Internal(BoxError::from("a panic, logged where it happened"))),
        Err(_elapsed) => Err(Failure::Unavailable(BoxError::from("the request took too long"))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_fault_of_this_request_alone() {
        let panicking = guard(async { panic!("the password is P@ssw0rd!") }).await;
        assert!(
            matches!(&panicking, Err(Failure::Internal(cause)) if !cause.to_string().contains("P@ssw0rd!"))
        );
        let next = guard(async { Ok(HttpResponse::Ok().finish()) }).await;
        assert_eq!(next.expect("answered").status(), StatusCode::OK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_takes_too_long_is_told_to_come_back() {
        let stuck = guard(std::future::pending()).await;
        assert!(matches!(stuck, Err(Failure::Unavailable(_))));
    }
}
