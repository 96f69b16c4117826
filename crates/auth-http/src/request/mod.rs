//! Reads requests for all dialects: credentials, cookies, client address, and the JSON body.

mod bearer;
mod body;
mod client_address;
mod cookie;
mod field;
mod host;
mod json;
mod members;
mod min_password_length;
mod origin;
mod patterns;
mod reader;

use std::cell::OnceCell;

use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpMessage as _, HttpRequest};

use auth_domain::UseCases;
use auth_domain::model::{ApiKey, Caller, ClientAddress};
use auth_domain::use_cases::VerifiedToken;
use serde::de::DeserializeOwned;
use validator::ValidateArgs;

use crate::failure::{Failure, FieldError};
use crate::origin::TrustedProxies;

use client_address::InvalidAddress;

pub use client_address::client_address;
pub use field::{
    DisplayNameField, EmailField, Field, NewPasswordField, PasswordField, PhoneNumberField, TextField,
    UsernameField,
};
pub(crate) use field::{not_null, optional};
pub use host::{check_host, is_host};
pub use json::JsonObject;
pub use members::{Documented, Member};
pub(crate) use members::{password, string, text, texts};
pub use min_password_length::MinPasswordLength;
pub(crate) use origin::SEC_FETCH_SITE;
pub(crate) use reader::errors;
#[cfg(test)]
pub(crate) use reader::member_names;

/// The header with the API key of a calling program.
pub const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Headers that must not be repeated. Their values are not lists (RFC 9110, section 5.3), so two recipients of a repeated
/// header could use different values.
const UNIQUE_HEADERS: [HeaderName; 3] = [header::AUTHORIZATION, header::CONTENT_TYPE, X_API_KEY];

/// A received request. The JSON body and the access token are parsed at most once.
#[derive(Debug)]
pub struct Request {
    head: HttpRequest,
    body: Bytes,
    json: OnceCell<Option<JsonObject>>,
    token: OnceCell<VerifiedToken>,
    api_key: OnceCell<ApiKey>,
    end_user: OnceCell<Option<ClientAddress>>,
}

impl Request {
    /// Receives the body of a request. A failure is returned together with the request, because the router needs the
    /// request to choose the dialect that renders the failure.
    ///
    /// It fails if a unique header is repeated, or if the body is too large or too slow. The body is empty then.
    pub async fn receive(head: HttpRequest, payload: Payload) -> (Self, Result<(), Failure>) {
        let received = if UNIQUE_HEADERS.iter().any(|name| head.headers().get_all(name).nth(1).is_some()) {
            Err(Failure::MalformedHeader)
        } else {
            body::receive(&head, payload).await
        };
        let (body, outcome) = match received {
            Ok(body) => (body, Ok(())),
            Err(failure) => (Bytes::new(), Err(failure)),
        };
        let (json, token, api_key, end_user) =
            (OnceCell::new(), OnceCell::new(), OnceCell::new(), OnceCell::new());
        (Self { head, body, json, token, api_key, end_user }, outcome)
    }

    /// The path parameter of this name, or the empty string.
    #[must_use]
    pub fn path_part(&self, name: &str) -> &str {
        self.head.match_info().query(name)
    }

    /// The access token in the `Authorization` header (RFC 6750, section 2.1).
    ///
    /// # Errors
    /// [`Failure::MissingToken`] without a bearer token, [`Failure::InvalidToken`] if it is malformed.
    pub fn bearer(&self) -> Result<&str, Failure> {
        bearer::bearer(self.head.headers())
    }

    /// The access token, verified. The signature is checked once, although the router and the handler both call this.
    ///
    /// # Errors
    /// As for [`bearer`](Self::bearer).
    pub fn verified_token(&self, auth: &UseCases) -> Result<&VerifiedToken, Failure> {
        let token = self.bearer()?;
        Ok(self.token.get_or_init(|| auth.verify_token(token)))
    }

