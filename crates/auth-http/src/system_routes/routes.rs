//! Registers the routes outside the dialects.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use auth_infra::token::KeyRing;
use serde::Serialize;

use super::{Readiness, StaticFile};
use crate::failure::Failure;
use crate::reply;

/// The routes outside the dialects, with the state that they answer from.
#[derive(Clone)]
pub struct SystemRoutes {
    /// The answer of `/health/ready`.
    pub readiness: Arc<Readiness>,
    /// The signing keys, whose public parts are at `/.well-known/jwks.json`.
    pub keys: Arc<KeyRing>,
    /// The pages and the OpenAPI documents.
    pub files: Arc<[StaticFile]>,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

impl SystemRoutes {
    /// Adds the routes to an app.
    pub fn configure(&self, app: &mut ServiceConfig) {
        for file in self.files.iter().cloned() {
            let path = file.path.clone();
            serve(app, &path, move || {
                let response = file.response();
                async { Ok(response) }
            });
        }
        serve(app, "/health/live", || async { Ok(reply::json(StatusCode::OK, &Health { status: "live" })) });
        let readiness = Arc::clone(&self.readiness);
        serve(app, "/health/ready", move || ready(Arc::clone(&readiness)));
        let keys = Arc::clone(&self.keys);
        serve(app, "/.well-known/jwks.json", move || {
            let jwks = reply::json(StatusCode::OK, &keys.jwks());
            async { Ok(jwks) }
        });
    }
}

async fn ready(readiness: Arc<Readiness>) -> Result<HttpResponse, Failure> {
    readiness.check().await?;
    Ok(reply::json(StatusCode::OK, &Health { status: "ready" }))
}

/// Answers GET and HEAD at `path` with the result of `respond`, and other methods with 405.
fn serve<F>(app: &mut ServiceConfig, path: &str, respond: impl Fn() -> F + Clone + 'static)
where
    F: Future<Output = Result<HttpResponse, Failure>> + 'static,
{
    app.service(web::resource(path).to(move |request: HttpRequest| {
        let is_allowed = matches!(*request.method(), Method::GET | Method::HEAD);
        let response = is_allowed.then(&respond);
        async move {
            let result = match response {
                Some(response) => response.await,
                None => Err(Failure::MethodNotAllowed(vec![Method::GET, Method::HEAD])),
            };
            result.unwrap_or_else(|failure| reply::problem(&failure))
        }
    }));
}
