//! The routes, their handlers, and their descriptions for OpenAPI.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::IssuedToken;
use auth_domain::use_cases::LogOut;
use serde_json::json;

use crate::dialects::credentials::UsernameCredentials;
use crate::dialects::{Context, Operation, PublicTerms, Route, routes};
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::bodies::{
    Error, LoggedIn, LoggedOut, Profile, RefreshToken, Refreshed, Registered, Registration, register_command,
};

pub(super) static ROUTES: &[Route] = routes! {
    POST "/register" => Register, register, describe_register;
    POST "/login" => LogIn, log_in, describe_log_in;
    POST "/refresh" => Refresh, refresh, describe_refresh;
    POST "/logout" => LogOut, log_out, describe_log_out;
    GET "/me" => Me, me, describe_me;
};

async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.auth(request).register(register_command(context, request)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Registered::of(&user)))
}

async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let UsernameCredentials { username, password } = request.body()?;
    let grant = context.log_in(request, username.get()?, password.into_value()?).await?;
    let body = LoggedIn {
        access_token: grant.access_token.expose(),
        refresh_token: grant.refresh_token.as_ref().map(IssuedToken::expose),
        expires_in: grant.expires_in.as_secs(),
        roles: grant.user.roles.to_string(),
    };
    Ok(reply::json(StatusCode::OK, &body))
}

async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: RefreshToken = request.body()?;
    let grant = context.refresh(request, body.refresh_token.get()?).await?;
    let expires_in = grant.expires_in.as_secs();
    Ok(reply::json(StatusCode::OK, &Refreshed { access_token: grant.access_token.expose(), expires_in }))
}

async fn log_out(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: RefreshToken = request.body()?;
    let token = body.refresh_token.get()?;
    context.auth(request).log_out(LogOut::RefreshToken { client: &context.client, token }).await?;
    Ok(reply::json(StatusCode::OK, &LoggedOut { message: "Successfully logged out" }))
}

async fn me(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.current_user(request).await?;
    Ok(reply::json(StatusCode::OK, &Profile::of(&user)))
}

fn describe_register(terms: &PublicTerms) -> Operation {
    let account = json!({
        "account_id": 1,
        "username": "john_doe",
        "roles": "customer",
        "status": "active",
        "created_at": "2025-08-13T10:15:30Z"
    });
    let example = json!({"message": "Account created successfully", "account": account});
    Operation::returning::<Registered<'_>, Error<'_>>(StatusCode::CREATED, example)
        .summary("Register an account")
        .description(
            "Creates an account. No other account has the username or the e-mail address, in any case and Unicode form. The \
             registration does not log the user in.",
        )
        .body::<Registration>(json!({
            "username": "john_doe",
            "password": "P@ssw0rd!",
            "full_name": "John Doe",
            "email": "john@example.com",
            "phone_number": "+84123456789",
        }))
        .min_length("password", terms.min_password_length.0)
        .one_of("roles", &terms.self_assignable_roles)
}

fn describe_log_in(_: &PublicTerms) -> Operation {
    let example = json!({
        "access_token": "eyJ0eXAiOiJhdCtqd3Qi...",
        "refresh_token": "ref_...",
        "expires_in": 3600,
        "roles": "customer"
    });
    Operation::returning::<LoggedIn<'_>, Error<'_>>(StatusCode::OK, example)
        .summary("Log in")
        .description(
            "Verifies the password and opens a session. `username` takes the username or the e-mail address. An unknown \
             user, a suspended user and a wrong password get the same response.",
        )
        .body::<UsernameCredentials>(json!({"username": "john_doe", "password": "P@ssw0rd!"}))
}

fn describe_refresh(_: &PublicTerms) -> Operation {
    let example = json!({"access_token": "eyJ0eXAiOiJhdCtqd3Qi...", "expires_in": 3600});
    Operation::returning::<Refreshed<'_>, Error<'_>>(StatusCode::OK, example)
        .summary("Get another access token")
        .description(
            "Returns another access token for the session of the refresh token, which stays the same.",
        )
        .body::<RefreshToken>(json!({"refresh_token": "ref_..."}))
}

fn describe_log_out(_: &PublicTerms) -> Operation {
    let example = json!({"message": "Successfully logged out"});
    Operation::returning::<LoggedOut, Error<'_>>(StatusCode::OK, example)
        .summary("Log out")
        .description(
            "Ends the session of the refresh token, with its access tokens. An unknown token gets the same response as any \
             other.",
        )
        .body::<RefreshToken>(json!({"refresh_token": "ref_..."}))
}

fn describe_me(_: &PublicTerms) -> Operation {
    let example = json!({
        "account_id": 1,
        "username": "john_doe",
        "roles": "customer",
        "status": "active",
        "full_name": "John Doe",
        "email": "john@example.com",
        "phone_number": "+84123456789"
    });
    Operation::returning::<Profile<'_>, Error<'_>>(StatusCode::OK, example)
        .summary("Read the user's own profile")
        .description("Returns the profile of the account of the access token.")
        .bearer()
}
