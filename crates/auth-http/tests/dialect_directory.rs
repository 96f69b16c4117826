//! The dialect `directory`, byte for byte, over the adapters in memory: every example of its document, then its API
//! keys, then what the document leaves open, the endpoint that it has not, and sessions.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{
    EmailAddress, IdentifierKind, Identifiers, Password, PasswordPolicy, RoleChoice, Roles, Scope, Scopes,
    SessionId, Timestamp, UserId, UserRef, Username,
};
use auth_domain::use_cases::Register;
use auth_http::dialects::{Dialect as _, Endpoint, directory::Directory};
use auth_http::failure::{Failure, FieldError};
use support::{TestApp, TestResponse, assert_response};
use uuid::Uuid;

const JOHN: &str = r#"{"username":"john.doe","password":"P@ssw0rd!","email":"john.doe@example.com"}"#;
const JOHNS_LOGIN: &str = r#"{"username":"john.doe","password":"P@ssw0rd!"}"#;
const NOBODY: &str = "/api/v1/users/01890a5d-ac96-774b-bcce-b302099a8057";
const NOBODYS_ROLES: &str = "/api/v1/users/01890a5d-ac96-774b-bcce-b302099a8057/roles";
const KEY_REFUSED: &str = r#"{"error":"Invalid or missing API key."}"#;
const UNKNOWN_USER: &str = r#"{"error":"User not found."}"#;
const BAD_REFRESH_TOKEN: &str = r#"{"error":"Invalid refresh token."}"#;

