//! `directory`: a trusted program keeps users and logs them in, by an API key on every endpoint. Base path `/api/v1`.

mod errors;
mod handlers;
mod operations;
mod requests;
mod responses;

use actix_web::HttpResponse;
use actix_web::http::Method;
use auth_domain::Auth;
use auth_domain::model::{PasswordPolicy, RefreshStyle, Scope};
use futures_util::future::LocalBoxFuture;

use crate::failure::Failure;
use crate::request::Request;

use super::{Context, Dialect, Endpoint, Profile, Route};

/// The dialect.
#[derive(Debug)]
pub struct Directory;

static ROUTES: [Route; 7] = [
    Route {
        method: Method::POST,
        path: "/users",
        endpoint: Endpoint::Register,
        handler: |context, request| Box::pin(handlers::register(context, request)),
        describe: operations::register,
    },
    Route {
        method: Method::GET,
        path: "/users/{user_id}",
        endpoint: Endpoint::GetUser,
        handler: |context, request| Box::pin(handlers::get_user(context, request)),
        describe: operations::get_user,
    },
    Route {
        method: Method::PUT,
        path: "/users/{user_id}",
        endpoint: Endpoint::UpdateUser,
        handler: |context, request| Box::pin(handlers::update_user(context, request)),
        describe: operations::update_user,
    },
    Route {
        method: Method::PUT,
        path: "/users/{user_id}/roles",
        endpoint: Endpoint::SetRoles,
        handler: |context, request| Box::pin(handlers::set_roles(context, request)),
        describe: operations::set_roles,
    },
    Route {
        method: Method::DELETE,
        path: "/users/{user_id}",
        endpoint: Endpoint::DeleteUser,
        handler: |context, request| Box::pin(handlers::delete_user(context, request)),
        describe: operations::delete_user,
    },
    Route {
        method: Method::POST,
        path: "/auth/login",
        endpoint: Endpoint::LogIn,
        handler: |context, request| Box::pin(handlers::log_in(context, request)),
        describe: operations::log_in,
    },
    Route {
        method: Method::POST,
        path: "/auth/refresh",
        endpoint: Endpoint::Refresh,
        handler: |context, request| Box::pin(handlers::refresh(context, request)),
        describe: operations::refresh,
    },
];

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
        &ROUTES
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
