//! The endpoints: read the request, call the use case, write the answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::RefreshSecret;
use auth_domain::use_cases::TokenGrant;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::requests;
use super::responses::{Profile, Tokens};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.auth(request).register(requests::register(context, request.json()?)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Profile::of(&user)))
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let grant = context.auth(request).log_in(requests::log_in(context, request.json()?)?).await?;
    Ok(pair(&grant))
}

pub(super) async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let grant = context.auth(request).refresh_session(requests::refresh(context, request.json()?)?).await?;
    Ok(pair(&grant))
}

pub(super) async fn me(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.auth(request).current_user(request.bearer()?).await?;
    Ok(reply::json(StatusCode::OK, &Profile::of(&user)))
}

fn pair(grant: &TokenGrant) -> HttpResponse {
    let refresh_token = grant.refresh_token.as_ref().map(RefreshSecret::expose);
    let tokens = Tokens {
        access_token: grant.access_token.expose(),
        refresh_token: refresh_token.as_ref().map(|token| token.as_str()),
        token_type: "bearer",
    };
    reply::json(StatusCode::OK, &tokens)
}
