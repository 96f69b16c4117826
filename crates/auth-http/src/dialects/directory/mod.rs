//! `directory`: a trusted program manages users and logs them in. Every endpoint requires an API key. Base path `/api/v1`.

mod bodies;
mod endpoints;
mod errors;

use actix_web::HttpResponse;
use auth_domain::model::{RefreshStyle, Scope};

use crate::failure::Failure;
use crate::request::{MinPasswordLength, Request};

use super::{Context, Dialect, Endpoint, Profile, Route};

#[derive(Debug)]
pub struct Directory;

impl Dialect for Directory {
    fn profile(&self) -> Profile {
        Profile {
            name: "directory",
            about: "A trusted program manages users and logs them in, with an API key on every request.",
            prefix: "/api/v1",
            refresh_style: RefreshStyle::SelfRenewing,
            access_lifetime: None,
            min_password_length: MinPasswordLength(8),
            sample: None,
        }
    }

    fn routes(&self) -> &'static [Route] {
        endpoints::ROUTES
    }

    /// Any request with an API key, even an invalid one: no other dialect uses API keys.
    fn recognises(&self, _endpoint: Endpoint, request: &Request, _context: &Context) -> bool {
        request.has_api_key()
    }

    fn required_scope(&self, endpoint: Endpoint) -> Option<Scope> {
        Some(match endpoint {
            Endpoint::GetUser => Scope::UsersRead,
            Endpoint::Register | Endpoint::UpdateUser | Endpoint::DeleteUser => Scope::UsersWrite,
            Endpoint::SetRoles => Scope::UsersRoles,
            // The last three endpoints do not exist in this dialect.
            Endpoint::LogIn
            | Endpoint::Refresh
            | Endpoint::LogOut
            | Endpoint::Me
            | Endpoint::ProtectedResource => Scope::Auth,
        })
    }

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure)
    }
}
