//! A dialect in its place: under a prefix, with all that its handlers need.

use actix_web::HttpResponse;

use crate::failure::Failure;
use crate::reply;

use super::{Context, Dialect, Endpoint};

/// A dialect in its place.
pub struct Mount {
    /// The dialect.
    pub dialect: &'static dyn Dialect,
    /// What its handlers work with.
    pub context: Context,
}

impl Mount {
    /// Whether `path` is the prefix or below it.
    pub(super) fn covers(&self, path: &str) -> bool {
        path.strip_prefix(self.context.prefix.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Logs a failure, and says in the dialect's words that the request failed.
    #[must_use]
    pub fn refuse(&self, failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse {
        failure.log();
        let mut response = self.dialect.render(failure, endpoint);
        reply::add_headers_of(failure, response.headers_mut());
        response
    }
}
