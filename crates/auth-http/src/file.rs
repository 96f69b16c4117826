//! Files that are made once, when the service starts, and served as they are.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use actix_web::web::Bytes;

/// A file in its place.
#[derive(Clone, Debug)]
pub struct File {
    /// Its path.
    pub path: String,
    media_type: &'static str,
    policy: Option<&'static str>,
    content: Bytes,
}

impl File {
    /// A file that browsers are not meant to open by itself.
    #[must_use]
    pub fn new(path: impl Into<String>, media_type: &'static str, content: impl Into<Bytes>) -> Self {
        Self { path: path.into(), media_type, policy: None, content: content.into() }
    }

    /// A page, with what it may load (Content Security Policy Level 3).
    #[must_use]
    pub fn page(path: impl Into<String>, policy: &'static str, html: impl Into<Bytes>) -> Self {
        Self { policy: Some(policy), ..Self::new(path, "text/html; charset=utf-8", html) }
    }

    /// The file as an answer.
    #[must_use]
    pub fn answer(&self) -> HttpResponse {
        let mut response = HttpResponse::Ok().content_type(self.media_type).body(self.content.clone());
        if let Some(policy) = self.policy {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        response
    }
}
