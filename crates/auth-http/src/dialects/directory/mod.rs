//! `directory`: a trusted program manages users and logs them in. Every endpoint requires an API key. Base path `/api/v1`.

mod bodies;
mod endpoints;
mod errors;

use actix_web::HttpResponse;
use auth_domain::Auth;
use auth_domain::model::{PasswordPolicy, RefreshStyle, Scope};
use futures_util::future::LocalBoxFuture;

use crate::failure::Failure;
use crate::request::Request;

use super::{Context, Dialect, Endpoint, Profile, Route};

#[derive(Debug)]
pub struct Directory;

impl Dialect for Directory {
    fn profile(&self) -> Profile {
        Profile {
            name: "directory",
            about: "A trusted program keeps users and logs them in, by an API key on every endpoint.",
            prefix: "/api/v1",
            refresh_style: RefreshStyle::SelfRenewing,
            access_lifetime: None,
            passwords: PasswordPolicy { min_length: 8 },
            sample: None,
        }
    }

    fn routes(&self) -> &'static [Route] {
        endpoints::ROUTES
    }

    /// Any request with an API key, even an invalid one: no other dialect uses API keys.
    fn recognises(&self, _endpoint: Endpoint, request: &Request, _auth: &Auth) -> bool {
        request.has_api_key()
    }

    /// Checks the API key before anything else of the request. So a caller without a key learns nothing, not even which
    /// users exist.
    fn admit<'a>(
        &self,
        endpoint: Endpoint,
        context: &'a Context,
        request: &'a Request,
    ) -> LocalBoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let auth = context.auth(request);
            request.set_api_key(&auth.authenticate_api_key(request.api_key()?, scope(endpoint)).await?);
            Ok(())
        })
    }

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure)
    }
}

/// The scope that an endpoint requires. The last three endpoints do not exist in this dialect.
fn scope(endpoint: Endpoint) -> Scope {
    match endpoint {
        Endpoint::GetUser => Scope::UsersRead,
        Endpoint::Register | Endpoint::UpdateUser | Endpoint::DeleteUser => Scope::UsersWrite,
        Endpoint::SetRoles => Scope::UsersRoles,
        Endpoint::LogIn
        | Endpoint::Refresh
        | Endpoint::LogOut
        | Endpoint::Me
        | Endpoint::ProtectedResource => Scope::Auth,
    }
}
