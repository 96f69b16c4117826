//! Reads the bearer token of a request.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};

use crate::failure::Failure;

/// The token of `Authorization: Bearer <token>`. The scheme is case-insensitive (RFC 9110, section 11.1).
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Failure> {
    let value = headers.get(AUTHORIZATION).ok_or(Failure::MissingToken)?;
    let value = value.to_str().map_err(|_| Failure::InvalidToken)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Failure::MissingToken);
    }
    match token.trim_start_matches(' ') {
        "" => Err(Failure::InvalidToken),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(value: &[u8]) -> Result<String, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_bytes(value).expect("a header's value"));
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn scheme_is_case_insensitive() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc"] {
            assert_eq!(read(value.as_bytes()).expect("a token"), "abc");
        }
    }

    #[test]
    fn other_schemes_count_as_a_missing_token() {
        assert!(matches!(bearer(&HeaderMap::new()), Err(Failure::MissingToken)));
        for value in ["", "Basic am9objpzZWNyZXQ=", "abc", "Bearerabc"] {
            assert!(matches!(read(value.as_bytes()), Err(Failure::MissingToken)), "{value}");
        }
    }

    #[test]
    fn empty_or_non_ascii_token_is_invalid() {
        for value in [&b"Bearer"[..], b"Bearer ", b"Bearer \xff"] {
            assert!(matches!(read(value), Err(Failure::InvalidToken)), "{value:?}");
        }
    }
}
