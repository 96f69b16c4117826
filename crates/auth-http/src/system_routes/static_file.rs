//! Files that are built once, when the service starts, and served unchanged.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::web::Bytes;

/// A file and the path at which it is served.
#[derive(Clone, Debug)]
pub struct StaticFile {
    pub(super) path: String,
    media_type: &'static str,
    policy: Option<&'static str>,
    content: Bytes,
}

impl StaticFile {
    /// A file that pages load.
    pub(super) fn new(path: impl Into<String>, media_type: &'static str, content: impl Into<Bytes>) -> Self {
        Self { path: path.into(), media_type, policy: None, content: content.into() }
    }

    /// A page with its policy on what it may load (Content Security Policy Level 3).
    pub(super) fn page(path: impl Into<String>, policy: &'static str, html: impl Into<Bytes>) -> Self {
        Self { policy: Some(policy), ..Self::new(path, "text/html; charset=utf-8", html) }
    }

    pub(super) fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::Ok().content_type(self.media_type).body(self.content.clone());
        if let Some(policy) = self.policy {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        response
    }
}
