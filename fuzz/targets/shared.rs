//! Helper functions of the targets.

use std::ops::ControlFlow;

use actix_web::test::TestRequest;
use actix_web::web::Payload;
use actix_web::{FromRequest, HttpRequest};
use auth_http::request::Request;
use tokio::runtime::Runtime;

/// A runtime for one thread.
#[must_use]
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

/// Up to eight lines of the input, without the bytes that a header value cannot contain.
pub fn header_values(input: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    input.split(|byte| *byte == b'\n').take(8).map(|line| {
        line.iter().copied().filter(|byte| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f)).collect()
    })
}

/// The head of a request with this header, once for each value.
pub fn head(name: &str, values: impl IntoIterator<Item = Vec<u8>>) -> HttpRequest {
    with_header(TestRequest::get(), name, values).to_http_request()
}

/// A request with this header, once for each value.
pub fn with_header(
    request: TestRequest,
    name: &str,
    values: impl IntoIterator<Item = Vec<u8>>,
) -> TestRequest {
    use actix_web::http::header::HeaderValue;
    values.into_iter().fold(request, |request, value| match HeaderValue::from_bytes(&value) {
        Ok(value) => request.append_header((name, value)),
        Err(_) => request,
    })
}

/// A request as a handler receives it; `Break` if it is incomplete.
pub async fn receive(request: TestRequest) -> ControlFlow<Request, Request> {
    let (head, mut payload) = request.to_http_parts();
    let payload = Payload::from_request(&head, &mut payload).await.expect("a payload");
    match Request::receive(head, payload).await {
        (request, Ok(())) => ControlFlow::Continue(request),
        (request, Err(_)) => ControlFlow::Break(request),
    }
}
