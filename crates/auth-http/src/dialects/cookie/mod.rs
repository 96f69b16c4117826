//! `cookie`: the refresh token in a cookie that no script can read, per-field errors, numeric ids. Base path `/api`.

mod errors;
mod handlers;
mod operations;
mod refresh_cookie;
mod requests;
mod responses;

use actix_web::HttpResponse;
use actix_web::http::Method;
use auth_domain::model::{PasswordPolicy, RefreshStyle};

use crate::failure::Failure;

use super::{Dialect, Endpoint, Profile, Route};

/// What the document asks of a password, at login as well.
const PASSWORDS: PasswordPolicy = PasswordPolicy { min_length: 6 };

/// The dialect.
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
            passwords: PASSWORDS,
            sample: Some(("/auth/register", r#"{"username":"jane_doe","password":"P@ssw0rd!"}"#)),
        }
    }

    fn routes(&self) -> &'static [Route] {
        static ROUTES: [Route; 5] = [
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
                method: Method::POST,
                path: "/auth/logout",
                endpoint: Endpoint::LogOut,
                handler: |context, request| Box::pin(handlers::log_out(context, request)),
                describe: operations::log_out,
            },
            Route {
                method: Method::GET,
                path: "/user",
                endpoint: Endpoint::Me,
                handler: |context, request| Box::pin(handlers::user(context, request)),
                describe: operations::user_details,
            },
        ];
        &ROUTES
    }

    fn render(&self, failure: &Failure, _endpoint: Option<Endpoint>) -> HttpResponse {
        errors::render(failure)
    }
}
