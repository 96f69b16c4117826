//! `cookie`: "Authentication REST API Documentation". Its bodies of requests hold only placeholders.

use crate::example::{Document, Example};

const REGISTER: Example = Example::of("1. Register a New User", "POST /api/auth/register");
const LOG_IN: Example = Example::of("2. User Login", "POST /api/auth/login");
const REFRESH: Example =
    Example::of("3. Refresh Access Token", "POST /api/auth/refresh\nCookie: <refresh token>");
const LOG_OUT: Example = Example::of(
    "4. User Logout",
    "POST /api/auth/logout\nCookie: <refresh token>\nAuthorization: Bearer accesstoken",
);
const USER: Example = Example::of("5. Get User Details", "GET /api/user\nAuthorization: Bearer accesstoken");

const JOHN: &str = r#"{"username": "john", "password": "secret"}"#;
const EMPTY: &str = r#"{"username": "", "password": ""}"#;
const BAD_FIELDS: &str = r#"{
    "message": "Missing or invalid body fields.",
    "errors": {
        "username": ["error message"],
        "password": ["error message"]
    }
}"#;
const FAULT: (u16, &str) = (500, r#"{"message": "Error: try again later."}"#);

pub(crate) const DOCUMENT: Document = Document {
    name: "cookie",
    examples: &[
        REGISTER.sending(JOHN).says(201, r#"{"message": "Account successfully created."}"#),
        REGISTER.sending(EMPTY).says(400, BAD_FIELDS),
        REGISTER.sending(JOHN).says(409, r#"{"message": "Account with given username already exists."}"#),
        LOG_IN
            .sending(JOHN)
            .says(
                200,
                r#"{
    "message": "Logged in successfully.",
    "data": {
      "token": "string (access token)",
      "user": {
        "id": "number",
        "username": "john",
        "joined": "string (date)"
      }
    }
}"#,
            )
            .keeps(&[("<refresh token>", "set-cookie"), ("accesstoken", "/data/token")]),
        LOG_IN.sending(EMPTY).says(400, BAD_FIELDS),
        LOG_IN
            .sending(r#"{"username": "john", "password": "not his"}"#)
            .says(401, r#"{"message": "Invalid username or password."}"#),
        REFRESH
            .says(
                200,
                r#"{
    "message": "Access token refreshed.",
    "data": {
      "token": "string (new access token)"
    }
}"#,
            )
            .keeps(&[("<refresh token>", "set-cookie"), ("accesstoken", "/data/token")]),
        Example::of("3. Refresh Access Token", "POST /api/auth/refresh")
            .says(401, r#"{"message": "Invalid, expired or missing refresh token."}"#),
        USER.says(
            200,
            r#"{
    "message": "User details retrieved.",
    "data": {
      "id": "number",
      "username": "john",
      "joined": "string (date)"
    }
}"#,
        ),
        LOG_OUT.says(200, r#"{"message": "Logged out successfully."}"#),
    ],
    // At registration, login and log-out.
    unprovoked: &[FAULT; 3],
};
