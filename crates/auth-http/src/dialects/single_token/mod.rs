//! `single_token`: one JWT that is renewed by presenting it, and a protected resource. Base path `/v1`.

mod bodies;
mod endpoints;
mod errors;

use actix_web::HttpResponse;
use auth_domain::model::RefreshStyle;

use crate::failure::Failure;
use crate::request::MinPasswordLength;

use super::{Dialect, Endpoint, Profile, Route};

#[derive(Debug)]
pub struct SingleToken;

impl Dialect for SingleToken {
    fn profile(&self) -> Profile {
        Profile {
            name: "single_token",
            about: "One JWT that is renewed by presenting it, and a protected resource.",
            prefix: "/v1",
            refresh_style: RefreshStyle::SelfRenewing,
            access_lifetime: None,
            min_password_length: MinPasswordLength(8),
            sample: Some((
                "/auth/register",
                r#"{"username":"jane_doe","email":"jane@example.com","password":"P@ssw0rd!"}"#,
            )),
        }
    }

    fn routes(&self) -> &'static [Route] {
        endpoints::ROUTES
    }

    fn render(&self, failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure, endpoint)
    }
}
