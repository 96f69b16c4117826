//! The routes, their handlers, and their descriptions for OpenAPI.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::UserRef;
use serde_json::{Value, json};

use crate::dialects::credentials::UsernameCredentials;
use crate::dialects::{Context, Operation, PublicTerms, Route, routes};
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::bodies::{Error, Registration, Renewal, RoleAssignment, Roles, Token, User, UserChange, user_id};

pub(super) static ROUTES: &[Route] = routes! {
    POST "/users" => Register, register, describe_register;
    GET "/users/{user_id}" => GetUser, get_user, describe_get_user;
    PUT "/users/{user_id}" => UpdateUser, update_user, describe_update_user;
    PUT "/users/{user_id}/roles" => SetRoles, set_roles, describe_set_roles;
    DELETE "/users/{user_id}" => DeleteUser, delete_user, describe_delete_user;
    POST "/auth/login" => LogIn, log_in, describe_log_in;
    POST "/auth/refresh" => Refresh, refresh, describe_refresh;
};

async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let command =
        request.body_with::<Registration>(&context.terms.min_password_length)?.into_command(context)?;
    let user = context.auth(request).register(command).await?;
    Ok(reply::json(StatusCode::CREATED, &User::of(&user)))
}

async fn get_user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = UserRef::Id(user_id(request)?);
    let user = context.auth(request).find_user(&user).await?.ok_or(Failure::UnknownUser)?;
    Ok(reply::json(StatusCode::OK, &User::of(&user)))
}

async fn update_user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = user_id(request)?;
    let command =
        request.body_with::<UserChange>(&context.terms.min_password_length)?.into_command(context)?;
    let user = context.auth(request).update_user(user, command).await?;
    Ok(reply::json(StatusCode::OK, &User::of(&user)))
}

async fn set_roles(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = user_id(request)?;
    let roles = request.body::<RoleAssignment>()?.roles.into_value()?;
    let user = context.auth(request).set_roles(user, &roles).await?.ok_or(Failure::UnknownUser)?;
    Ok(reply::json(StatusCode::OK, &Roles::of(&user)))
}

async fn delete_user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    context.auth(request).delete_user(user_id(request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let UsernameCredentials { username, password } = request.body()?;
    let grant = context.log_in(request, username.get()?, password.into_value()?).await?;
    Ok(reply::json(StatusCode::OK, &Token { token: grant.access_token.expose() }))
}

async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Renewal = request.body()?;
    let grant = context.refresh(request, body.refresh_token.get()?).await?;
    Ok(reply::json(StatusCode::OK, &Token { token: grant.access_token.expose() }))
}

fn describe_register(terms: &PublicTerms) -> Operation {
    Operation::returning::<User<'_>, Error<'_>>(StatusCode::CREATED, user())
        .summary("Create a user")
        .description(
            "Creates a user. No other user has the username or the e-mail address, in any case and Unicode form.",
        )
        .body::<Registration>(
            json!({"username": "john.doe", "password": "P@ssw0rd!", "email": "john.doe@example.com"}),
        )
        .min_length("password", terms.min_password_length.0)
}

fn describe_get_user(_: &PublicTerms) -> Operation {
    Operation::returning::<User<'_>, Error<'_>>(StatusCode::OK, user())
        .summary("Read a user")
        .description("Returns a user by id. A malformed id gets the same response as an unknown one.")
}

fn describe_update_user(terms: &PublicTerms) -> Operation {
    Operation::returning::<User<'_>, Error<'_>>(StatusCode::OK, user())
        .summary("Change a user")
        .description(
            "Changes the members in the body, all of them or none. A new password ends every session of the user. A \
             member that is `null` is refused.",
        )
        .body::<UserChange>(json!({"email": "john.doe@example.com"}))
        .min_length("password", terms.min_password_length.0)
}

fn describe_set_roles(_: &PublicTerms) -> Operation {
    Operation::returning::<Roles<'_>, Error<'_>>(StatusCode::OK, json!({"roles": ["admin", "customer"]}))
        .summary("Set the roles of a user")
        .description(
            "Replaces all roles of the user, and ends every session of the user if the roles change.",
        )
        .body::<RoleAssignment>(json!({"roles": ["admin", "customer"]}))
}

fn describe_delete_user(_: &PublicTerms) -> Operation {
    Operation::returning_nothing::<Error<'_>>(StatusCode::NO_CONTENT)
        .summary("Delete a user")
        .description("Deletes the user and ends every session of the user.")
}

fn describe_log_in(_: &PublicTerms) -> Operation {
    Operation::returning::<Token<'_>, Error<'_>>(StatusCode::OK, token())
        .summary("Log a user in")
        .description(
            "Verifies the password of a user and opens a session. `username` takes the username or the e-mail address. An \
             unknown user, a suspended user and a wrong password get the same response.",
        )
        .body::<UsernameCredentials>(json!({"username": "john.doe", "password": "P@ssw0rd!"}))
}

fn describe_refresh(_: &PublicTerms) -> Operation {
    Operation::returning::<Token<'_>, Error<'_>>(StatusCode::OK, token())
        .summary("Renew a user's token")
        .description(
            "Returns a new token for the current one, which may have expired. The old token can no longer renew. Within \
             the retry window (10 seconds by default), a used token gets the current one, perhaps with another signature. \
             Later it is a replay, which ends the session.",
        )
        .body::<Renewal>(json!({"refresh_token": "eyJ0eXAiOiJhdCtqd3Qi..."}))
}

fn user() -> Value {
    json!({
        "id": "550e8400-e29b-41d4-a716-446655440000",
        "username": "john.doe",
        "email": "john.doe@example.com",
        "created_at": "2023-10-27T10:00:00Z"
    })
}

fn token() -> Value {
    json!({"token": "eyJ0eXAiOiJhdCtqd3Qi..."})
}
