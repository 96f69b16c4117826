//! What the dialects share of reading a request.

mod bearer;
mod body;
mod client_address;
mod cookie;
mod json;
mod members;
mod origin;
mod reader;

use std::cell::{Cell, OnceCell};

use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpMessage as _, HttpRequest};

use auth_domain::Auth;
use auth_domain::model::{ApiKey, ApiKeyId, Caller};
use auth_domain::use_cases::VerifiedToken;
use serde::de::DeserializeOwned;
use validator::{Validate, ValidateArgs};

use crate::failure::Failure;
use crate::origin::{CorsOrigins, PublicUrl};

pub use client_address::client_address;
pub use json::JsonObject;
pub use members::{
    Change, DisplayNameField, Documented, EmailField, Field, Member, NewPasswordField, PasswordField,
    PhoneNumberField, TextField, UsernameField, optional, password, string,
};
pub use reader::{errors, member_names};

/// Holds the API key of a program that calls.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Headers that say who is calling: twice would leave open which one counts.
const ONCE: [HeaderName; 3] = [header::AUTHORIZATION, header::CONTENT_TYPE, X_API_KEY];

/// A request that has arrived, or as much of it as could be received.
#[derive(Debug)]
pub struct Request {
    head: HttpRequest,
    body: Bytes,
    json: OnceCell<Option<JsonObject>>,
    token: OnceCell<VerifiedToken>,
    api_key: Cell<Option<ApiKeyId>>,
}

impl Request {
    /// Waits for the rest of a request. The failure, if any, comes beside the request, so that it can be told by whom
    /// it has to be worded.
    ///
    /// It fails when the head contradicts itself, or the body is too large or too slow; the body is empty then.
    pub async fn receive(head: HttpRequest, payload: Payload) -> (Self, Result<(), Failure>) {
        let received = if ONCE.iter().any(|name| head.headers().get_all(name).nth(1).is_some()) {
            Err(Failure::MalformedHeader)
        } else {
            body::receive(&head, payload).await
        };
        let (body, outcome) = match received {
            Ok(body) => (body, Ok(())),
            Err(failure) => (Bytes::new(), Err(failure)),
        };
        (
            Self { head, body, json: OnceCell::new(), token: OnceCell::new(), api_key: Cell::new(None) },
            outcome,
        )
    }

    /// The head: method, path, headers.
    #[must_use]
    pub fn head(&self) -> &HttpRequest {
        &self.head
    }

    /// The part of the path that the route calls by this name; empty when it has no such part.
    #[must_use]
    pub fn path_part(&self, name: &str) -> &str {
        self.head.match_info().query(name)
    }

    /// The access token in the `Authorization` header (RFC 6750, section 2.1).
    ///
    /// # Errors
    /// [`Failure::MissingToken`] without a bearer token, [`Failure::InvalidToken`] with one that cannot be one.
    pub fn bearer(&self) -> Result<&str, Failure> {
        bearer::bearer(self.head.headers())
    }

    /// The access token, verified. It is verified once, although both the choice of the dialect and its handler ask.
    ///
    /// # Errors
    /// As for [`bearer`](Self::bearer).
    pub fn verified_token(&self, auth: &Auth) -> Result<&VerifiedToken, Failure> {
        let token = self.bearer()?;
        Ok(self.token.get_or_init(|| auth.verify_token(token)))
    }

    /// The value of the cookie of this name; `None` without one, and when there are several.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie::cookie(self.head.headers(), name)
    }

    /// Whether a browser sent this for a page that is neither of the origin `own` nor of one that is `allowed`.
    #[must_use]
    pub fn is_cross_site(&self, own: &PublicUrl, allowed: &CorsOrigins) -> bool {
        origin::is_cross_site(self.head.headers(), own, allowed)
    }

    /// Whether there is an API key, right or wrong.
    #[must_use]
    pub fn has_api_key(&self) -> bool {
        self.head.headers().contains_key(X_API_KEY)
    }

    /// The API key in the `X-API-Key` header.
    ///
    /// # Errors
    /// [`Failure::InvalidApiKey`] without one, or with what cannot be one; [`Failure::MalformedHeader`] with several.
    pub fn api_key(&self) -> Result<&str, Failure> {
        let mut values = self.head.headers().get_all(X_API_KEY);
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_| Failure::InvalidApiKey),
            (Some(_), Some(_)) => Err(Failure::MalformedHeader),
            (None, _) => Err(Failure::InvalidApiKey),
        }
    }

    /// Notes that whoever sent this has shown `key`, and that it serves.
    pub fn set_api_key(&self, key: &ApiKey) {
        self.api_key.set(Some(key.id));
    }

    /// Who sent this, as far as it is known: the observer leaves address and number with the head.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let caller = self.head.extensions().get::<Caller>().cloned().unwrap_or_default();
        Caller { api_key: self.api_key.get(), ..caller }
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`Failure::UnsupportedMediaType`] when it is not declared as JSON, [`Failure::MalformedBody`] when it is not
    /// a JSON object.
    pub fn json(&self) -> Result<&JsonObject, Failure> {
        if self.body.is_empty() {
            return Err(Failure::MalformedBody);
        }
        if !body::is_json(self.head.headers()) {
            return Err(Failure::UnsupportedMediaType);
        }
        self.json.get_or_init(|| JsonObject::parse(&self.body).ok()).as_ref().ok_or(Failure::MalformedBody)
    }

    /// The body, read and validated.
    ///
    /// # Errors
    /// As for [`json`](Self::json), and [`Failure::InvalidFields`] with the errors of all members.
    pub fn body<T: DeserializeOwned + Validate>(&self) -> Result<T, Failure>
    where
        T: for<'v> ValidateArgs<'v, Args = ()>,
    {
        self.body_with(())
    }

    /// The body, read and validated with a context, such as the password policy in force.
    ///
    /// # Errors
    /// As for [`body`](Self::body).
    pub fn body_with<'v, T: DeserializeOwned + ValidateArgs<'v>>(
        &self,
        context: T::Args,
    ) -> Result<T, Failure> {
        self.json()?.read_valid(context)
    }

    /// Whether the body is a JSON object with this member, whatever it holds.
    #[must_use]
    pub fn has_member(&self, name: &str) -> bool {
        self.json().is_ok_and(|body| body.get(name).is_some())
    }
}
