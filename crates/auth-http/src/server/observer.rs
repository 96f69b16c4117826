//! The outermost middleware: numbers, hardens and logs every request and its answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use auth_domain::model::{Caller, RequestId};
use auth_domain::ports::SecureRandom;
use tracing::{Instrument, info_span};

use super::answer_body::AnswerBody;
use super::connections::{ActiveRequest, is_surplus};
use crate::origin::TrustedProxies;
use crate::request::client_address;

/// Carries the request's id, which the log contains too.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer: it must not be sniffed, and its URL must not reach another site.
static HARDENING: [(HeaderName, HeaderValue); 2] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Headers of answers that set none of their own: they must not be cached, and they are not pages and load nothing.
static DEFAULTS: [(HeaderName, HeaderValue); 2] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
];

/// Two years (RFC 6797).
static HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// Numbers, hardens and logs requests.
pub struct Observer {
    trusted: TrustedProxies,
    is_https: bool,
    next_id: AtomicU64,
}

impl Observer {
    /// An observer that trusts the forwarding headers of `trusted`. Request ids start at a random number and count up,
    /// so that the ids of two runs or two nodes differ.
    #[must_use]
    pub fn new(trusted: TrustedProxies, is_https: bool, random: &dyn SecureRandom) -> Self {
        let mut first_id = [0; 8];
        random.fill(&mut first_id);
        Self { trusted, is_https, next_id: AtomicU64::new(u64::from_le_bytes(first_id)) }
    }

    /// Passes a request on and hardens and logs its answer.
    ///
    /// Of the request line, the log contains names of this service only: a common method, and the pattern of a known route,
    /// such as `/api/v1/users/{user_id}`. The text of the client may contain a secret.
    ///
    /// # Errors
    /// Only those of `next`.
    pub async fn observe<B: MessageBody>(
        &self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<AnswerBody<B>>, actix_web::Error> {
        // Held until the body of the answer is taken: while it lives, the connection does not count as idle.
        let active = ActiveRequest::mark(request.request());
        let started = Instant::now();
        let number = RequestId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let (id, client) = (number.to_string(), client_address(request.request(), &self.trusted));
        let caller = client.map_or_else(Caller::without_address, Caller::at).with_request(number);
        request.extensions_mut().insert(caller);
        let span = info_span!(
            "request",
            id,
            client = client.map(tracing::field::display),
            method = method_name(request.method()),
            path = request.match_pattern(),
        );
        // After an upgrade request, actix treats the connection as upgraded and reads no further request from it.
        let is_last = request.headers().contains_key(UPGRADE) || is_surplus(request.request());
        let mut response = next.call(request).instrument(span.clone()).await?;
        if is_last {
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        self.harden(response.headers_mut(), &id);
        let status = response.status().as_u16();
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        span.in_scope(|| tracing::info!(status, micros, "answered"));
        Ok(response.map_body(|_, body| AnswerBody::new(body, active)))
    }

    fn harden(&self, headers: &mut HeaderMap, id: &str) {
        for (name, value) in HARDENING.clone() {
            headers.insert(name, value);
        }
        // Public answers, such as the key set, decide themselves for how long they are cached.
        for (name, value) in DEFAULTS.clone() {
            if !headers.contains_key(&name) {
                headers.insert(name, value);
            }
        }
        if self.is_https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HSTS.clone());
        }
        if let Ok(id) = HeaderValue::from_str(id) {
            headers.insert(X_REQUEST_ID, id);
        }
    }
}

/// The name of a common method, and `other` for any other text.
fn method_name(method: &Method) -> &str {
    const COMMON: [Method; 9] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::CONNECT,
        Method::TRACE,
    ];
    if COMMON.contains(method) { method.as_str() } else { "other" }
}
