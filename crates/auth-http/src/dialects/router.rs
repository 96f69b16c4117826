//! The router: every mounted dialect, and the paths they answer at.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use auth_domain::model::{Limit, Throttled};
use auth_domain::ports::BoxError;
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until, timeout};

use crate::failure::Failure;
use crate::reply;
use crate::request::Request;
use crate::web_origin::{CrossSite, OriginPolicy, Permission};

use super::{Context, Dialect, Endpoint, Route};

/// The longest time from the complete request to its answer. A request can wait for the password pool and then for the
/// store. This bounds the sum of both waits for a client that gets a 503 in the end.
const DEADLINE: Duration = Duration::from_millis(3_250);

/// A dialect under its configured prefix, with the context of its handlers.
pub struct MountedDialect {
    pub dialect: &'static dyn Dialect,
    pub context: Context,
}

impl MountedDialect {
    /// Whether `path` is the prefix or below it.
    fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.context.terms.prefix.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Logs a failure and renders it in the dialect's envelope.
    #[must_use]
    pub fn render_failure(&self, failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse {
        failure.log();
        let mut response = self.dialect.render(failure, endpoint);
        reply::add_headers_of(failure, response.headers_mut());
        response
    }
}

/// All mounted dialects.
pub struct Router {
    dialects: Vec<Arc<MountedDialect>>,
    origins: Arc<OriginPolicy>,
}

impl Router {
    /// Takes the dialects in the order of [`ALL`](super::ALL).
    #[must_use]
    pub fn new(dialects: Vec<MountedDialect>, origins: Arc<OriginPolicy>) -> Self {
        Self { dialects: dialects.into_iter().map(Arc::new).collect(), origins }
    }

    /// The web origins that may call the dialects.
    #[must_use]
    pub fn origins(&self) -> &OriginPolicy {
        &self.origins
    }

    /// Decides whether pages of `origin` may call `path`.
    ///
    /// # Errors
    /// The reason why they may not.
    pub fn judge_origin(&self, origin: &HeaderValue, path: &str) -> Result<Permission, CrossSite> {
        let uses_cookie = self.covering(path).is_some_and(|mounted| mounted.dialect.uses_cookie());
        self.origins.judge(origin, uses_cookie)
    }

    pub fn dialects(&self) -> impl Iterator<Item = &MountedDialect> {
        self.dialects.iter().map(AsRef::as_ref)
    }

    /// Registers every path of every dialect, and an answer for all other paths.
    pub fn configure(self: &Arc<Self>, app: &mut ServiceConfig) {
        for (path, shared) in self.paths() {
            let shared = Arc::new(shared);
            app.service(web::resource(path).to(move |head: HttpRequest, payload: Payload| {
                let shared = Arc::clone(&shared);
                async move { shared.respond(head, payload).await }
            }));
        }
        let router = Arc::clone(self);
        app.default_service(web::to(move |head: HttpRequest| {
            let response = router.render_failure(head.path(), &Failure::UnknownPath);
            async move { response }
        }));
    }

    fn paths(&self) -> BTreeMap<String, SharedPath> {
        let mut paths = BTreeMap::<_, SharedPath>::new();
        for mounted in &self.dialects {
            for route in mounted.dialect.routes() {
                let path = format!("{}{}", mounted.context.terms.prefix, route.path);
                paths.entry(path).or_default().routes.push((Arc::clone(mounted), route));
            }
        }
        paths
    }

    /// Logs a failure and renders it for `path`, in the envelope of the dialect that covers the path. If there is none,
    /// the answer is problem details.
    #[must_use]
    pub fn render_failure(&self, path: &str, failure: &Failure) -> HttpResponse {
        match self.covering(path) {
            Some(mounted) => mounted.render_failure(failure, None),
            None => reply::problem(failure),
        }
    }

