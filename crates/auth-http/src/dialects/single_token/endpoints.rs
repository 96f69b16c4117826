//! The routes, their handlers, and their descriptions for OpenAPI.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::use_cases::MissingRole;
use serde_json::json;

use crate::dialects::credentials::EmailCredentials;
use crate::dialects::{Context, Operation, PublicTerms, Route, routes};
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::bodies::{Error, LoggedIn, ProtectedData, Refreshed, Registered, Registration, Renewal};

pub(super) static ROUTES: &[Route] = routes! {
    POST "/auth/register" => Register, register, describe_register;
    POST "/auth/login" => LogIn, log_in, describe_log_in;
    POST "/auth/refresh" => Refresh, refresh, describe_refresh;
    GET "/protected/resource" => ProtectedResource, protected_resource, describe_protected_resource;
};

async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let command =
        request.body_with::<Registration>(&context.terms.min_password_length)?.into_command(context)?;
    context.auth(request).register(command).await?;
    Ok(reply::json(StatusCode::CREATED, &Registered { message: "User registered successfully." }))
}

async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let EmailCredentials { email, password } = request.body()?;
    let grant = context.log_in(request, email.get()?, password.into_value()?).await?;
    Ok(reply::json(StatusCode::OK, &LoggedIn { acc_token: grant.access_token.expose() }))
}

async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Renewal = request.body()?;
    let grant = context.refresh(request, body.ref_token.get()?).await?;
    Ok(reply::json(StatusCode::OK, &Refreshed { token: grant.access_token.expose() }))
}

async fn protected_resource(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let auth = context.auth(request);
    let identity = auth.authenticate_verified(request.verified_token(&auth)?).await?;
    if let Some(role) = &context.required_role {
        auth.require_role(&identity, role).map_err(|MissingRole| Failure::Forbidden)?;
    }
    Ok(reply::json(StatusCode::OK, &ProtectedData { data: "protected data" }))
}

fn describe_register(terms: &PublicTerms) -> Operation {
    let example = json!({"message": "User registered successfully."});
    Operation::returning::<Registered, Error>(StatusCode::CREATED, example)
        .summary("Register a user")
        .description(
            "Creates a user. No other user has the username or the e-mail address, in any case and Unicode form. The \
             registration does not log the user in.",
        )
        .body::<Registration>(
            json!({"username": "john_doe", "email": "john@example.com", "password": "P@ssw0rd!"}),
        )
        .min_length("password", terms.min_password_length.0)
}

fn describe_log_in(_: &PublicTerms) -> Operation {
    Operation::returning::<LoggedIn<'_>, Error>(
        StatusCode::OK,
        json!({"acc_token": "eyJ0eXAiOiJhdCtqd3Qi..."}),
    )
    .summary("Log in")
    .description(
        "Verifies the password and opens a session. `email` takes the e-mail address or the username. An unknown user, a \
         suspended user and a wrong password get the same response.",
    )
    .body::<EmailCredentials>(json!({"email": "john@example.com", "password": "P@ssw0rd!"}))
}

fn describe_refresh(_: &PublicTerms) -> Operation {
    Operation::returning::<Refreshed<'_>, Error>(StatusCode::OK, json!({"token": "eyJ0eXAiOiJhdCtqd3Qi..."}))
        .summary("Renew the token")
        .description(
            "Returns a new token for the current one, which may have expired. The old token can no longer renew. Within \
             the retry window (10 seconds by default), a used token gets the current one, perhaps with another signature. \
             Later it is a replay, which ends the session.",
        )
        .body::<Renewal>(json!({"ref_token": "eyJ0eXAiOiJhdCtqd3Qi..."}))
}

fn describe_protected_resource(_: &PublicTerms) -> Operation {
    Operation::returning::<ProtectedData, Error>(StatusCode::OK, json!({"data": "protected data"}))
        .summary("Open the protected resource")
        .description(
            "Returns sample data to the bearer of an access token. The operator can configure a role that the user needs, \
             and a user without it gets 403.",
        )
        .bearer()
}
