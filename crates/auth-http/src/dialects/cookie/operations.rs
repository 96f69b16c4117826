//! The endpoints in the terms of OpenAPI.

use std::time::Duration;

use actix_web::http::StatusCode;
use serde_json::{Value, json};

use crate::dialects::PublicTerms;
use crate::openapi::Operation;

use super::refresh_cookie::RefreshCookie;
use super::requests::{Credentials, Registration};
use super::responses::{Answer, Done, Error, LoggedIn, Refreshed, User};

pub(super) fn register(terms: &PublicTerms<'_>) -> Operation {
    let example = json!({"message": "Account successfully created."});
    Operation::returning::<Done, Error>(StatusCode::CREATED, example)
        .summary("Register an account")
        .body::<Registration>(json!({"username": "john_doe", "password": "P@ssw0rd!"}))
        .min_length("password", terms.passwords.min_length)
}

pub(super) fn log_in(terms: &PublicTerms<'_>) -> Operation {
    let data = json!({"token": "eyJ0eXAiOiJhdCtqd3Qi...", "user": user()});
    let example = json!({"message": "Logged in successfully.", "data": data});
    Operation::returning::<Answer<LoggedIn<'_>>, Error>(StatusCode::OK, example)
        .summary("Log in")
        .body::<Credentials>(json!({"username": "john_doe", "password": "P@ssw0rd!"}))
        .sets_cookie(StatusCode::OK, kept(terms))
}

pub(super) fn refresh(terms: &PublicTerms<'_>) -> Operation {
    let data = json!({"token": "eyJ0eXAiOiJhdCtqd3Qi..."});
    let example = json!({"message": "Access token refreshed.", "data": data});
    Operation::returning::<Answer<Refreshed<'_>>, Error>(StatusCode::OK, example)
        .summary("Get another access token")
        .description(
            "The cookie is replaced. The same cookie again within the grace time gets the same successor; later it \
             is a replay, and ends the session.",
        )
        .cookie(RefreshCookie::at(terms.prefix, terms.public_url).name())
        .sets_cookie(StatusCode::OK, kept(terms))
}

pub(super) fn log_out(terms: &PublicTerms<'_>) -> Operation {
    let cookie = RefreshCookie::at(terms.prefix, terms.public_url);
    Operation::returning::<Done, Error>(StatusCode::OK, json!({"message": "Logged out successfully."}))
        .summary("Log out")
        .description(
            "Ends the session of the access token and that of the cookie. An access token that has expired serves \
             if the cookie is of its session. Whoever is refused with 401 loses the cookie all the same.",
        )
        .bearer()
        .cookie(cookie.name())
        .sets_cookie(StatusCode::OK, cookie.line("", Duration::ZERO))
        .sets_cookie(StatusCode::UNAUTHORIZED, cookie.line("", Duration::ZERO))
}

pub(super) fn user_details(_: &PublicTerms<'_>) -> Operation {
    let example = json!({"message": "User details retrieved.", "data": user()});
    Operation::returning::<Answer<User<'_>>, Error>(StatusCode::OK, example)
        .summary("Read the user's own details")
        .bearer()
}

fn user() -> Value {
    json!({"id": 1, "username": "john_doe", "joined": "2025-08-13T10:15:30Z"})
}

fn kept(terms: &PublicTerms<'_>) -> String {
    let two_weeks = Duration::from_secs(14 * 24 * 60 * 60);
    RefreshCookie::at(terms.prefix, terms.public_url).line("ref_...", two_weeks)
}
