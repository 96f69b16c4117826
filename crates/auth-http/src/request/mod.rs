//! What the dialects share of reading a request.

mod bearer;
mod body;
mod client_address;
mod fields;
mod json;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Bytes, Payload};

use crate::failure::Failure;

pub use client_address::client_address;
pub use fields::Fields;
pub use json::JsonObject;

/// Headers that say who is calling: twice would leave open which one counts.
const ONCE: [HeaderName; 3] =
    [header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("x-api-key")];

/// A request that has arrived whole.
#[derive(Debug)]
pub struct Request {
    head: HttpRequest,
    body: Bytes,
}

impl Request {
    /// Waits for the rest of a request.
    ///
    /// # Errors
    /// When the head contradicts itself, or the body is too large or too slow.
    pub async fn receive(head: HttpRequest, payload: Payload) -> Result<Self, Failure> {
        if ONCE.iter().any(|name| head.headers().get_all(name).nth(1).is_some()) {
            return Err(Failure::MalformedHeader);
        }
        let body = body::receive(&head, payload).await?;
        Ok(Self { head, body })
    }

    /// The access token in the `Authorization` header (RFC 6750, section 2.1).
    ///
    /// # Errors
    /// [`Failure::MissingToken`] without a bearer token, [`Failure::InvalidToken`] with one that cannot be one.
    pub fn bearer(&self) -> Result<&str, Failure> {
        bearer::bearer(self.head.headers())
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`Failure::UnsupportedMediaType`] when it is not declared as JSON, [`Failure::MalformedBody`] when it is not
    /// a JSON object.
    pub fn json(&self) -> Result<JsonObject, Failure> {
        if self.body.is_empty() {
            return Err(Failure::MalformedBody);
        }
        if !body::is_json(self.head.headers()) {
            return Err(Failure::UnsupportedMediaType);
        }
        JsonObject::parse(&self.body)
    }
}
