//! The endpoints: read the request, call the use case, write the answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::RefreshSecret;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::requests;
use super::responses::{LoggedIn, LoggedOut, Profile, Refreshed, Registered};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.auth(request).register(requests::register(context, request.json()?)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Registered::of(&user)))
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let grant = context.auth(request).log_in(requests::log_in(context, request.json()?)?).await?;
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
    let grant = context.auth(request).refresh_session(requests::refresh(context, request.json()?)?).await?;
    let expires_in = grant.expires_in.as_secs();
    Ok(reply::json(StatusCode::OK, &Refreshed { access_token: grant.access_token.expose(), expires_in }))
}

pub(super) async fn log_out(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    context.auth(request).log_out(requests::log_out(context, request.json()?)?).await?;
    Ok(reply::json(StatusCode::OK, &LoggedOut { message: "Successfully logged out" }))
}

pub(super) async fn me(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.auth(request).current_user(request.bearer()?).await?;
    Ok(reply::json(StatusCode::OK, &Profile::of(&user)))
}
