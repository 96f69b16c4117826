//! Registers the routes outside the dialects.

use std::sync::Arc;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, guard};
use auth_infra::service::Service;
use auth_infra::store::EndedSessions;
use serde_json::{Value, json};

use super::StaticFile;
use super::discovery::{self, DISCOVERY_PATHS, JWKS_PATH};
use super::ended_sessions::{ENDED_SESSIONS_PATH, ended_sessions};
use crate::failure::Failure;
use crate::origin::PublicUrl;
use crate::reply;

/// The routes outside the dialects, with the state that they answer from.
#[derive(Clone)]
pub struct SystemRoutes {
    /// It answers `/health/ready`, and its public keys are at `/.well-known/jwks.json`.
    pub service: Arc<Service>,
    /// The feed of ended sessions, if it is enabled.
    pub ended_sessions: Option<EndedSessions>,
    /// The issuer of the access tokens.
    pub issuer: PublicUrl,
    /// The pages and the OpenAPI documents.
    pub files: Arc<[StaticFile]>,
}

impl SystemRoutes {
    /// Adds the routes to an app.
    pub fn configure(&self, app: &mut ServiceConfig) {
        for file in self.files.iter() {
            let file = file.clone();
            let path = file.path().to_owned();
            serve(app, &path, move |request: HttpRequest| {
                let response = file.response(&request);
                async { response }
            });
        }
        serve(app, "/health/live", || async { reply::json(StatusCode::OK, &json!({"status": "live"})) });
        let service = Arc::clone(&self.service);
        serve(app, "/health/ready", move || ready(Arc::clone(&service)));
        let caching = self.service.jwks().cache_control();
        let service = Arc::clone(&self.service);
        serve_cached(app, JWKS_PATH, &caching, move || service.jwks().document);
        if let Some(feed) = &self.ended_sessions {
            let feed = feed.clone();
            serve(app, ENDED_SESSIONS_PATH, move |request| ended_sessions(feed.clone(), request));
        }
        for path in DISCOVERY_PATHS {
            let (issuer, service) = (self.issuer.clone(), Arc::clone(&self.service));
            serve_cached(app, path, &caching, move || discovery::document(&issuer, &service.jwks().document));
        }
    }
}

async fn ready(service: Arc<Service>) -> HttpResponse {
    match service.check_ready().await {
        Ok(()) => reply::json(StatusCode::OK, &json!({"status": "ready"})),
        Err(reason) => reply::problem(&reason.into()),
    }
}

/// Answers GET and HEAD at `path` with a JSON document that caches may keep.
fn serve_cached(
    app: &mut ServiceConfig,
    path: &str,
    caching: &str,
    document: impl Fn() -> Value + Clone + 'static,
) {
    let caching = caching.to_owned();
    serve(app, path, move || {
        let mut response = reply::json(StatusCode::OK, &document());
        reply::set(response.headers_mut(), CACHE_CONTROL, &caching);
        async { response }
    });
}

/// Answers GET and HEAD at `path` with `handler`, and other methods with 405.
fn serve<T: FromRequest + 'static>(
    app: &mut ServiceConfig,
    path: &str,
    handler: impl Handler<T, Output = HttpResponse>,
) {
    let methods = guard::Any(guard::Get()).or(guard::Head());
    let resource = web::resource(path).route(web::route().guard(methods).to(handler));
    app.service(resource.default_service(web::to(async || {
        reply::problem(&Failure::MethodNotAllowed(vec![Method::GET, Method::HEAD]))
    })));
}
