//! The endpoints: read the request, call the use case, write the answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::SessionId;
use auth_domain::use_cases::{LogOutBearer, RefreshSession};

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::errors;
use super::refresh_cookie::RefreshCookie;
use super::requests::{Credentials, Registration};
use super::responses::{Answer, Done, LoggedIn, Refreshed, User};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Registration = request.body_with(&context.passwords)?;
    context.auth(request).register(body.into_command(context)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Done { message: "Account successfully created." }))
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let Credentials { username, password } = request.body()?;
    let grant = context.log_in(request, &username.get()?.0, password.into_value()?.0).await?;
    let data = LoggedIn { token: grant.access_token.expose(), user: User::of(&grant.user) };
    let mut answer = reply::json(StatusCode::OK, &Answer { message: "Logged in successfully.", data });
    RefreshCookie::of(context).set(&mut answer, &grant);
    Ok(answer)
}

pub(super) async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    context.reject_cross_site(request)?;
    let cookie = RefreshCookie::of(context);
    let token = cookie.read(request).ok_or(Failure::InvalidRefreshToken)?;
    let grant =
        context.auth(request).refresh_session(RefreshSession { client: &context.client, token }).await?;
    let data = Refreshed { token: grant.access_token.expose() };
    let mut answer = reply::json(StatusCode::OK, &Answer { message: "Access token refreshed.", data });
    cookie.set(&mut answer, &grant);
    Ok(answer)
}

/// Whoever may not log out loses the cookie all the same: it is what the document says this endpoint clears.
pub(super) async fn log_out(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    context.reject_cross_site(request)?;
    let cookie = RefreshCookie::of(context);
    let mut answer = match end_session(context, request, cookie.read(request)).await {
        Ok(_) => reply::json(StatusCode::OK, &Done { message: "Logged out successfully." }),
        Err(failure) => errors::unauthorized(failure)?,
    };
    cookie.clear(&mut answer);
    Ok(answer)
}

async fn end_session(
    context: &Context,
    request: &Request,
    cookie: Option<&str>,
) -> Result<SessionId, Failure> {
    let command =
        LogOutBearer { client: &context.client, access_token: request.bearer()?, refresh_token: cookie };
    Ok(context.auth(request).log_out_bearer(command).await?)
}

pub(super) async fn user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.current_user(request).await?;
    let data = User::of(&user);
    Ok(reply::json(StatusCode::OK, &Answer { message: "User details retrieved.", data }))
}
