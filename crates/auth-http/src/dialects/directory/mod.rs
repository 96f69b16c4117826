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

use crate::failure::Failure;
use crate::request::Request;

use super::{Context, Dialect, Endpoint, Profile, Route};

/// The dialect.
#[derive(Debug)]
pub struct Directory;

static ROUTES: [Route; 6] = [
    Route {
        method: Method::POST,
        path: "/users",
        endpoint: Endpoint::Register,
        handler: |context, request| {
            Box::pin(keyed(Scope::UsersWrite, context, request, handlers::register(context, request)))
        },
        describe: operations::register,
    },
    Route {
        method: Method::GET,
        path: "/users/{user_id}",
        endpoint: Endpoint::GetUser,
        handler: |context, request| {
            Box::pin(keyed(Scope::UsersRead, context, request, handlers::get_user(context, request)))
        },
        describe: operations::get_user,
    },
    Route {
        method: Method::PUT,
        path: "/users/{user_id}",
        endpoint: Endpoint::UpdateUser,
        handler: |context, request| {
            Box::pin(keyed(Scope::UsersWrite, context, request, handlers::update_user(context, request)))
        },
        describe: operations::update_user,
    },
    Route {
        method: Method::DELETE,
        path: "/users/{user_id}",
        endpoint: Endpoint::DeleteUser,
        handler: |context, request| {
            Box::pin(keyed(Scope::UsersWrite, context, request, handlers::delete_user(context, request)))
        },
        describe: operations::delete_user,
    },
    Route {
        method: Method::POST,
        path: "/auth/login",
        endpoint: Endpoint::LogIn,
        handler: |context, request| {
            Box::pin(keyed(Scope::Auth, context, request, handlers::log_in(context, request)))
        },
        describe: operations::log_in,
    },
    Route {
        method: Method::POST,
        path: "/auth/refresh",
        endpoint: Endpoint::Refresh,
        handler: |context, request| {
            Box::pin(keyed(Scope::Auth, context, request, handlers::refresh(context, request)))
        },
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

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure)
    }
}

/// Gives `answer` to a program whose API key serves for `scope`. Nothing of the request is looked at before that, so
/// that whoever has no key learns nothing, not even which users there are.
async fn keyed(
    scope: Scope,
    context: &Context,
    request: &Request,
    answer: impl Future<Output = Result<HttpResponse, Failure>>,
) -> Result<HttpResponse, Failure> {
    context.auth.authenticate_api_key(request.api_key()?, scope).await?;
    answer.await
}