    /// The value of the only cookie of this name; `None` if there is none or more than one.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie::cookie(self.head.headers(), name)
    }

    /// The values of all cookies of this name.
    pub fn cookies(&self, name: &str) -> impl Iterator<Item = &str> {
        cookie::cookies(self.head.headers(), name)
    }

    /// Whether there is an API key, valid or not.
    #[must_use]
    pub fn has_api_key(&self) -> bool {
        self.head.headers().contains_key(X_API_KEY)
    }

    /// The API key in the `X-API-Key` header.
    ///
    /// # Errors
    /// [`Failure::InvalidApiKey`] if it is missing or not ASCII, [`Failure::MalformedHeader`] if there are several.
    pub fn api_key(&self) -> Result<&str, Failure> {
        let mut values = self.head.headers().get_all(X_API_KEY);
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().map_err(|_| Failure::InvalidApiKey),
            (Some(_), Some(_)) => Err(Failure::MalformedHeader),
            (None, _) => Err(Failure::InvalidApiKey),
        }
    }

    /// Records that the caller authenticated with `key`.
    pub fn set_authenticated_key(&self, key: ApiKey) {
        // A request authenticates once, so there is no other key to lose.
        let _ = self.api_key.set(key);
    }

    /// The API key with which the caller has authenticated.
    #[must_use]
    pub fn authenticated_key(&self) -> Option<&ApiKey> {
        self.api_key.get()
    }

    /// Records the address of the end user, if the holder of the API key reports one.
    ///
    /// # Errors
    /// [`Failure::InvalidFields`] if the header has no address where it must have one.
    pub fn accept_end_user(&self, trusted: &TrustedProxies) -> Result<(), Failure> {
        let program = self.caller().address();
        let reported = client_address::end_user_address(self.head.headers(), trusted, program);
        let reported = reported
            .map_err(|InvalidAddress| Failure::InvalidFields(vec![FieldError::invalid_end_user_address()]))?;
        // A request authenticates once, so there is no other address to lose.
        let _ = self.end_user.set(reported);
        Ok(())
    }

    /// The caller: the address and the request id, which the observer stores in the extensions, and the end user.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let caller = self.head.extensions().get::<Caller>().cloned().unwrap_or_else(Caller::without_address);
        match self.end_user.get().copied().flatten() {
            Some(end_user) => caller.with_end_user(end_user),
            None => caller,
        }
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// [`Failure::UnsupportedMediaType`] if it is not declared as JSON, [`Failure::MalformedBody`] if it is not a JSON
    /// object.
    pub fn json(&self) -> Result<&JsonObject, Failure> {
        if self.body.is_empty() {
            return Err(Failure::MalformedBody);
        }
        if !body::is_json(self.head.headers()) {
            return Err(Failure::UnsupportedMediaType);
        }
        self.json.get_or_init(|| JsonObject::parse(&self.body).ok()).as_ref().ok_or(Failure::MalformedBody)
    }

    /// The body, parsed and validated.
    ///
    /// # Errors
    /// As for [`json`](Self::json), and [`Failure::InvalidFields`] with the errors of all members at once.
    pub fn body<T>(&self) -> Result<T, Failure>
    where
        T: DeserializeOwned + for<'v> ValidateArgs<'v, Args = ()>,
    {
        self.body_with(())
    }

    /// The body, parsed and validated with a context, such as the minimum length of a password.
    ///
    /// # Errors
    /// As for [`body`](Self::body).
    pub fn body_with<'v, T: DeserializeOwned + ValidateArgs<'v>>(
        &self,
        context: T::Args,
    ) -> Result<T, Failure> {
        self.json()?.read_valid(context)
    }

    /// Whether the body is a JSON object with this member, of any type.
    #[must_use]
    pub fn has_member(&self, name: &str) -> bool {
        self.json().is_ok_and(|body| body.get(name).is_some())
    }
}
