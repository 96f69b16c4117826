//! `cookie`: the refresh token in a cookie that scripts cannot read, per-field errors, numeric ids. Base path `/api`.

mod bodies;
mod endpoints;
mod errors;
mod refresh_cookie;

use actix_web::HttpResponse;
use auth_domain::model::RefreshStyle;

use crate::failure::Failure;

use super::{Dialect, Endpoint, Profile, Route};

#[derive(Debug)]
pub struct Cookie;

impl Dialect for Cookie {
    fn profile(&self) -> Profile {
        Profile {
            name: "cookie",
            about: "The refresh token in a cookie that no script can read, errors by field, numeric ids.",
            prefix: "/api",
            refresh_style: RefreshStyle::Rotating,
            access_lifetime: None,
            min_password_length: bodies::MIN_PASSWORD_LENGTH,
            sample: Some(("/auth/register", r#"{"username":"jane_doe","password":"P@ssw0rd!"}"#)),
        }
    }

    fn uses_cookie(&self) -> bool {
        true
    }

    fn routes(&self) -> &'static [Route] {
        endpoints::ROUTES
    }

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure)
    }
}
