//! The routes, their handlers, and their descriptions for OpenAPI.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::model::SessionId;
use auth_domain::use_cases::{LogOutBearer, LogOutBearerError};
use serde_json::{Value, json};

use crate::dialects::{Context, Operation, PublicTerms, Route, routes};
use crate::failure::Failure;
use crate::reply;
use crate::request::Request;

use super::bodies::{
    Credentials, Done, Error, LoggedIn, LoginAnswer, RefreshAnswer, Refreshed, Registration, User, UserAnswer,
};
use super::errors;
use super::refresh_cookie::RefreshCookie;

pub(super) static ROUTES: &[Route] = routes! {
    POST "/auth/register" => Register, register, describe_register;
    POST "/auth/login" => LogIn, log_in, describe_log_in;
    POST "/auth/refresh" => Refresh, refresh, describe_refresh;
    POST "/auth/logout" => LogOut, log_out, describe_log_out;
    GET "/user" => Me, user, describe_user_details;
};

async fn register(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let body: Registration = request.body_with(&context.terms.min_password_length)?;
    context.auth(request).register(body.into_command(context)?).await?;
    Ok(reply::json(StatusCode::CREATED, &Done { message: "Account successfully created." }))
}

async fn log_in(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    // Another site must not log the user in to an account of its own (login CSRF).
    request.reject_cross_site(&context.origins)?;
    let Credentials { username, password } = request.body()?;
    let grant = context.log_in(request, &username.get()?.0, password.into_value()?.0).await?;
    let data = LoggedIn { token: grant.access_token.expose(), user: User::of(&grant.user) };
    let mut response = reply::json(StatusCode::OK, &LoginAnswer { message: "Logged in successfully.", data });
    RefreshCookie::of(&context.terms).set(&mut response, &grant);
    Ok(response)
}

async fn refresh(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    request.reject_cross_site(&context.origins)?;
    let cookie = RefreshCookie::of(&context.terms);
    let token = cookie.read(request).ok_or(Failure::InvalidRefreshToken)?;
    let grant = context.refresh(request, token).await?;
    let data = Refreshed { token: grant.access_token.expose() };
    let mut response =
        reply::json(StatusCode::OK, &RefreshAnswer { message: "Access token refreshed.", data });
    cookie.set(&mut response, &grant);
    Ok(response)
}

/// Clears the cookie even if the response is 401, as the document requires. So this handler renders that failure itself:
/// a failure that it returns is rendered by the router, without the cookie.
async fn log_out(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    request.reject_cross_site(&context.origins)?;
    let cookie = RefreshCookie::of(&context.terms);
    let mut response = match end_sessions(context, request, &cookie.read_all(request)?).await {
        Ok(_) => reply::json(StatusCode::OK, &Done { message: "Logged out successfully." }),
        Err(failure) => errors::unauthorized(failure)?,
    };
    cookie.clear(&mut response);
    Ok(response)
}

/// Ends the sessions of the cookies, even if the access token is missing or invalid.
async fn end_sessions(context: &Context, request: &Request, cookies: &[&str]) -> Result<SessionId, Failure> {
    let bearer = request.bearer();
    let mut command = LogOutBearer::new(&context.client).with_refresh_tokens(cookies);
    command.access_token = bearer.as_ref().ok().copied();
    match (context.auth(request).log_out_bearer(command).await, bearer) {
        (Err(LogOutBearerError::InvalidToken), Err(failure)) => Err(failure),
        (outcome, _) => Ok(outcome?),
    }
}

async fn user(context: &Context, request: &Request) -> Result<HttpResponse, Failure> {
    let user = context.current_user(request).await?;
    let data = User::of(&user);
    Ok(reply::json(StatusCode::OK, &UserAnswer { message: "User details retrieved.", data }))
}

fn describe_register(terms: &PublicTerms) -> Operation {
    let example = json!({"message": "Account successfully created."});
    Operation::returning::<Done, Error>(StatusCode::CREATED, example)
        .summary("Register an account")
        .description(
            "Creates an account. No other account has the username, in any case and Unicode form. The registration does not \
             log the user in.",
        )
        .body::<Registration>(json!({"username": "john_doe", "password": "P@ssw0rd!"}))
        .min_length("password", terms.min_password_length.0)
}

fn describe_log_in(terms: &PublicTerms) -> Operation {
    let data = json!({"token": "eyJ0eXAiOiJhdCtqd3Qi...", "user": example_user()});
    let example = json!({"message": "Logged in successfully.", "data": data});
    Operation::returning::<LoginAnswer<'_>, Error>(StatusCode::OK, example)
        .summary("Log in")
        .description(
            "Verifies the password and opens a session. The refresh token of the session is in the cookie. `username` takes \
             the username or the e-mail address. An unknown user, a suspended user and a wrong password get the same \
             response.",
        )
        .body::<Credentials>(json!({"username": "john_doe", "password": "P@ssw0rd!"}))
        .sets_cookie(StatusCode::OK, example_cookie(terms))
}

fn describe_refresh(terms: &PublicTerms) -> Operation {
    let data = json!({"token": "eyJ0eXAiOiJhdCtqd3Qi..."});
    let example = json!({"message": "Access token refreshed.", "data": data});
    Operation::returning::<RefreshAnswer<'_>, Error>(StatusCode::OK, example)
        .summary("Get another access token")
        .description(
            "Returns a new access token for the session of the cookie, and replaces the cookie. Within the retry window \
             (10 seconds by default), a used cookie gets the current one. Later it is a replay, which ends the session.",
        )
        .cookie(RefreshCookie::of(terms).name())
        .sets_cookie(StatusCode::OK, example_cookie(terms))
}

fn describe_log_out(terms: &PublicTerms) -> Operation {
    let cookie = RefreshCookie::of(terms);
    Operation::returning::<Done, Error>(StatusCode::OK, json!({"message": "Logged out successfully."}))
        .summary("Log out")
        .description(
            "Ends the session of the access token and the session of the cookie. An expired access token is \
             accepted if the cookie belongs to its session. A 401 clears the cookie and ends its session, too.",
        )
        .bearer()
        .cookie(cookie.name())
        .sets_cookie(StatusCode::OK, cookie.line("", Duration::ZERO))
        .sets_cookie(StatusCode::UNAUTHORIZED, cookie.line("", Duration::ZERO))
}

fn describe_user_details(_: &PublicTerms) -> Operation {
    let example = json!({"message": "User details retrieved.", "data": example_user()});
    Operation::returning::<UserAnswer<'_>, Error>(StatusCode::OK, example)
        .summary("Read the user's own details")
        .description("Returns the user of the access token.")
        .bearer()
}

fn example_user() -> Value {
    json!({"id": 1, "username": "john_doe", "joined": "2025-08-13T10:15:30Z"})
}

fn example_cookie(terms: &PublicTerms) -> String {
    let two_weeks = Duration::from_secs(14 * 24 * 60 * 60);
    RefreshCookie::of(terms).line("ref_...", two_weeks)
}
