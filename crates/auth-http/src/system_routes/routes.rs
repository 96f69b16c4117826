//! Registers the routes outside the dialects.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{Handler, HttpResponse, guard};
use auth_infra::token::KeyRing;
use serde_json::json;

use super::Readiness;
use crate::failure::Failure;
use crate::reply;

/// The routes outside the dialects, with the state that they answer from.
#[derive(Clone)]
pub struct SystemRoutes {
    /// The answer of `/health/ready`.
    pub readiness: Arc<Readiness>,
    /// The signing keys, whose public parts are at `/.well-known/jwks.json`.
    pub keys: Arc<KeyRing>,
    /// How long verifiers may cache the signing keys.
    pub keys_max_age: Duration,
    /// The pages and the OpenAPI documents.
    pub files: Arc<[StaticFile]>,
}

/// A file that is built once, when the service starts, and served unchanged.
#[derive(Clone, Debug)]
pub struct StaticFile {
    path: String,
    media_type: &'static str,
    policy: Option<&'static str>,
    content: Bytes,
}

impl SystemRoutes {
    /// Adds the routes to an app.
    pub fn configure(&self, app: &mut ServiceConfig) {
        for file in self.files.iter().cloned() {
            let path = file.path.clone();
            serve(app, &path, move || {
                let response = file.response();
                async { response }
            });
        }
        serve(app, "/health/live", || async { reply::json(StatusCode::OK, &json!({"status": "live"})) });
        let readiness = Arc::clone(&self.readiness);
        serve(app, "/health/ready", move || ready(Arc::clone(&readiness)));
        let keys = Arc::clone(&self.keys);
        let max_age = format!("public, max-age={}", self.keys_max_age.as_secs());
        serve(app, "/.well-known/jwks.json", move || {
            let mut response = reply::json(StatusCode::OK, &keys.jwks());
            reply::set(response.headers_mut(), CACHE_CONTROL, &max_age);
            async { response }
        });
    }
}

async fn ready(readiness: Arc<Readiness>) -> HttpResponse {
    match readiness.check().await {
        Ok(()) => reply::json(StatusCode::OK, &json!({"status": "ready"})),
        Err(failure) => reply::problem(&failure),
    }
}

/// Answers GET and HEAD at `path` with `handler`, and other methods with 405.
fn serve(app: &mut ServiceConfig, path: &str, handler: impl Handler<(), Output = HttpResponse>) {
    let methods = guard::Any(guard::Get()).or(guard::Head());
    let resource = web::resource(path).route(web::route().guard(methods).to(handler));
    app.service(resource.default_service(web::to(async || {
        reply::problem(&Failure::MethodNotAllowed(vec![Method::GET, Method::HEAD]))
    })));
}

impl StaticFile {
    /// A file that pages load.
    pub(super) fn new(path: impl Into<String>, media_type: &'static str, content: impl Into<Bytes>) -> Self {
        Self { path: path.into(), media_type, policy: None, content: content.into() }
    }

    /// A page with its policy on what it may load (Content Security Policy Level 3).
    pub(super) fn page(path: &str, policy: &'static str, html: impl Into<Bytes>) -> Self {
        Self { policy: Some(policy), ..Self::new(path, "text/html; charset=utf-8", html) }
    }

    fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::Ok().content_type(self.media_type).body(self.content.clone());
        if let Some(policy) = self.policy {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        response
    }
}
