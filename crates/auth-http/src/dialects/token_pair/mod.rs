//! `token_pair`: an access token and a refresh token, both replaced at every refresh. Base path `/api/v1/auth`.

mod bodies;
mod endpoints;
mod errors;

use actix_web::HttpResponse;
use auth_domain::model::RefreshStyle;

use crate::failure::Failure;
use crate::request::{MinPasswordLength, Request};

use super::{Context, Dialect, Endpoint, Profile, Route};

const NAME: &str = "token_pair";

#[derive(Debug)]
pub struct TokenPair;

impl Dialect for TokenPair {
    fn profile(&self) -> Profile {
        Profile {
            name: NAME,
            about: "An access token and a refresh token, both replaced at every refresh.",
            prefix: "/api/v1/auth",
            refresh_style: RefreshStyle::RotatingSigned,
            access_lifetime: None,
            min_password_length: MinPasswordLength(8),
            sample: Some((
                "/register",
                r#"{"email":"jane.doe@example.com","password":"securePassword123!","displayName":"Jane Doe"}"#,
            )),
        }
    }

    fn routes(&self) -> &'static [Route] {
        endpoints::ROUTES
    }

    /// Recognises the members that `accounts` does not have at the same paths. `/me` has no body, so there the client of
    /// the access token decides.
    fn recognises(&self, endpoint: Endpoint, request: &Request, context: &Context) -> bool {
        match endpoint {
            Endpoint::Register => request.json().is_ok() && !request.has_member("username"),
            Endpoint::LogIn => request.has_member("email") && !request.has_member("username"),
            Endpoint::Refresh => request.has_member("refreshToken"),
            Endpoint::Me => request
                .verified_token(&context.auth(request))
                .is_ok_and(|token| token.client().is_some_and(|client| client.as_str() == NAME)),
            _ => false,
        }
    }

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure)
    }
}
