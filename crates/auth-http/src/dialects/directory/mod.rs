//! `directory`: a trusted program keeps users and logs them in, by an API key on every endpoint. Base path `/api/v1`.

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

/// The dialect.
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

    /// By the API key, right or wrong: no other dialect has one.
    fn recognises(&self, _endpoint: Endpoint, request: &Request, _auth: &Auth) -> bool {
        request.has_api_key()
    }

    /// Nothing of the request is looked at before the API key, so that whoever has none learns nothing, not even which
    /// users there are.
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

/// What an API key has to serve for. The last three are no endpoints of this dialect.
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
