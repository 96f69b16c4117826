//! The endpoints: read the request, call the use case, write the answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::requests::{Credentials, Registration, Renewal};
use super::responses::{LoggedIn, ProtectedData, Refreshed, Registered};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let command = request.body_with::<Registration>(&context.passwords)?.into_command(context)?;
    context.auth(request).register(command).await?;
    Ok(reply::json(StatusCode::CREATED, &Registered { message: "User registered successfully." }))
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let Credentials { email, password } = request.body()?;
    let grant = context.log_in(request, email.get()?, password.into_value()?).await?;
    Ok(reply::json(StatusCode::OK, &LoggedIn { acc_token: grant.access_token.expose() }))
}

pub(super) async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Renewal = request.body()?;
    let grant = context.refresh(request, body.ref_token.get()?).await?;
    Ok(reply::json(StatusCode::OK, &Refreshed { token: grant.access_token.expose() }))
}

pub(super) async fn protected_resource(
    context: &Context,
    request: &Request,
) -> Result<HttpResponse, Failure> {
    let identity = context.authenticate(request).await?;
    context.require_role(request, &identity)?;
    Ok(reply::json(StatusCode::OK, &ProtectedData { data: "protected data" }))
}
