//! The feed of ended sessions, by which resource servers learn which access tokens to refuse (ADR 0020).

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::{HttpRequest, HttpResponse};
use auth_infra::store::{Cursor, EndedSessions, EndedSessionsPage, MAX_WAIT};
use url::form_urlencoded;

use crate::failure::{Failure, FieldError};
use crate::reply;

/// The path of the feed.
pub(crate) const ENDED_SESSIONS_PATH: &str = "/.well-known/ended-sessions";
/// Caches may answer several followers at once. Longer, and an end would be seen too late.
const CACHING: &str = "public, max-age=1";

/// What a follower asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    after: Option<Cursor>,
    /// How long to wait for news.
    wait: Option<Duration>,
}

/// Answers a follower.
pub(super) async fn ended_sessions(feed: EndedSessions, request: HttpRequest) -> HttpResponse {
    match page(&feed, &request).await {
        Ok(page) => {
            let mut response = HttpResponse::Ok().content_type(ContentType::json()).body(page.to_json());
            reply::set(response.headers_mut(), CACHE_CONTROL, CACHING);
            response
        }
        Err(failure) => reply::problem(&failure),
    }
}

async fn page(feed: &EndedSessions, request: &HttpRequest) -> Result<EndedSessionsPage, Failure> {
    let Query { after, wait } = Query::parse(request.query_string())?;
    // A HEAD request gets no news, so there is nothing to wait for.
    let wait = wait.filter(|_| request.method() != Method::HEAD).unwrap_or_default();
    feed.poll(after.as_ref(), wait).await.map_err(|error| Failure::Unavailable(error.into()))
}

impl Query {
    /// Parses the query of a URL. Each parameter may be missing, and no other one is allowed.
    fn parse(text: &str) -> Result<Self, Failure> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let is_new = match &*name {
                "after" => {
                    query.after.replace(value.parse().map_err(|_| invalid("after", CURSOR))?).is_none()
                }
                "wait" => {
                    query.wait.replace(parse_wait(&value).ok_or_else(|| invalid("wait", WAIT))?).is_none()
                }
                _ => return Err(invalid("query", "may contain after and wait only")),
            };
            if !is_new {
                return Err(invalid("query", "must not repeat a parameter"));
            }
        }
        Ok(query)
    }
}

const CURSOR: &str = "must be the value of next in an earlier answer";
const WAIT: &str = "must be a whole number of seconds from 0 to 25";

fn parse_wait(text: &str) -> Option<Duration> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = Duration::from_secs(text.parse().ok().filter(|_| is_number)?);
    (wait <= MAX_WAIT).then_some(wait)
}

fn invalid(field: &'static str, message: &str) -> Failure {
    Failure::InvalidFields(vec![FieldError { field: field.into(), message: message.to_owned() }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        match Query::parse(text) {
            Err(Failure::InvalidFields(errors)) => reply::in_one_line(&errors),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn query_has_a_cursor_and_a_time_to_wait() {
        assert_eq!(Query::parse("").expect("a query"), Query::default());
        let query = Query::parse("wait=25&after=1.10.12.0").expect("a query");
        assert_eq!(query.after.expect("a cursor").to_string(), "1.10.12.0");
        assert_eq!(query.wait, Some(MAX_WAIT));
        assert_eq!(Query::parse("wait=0").expect("a query").wait, Some(Duration::ZERO));
    }

    #[test]
    fn invalid_query_is_refused_with_the_parameter() {
        for text in ["after=", "after=x", "after=1.2", "after", "after=1.10.12%20"] {
            assert_eq!(error(text), format!("after {CURSOR}"));
        }
        for text in ["wait=", "wait=-1", "wait=26", "wait=+5", "wait=1.5", "wait=99999999999999999999"] {
            assert_eq!(error(text), format!("wait {WAIT}"));
        }
        for text in ["since=1", "After=1.10.12", "wait=1&limit=5"] {
            assert_eq!(error(text), "query may contain after and wait only");
        }
        for text in ["wait=1&wait=1", "after=0.1.1&after=0.1.1"] {
            assert_eq!(error(text), "query must not repeat a parameter");
        }
    }
}
