//! `directory`: "My Auth Service API - Documentation". It prints no bodies of requests and of failures.

use crate::example::{Document, Example};

const REGISTER: Example = Example::of("1. Register User", "POST /api/v1/users\nX-API-Key: <api key>");
const GET: Example = Example::of("2. Get User", "GET /api/v1/users/{user_id}\nX-API-Key: <api key>");
const UPDATE: Example = Example::of("3. Update User", "PUT /api/v1/users/{user_id}\nX-API-Key: <api key>");
const DELETE: Example = Example::of("4. Delete User", "DELETE /api/v1/users/{user_id}\nX-API-Key: <api key>");
const LOG_IN: Example = Example::of("5. Login", "POST /api/v1/auth/login\nX-API-Key: <api key>");
const REFRESH: Example = Example::of("6. Refresh Token", "POST /api/v1/auth/refresh\nX-API-Key: <api key>");

const JOHN: &str = r#"{"username": "john.doe", "password": "P@ssw0rd!", "email": "john.doe@example.com"}"#;
const USER: &str = r#"{
    "id": "uuid-string",
    "username": "john.doe",
    "email": "john.doe@example.com",
    "created_at": "2023-10-27T10:00:00Z"
}"#;
const BAD_EMAIL: &str =
    r#"{"error": "Invalid request data.", "details": {"email": ["must be a valid e-mail address"]}}"#;
const TAKEN: &str =
    r#"{"error": "Username or email already exists.", "details": {"username": ["already exists"]}}"#;
const UNKNOWN: &str = r#"{"error": "User not found."}"#;
const TOKEN: &str = r#"{"token": "jwt-string"}"#;

pub(crate) const DOCUMENT: Document = Document {
    name: "directory",
    examples: &[
        REGISTER.sending(JOHN).says(201, USER).keeps(&[("{user_id}", "/id")]),
        REGISTER
            .sending(r#"{"username": "jane.doe", "password": "P@ssw0rd!", "email": "jane"}"#)
            .says(400, BAD_EMAIL),
        REGISTER.sending(JOHN).says(409, TAKEN),
        GET.says(200, USER),
        UPDATE.sending(JOHN).says(200, USER),
        UPDATE.sending(r#"{"email": "john"}"#).says(400, BAD_EMAIL),
        LOG_IN
            .sending(r#"{"username": "john.doe", "password": "P@ssw0rd!"}"#)
            .says(200, TOKEN)
            .keeps(&[("<refresh_token>", "/token")]),
        LOG_IN
            .sending(r#"{"username": "john.doe", "password": "wrong"}"#)
            .says(401, r#"{"error": "Invalid credentials."}"#),
        REFRESH.sending(r#"{"refresh_token": "<refresh_token>"}"#).says(200, TOKEN),
        REFRESH
            .sending(r#"{"refresh_token": "nonsense"}"#)
            .says(401, r#"{"error": "Invalid refresh token."}"#),
        DELETE.says(204, ""),
        GET.says(404, UNKNOWN),
        UPDATE.sending(JOHN).says(404, UNKNOWN),
        DELETE.says(404, UNKNOWN),
    ],
    unprovoked: &[],
};
