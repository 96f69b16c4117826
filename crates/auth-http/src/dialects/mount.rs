//! A dialect in its place: under a prefix, with all that its handlers need.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use auth_domain::ports::Cause;
use futures_util::FutureExt;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::{Context, Dialect, Endpoint, Route};

/// How long a request may take. Every step on its way has a shorter limit of its own: this is the net below them.
const DEADLINE: Duration = Duration::from_secs(15);

/// A dialect in its place.
pub struct Mount {
    /// The dialect.
    pub dialect: &'static dyn Dialect,
    /// What its paths begin with.
    pub prefix: String,
    /// What its handlers work with.
    pub context: Context,
}

impl Mount {
    /// Whether `path` is the prefix or below it.
    pub(super) fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The dialect's routes at `path`, which is given without the prefix.
    fn routes_at(&self, path: &str) -> impl Iterator<Item = &'static Route> {
        self.dialect.routes().iter().filter(move |route| route.path == path)
    }

    /// Answers a request for `path`, whatever its method.
    pub(super) async fn answer(
        &self,
        path: &'static str,
        head: HttpRequest,
        payload: Payload,
    ) -> HttpResponse {
        // A HEAD is a GET whose answer goes out without its body (RFC 9110, section 9.3.2).
        let method = if head.method() == Method::HEAD { &Method::GET } else { head.method() };
        let Some(route) = self.routes_at(path).find(|route| route.method == *method) else {
            return self.refuse(&Failure::MethodNotAllowed(self.methods_at(path)), None);
        };
        let answer = guard(async {
            let request = Request::receive(head, payload).await?;
            (route.handler)(&self.context, &request).await
        });
        answer.await.unwrap_or_else(|failure| self.refuse(&failure, Some(route.endpoint)))
    }

    /// Logs a failure, and says in the dialect's words that the request failed.
    pub fn refuse(&self, failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse {
        failure.log();
        let mut response = self.dialect.render(failure, endpoint);
        reply::add_headers_of(failure, response.headers_mut());
        response
    }

    fn methods_at(&self, path: &str) -> Vec<Method> {
        let mut methods: Vec<_> = self.routes_at(path).map(|route| route.method.clone()).collect();
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        methods
    }
}

/// Bounds the time a request may take, and turns a panic into a failure of this request alone.
async fn guard(answer: impl Future<Output = Result<HttpResponse, Failure>>) -> Result<HttpResponse, Failure> {
    match timeout(DEADLINE, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => Err(Failure::Internal(Cause::from("a panic, logged where it happened"))),
        Err(_elapsed) => Err(Failure::Unavailable(Cause::from("the request took too long"))),
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
