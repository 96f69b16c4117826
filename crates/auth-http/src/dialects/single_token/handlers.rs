//! The endpoints: read the request, call the use case, write the answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::requests;
use super::responses::{LoggedIn, ProtectedData, Refreshed, Registered};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let command = requests::register(context, request.json()?)?;
    context.auth(request).register(command).await?;
    Ok(reply::json(StatusCode::CREATED, &Registered { message: "User registered successfully." }))
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let grant = context.auth(request).log_in(requests::log_in(context, request.json()?)?).await?;
    Ok(reply::json(StatusCode::OK, &LoggedIn { acc_token: grant.access_token.expose() }))
}

pub(super) async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let grant = context.auth(request).refresh_session(requests::refresh(context, request.json()?)?).await?;
    Ok(reply::json(StatusCode::OK, &Refreshed { token: grant.access_token.expose() }))
}

pub(super) async fn protected_resource(
    context: &Context,
    request: &Request,
) -> Result<HttpResponse, Failure> {
    let identity = context.auth(request).authenticate(request.bearer()?).await?;
    context.require_role(request, &identity)?;
    Ok(reply::json(StatusCode::OK, &ProtectedData { data: "protected data" }))
}
