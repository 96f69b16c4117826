//! The endpoints: read the request, call the use case, write the answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::RefreshSecret;
use auth_domain::use_cases::LogOut;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::requests::{self, Credentials, RefreshToken};
use super::responses::{LoggedIn, LoggedOut, Profile, Refreshed, Registered};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.auth(request).register(requests::register(context, request)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Registered::of(&user)))
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let Credentials { username, password } = request.body()?;
    let grant = context.log_in(request, username.get()?, password.into_value()?).await?;
    let refresh_token = grant.refresh_token.as_ref().map(RefreshSecret::expose);
    let body = LoggedIn {
        access_token: grant.access_token.expose(),
        refresh_token: refresh_token.as_ref().map(|token| token.as_str()),
        expires_in: grant.expires_in.as_secs(),
        roles: grant.user.roles.to_string(),
    };
    Ok(reply::json(StatusCode::OK, &body))
}

pub(super) async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: RefreshToken = request.body()?;
    let grant = context.refresh(request, body.refresh_token.get()?).await?;
    let expires_in = grant.expires_in.as_secs();
    Ok(reply::json(StatusCode::OK, &Refreshed { access_token: grant.access_token.expose(), expires_in }))
}

pub(super) async fn log_out(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: RefreshToken = request.body()?;
    let token = body.refresh_token.get()?;
    context.auth(request).log_out(LogOut::RefreshToken { client: &context.client, token }).await?;
    Ok(reply::json(StatusCode::OK, &LoggedOut { message: "Successfully logged out" }))
}

pub(super) async fn me(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.current_user(request).await?;
    Ok(reply::json(StatusCode::OK, &Profile::of(&user)))
}