/// Every endpoint, with a body that it takes, and the scope that it asks for.
const ENDPOINTS: [(Method, &str, Option<&str>, Scope); 7] = [
    (Method::POST, "/api/v1/users", Some(JOHN), Scope::UsersWrite),
    (Method::GET, NOBODY, None, Scope::UsersRead),
    (Method::PUT, NOBODY, Some("{}"), Scope::UsersWrite),
    (Method::PUT, NOBODYS_ROLES, Some(r#"{"roles":["admin"]}"#), Scope::UsersRoles),
    (Method::DELETE, NOBODY, None, Scope::UsersWrite),
    (Method::POST, "/api/v1/auth/login", Some(JOHNS_LOGIN), Scope::Auth),
    (Method::POST, "/api/v1/auth/refresh", Some(r#"{"refresh_token":"nonsense"}"#), Scope::Auth),
];

/// A program with an API key.
struct Backend {
    app: TestApp,
    key: String,
}

impl Backend {
    /// With a key for everything; it is 2023-10-27T10:00:00Z.
    async fn new() -> Self {
        let app = TestApp::new();
        app.ports.clock.set(Timestamp::from_unix_seconds(1_698_400_800));
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        Self { app, key }
    }

    /// The path of John, who has just been registered.
    async fn with_john() -> (Self, String) {
        let backend = Self::new().await;
        let john = backend.post("/api/v1/users", JOHN).await;
        assert_eq!(john.status, StatusCode::CREATED);
        let path = format!("/api/v1/users/{}", john.member("id"));
        (backend, path)
    }

    /// With John and his token.
    async fn with_johns_token() -> (Self, String) {
        let (backend, _) = Self::with_john().await;
        let token = backend.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        (backend, token)
    }

    async fn call(&self, method: Method, path: &str, body: Option<&str>) -> TestResponse {
        self.app.send_with_headers(method, path, &[("x-api-key", &self.key)], body).await
    }

    async fn get(&self, path: &str) -> TestResponse {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: &str) -> TestResponse {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn put(&self, path: &str, body: &str) -> TestResponse {
        self.call(Method::PUT, path, Some(body)).await
    }

    async fn delete(&self, path: &str) -> TestResponse {
        self.call(Method::DELETE, path, None).await
    }

    async fn refresh(&self, token: &str) -> TestResponse {
        self.post("/api/v1/auth/refresh", &format!(r#"{{"refresh_token":"{token}"}}"#)).await
    }

    async fn opens_protected_resource(&self, token: &str) -> bool {
        self.app.get("/v1/protected/resource", Some(token)).await.status == StatusCode::OK
    }
}

fn invalid(details: &str) -> String {
    format!(r#"{{"error":"Invalid request data.","details":{{{details}}}}}"#)
}

mod documented {
    use super::*;

    fn john(path: &str, username: &str, email: &str) -> String {
        let id = path.rsplit('/').next().expect("an id");
        format!(
            r#"{{"id":"{id}","username":"{username}","email":"{email}","created_at":"2023-10-27T10:00:00Z"}}"#
        )
    }

    #[tokio::test]
    async fn creating_a_user_says_201_with_the_user() {
        let response = Backend::new().await.post("/api/v1/users", JOHN).await;
        let id = response.member("id");
        assert_response(&response, 201, &john(&id, "john.doe", "john.doe@example.com"));
        assert_eq!(response.header("content-type"), "application/json");
        assert_eq!(Uuid::try_parse(&id).expect("a UUID").hyphenated().to_string(), id);
    }

    #[tokio::test]
    async fn creating_a_user_from_invalid_data_says_400_with_details() {
        let backend = Backend::new().await;
        for (body, details) in [
            ("{}", r#""email":["is required"],"password":["is required"],"username":["is required"]"#),
            (
                r#"{"username":"","password":"1234567","email":"john"}"#,
                r#""email":["must be a valid e-mail address"],"password":["must be at least 8 characters long"],"username":["must not be empty"]"#,
            ),
            (
                r#"{"username":1,"password":["P@ssw0rd!"],"email":null}"#,
                r#""email":["must be a string"],"password":["must be a string"],"username":["must be a string"]"#,
            ),
            (r#"{"username":"john.doe","password":"P@ssw0rd!"}"#, r#""email":["is required"]"#),
            (
                r#"{"username":"a\u0000b","password":"P@ssw0rd!","email":"a@example.com"}"#,
                r#""username":["contains a character that is not allowed"]"#,
            ),
        ] {
            assert_response(&backend.post("/api/v1/users", body).await, 400, &invalid(details));
        }
    }

    #[tokio::test]
    async fn creating_a_user_whose_username_or_email_is_taken_says_409() {
        let (backend, _) = Backend::with_john().await;
        for (username, email, field) in [
            ("john.doe", "john.doe@example.com", "username"),
            ("JOHN.DOE", "other@example.com", "username"),
            ("other", "John.Doe@Example.com", "email"),
            ("john.doe@example.com", "other@example.com", "username"),
        ] {
            let body = format!(r#"{{"username":"{username}","password":"P@ssw0rd!","email":"{email}"}}"#);
            let said = format!(
                r#"{{"error":"Username or email already exists.","details":{{"{field}":["already exists"]}}}}"#
            );
            assert_response(&backend.post("/api/v1/users", &body).await, 409, &said);
        }
    }

    #[tokio::test]
    async fn getting_a_user_says_200_with_the_user() {
        let (backend, path) = Backend::with_john().await;
        let response = backend.get(&path).await;
        assert_response(&response, 200, &john(&path, "john.doe", "john.doe@example.com"));
    }

    #[tokio::test]
    async fn getting_an_unknown_user_says_404() {
        assert_response(&Backend::new().await.get(NOBODY).await, 404, UNKNOWN_USER);
    }

    #[tokio::test]
    async fn updating_a_user_says_200_with_the_updated_user() {
        let (backend, path) = Backend::with_john().await;
        for (body, username, email) in [
            (r#"{"username":"john"}"#, "john", "john.doe@example.com"),
            (r#"{"email":"john@example.com"}"#, "john", "john@example.com"),
            (r#"{"password":"another one"}"#, "john", "john@example.com"),
            (
                r#"{"username":"J.Doe","password":"yet another","email":"J.Doe@example.com"}"#,
                "J.Doe",
                "J.Doe@example.com",
            ),
        ] {
            backend.app.ports.clock.advance(Duration::from_secs(60));
            assert_response(&backend.put(&path, body).await, 200, &john(&path, username, email));
            assert_response(&backend.get(&path).await, 200, &john(&path, username, email));
        }
    }

    #[tokio::test]
    async fn updating_a_user_with_invalid_data_says_400_with_details_and_changes_nothing() {
        let (backend, path) = Backend::with_john().await;
        for (body, details) in [
            (r#"{"username":"j","email":"john"}"#, r#""email":["must be a valid e-mail address"]"#),
            (
                r#"{"username":"j","password":"short"}"#,
                r#""password":["must be at least 8 characters long"]"#,
            ),
            (r#"{"username":7}"#, r#""username":["must be a string"]"#),
        ] {
            assert_response(&backend.put(&path, body).await, 400, &invalid(details));
        }
        let response = backend.get(&path).await;
        assert_response(&response, 200, &john(&path, "john.doe", "john.doe@example.com"));
    }

    #[tokio::test]
    async fn updating_an_unknown_user_says_404() {
        let backend = Backend::new().await;
        for body in ["{}", r#"{"username":"john"}"#] {
            assert_response(&backend.put(NOBODY, body).await, 404, UNKNOWN_USER);
        }
    }

    #[tokio::test]
    async fn deleting_a_user_says_204_with_nothing_more() {
        let (backend, path) = Backend::with_john().await;
        let response = backend.delete(&path).await;
        assert_response(&response, 204, "");
        assert!(!response.has_header("content-type"));
        assert_response(&backend.get(&path).await, 404, UNKNOWN_USER);
    }

    #[tokio::test]
    async fn deleting_an_unknown_user_says_404() {
        let (backend, path) = Backend::with_john().await;
        assert_response(&backend.delete(NOBODY).await, 404, UNKNOWN_USER);
        backend.delete(&path).await;
        assert_response(&backend.delete(&path).await, 404, UNKNOWN_USER);
    }

    #[tokio::test]
    async fn logging_in_says_200_with_a_token() {
        let (backend, _) = Backend::with_john().await;
        let response = backend.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        let token = response.member("token");
        assert_response(&response, 200, &format!(r#"{{"token":"{token}"}}"#));
    }

    #[tokio::test]
    async fn logging_in_with_invalid_credentials_says_401() {
        let (backend, _) = Backend::with_john().await;
        for body in [
            r#"{"username":"john.doe","password":"wrong"}"#,
            r#"{"username":"nobody","password":"P@ssw0rd!"}"#,
            r#"{"username":"","password":""}"#,
            r#"{"username":"a\u0000b","password":"P@ssw0rd!"}"#,
        ] {
            let response = backend.post("/api/v1/auth/login", body).await;
            assert_response(&response, 401, r#"{"error":"Invalid credentials."}"#);
            assert!(!response.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_says_200_with_another_token() {
        let (backend, token) = Backend::with_johns_token().await;
        let response = backend.refresh(&token).await;
        let renewed = response.member("token");
        assert_response(&response, 200, &format!(r#"{{"token":"{renewed}"}}"#));
        assert_ne!(renewed, token);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_says_401() {
        let backend = Backend::new().await;
        for token in ["", "nonsense", "a.b.c", "ref_nonsense"] {
            let response = backend.refresh(token).await;
            assert_response(&response, 401, BAD_REFRESH_TOKEN);
            assert!(!response.has_header("www-authenticate"));
        }
    }
}

mod api_keys {
    use super::*;

    /// Somebody who speaks to this dialect alone: on shared paths, a request without a key is another dialect's.
    async fn alone() -> TestApp {
        TestApp::new().only("directory")
    }

    async fn assert_opens_nothing(app: &TestApp, headers: &[(&str, &str)]) {
        for (method, path, body, _) in ENDPOINTS {
            let response = app.send_with_headers(method, path, headers, body).await;
            assert_response(&response, 401, KEY_REFUSED);
            assert_eq!(response.header("www-authenticate"), r#"ApiKey header="X-API-Key""#);
        }
    }

    #[tokio::test]
    async fn without_a_key_no_endpoint_opens() {
        let app = alone().await;
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        assert_opens_nothing(&app, &[]).await;
        assert_opens_nothing(&app, &[("authorization", &format!("Bearer {key}"))]).await;
        assert_opens_nothing(&app, &[("authorization", &format!("ApiKey {key}"))]).await;
    }

    #[tokio::test]
    async fn a_key_in_the_query_is_ignored() {
        let app = alone().await;
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        let path = format!("{NOBODY}?X-API-Key={key}&api_key={key}");
        let response = app.send_with_headers(Method::GET, &path, &[], None).await;
        assert_response(&response, 401, KEY_REFUSED);
    }

    #[tokio::test]
    async fn a_wrong_key_opens_nothing() {
        let app = TestApp::new();
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        let of_another_world = "key_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for wrong in ["", "nonsense", of_another_world, &key[..key.len() - 1], &format!("{key}, {key}")] {
            assert_opens_nothing(&app, &[("x-api-key", wrong)]).await;
        }
    }

    #[tokio::test]
    async fn a_revoked_key_opens_nothing() {
        let app = TestApp::new();
        let (id, key) = app.create_api_key(Scopes::all(), None).await;
        assert!(app.ports.auth().revoke_api_key(id).await.expect("asked"));
        assert_opens_nothing(&app, &[("x-api-key", &key)]).await;
    }

    #[tokio::test]
    async fn an_expired_key_opens_nothing() {
        let app = TestApp::new();
        let (_, key) = app.create_api_key(Scopes::all(), Some(Duration::from_secs(60))).await;
        app.ports.clock.advance(Duration::from_secs(60));
        assert_opens_nothing(&app, &[("x-api-key", &key)]).await;
    }

    #[tokio::test]
    async fn a_key_serves_for_its_scopes_and_for_nothing_else() {
        for scope in Scope::ALL {
            let app = TestApp::new();
            let (_, key) = app.create_api_key([scope].into_iter().collect(), None).await;
            for (method, path, body, asked_for) in ENDPOINTS {
                let response = app.send_with_headers(method, path, &[("x-api-key", &key)], body).await;
                if scope == asked_for {
                    assert_ne!(response.status, StatusCode::FORBIDDEN, "{scope:?} {path}");
                } else {
                    assert_response(&response, 403, r#"{"error":"The API key lacks the required scope."}"#);
                }
            }
        }
    }

    const TOO_LARGE: &str = match str::from_utf8(&[b' '; 16 * 1024 + 1]) {
        Ok(spaces) => spaces,
        Err(_) => "",
    };

    /// Requests that fail in every other way, so that an response to one would tell something.
    fn telling(john: &str) -> [(Method, &str, &str, &str); 8] {
        [
            (Method::POST, "/api/v1/users", "application/json", TOO_LARGE),
            (Method::POST, "/api/v1/auth/login", "application/json", TOO_LARGE),
            (Method::POST, "/api/v1/users", "application/json", JOHN),
            (Method::POST, "/api/v1/users", "application/json", "{"),
            (Method::POST, "/api/v1/auth/login", "text/plain", JOHNS_LOGIN),
            (Method::PUT, john, "application/json", r#"{"email":7}"#),
            (Method::PUT, "/api/v1/users/7", "text/plain", ""),
            (Method::DELETE, "/api/v1/users/7", "application/json", ""),
        ]
    }

    #[tokio::test]
    async fn whoever_has_no_key_learns_nothing() {
        let (backend, path) = Backend::with_john().await;
        for (method, path, media_type, body) in telling(&path) {
            let headers = [("content-type", media_type), ("x-api-key", "nonsense")];
            let response = backend.app.send_with_headers(method, path, &headers, Some(body)).await;
            assert_response(&response, 401, KEY_REFUSED);
        }
    }

    #[tokio::test]
    async fn whoever_lacks_the_scope_learns_nothing_more() {
        let (backend, path) = Backend::with_john().await;
        let (_, key) = backend.app.create_api_key(Scopes::default(), None).await;
        for (method, path, media_type, body) in telling(&path) {
            let headers = [("content-type", media_type), ("x-api-key", key.as_str())];
            let response = backend.app.send_with_headers(method, path, &headers, Some(body)).await;
            assert_response(&response, 403, r#"{"error":"The API key lacks the required scope."}"#);
        }
    }

    #[tokio::test]
    async fn two_keys_are_a_bad_request() {
        let backend = Backend::new().await;
        for key in [backend.key.as_str(), "nonsense"] {
            let twice = [("x-api-key", key), ("x-api-key", key)];
            for (method, path, body, _) in ENDPOINTS {
                let response = backend.app.send_with_headers(method, path, &twice, body).await;
                assert_response(&response, 400, r#"{"error":"Invalid request data."}"#);
            }
        }
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_503_and_never_401() {
        let backend = Backend::new().await;
        backend.app.ports.store.set_unavailable(true);
        let response = backend.get(NOBODY).await;
        assert_response(&response, 503, r#"{"error":"Service unavailable."}"#);
        assert_eq!(response.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn on_shared_paths_the_key_decides_whatever_the_body_says() {
        let (backend, _) = Backend::with_john().await;
        let body = r#"{"email":"john.doe@example.com","password":"P@ssw0rd!"}"#;
        let response = backend.post("/api/v1/auth/login", body).await;
        assert_response(&response, 400, &invalid(r#""username":["is required"]"#));
        let response = backend.post("/api/v1/auth/refresh", r#"{"refreshToken":"nonsense"}"#).await;
        assert_response(&response, 400, &invalid(r#""refresh_token":["is required"]"#));
    }
}

mod roles {
    use super::*;

    /// The roles that a user has, whoever asks.
    async fn roles_of(backend: &Backend, path: &str) -> String {
        let id = path.rsplit('/').next().and_then(|id| Uuid::parse_str(id).ok()).expect("an id");
        let user = backend.app.ports.auth().find_user(&UserRef::Id(UserId(id))).await;
        user.expect("asked").expect("a user").roles.to_string()
    }

    #[tokio::test]
    async fn setting_roles_says_200_with_each_once_in_alphabetical_order() {
        let (backend, path) = Backend::with_john().await;
        for (body, said, kept) in [
            (r#"{"roles":["customer","admin","customer"]}"#, r#"["admin","customer"]"#, "admin,customer"),
            (r#"{"roles":["auditor"],"username":"ignored"}"#, r#"["auditor"]"#, "auditor"),
        ] {
            let response = backend.put(&format!("{path}/roles"), body).await;
            assert_response(&response, 200, &format!(r#"{{"roles":{said}}}"#));
            assert_eq!(roles_of(&backend, &path).await, kept);
        }
        assert_eq!(backend.get(&path).await.member("username"), "john.doe");
    }

    #[tokio::test]
    async fn roles_that_cannot_be_say_400_with_details_and_change_nothing() {
        let (backend, path) = Backend::with_john().await;
        let too_many = serde_json::json!({"roles": (0..21).map(|n| format!("r{n}")).collect::<Vec<_>>()});
        let too_many_doubles = serde_json::json!({"roles": vec!["admin"; 21]}).to_string();
        let form = "each must be 1 to 64 of a-z, 0-9, '_', '-' and '.', beginning with a letter";
        for (body, said) in [
            ("{}", "is required"),
            (r#"{"roles":null}"#, "must be an array of strings"),
            (r#"{"roles":"admin"}"#, "must be an array of strings"),
            (r#"{"roles":{"0":"admin"}}"#, "must be an array of strings"),
            (r#"{"roles":["admin",7]}"#, "must be an array of strings"),
            (r#"{"roles":[["admin"]]}"#, "must be an array of strings"),
            (r#"{"roles":[]}"#, "must not be empty"),
            (too_many_doubles.as_str(), "must be at most 20 roles"),
            (r#"{"roles":["admin",""]}"#, form),
            (r#"{"roles":["Admin"]}"#, form),
            (r#"{"roles":["admin,customer"]}"#, form),
            (&too_many.to_string(), "must be at most 20 roles"),
        ] {
            let response = backend.put(&format!("{path}/roles"), body).await;
            assert_response(&response, 400, &invalid(&format!(r#""roles":["{said}"]"#)));
        }
        assert_eq!(roles_of(&backend, &path).await, "customer");
    }

    #[tokio::test]
    async fn setting_the_roles_of_an_unknown_user_says_404() {
        let backend = Backend::new().await;
        for path in [NOBODYS_ROLES, "/api/v1/users/7/roles"] {
            assert_response(&backend.put(path, r#"{"roles":["admin"]}"#).await, 404, UNKNOWN_USER);
        }
    }

    #[tokio::test]
    async fn nobody_gets_roles_through_a_body_that_does_not_name_them() {
        let backend = Backend::new().await;
        for named in [r#""admin""#, r#"["admin"]"#] {
            let john = JOHN.replace('}', &format!(r#","roles":{named}}}"#));
            let path = format!("/api/v1/users/{}", backend.post("/api/v1/users", &john).await.member("id"));
            assert_eq!(roles_of(&backend, &path).await, "customer", "POST {named}");
            let response = backend.put(&path, &format!(r#"{{"username":"john","roles":{named}}}"#)).await;
            assert_eq!(response.member("username"), "john");
            assert_eq!(roles_of(&backend, &path).await, "customer", "PUT {named}");
            backend.delete(&path).await;
        }
    }

    #[tokio::test]
    async fn another_method_is_told_that_roles_are_put() {
        let response = Backend::new().await.get(NOBODYS_ROLES).await;
        assert_response(&response, 405, r#"{"error":"Method not allowed."}"#);
        assert_eq!(response.header("allow"), "PUT");
    }
}

mod left_open {
    use super::*;

    #[tokio::test]
    async fn a_body_that_is_no_json_object_is_invalid_data_everywhere() {
        let (backend, path) = Backend::with_john().await;
        for (method, path) in [
            (Method::POST, "/api/v1/users"),
            (Method::PUT, &path),
            (Method::POST, "/api/v1/auth/login"),
            (Method::POST, "/api/v1/auth/refresh"),
        ] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"username":1,"username":2}"#] {
                let response = backend.call(method.clone(), path, Some(body)).await;
                assert_response(&response, 400, r#"{"error":"Invalid request data."}"#);
            }
        }
    }

    #[tokio::test]
    async fn missing_and_wrongly_typed_members_at_login_and_refresh_are_named() {
        let backend = Backend::new().await;
        for (path, body, details) in [
            ("login", r#"{"username":"john.doe"}"#, r#""password":["is required"]"#),
            (
                "login",
                r#"{"username":null,"password":7}"#,
                r#""password":["must be a string"],"username":["must be a string"]"#,
            ),
            ("refresh", "{}", r#""refresh_token":["is required"]"#),
            ("refresh", r#"{"refresh_token":null}"#, r#""refresh_token":["must be a string"]"#),
        ] {
            let response = backend.post(&format!("/api/v1/auth/{path}"), body).await;
            assert_response(&response, 400, &invalid(details));
        }
    }

    #[tokio::test]
    async fn updating_with_nothing_changes_nothing() {
        let (backend, path) = Backend::with_john().await;
        let before = backend.get(&path).await.body;
        assert_response(&backend.put(&path, "{}").await, 200, &before);
        assert_response(
            &backend.put(&path, r#"{"roles":"admin","id":7,"created_at":null}"#).await,
            200,
            &before,
        );
    }

    #[tokio::test]
    async fn null_is_no_update() {
        let (backend, path) = Backend::with_john().await;
        for field in ["username", "password", "email"] {
            let response = backend.put(&path, &format!(r#"{{"{field}":null}}"#)).await;
            assert_response(&response, 400, &invalid(&format!(r#""{field}":["must be a string"]"#)));
        }
    }

    #[tokio::test]
    async fn updating_to_what_another_user_has_says_409_and_to_ones_own_200() {
        let (backend, path) = Backend::with_john().await;
        let jane = r#"{"username":"jane","password":"P@ssw0rd!","email":"jane@example.com"}"#;
        backend.post("/api/v1/users", jane).await;
        for (body, field) in [
            (r#"{"username":"JANE"}"#, "username"),
            (r#"{"username":"jane@example.com"}"#, "username"),
            (r#"{"email":"jane@EXAMPLE.com"}"#, "email"),
        ] {
            let said = format!(
                r#"{{"error":"Username or email already exists.","details":{{"{field}":["already exists"]}}}}"#
            );
            assert_response(&backend.put(&path, body).await, 409, &said);
        }
        let response = backend.put(&path, r#"{"username":"John.Doe","email":"john.doe@example.com"}"#).await;
        assert_eq!((response.status, response.member("username").as_str()), (StatusCode::OK, "John.Doe"));
    }

    #[tokio::test]
    async fn a_malformed_id_is_an_unknown_user() {
        let (backend, path) = Backend::with_john().await;
        let id = path.trim_start_matches("/api/v1/users/");
        let simple = id.replace('-', "");
        for id in ["7", "me", "%00", "a%20b", &simple, &format!("%7B{id}%7D"), &format!("urn:uuid:{id}")] {
            let path = format!("/api/v1/users/{id}");
            assert_response(&backend.get(&path).await, 404, UNKNOWN_USER);
            assert_response(&backend.put(&path, "{}").await, 404, UNKNOWN_USER);
            assert_response(&backend.delete(&path).await, 404, UNKNOWN_USER);
        }
        let upper = format!("/api/v1/users/{}", id.to_uppercase());
        assert_eq!(backend.get(&upper).await.member("id"), id);
    }

    #[tokio::test]
    async fn an_identifier_that_a_user_does_not_have_is_null() {
        let backend = Backend::new().await;
        let username = Username::parse("nameless").ok();
        let email = EmailAddress::parse("nameless@example.com").ok();
        for (username, email, shown) in [
            (username, None, r#""username":"nameless","email":null"#),
            (None, email, r#""username":null,"email":"nameless@example.com""#),
        ] {
            let register = Register {
                identifiers: Identifiers::new(username, email).expect("one"),
                password: Password::parse("P@ssw0rd!", PasswordPolicy::default()).expect("accepted"),
                display_name: None,
                phone_number: None,
                roles: RoleChoice::Assigned(Roles::default()),
            };
            let id = backend.app.ports.auth().register(register).await.expect("registered").id;
            let said = format!(r#"{{"id":"{id}",{shown},"created_at":"2023-10-27T10:00:00Z"}}"#);
            assert_response(&backend.get(&format!("/api/v1/users/{id}")).await, 200, &said);
        }
    }

    #[tokio::test]
    async fn a_user_logs_in_by_either_identifier_in_any_case() {
        let (backend, _) = Backend::with_john().await;
        for identifier in ["john.doe", "JOHN.DOE", "john.doe@example.com", "John.Doe@EXAMPLE.com"] {
            let body = format!(r#"{{"username":"{identifier}","password":"P@ssw0rd!"}}"#);
            let response = backend.post("/api/v1/auth/login", &body).await;
            assert_eq!(response.status, StatusCode::OK, "{identifier}");
        }
    }

    #[tokio::test]
    async fn another_content_type_is_unsupported() {
        let backend = Backend::new().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let headers = [("x-api-key", backend.key.as_str()), ("content-type", media_type)];
            let response = backend.app.send_with_headers(Method::POST, "/api/v1/users", &headers, Some(JOHN));
            assert_response(&response.await, 415, r#"{"error":"Unsupported media type."}"#);
        }
    }

    #[tokio::test]
    async fn another_method_is_told_which_are_allowed() {
        let backend = Backend::new().await;
        for (method, path, allow) in [
            (Method::GET, "/api/v1/users", "POST"),
            (Method::POST, NOBODY, "GET, PUT, DELETE, HEAD"),
            (Method::PATCH, NOBODY, "GET, PUT, DELETE, HEAD"),
            (Method::GET, "/api/v1/auth/login", "POST"),
            (Method::DELETE, "/api/v1/auth/refresh", "POST"),
        ] {
            let response = backend.call(method, path, None).await;
            assert_response(&response, 405, r#"{"error":"Method not allowed."}"#);
            assert_eq!(response.header("allow"), allow);
        }
    }

    #[tokio::test]
    async fn a_body_of_more_than_16_kib_is_too_large() {
        let backend = Backend::new().await;
        let largest = backend.refresh(&"a".repeat(16 * 1024 - 20)).await;
        assert_response(&largest, 401, BAD_REFRESH_TOKEN);
        let larger = backend.refresh(&"a".repeat(16 * 1024 - 19)).await;
        assert_response(&larger, 413, r#"{"error":"Payload too large."}"#);
    }

    #[tokio::test]
    async fn an_unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let backend = Backend::new().await;
        for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/users/", "/api/v1/users/a/b"] {
            assert_response(&backend.get(path).await, 404, r#"{"error":"Not found."}"#);
        }
    }

    #[tokio::test]
    async fn a_full_queue_is_503_with_retry_after_and_never_401() {
        let (backend, path) = Backend::with_john().await;
        backend.app.ports.hasher.set_overloaded(true);
        for response in [
            backend.post("/api/v1/users", JOHN).await,
            backend.put(&path, r#"{"password":"another one"}"#).await,
            backend.post("/api/v1/auth/login", JOHNS_LOGIN).await,
        ] {
            assert_response(&response, 503, r#"{"error":"Service unavailable."}"#);
            assert_eq!(response.header("retry-after"), "1");
        }
    }

    #[tokio::test]
    async fn every_failure_is_worded_in_the_dialects_envelope() {
        let session = SessionId(Uuid::from_u128(1));
        let field = FieldError { field: "email".into(), message: "is required".to_owned() };
        for (failure, status, details) in [
            (Failure::MalformedBody, 400, ""),
            (Failure::MalformedHeader, 400, ""),
            (Failure::InvalidFields(vec![field]), 400, r#","details":{"email":["is required"]}"#),
            (Failure::MissingToken, 401, ""),
            (Failure::InvalidToken, 401, ""),
            (Failure::InvalidCredentials, 401, ""),
            (Failure::InvalidRefreshToken, 401, ""),
            (Failure::ReplayedRefreshToken(session), 401, ""),
            (Failure::InvalidApiKey, 401, ""),
            (Failure::Forbidden, 403, ""),
            (Failure::CrossSite, 403, ""),
            (Failure::UnknownUser, 404, ""),
            (Failure::UnknownPath, 404, ""),
            (Failure::MethodNotAllowed(vec![Method::GET]), 405, ""),
            (Failure::BodyTimeout, 408, ""),
            (Failure::Taken(IdentifierKind::Email), 409, r#","details":{"email":["already exists"]}"#),
            (Failure::BodyTooLarge, 413, ""),
            (Failure::UnsupportedMediaType, 415, ""),
            (Failure::Internal("cause".into()), 500, ""),
            (Failure::Unavailable("cause".into()), 503, ""),
        ] {
            for endpoint in [None, Some(Endpoint::Register), Some(Endpoint::UpdateUser)] {
                let response = TestResponse::of(Directory.render(&failure, endpoint));
                assert_eq!(response.status.as_u16(), status, "{failure:?}");
                assert_eq!(response.body, format!(r#"{{"error":"{}"{details}}}"#, response.member("error")));
                assert!(!response.body.contains("cause"), "a cause is for the log");
            }
        }
    }
}

mod sessions {
    use super::*;

    /// A token of John's from another dialect, got under this password.
    async fn token_elsewhere(backend: &Backend, password: &str) -> TestResponse {
        let body = format!(r#"{{"email":"john.doe@example.com","password":"{password}"}}"#);
        backend.app.post("/v1/auth/login", &body).await
    }

    #[tokio::test]
    async fn a_token_opens_the_protected_resource_until_it_expires_and_renews_also_after() {
        let (backend, token) = Backend::with_johns_token().await;
        assert!(backend.opens_protected_resource(&token).await);
        backend.app.ports.clock.advance(Duration::from_secs(906));
        assert!(!backend.opens_protected_resource(&token).await);
        let renewed = backend.refresh(&token).await.member("token");
        assert!(backend.opens_protected_resource(&renewed).await);
    }

    #[tokio::test]
    async fn a_session_that_was_idle_for_two_weeks_is_over() {
        let (backend, token) = Backend::with_johns_token().await;
        backend.app.ports.clock.advance(Duration::from_secs(14 * 24 * 3_600));
        assert_response(&backend.refresh(&token).await, 401, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn a_lost_answer_is_given_again() {
        let (backend, token) = Backend::with_johns_token().await;
        let first = backend.refresh(&token).await;
        backend.app.ports.clock.advance(Duration::from_secs(9));
        assert_response(&backend.refresh(&token).await, 200, &first.body);
    }

    #[tokio::test]
    async fn a_replayed_token_ends_its_session_and_no_other() {
        let (backend, token) = Backend::with_johns_token().await;
        let other = backend.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        let renewed = backend.refresh(&token).await.member("token");
        backend.app.ports.clock.advance(Duration::from_secs(11));
        assert_response(&backend.refresh(&token).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&backend.refresh(&renewed).await, 401, BAD_REFRESH_TOKEN);
        assert!(backend.opens_protected_resource(&other).await);
    }

    #[tokio::test]
    async fn a_token_of_another_dialect_does_not_refresh() {
        let (backend, _) = Backend::with_john().await;
        let token = token_elsewhere(&backend, "P@ssw0rd!").await.member("acc_token");
        assert_response(&backend.refresh(&token).await, 401, BAD_REFRESH_TOKEN);
        assert!(backend.opens_protected_resource(&token).await);
    }

    #[tokio::test]
    async fn a_new_password_ends_every_session_in_every_dialect() {
        let (backend, path) = Backend::with_john().await;
        let here = backend.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        let elsewhere = token_elsewhere(&backend, "P@ssw0rd!").await.member("acc_token");
        backend.put(&path, r#"{"username":"john","email":"john.doe@example.com"}"#).await;
        assert!(backend.opens_protected_resource(&here).await, "only a password ends sessions");

        assert_eq!(backend.put(&path, r#"{"password":"another one"}"#).await.status, StatusCode::OK);
        assert_response(&backend.refresh(&here).await, 401, BAD_REFRESH_TOKEN);
        for token in [&here, &elsewhere] {
            assert!(!backend.opens_protected_resource(token).await);
        }
        assert_eq!(token_elsewhere(&backend, "P@ssw0rd!").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(token_elsewhere(&backend, "another one").await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_deleted_user_has_no_session_anywhere_and_leaves_the_names_to_others() {
        let (backend, path) = Backend::with_john().await;
        let here = backend.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        let elsewhere = token_elsewhere(&backend, "P@ssw0rd!").await.member("acc_token");
        assert_eq!(backend.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_response(&backend.refresh(&here).await, 401, BAD_REFRESH_TOKEN);
        for token in [&here, &elsewhere] {
            assert!(!backend.opens_protected_resource(token).await);
        }
        assert_eq!(token_elsewhere(&backend, "P@ssw0rd!").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(backend.post("/api/v1/users", JOHN).await.status, StatusCode::CREATED);
    }
}
