//! The endpoints: read the request, call the use case, write the answer. The API key has been judged by then.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::UserRef;

use crate::dialects::Context;
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::requests::{Credentials, NewRoles, NewUser, Renewal, UserChange, user_id};
use super::responses::{Roles, Token, User};

pub(super) async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let command = request.body_with::<NewUser>(&context.passwords)?.into_command(context)?;
    let user = context.auth(request).register(command).await?;
    Ok(reply::json(StatusCode::CREATED, &User::of(&user)))
}

pub(super) async fn get_user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = UserRef::Id(user_id(request)?);
    let user = context.auth(request).find_user(&user).await?.ok_or(Failure::UnknownUser)?;
    Ok(reply::json(StatusCode::OK, &User::of(&user)))
}

pub(super) async fn update_user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = user_id(request)?;
    let command = request.body_with::<UserChange>(&context.passwords)?.into_command(context)?;
    let user = context.auth(request).update_user(user, command).await?;
    Ok(reply::json(StatusCode::OK, &User::of(&user)))
}

pub(super) async fn set_roles(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = user_id(request)?;
    let roles = request.body::<NewRoles>()?.roles.into_value()?;
    let user = context.auth(request).set_roles(user, &roles).await?.ok_or(Failure::UnknownUser)?;
    Ok(reply::json(StatusCode::OK, &Roles::of(&user)))
}

pub(super) async fn delete_user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let there_was = context.auth(request).delete_user(user_id(request)?).await?;
    if there_was { Ok(HttpResponse::NoContent().finish()) } else { Err(Failure::UnknownUser) }
}

pub(super) async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let Credentials { username, password } = request.body()?;
    let grant = context.log_in(request, username.get()?, password.into_value()?).await?;
    Ok(reply::json(StatusCode::OK, &Token { token: grant.access_token.expose() }))
}

pub(super) async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Renewal = request.body()?;
    let grant = context.refresh(request, body.refresh_token.get()?).await?;
    Ok(reply::json(StatusCode::OK, &Token { token: grant.access_token.expose() }))
}
