//! The endpoints: read the request, call the use case, write the answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::RefreshSecret;
use auth_domain::use_cases::TokenGrant;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::requests::{Credentials, Registration, Renewal};
use super::responses::{Profile, Tokens};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Registration = request.body_with(&context.passwords)?;
    let user = context.auth(request).register(body.into_command(context)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Profile::of(&user)))
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let Credentials { email, password } = request.body()?;
    let grant = context.log_in(request, email.get()?, password.into_value()?).await?;
    Ok(pair(&grant))
}

pub(super) async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Renewal = request.body()?;
    let grant = context.refresh(request, body.refresh_token.get()?).await?;
    Ok(pair(&grant))
}

pub(super) async fn me(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.current_user(request).await?;
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
