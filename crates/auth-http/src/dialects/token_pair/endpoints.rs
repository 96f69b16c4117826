//! The routes, their handlers, and their descriptions for OpenAPI.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::IssuedToken;
use auth_domain::use_cases::TokenGrant;
use serde_json::{Value, json};

use crate::dialects::credentials::EmailCredentials;
use crate::dialects::{Context, Operation, PublicTerms, Route, routes};
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::bodies::{Error, Profile, Registration, Renewal, Tokens};

pub(super) static ROUTES: &[Route] = routes! {
    POST "/register" => Register, register, describe_register;
    POST "/login" => LogIn, log_in, describe_log_in;
    POST "/refresh" => Refresh, refresh, describe_refresh;
    GET "/me" => Me, me, describe_me;
};

async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Registration = request.body_with(&context.terms.min_password_length)?;
    let user = context.auth(request).register(body.into_command(context)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Profile::of(&user)))
}

async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let EmailCredentials { email, password } = request.body()?;
    let grant = context.log_in(request, email.get()?, password.into_value()?).await?;
    Ok(pair(&grant))
}

async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Renewal = request.body()?;
    let grant = context.refresh(request, body.refresh_token.get()?).await?;
    Ok(pair(&grant))
}

async fn me(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.current_user(request).await?;
    Ok(reply::json(StatusCode::OK, &Profile::of(&user)))
}

fn pair(grant: &TokenGrant) -> HttpResponse {
    let tokens = Tokens {
        access_token: grant.access_token.expose(),
        refresh_token: grant.refresh_token.as_ref().map(IssuedToken::expose),
        token_type: "bearer",
    };
    reply::json(StatusCode::OK, &tokens)
}

fn describe_register(terms: &PublicTerms) -> Operation {
    Operation::returning::<Profile<'_>, Error<'_>>(StatusCode::CREATED, profile())
        .summary("Register a user")
        .description(
            "Creates a user. No other user has the e-mail address, in any case and Unicode form. The registration does not \
             log the user in.",
        )
        .body::<Registration>(json!({
            "email": "jane.doe@example.com", "password": "securePassword123!", "displayName": "Jane Doe"
        }))
        .min_length("password", terms.min_password_length.0)
}

fn describe_log_in(_: &PublicTerms) -> Operation {
    Operation::returning::<Tokens<'_>, Error<'_>>(StatusCode::OK, tokens())
        .summary("Log in")
        .description(
            "Verifies the password and opens a session. `email` takes the e-mail address or the username. An unknown user, a \
             suspended user and a wrong password get the same response.",
        )
        .body::<EmailCredentials>(json!({"email": "jane.doe@example.com", "password": "securePassword123!"}))
}

fn describe_refresh(_: &PublicTerms) -> Operation {
    Operation::returning::<Tokens<'_>, Error<'_>>(StatusCode::OK, tokens())
        .summary("Replace both tokens")
        .description(
            "Returns a new access token and a new refresh token. Within the retry window (10 seconds by default), a used \
             refresh token gets the current tokens. Later it is a replay, which ends the session.",
        )
        .body::<Renewal>(json!({"refreshToken": "eyJ0eXAiOiJydCtqd3Qi..."}))
}

fn describe_me(_: &PublicTerms) -> Operation {
    Operation::returning::<Profile<'_>, Error<'_>>(StatusCode::OK, profile())
        .summary("Read the user's own profile")
        .description("Returns the profile of the user of the access token.")
        .bearer()
}

fn profile() -> Value {
    json!({
        "id": "550e8400-e29b-41d4-a716-446655440000",
        "email": "jane.doe@example.com",
        "displayName": "Jane Doe",
        "isActive": true,
        "isVerified": false
    })
}

fn tokens() -> Value {
    json!({"accessToken": "eyJ0eXAiOiJhdCtqd3Qi...", "refreshToken": "eyJ0eXAiOiJydCtqd3Qi...", "tokenType": "bearer"})
}