    /// The dialect with the longest prefix that covers `path`.
    fn covering(&self, path: &str) -> Option<&MountedDialect> {
        let covering = self.dialects().filter(|mounted| mounted.covers(path));
        covering.max_by_key(|mounted| mounted.context.terms.prefix.len())
    }
}

type MountedRoute = (Arc<MountedDialect>, &'static Route);

/// A path, and the dialects that answer there, in the order of [`ALL`](super::ALL).
#[derive(Default)]
struct SharedPath {
    routes: Vec<MountedRoute>,
}

impl SharedPath {
    /// Answers a request for this path, with any method.
    async fn respond(&self, head: HttpRequest, payload: Payload) -> HttpResponse {
        // HEAD is GET without the body of the answer (RFC 9110, section 9.3.2).
        let method = if head.method() == Method::HEAD { Method::GET } else { head.method().clone() };
        let (request, received) = Request::receive(head, payload).await;
        let received_at = Instant::now();
        let candidates = self.routes.iter().filter(|(_, route)| route.method == method);
        let Some((mounted, route)) = choose(candidates, &request) else {
            return self.method_not_allowed(&request);
        };
        // The API key is checked before the body: without a valid key, the answer reveals nothing about the body.
        let response = guard(async {
            if let Some(scope) = mounted.dialect.required_scope(route.endpoint) {
                mounted.context.require_api_key(&request, scope).await?;
            }
            received?;
            (route.handler)(&mounted.context, &request).await
        });
        let failure = match response.await {
            Ok(response) => return response,
            Err(failure) => failure,
        };
        if is_throttled_login(&failure) {
            sleep_until(received_at + mounted.context.auth.refusal_time()).await;
        }
        mounted.render_failure(&failure, Some(route.endpoint))
    }

    fn method_not_allowed(&self, request: &Request) -> HttpResponse {
        let failure = Failure::MethodNotAllowed(self.methods());
        match choose(self.routes.iter(), request) {
            Some((mounted, _)) => mounted.render_failure(&failure, None),
            None => reply::problem(&failure),
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

/// The dialect of a request: the first that recognises it, otherwise the last.
fn choose<'a>(
    candidates: impl Iterator<Item = &'a MountedRoute>,
    request: &Request,
) -> Option<&'a MountedRoute> {
    let mut candidates = candidates.peekable();
    while let Some(candidate) = candidates.next() {
        let (mounted, route) = candidate;
        let is_last = candidates.peek().is_none();
        if is_last || mounted.dialect.recognises(route.endpoint, request, &mounted.context) {
            return Some(candidate);
        }
    }
    None
}

/// Whether the limits have refused a password. Its time must not tell whether a hash was computed.
fn is_throttled_login(failure: &Failure) -> bool {
    matches!(failure, Failure::TooManyRequests(Throttled { limit: Limit::LogIns | Limit::Account, .. }))
}

/// Bounds the time of a request, and turns a panic into a failure of this request alone.
async fn guard(
    response: impl Future<Output = Result<HttpResponse, Failure>>,
) -> Result<HttpResponse, Failure> {
    match timeout(DEADLINE, AssertUnwindSafe(response).catch_unwind()).await {
        Ok(Ok(response)) => response,
        // The cause does not contain the panic's message, which may contain a secret.
        Ok(Err(_panic)) => Err(Failure::Internal(BoxError::from("a handler panicked; see the log"))),
        Err(_elapsed) => Err(Failure::Unavailable(BoxError::from("the request took too long"))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn panic_fails_its_own_request_only() {
        let panicking = guard(async { panic!("the password is P@ssw0rd!") }).await;
        assert!(
            matches!(&panicking, Err(Failure::Internal(cause)) if !cause.to_string().contains("P@ssw0rd!"))
        );
        let next = guard(async { Ok(HttpResponse::Ok().finish()) }).await;
        assert_eq!(next.expect("a response").status(), StatusCode::OK);
    }

    #[test]
    fn only_refused_passwords_are_delayed() {
        let refused_by = |limit| {
            let (quota, retry_after) = (5, Duration::from_secs(1));
            is_throttled_login(&Failure::TooManyRequests(Throttled {
                limit,
                quota,
                window: None,
                retry_after,
            }))
        };
        assert!(refused_by(Limit::LogIns) && refused_by(Limit::Account));
        assert!(![Limit::Registrations, Limit::Refreshes, Limit::Rotations].into_iter().any(refused_by));
        assert!(!is_throttled_login(&Failure::InvalidCredentials));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_request_becomes_unavailable() {
        let stuck = guard(std::future::pending()).await;
        assert!(matches!(stuck, Err(Failure::Unavailable(_))));
    }
}
