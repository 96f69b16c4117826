//! What is served beside the dialects: pages and documents, health, and the public signing keys.

use std::future::Future;
use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use auth_infra::token::KeyRing;
use serde::Serialize;

use crate::failure::Failure;
use crate::file::File;
use crate::readiness::Readiness;
use crate::{problem, reply};

/// What is served beside the dialects.
#[derive(Clone)]
pub struct Beside {
    /// Whether the service can do its work.
    pub readiness: Arc<Readiness>,
    /// The signing keys.
    pub keys: Arc<KeyRing>,
    /// The pages and the documents, with all that they load.
    pub files: Arc<[File]>,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

impl Beside {
    /// Puts each in its place.
    pub fn configure(&self, app: &mut ServiceConfig) {
        for file in self.files.iter().cloned() {
            let path = file.path.clone();
            serve(app, &path, move || {
                let answer = file.answer();
                async { Ok(answer) }
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

/// Serves what `answer` makes to GET and HEAD at `path`.
fn serve<F>(app: &mut ServiceConfig, path: &str, answer: impl Fn() -> F + Clone + 'static)
where
    F: Future<Output = Result<HttpResponse, Failure>> + 'static,
{
    let respond = move |request: HttpRequest| {
        let is_allowed = matches!(*request.method(), Method::GET | Method::HEAD);
        let answer = is_allowed.then(&answer);
        async move {
            let result = match answer {
                Some(answer) => answer.await,
                None => Err(Failure::MethodNotAllowed(vec![Method::GET, Method::HEAD])),
            };
            result.unwrap_or_else(|failure| problem::render_failure(&failure))
        }
    };
    app.service(web::resource(path).to(respond));
}
