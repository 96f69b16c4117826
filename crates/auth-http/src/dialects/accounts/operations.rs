//! The endpoints in the terms of OpenAPI.

use actix_web::http::StatusCode;
use serde_json::json;

use crate::dialects::PublicTerms;
use crate::openapi::Operation;

use super::requests::{Credentials, RefreshToken, Registration};
use super::responses::{Error, LoggedIn, LoggedOut, Profile, Refreshed, Registered};

pub(super) fn register(terms: &PublicTerms<'_>) -> Operation {
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
        .body::<Registration>(json!({
            "username": "john_doe",
            "password": "P@ssw0rd!",
            "full_name": "John Doe",
            "email": "john@example.com",
            "phone_number": "+84123456789",
        }))
        .min_length("password", terms.passwords.min_length)
        .one_of("roles", terms.self_assignable_roles)
}

pub(super) fn log_in(_: &PublicTerms<'_>) -> Operation {
    let example = json!({
        "access_token": "eyJ0eXAiOiJhdCtqd3Qi...",
        "refresh_token": "ref_...",
        "expires_in": 3600,
        "roles": "customer"
    });
    Operation::returning::<LoggedIn<'_>, Error<'_>>(StatusCode::OK, example)
        .summary("Log in")
        .body::<Credentials>(json!({"username": "john_doe", "password": "P@ssw0rd!"}))
}

pub(super) fn refresh(_: &PublicTerms<'_>) -> Operation {
    let example = json!({"access_token": "eyJ0eXAiOiJhdCtqd3Qi...", "expires_in": 3600});
    Operation::returning::<Refreshed<'_>, Error<'_>>(StatusCode::OK, example)
        .summary("Get another access token")
        .description("The refresh token stays the same.")
        .body::<RefreshToken>(json!({"refresh_token": "ref_..."}))
}

pub(super) fn log_out(_: &PublicTerms<'_>) -> Operation {
    let example = json!({"message": "Successfully logged out"});
    Operation::returning::<LoggedOut, Error<'_>>(StatusCode::OK, example)
        .summary("Log out")
        .description("The session ends at once. A token that is unknown is answered like any other.")
        .body::<RefreshToken>(json!({"refresh_token": "ref_..."}))
}

pub(super) fn me(_: &PublicTerms<'_>) -> Operation {
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
        .bearer()
}
