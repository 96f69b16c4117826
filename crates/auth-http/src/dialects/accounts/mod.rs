//! `accounts`: roles, numeric ids, a refresh token that stays the same, and logout. Base path `/api/v1/auth`.

mod bodies;
mod endpoints;
mod errors;

use std::time::Duration;

use actix_web::HttpResponse;
use auth_domain::model::RefreshStyle;

use crate::failure::Failure;
use crate::request::MinPasswordLength;

use super::{Dialect, Endpoint, Profile, Route};

/// The default dialect at the paths that it shares with `token_pair`, which precedes it in [`ALL`](super::ALL).
#[derive(Debug)]
pub struct Accounts;

impl Dialect for Accounts {
    fn profile(&self) -> Profile {
        Profile {
            name: "accounts",
            about: "Roles, numeric ids, a refresh token that stays the same, and logout.",
            prefix: "/api/v1/auth",
            refresh_style: RefreshStyle::Reusable,
            access_lifetime: Some(Duration::from_secs(3_600)),
            min_password_length: MinPasswordLength(8),
            sample: Some((
                "/register",
                r#"{"username":"john_doe","password":"P@ssw0rd!","full_name":"John Doe","email":"john@example.com"}"#,
            )),
        }
    }

    fn routes(&self) -> &'static [Route] {
        endpoints::ROUTES
    }

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure)
    }
}
