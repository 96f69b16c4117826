//! Receives a body with a limit on size and time. actix-web limits neither for a raw payload.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::server::connections::BodyReception;

const MAX_BYTES: usize = 16 * 1024;
/// The time in which a body must arrive completely.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn receive(head: &HttpRequest, payload: Payload) -> Result<Bytes, Failure> {
    if !matches!(*head.method(), Method::POST | Method::PUT | Method::PATCH) {
        // No operation with another method has a body. After an `Upgrade` header, the payload would never end.
        return Ok(Bytes::new());
    }
    // Rejects a declared length before a byte is read. `collect` enforces the limit for chunked bodies.
    let declared = head.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > MAX_BYTES as u64) {
        return Err(Failure::BodyTooLarge);
    }
    let _reception = BodyReception::start(head);
    timeout(DEADLINE, collect(payload)).await.map_err(|_| Failure::BodyTimeout)?
}

async fn collect(mut payload: Payload) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Failure::MalformedBody)?;
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(Failure::BodyTooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Whether the body is declared as uncompressed JSON in UTF-8, the only encoding of JSON between systems (RFC 8259,
/// section 8.1).
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(media_type)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let mut parts = media_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    is_json && is_utf8 && !headers.contains_key(CONTENT_ENCODING)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn declared(media_type: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers
    }

    #[test]
    fn only_application_json_in_utf_8_is_json() {
        for media_type in
            ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\""]
        {
            assert!(is_json(&declared(media_type)), "{media_type}");
        }
        for media_type in
            ["", "text/json", "text/plain", "application/jsonp", "application/json; charset=utf-16"]
        {
            assert!(!is_json(&declared(media_type)), "{media_type}");
        }
        assert!(!is_json(&HeaderMap::new()));
    }

    #[test]
    fn compressed_body_is_not_json() {
        let mut headers = declared("application/json");
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(!is_json(&headers));
    }
}
