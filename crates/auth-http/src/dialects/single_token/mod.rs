//! `single_token`: one JWT that is renewed by presenting it, and a protected resource. Base path `/v1`.

mod errors;
mod handlers;
mod operations;
mod requests;
mod responses;

use actix_web::HttpResponse;
use actix_web::http::Method;
use auth_domain::model::{PasswordPolicy, RefreshStyle};

use crate::failure::Failure;

use super::{Dialect, Endpoint, Profile, Route};

/// The dialect.
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
            passwords: PasswordPolicy { min_length: 8 },
            sample: Some((
                "/auth/register",
                r#"{"username":"jane_doe","email":"jane@example.com","password":"P@ssw0rd!"}"#,
            )),
        }
    }

    fn routes(&self) -> &'static [Route] {
        static ROUTES: [Route; 4] = [
            Route {
                method: Method::POST,
                path: "/auth/register",
                endpoint: Endpoint::Register,
                handler: |context, request| Box::pin(handlers::register(context, request)),
                describe: operations::register,
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
            Route {
                method: Method::GET,
                path: "/protected/resource",
                endpoint: Endpoint::ProtectedResource,
                handler: |context, request| Box::pin(handlers::protected_resource(context, request)),
                describe: operations::protected_resource,
            },
        ];
        &ROUTES
    }

    fn render(&self, failure: &Failure, endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure, endpoint)
    }
}
