//! The dialect `directory` over in-memory adapters. The tests compare every documented example byte for byte. API keys,
//! the roles endpoint, the behaviour that the document leaves open, and sessions follow.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use auth_domain::model::{
    EmailAddress, IdentifierKind, Identifiers, Password, Scope, Scopes, SessionId, Timestamp, UserId,
    UserRef, Username,
};
use auth_domain::use_cases::Register;
use auth_http::dialects::{Dialect as _, Endpoint, directory::Directory};
use auth_http::failure::{Failure, FieldError};
use auth_http::web_origin::CrossSite;
use support::{TestApp, TestResponse, assert_response};
use uuid::Uuid;

const JOHN: &str = r#"{"username":"john.doe","password":"P@ssw0rd!","email":"john.doe@example.com"}"#;
const JOHNS_LOGIN: &str = r#"{"username":"john.doe","password":"P@ssw0rd!"}"#;
const UNKNOWN_USER_PATH: &str = "/api/v1/users/01890a5d-ac96-774b-bcce-b302099a8057";
const UNKNOWN_USER_ROLES_PATH: &str = "/api/v1/users/01890a5d-ac96-774b-bcce-b302099a8057/roles";
const INVALID_API_KEY: &str = r#"{"error":"Invalid or missing API key."}"#;
const USER_NOT_FOUND: &str = r#"{"error":"User not found."}"#;
const BAD_REFRESH_TOKEN: &str = r#"{"error":"Invalid refresh token."}"#;

/// Every endpoint: method, path, a valid body, and the required scope.
const ENDPOINTS: [(Method, &str, Option<&str>, Scope); 7] = [
    (Method::POST, "/api/v1/users", Some(JOHN), Scope::UsersWrite),
    (Method::GET, UNKNOWN_USER_PATH, None, Scope::UsersRead),
    (Method::PUT, UNKNOWN_USER_PATH, Some("{}"), Scope::UsersWrite),
    (Method::PUT, UNKNOWN_USER_ROLES_PATH, Some(r#"{"roles":["admin"]}"#), Scope::UsersRoles),
    (Method::DELETE, UNKNOWN_USER_PATH, None, Scope::UsersWrite),
    (Method::POST, "/api/v1/auth/login", Some(JOHNS_LOGIN), Scope::Auth),
    (Method::POST, "/api/v1/auth/refresh", Some(r#"{"refresh_token":"nonsense"}"#), Scope::Auth),
];

/// A client with an API key.
struct ApiClient {
    app: TestApp,
    key: String,
}

impl ApiClient {
    /// Creates a key with all scopes. The clock shows 2023-10-27T10:00:00Z.
    async fn new() -> Self {
        let app = TestApp::new();
        app.ports.clock.set(Timestamp::from_unix_seconds(1_698_400_800));
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        Self { app, key }
    }

    /// Creates the user John and returns his path.
    async fn with_john() -> (Self, String) {
        let client = Self::new().await;
        let john = client.post("/api/v1/users", JOHN).await;
        assert_eq!(john.status, StatusCode::CREATED);
        let path = format!("/api/v1/users/{}", john.member("id"));
        (client, path)
    }

    /// Creates the user John and returns his token.
    async fn with_johns_token() -> (Self, String) {
        let (client, _) = Self::with_john().await;
        let token = client.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        (client, token)
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

    async fn can_read_protected_resource(&self, token: &str) -> bool {
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
    async fn creating_a_user_returns_201_with_the_user() {
        let response = ApiClient::new().await.post("/api/v1/users", JOHN).await;
        let id = response.member("id");
        assert_response(&response, 201, &john(&id, "john.doe", "john.doe@example.com"));
        assert_eq!(response.header("content-type"), "application/json");
        assert_eq!(Uuid::try_parse(&id).expect("a UUID").hyphenated().to_string(), id);
    }

    #[tokio::test]
    async fn creating_a_user_with_invalid_data_returns_400() {
        let client = ApiClient::new().await;
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
            assert_response(&client.post("/api/v1/users", body).await, 400, &invalid(details));
        }
    }

    #[tokio::test]
    async fn creating_a_user_with_a_taken_identifier_returns_409() {
        let (client, _) = ApiClient::with_john().await;
        for (username, email, field) in [
            ("john.doe", "john.doe@example.com", "username"),
            ("JOHN.DOE", "other@example.com", "username"),
            ("other", "John.Doe@Example.com", "email"),
            ("john.doe@example.com", "other@example.com", "username"),
        ] {
            let body = format!(r#"{{"username":"{username}","password":"P@ssw0rd!","email":"{email}"}}"#);
            let expected = format!(
                r#"{{"error":"Username or email already exists.","details":{{"{field}":["already exists"]}}}}"#
            );
            assert_response(&client.post("/api/v1/users", &body).await, 409, &expected);
        }
    }

    #[tokio::test]
    async fn getting_a_user_returns_200_with_the_user() {
        let (client, path) = ApiClient::with_john().await;
        let response = client.get(&path).await;
        assert_response(&response, 200, &john(&path, "john.doe", "john.doe@example.com"));
    }

    #[tokio::test]
    async fn getting_an_unknown_user_returns_404() {
        assert_response(&ApiClient::new().await.get(UNKNOWN_USER_PATH).await, 404, USER_NOT_FOUND);
    }

    #[tokio::test]
    async fn updating_a_user_returns_200_with_the_updated_user() {
        let (client, path) = ApiClient::with_john().await;
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
            client.app.ports.clock.advance(Duration::from_secs(60));
            assert_response(&client.put(&path, body).await, 200, &john(&path, username, email));
            assert_response(&client.get(&path).await, 200, &john(&path, username, email));
        }
    }

    #[tokio::test]
    async fn invalid_update_returns_400_and_changes_nothing() {
        let (client, path) = ApiClient::with_john().await;
        for (body, details) in [
            (r#"{"username":"j","email":"john"}"#, r#""email":["must be a valid e-mail address"]"#),
            (
                r#"{"username":"j","password":"short"}"#,
                r#""password":["must be at least 8 characters long"]"#,
            ),
            (r#"{"username":7}"#, r#""username":["must be a string"]"#),
        ] {
            assert_response(&client.put(&path, body).await, 400, &invalid(details));
        }
        let response = client.get(&path).await;
        assert_response(&response, 200, &john(&path, "john.doe", "john.doe@example.com"));
    }

    #[tokio::test]
    async fn updating_an_unknown_user_returns_404() {
        let client = ApiClient::new().await;
        for body in ["{}", r#"{"username":"john"}"#] {
            assert_response(&client.put(UNKNOWN_USER_PATH, body).await, 404, USER_NOT_FOUND);
        }
    }

    #[tokio::test]
    async fn deleting_a_user_returns_204_without_a_body() {
        let (client, path) = ApiClient::with_john().await;
        let response = client.delete(&path).await;
        assert_response(&response, 204, "");
        assert!(!response.has_header("content-type"));
        assert_response(&client.get(&path).await, 404, USER_NOT_FOUND);
    }

    #[tokio::test]
    async fn deleting_an_unknown_user_returns_404() {
        let (client, path) = ApiClient::with_john().await;
        assert_response(&client.delete(UNKNOWN_USER_PATH).await, 404, USER_NOT_FOUND);
        client.delete(&path).await;
        assert_response(&client.delete(&path).await, 404, USER_NOT_FOUND);
    }

    #[tokio::test]
    async fn logging_in_returns_200_with_a_token() {
        let (client, _) = ApiClient::with_john().await;
        let response = client.post("/api/v1/auth/login", JOHNS_LOGIN).await;
        let token = response.member("token");
        assert_response(&response, 200, &format!(r#"{{"token":"{token}"}}"#));
    }

    #[tokio::test]
    async fn logging_in_with_wrong_credentials_returns_401() {
        let (client, _) = ApiClient::with_john().await;
        for body in [
            r#"{"username":"john.doe","password":"wrong"}"#,
            r#"{"username":"unknown","password":"P@ssw0rd!"}"#,
            r#"{"username":"","password":""}"#,
            r#"{"username":"a\u0000b","password":"P@ssw0rd!"}"#,
        ] {
            let response = client.post("/api/v1/auth/login", body).await;
            assert_response(&response, 401, r#"{"error":"Invalid credentials."}"#);
            assert!(!response.has_header("www-authenticate"));
        }
    }

    #[tokio::test]
    async fn refreshing_returns_200_with_a_new_token() {
        let (client, token) = ApiClient::with_johns_token().await;
        let response = client.refresh(&token).await;
        let renewed = response.member("token");
        assert_response(&response, 200, &format!(r#"{{"token":"{renewed}"}}"#));
        assert_ne!(renewed, token);
    }

    #[tokio::test]
    async fn refreshing_with_an_invalid_token_returns_401() {
        let client = ApiClient::new().await;
        for token in ["", "nonsense", "a.b.c", "ref_nonsense"] {
            let response = client.refresh(token).await;
            assert_response(&response, 401, BAD_REFRESH_TOKEN);
            assert!(!response.has_header("www-authenticate"));
        }
    }
}

mod api_keys {
    use super::*;

    /// An app with this dialect alone. On shared paths, a request without a key would reach another dialect.
    fn directory_alone() -> TestApp {
        TestApp::new().only("directory")
    }

    async fn assert_rejected_everywhere(app: &TestApp, headers: &[(&str, &str)]) {
        for (method, path, body, _) in ENDPOINTS {
            let response = app.send_with_headers(method, path, headers, body).await;
            assert_response(&response, 401, INVALID_API_KEY);
            assert_eq!(response.header("www-authenticate"), r#"ApiKey header="X-API-Key""#);
        }
    }

    #[tokio::test]
    async fn every_endpoint_requires_a_key() {
        let app = directory_alone();
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        assert_rejected_everywhere(&app, &[]).await;
        assert_rejected_everywhere(&app, &[("authorization", &format!("Bearer {key}"))]).await;
        assert_rejected_everywhere(&app, &[("authorization", &format!("ApiKey {key}"))]).await;
    }

    #[tokio::test]
    async fn key_in_the_query_is_ignored() {
        let app = directory_alone();
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        let path = format!("{UNKNOWN_USER_PATH}?X-API-Key={key}&api_key={key}");
        let response = app.send_with_headers(Method::GET, &path, &[], None).await;
        assert_response(&response, 401, INVALID_API_KEY);
    }

    #[tokio::test]
    async fn wrong_key_is_rejected_everywhere() {
        let app = TestApp::new();
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        let of_another_store = "key_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for wrong in ["", "nonsense", of_another_store, &key[..key.len() - 1], &format!("{key}, {key}")] {
            assert_rejected_everywhere(&app, &[("x-api-key", wrong)]).await;
        }
    }

    #[tokio::test]
    async fn revoked_key_is_rejected_everywhere() {
        let app = TestApp::new();
        let (id, key) = app.create_api_key(Scopes::all(), None).await;
        assert!(app.ports.auth().on_behalf_of_system().revoke_api_key(id).await.expect("no error"));
        assert_rejected_everywhere(&app, &[("x-api-key", &key)]).await;
    }

    #[tokio::test]
    async fn expired_key_is_rejected_everywhere() {
        let app = TestApp::new();
        let (_, key) = app.create_api_key(Scopes::all(), Some(Duration::from_secs(60))).await;
        app.ports.clock.advance(Duration::from_secs(60));
        assert_rejected_everywhere(&app, &[("x-api-key", &key)]).await;
    }

    #[tokio::test]
    async fn key_allows_only_its_scopes() {
        for scope in Scope::ALL {
            let app = TestApp::new();
            let (_, key) = app.create_api_key([scope].into_iter().collect(), None).await;
            for (method, path, body, required) in ENDPOINTS {
                let response = app.send_with_headers(method, path, &[("x-api-key", &key)], body).await;
                if scope == required {
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

    /// Requests with other errors or effects. The response must not reveal them without a sufficient key.
    fn revealing_requests(john: &str) -> [(Method, &str, &str, &str); 8] {
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
    async fn request_without_a_valid_key_reveals_nothing() {
        let (client, path) = ApiClient::with_john().await;
        for (method, path, media_type, body) in revealing_requests(&path) {
            let headers = [("content-type", media_type), ("x-api-key", "nonsense")];
            let response = client.app.send_with_headers(method, path, &headers, Some(body)).await;
            assert_response(&response, 401, INVALID_API_KEY);
        }
    }

    #[tokio::test]
    async fn request_without_the_scope_reveals_nothing() {
        let (client, path) = ApiClient::with_john().await;
        let (_, key) = client.app.create_api_key(Scopes::default(), None).await;
        for (method, path, media_type, body) in revealing_requests(&path) {
            let headers = [("content-type", media_type), ("x-api-key", key.as_str())];
            let response = client.app.send_with_headers(method, path, &headers, Some(body)).await;
            assert_response(&response, 403, r#"{"error":"The API key lacks the required scope."}"#);
        }
    }

    #[tokio::test]
    async fn two_api_key_headers_return_400() {
        let client = ApiClient::new().await;
        for key in [client.key.as_str(), "nonsense"] {
            let twice = [("x-api-key", key), ("x-api-key", key)];
            for (method, path, body, _) in ENDPOINTS {
                let response = client.app.send_with_headers(method, path, &twice, body).await;
                assert_response(&response, 400, r#"{"error":"Invalid request data."}"#);
            }
        }
    }

    #[tokio::test]
    async fn unavailable_store_returns_503_and_never_401() {
        let client = ApiClient::new().await;
        client.app.ports.store.set_unavailable(true);
        let response = client.get(UNKNOWN_USER_PATH).await;
        assert_response(&response, 503, r#"{"error":"Service unavailable."}"#);
        assert_eq!(response.header("retry-after"), "1");
    }

    #[tokio::test]
    async fn key_selects_the_dialect_on_shared_paths() {
        let (client, _) = ApiClient::with_john().await;
        let body = r#"{"email":"john.doe@example.com","password":"P@ssw0rd!"}"#;
        let response = client.post("/api/v1/auth/login", body).await;
        assert_response(&response, 400, &invalid(r#""username":["is required"]"#));
        let response = client.post("/api/v1/auth/refresh", r#"{"refreshToken":"nonsense"}"#).await;
        assert_response(&response, 400, &invalid(r#""refresh_token":["is required"]"#));
    }
}

mod roles {
    use super::*;

    /// The roles of the user in the store.
    async fn roles_of(client: &ApiClient, path: &str) -> String {
        let id = path.rsplit('/').next().and_then(|id| Uuid::parse_str(id).ok()).expect("an id");
        let user = client.app.ports.auth().on_behalf_of_system().find_user(&UserRef::Id(UserId(id))).await;
        user.expect("no error").expect("a user").roles.to_string()
    }

    #[tokio::test]
    async fn setting_roles_returns_them_sorted_without_duplicates() {
        let (client, path) = ApiClient::with_john().await;
        for (body, returned, stored) in [
            (r#"{"roles":["customer","admin","customer"]}"#, r#"["admin","customer"]"#, "admin,customer"),
            (r#"{"roles":["auditor"],"username":"ignored"}"#, r#"["auditor"]"#, "auditor"),
        ] {
            let response = client.put(&format!("{path}/roles"), body).await;
            assert_response(&response, 200, &format!(r#"{{"roles":{returned}}}"#));
            assert_eq!(roles_of(&client, &path).await, stored);
        }
        assert_eq!(client.get(&path).await.member("username"), "john.doe");
    }

    #[tokio::test]
    async fn invalid_roles_return_400_and_change_nothing() {
        let (client, path) = ApiClient::with_john().await;
        let too_many = serde_json::json!({"roles": (0..21).map(|n| format!("r{n}")).collect::<Vec<_>>()});
        let too_many_doubles = serde_json::json!({"roles": vec!["admin"; 21]}).to_string();
        let format_error = "each must be 1 to 64 of a-z, 0-9, '_', '-' and '.', beginning with a letter";
        for (body, error) in [
            ("{}", "is required"),
            (r#"{"roles":null}"#, "must be an array of strings"),
            (r#"{"roles":"admin"}"#, "must be an array of strings"),
            (r#"{"roles":{"0":"admin"}}"#, "must be an array of strings"),
            (r#"{"roles":["admin",7]}"#, "must be an array of strings"),
            (r#"{"roles":[["admin"]]}"#, "must be an array of strings"),
            (r#"{"roles":[]}"#, "must not be empty"),
            (too_many_doubles.as_str(), "must be at most 20 roles"),
            (r#"{"roles":["admin",""]}"#, format_error),
            (r#"{"roles":["Admin"]}"#, format_error),
            (r#"{"roles":["admin,customer"]}"#, format_error),
            (&too_many.to_string(), "must be at most 20 roles"),
        ] {
            let response = client.put(&format!("{path}/roles"), body).await;
            assert_response(&response, 400, &invalid(&format!(r#""roles":["{error}"]"#)));
        }
        assert_eq!(roles_of(&client, &path).await, "customer");
    }

    #[tokio::test]
    async fn setting_roles_of_an_unknown_user_returns_404() {
        let client = ApiClient::new().await;
        for path in [UNKNOWN_USER_ROLES_PATH, "/api/v1/users/7/roles"] {
            assert_response(&client.put(path, r#"{"roles":["admin"]}"#).await, 404, USER_NOT_FOUND);
        }
    }

    #[tokio::test]
    async fn creating_and_updating_a_user_ignore_roles() {
        let client = ApiClient::new().await;
        for named in [r#""admin""#, r#"["admin"]"#] {
            let john = JOHN.replace('}', &format!(r#","roles":{named}}}"#));
            let path = format!("/api/v1/users/{}", client.post("/api/v1/users", &john).await.member("id"));
            assert_eq!(roles_of(&client, &path).await, "customer", "POST {named}");
            let response = client.put(&path, &format!(r#"{{"username":"john","roles":{named}}}"#)).await;
            assert_eq!(response.member("username"), "john");
            assert_eq!(roles_of(&client, &path).await, "customer", "PUT {named}");
            client.delete(&path).await;
        }
    }

    /// What a program can do to a user without the user's password: take over the account, or delete it.
    const TAKEOVERS: [(Method, Option<&str>); 5] = [
        (Method::PUT, Some(r#"{"password":"another one"}"#)),
        (Method::PUT, Some(r#"{"email":"attacker@example.com"}"#)),
        (Method::PUT, Some(r#"{"username":"attacker"}"#)),
        (Method::PUT, Some(r#"{"username":"john.doe","email":"attacker@example.com"}"#)),
        (Method::DELETE, None),
    ];

    #[tokio::test]
    async fn key_that_sets_no_roles_takes_over_no_administrator() {
        let (client, path) = ApiClient::with_john().await;
        client.app.give_role("john.doe", "admin,customer").await;
        let scopes = Scopes::parse("users:read,users:write,auth").expect("scopes");
        let (_, key) = client.app.create_api_key(scopes, None).await;
        let limited = ApiClient { key, ..client };
        for (method, body) in TAKEOVERS {
            let response = limited.call(method, &path, body).await;
            assert_response(&response, 403, r#"{"error":"The API key lacks the required scope."}"#);
        }
        let same = limited.put(&path, r#"{"username":"john.doe","email":"john.doe@example.com"}"#).await;
        assert_eq!(same.status, StatusCode::OK);
        assert_eq!(limited.get(&path).await.member("email"), "john.doe@example.com");
        assert_eq!(limited.post("/api/v1/auth/login", JOHNS_LOGIN).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn key_that_sets_no_roles_manages_ordinary_users() {
        for (method, body) in TAKEOVERS {
            let (client, path) = ApiClient::with_john().await;
            let scopes = Scopes::parse("users:write").expect("scopes");
            let (_, key) = client.app.create_api_key(scopes, None).await;
            let limited = ApiClient { key, ..client };
            assert!(limited.call(method, &path, body).await.status.is_success(), "{body:?}");
        }
    }

    #[tokio::test]
    async fn key_that_sets_roles_manages_administrators() {
        for (method, body) in TAKEOVERS {
            let (client, path) = ApiClient::with_john().await;
            client.app.give_role("john.doe", "admin").await;
            assert!(client.call(method, &path, body).await.status.is_success(), "{body:?}");
        }
    }

    #[tokio::test]
    async fn roles_endpoint_allows_only_put() {
        let response = ApiClient::new().await.get(UNKNOWN_USER_ROLES_PATH).await;
        assert_response(&response, 405, r#"{"error":"Method not allowed."}"#);
        assert_eq!(response.header("allow"), "PUT");
    }
}

mod undocumented {
    use super::*;

    #[tokio::test]
    async fn body_without_a_json_object_is_invalid_everywhere() {
        let (client, path) = ApiClient::with_john().await;
        for (method, path) in [
            (Method::POST, "/api/v1/users"),
            (Method::PUT, &path),
            (Method::POST, "/api/v1/auth/login"),
            (Method::POST, "/api/v1/auth/refresh"),
        ] {
            for body in ["", "{", "[]", "null", "{}{}", "\u{feff}{}", r#"{"username":1,"username":2}"#] {
                let response = client.call(method.clone(), path, Some(body)).await;
                assert_response(&response, 400, r#"{"error":"Invalid request data."}"#);
            }
        }
    }

    #[tokio::test]
    async fn login_and_refresh_name_missing_and_mistyped_members() {
        let client = ApiClient::new().await;
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
            let response = client.post(&format!("/api/v1/auth/{path}"), body).await;
            assert_response(&response, 400, &invalid(details));
        }
    }

    #[tokio::test]
    async fn empty_update_changes_nothing() {
        let (client, path) = ApiClient::with_john().await;
        let before = client.get(&path).await.body;
        assert_response(&client.put(&path, "{}").await, 200, &before);
        assert_response(
            &client.put(&path, r#"{"roles":"admin","id":7,"created_at":null}"#).await,
            200,
            &before,
        );
    }

    #[tokio::test]
    async fn null_in_an_update_returns_400() {
        let (client, path) = ApiClient::with_john().await;
        for field in ["username", "password", "email"] {
            let response = client.put(&path, &format!(r#"{{"{field}":null}}"#)).await;
            assert_response(&response, 400, &invalid(&format!(r#""{field}":["must be a string"]"#)));
        }
    }

    #[tokio::test]
    async fn updating_to_an_identifier_of_another_user_returns_409() {
        let (client, path) = ApiClient::with_john().await;
        let jane = r#"{"username":"jane","password":"P@ssw0rd!","email":"jane@example.com"}"#;
        client.post("/api/v1/users", jane).await;
        for (body, field) in [
            (r#"{"username":"JANE"}"#, "username"),
            (r#"{"username":"jane@example.com"}"#, "username"),
            (r#"{"email":"jane@EXAMPLE.com"}"#, "email"),
        ] {
            let expected = format!(
                r#"{{"error":"Username or email already exists.","details":{{"{field}":["already exists"]}}}}"#
            );
            assert_response(&client.put(&path, body).await, 409, &expected);
        }
        let response = client.put(&path, r#"{"username":"John.Doe","email":"john.doe@example.com"}"#).await;
        assert_eq!((response.status, response.member("username").as_str()), (StatusCode::OK, "John.Doe"));
    }

    #[tokio::test]
    async fn malformed_id_returns_404() {
        let (client, path) = ApiClient::with_john().await;
        let id = path.trim_start_matches("/api/v1/users/");
        let simple = id.replace('-', "");
        for id in ["7", "me", "%00", "a%20b", &simple, &format!("%7B{id}%7D"), &format!("urn:uuid:{id}")] {
            let path = format!("/api/v1/users/{id}");
            assert_response(&client.get(&path).await, 404, USER_NOT_FOUND);
            assert_response(&client.put(&path, "{}").await, 404, USER_NOT_FOUND);
            assert_response(&client.delete(&path).await, 404, USER_NOT_FOUND);
        }
        let upper = format!("/api/v1/users/{}", id.to_uppercase());
        assert_eq!(client.get(&upper).await.member("id"), id);
    }

    #[tokio::test]
    async fn absent_identifier_is_null() {
        let client = ApiClient::new().await;
        let username = Username::parse("nameless").ok();
        let email = EmailAddress::parse("nameless@example.com").ok();
        for (username, email, members) in [
            (username, None, r#""username":"nameless","email":null"#),
            (None, email, r#""username":null,"email":"nameless@example.com""#),
        ] {
            let register = Register::new(
                Identifiers::new(username, email).expect("one"),
                Password::parse("P@ssw0rd!").expect("accepted"),
            );
            let id = client
                .app
                .ports
                .auth()
                .on_behalf_of_system()
                .register(register)
                .await
                .expect("registered")
                .id;
            let expected = format!(r#"{{"id":"{id}",{members},"created_at":"2023-10-27T10:00:00Z"}}"#);
            assert_response(&client.get(&format!("/api/v1/users/{id}")).await, 200, &expected);
        }
    }

    #[tokio::test]
    async fn user_logs_in_by_either_identifier_in_any_case() {
        let (client, _) = ApiClient::with_john().await;
        for identifier in ["john.doe", "JOHN.DOE", "john.doe@example.com", "John.Doe@EXAMPLE.com"] {
            let body = format!(r#"{{"username":"{identifier}","password":"P@ssw0rd!"}}"#);
            let response = client.post("/api/v1/auth/login", &body).await;
            assert_eq!(response.status, StatusCode::OK, "{identifier}");
        }
    }

    #[tokio::test]
    async fn other_content_types_return_415() {
        let client = ApiClient::new().await;
        for media_type in
            ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"]
        {
            let headers = [("x-api-key", client.key.as_str()), ("content-type", media_type)];
            let response = client.app.send_with_headers(Method::POST, "/api/v1/users", &headers, Some(JOHN));
            assert_response(&response.await, 415, r#"{"error":"Unsupported media type."}"#);
        }
    }

    #[tokio::test]
    async fn other_methods_return_405_with_the_allow_header() {
        let client = ApiClient::new().await;
        for (method, path, allow) in [
            (Method::GET, "/api/v1/users", "POST"),
            (Method::POST, UNKNOWN_USER_PATH, "GET, PUT, DELETE, HEAD"),
            (Method::PATCH, UNKNOWN_USER_PATH, "GET, PUT, DELETE, HEAD"),
            (Method::GET, "/api/v1/auth/login", "POST"),
            (Method::DELETE, "/api/v1/auth/refresh", "POST"),
        ] {
            let response = client.call(method, path, None).await;
            assert_response(&response, 405, r#"{"error":"Method not allowed."}"#);
            assert_eq!(response.header("allow"), allow);
        }
    }

    #[tokio::test]
    async fn body_over_16_kib_returns_413() {
        let client = ApiClient::new().await;
        let largest = client.refresh(&"a".repeat(16 * 1024 - 20)).await;
        assert_response(&largest, 401, BAD_REFRESH_TOKEN);
        let larger = client.refresh(&"a".repeat(16 * 1024 - 19)).await;
        assert_response(&larger, 413, r#"{"error":"Payload too large."}"#);
    }

    #[tokio::test]
    async fn unknown_path_below_the_prefix_is_answered_in_the_dialect() {
        let client = ApiClient::new().await;
        for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/users/", "/api/v1/users/a/b"] {
            assert_response(&client.get(path).await, 404, r#"{"error":"Not found."}"#);
        }
    }

    #[tokio::test]
    async fn full_queue_returns_503_with_retry_after() {
        let (client, path) = ApiClient::with_john().await;
        client.app.ports.hasher.set_overloaded(true);
        for response in [
            client.post("/api/v1/users", JOHN).await,
            client.put(&path, r#"{"password":"another one"}"#).await,
            client.post("/api/v1/auth/login", JOHNS_LOGIN).await,
        ] {
            assert_response(&response, 503, r#"{"error":"Service unavailable."}"#);
            assert_eq!(response.header("retry-after"), "1");
        }
    }

    #[tokio::test]
    async fn every_failure_has_the_dialects_error_format() {
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
            (Failure::CrossSite(CrossSite::Null), 403, ""),
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
                assert!(!response.body.contains("cause"), "only the log contains the cause");
            }
        }
    }
}

mod sessions {
    use super::*;

    /// Logs John in to another dialect with this password.
    async fn log_in_elsewhere(client: &ApiClient, password: &str) -> TestResponse {
        let body = format!(r#"{{"email":"john.doe@example.com","password":"{password}"}}"#);
        client.app.post("/v1/auth/login", &body).await
    }

    #[tokio::test]
    async fn expired_token_is_rejected_but_still_refreshes() {
        let (client, token) = ApiClient::with_johns_token().await;
        assert!(client.can_read_protected_resource(&token).await);
        client.app.ports.clock.advance(Duration::from_secs(906));
        assert!(!client.can_read_protected_resource(&token).await);
        let renewed = client.refresh(&token).await.member("token");
        assert!(client.can_read_protected_resource(&renewed).await);
    }

    #[tokio::test]
    async fn session_expires_after_two_idle_weeks() {
        let (client, token) = ApiClient::with_johns_token().await;
        client.app.ports.clock.advance(Duration::from_secs(14 * 24 * 3_600));
        assert_response(&client.refresh(&token).await, 401, BAD_REFRESH_TOKEN);
    }

    #[tokio::test]
    async fn retry_after_a_lost_response_gets_the_same_token() {
        let (client, token) = ApiClient::with_johns_token().await;
        let first = client.refresh(&token).await;
        client.app.ports.clock.advance(Duration::from_secs(9));
        assert_response(&client.refresh(&token).await, 200, &first.body);
    }

    #[tokio::test]
    async fn retry_gets_the_current_token_however_often_it_rotated() {
        let (client, first) = ApiClient::with_johns_token().await;
        let second = client.refresh(&first).await.member("token");
        let third = client.refresh(&second).await;
        client.app.ports.clock.advance(Duration::from_secs(9));
        for token in [&first, &second] {
            assert_response(&client.refresh(token).await, 200, &third.body);
        }
    }

    #[tokio::test]
    async fn replayed_token_ends_only_its_own_session() {
        let (client, token) = ApiClient::with_johns_token().await;
        let other = client.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        let renewed = client.refresh(&token).await.member("token");
        client.app.ports.clock.advance(Duration::from_secs(11));
        assert_response(&client.refresh(&token).await, 401, BAD_REFRESH_TOKEN);
        assert_response(&client.refresh(&renewed).await, 401, BAD_REFRESH_TOKEN);
        assert!(client.can_read_protected_resource(&other).await);
    }

    #[tokio::test]
    async fn token_of_another_dialect_does_not_refresh() {
        let (client, _) = ApiClient::with_john().await;
        let token = log_in_elsewhere(&client, "P@ssw0rd!").await.member("acc_token");
        assert_response(&client.refresh(&token).await, 401, BAD_REFRESH_TOKEN);
        assert!(client.can_read_protected_resource(&token).await);
    }

    #[tokio::test]
    async fn new_password_ends_every_session_in_every_dialect() {
        let (client, path) = ApiClient::with_john().await;
        let here = client.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        let elsewhere = log_in_elsewhere(&client, "P@ssw0rd!").await.member("acc_token");
        client.put(&path, r#"{"username":"john","email":"john.doe@example.com"}"#).await;
        assert!(client.can_read_protected_resource(&here).await, "only a new password ends sessions");

        assert_eq!(client.put(&path, r#"{"password":"another one"}"#).await.status, StatusCode::OK);
        assert_response(&client.refresh(&here).await, 401, BAD_REFRESH_TOKEN);
        for token in [&here, &elsewhere] {
            assert!(!client.can_read_protected_resource(token).await);
        }
        assert_eq!(log_in_elsewhere(&client, "P@ssw0rd!").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(log_in_elsewhere(&client, "another one").await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn deleting_a_user_ends_all_sessions_and_frees_the_names() {
        let (client, path) = ApiClient::with_john().await;
        let here = client.post("/api/v1/auth/login", JOHNS_LOGIN).await.member("token");
        let elsewhere = log_in_elsewhere(&client, "P@ssw0rd!").await.member("acc_token");
        assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
        assert_response(&client.refresh(&here).await, 401, BAD_REFRESH_TOKEN);
        for token in [&here, &elsewhere] {
            assert!(!client.can_read_protected_resource(token).await);
        }
        assert_eq!(log_in_elsewhere(&client, "P@ssw0rd!").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(client.post("/api/v1/users", JOHN).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn an_end_user_address_must_be_one_if_the_key_is_valid() {
    let client = ApiClient::new().await;
    let error =
        r#"{"error":"Invalid request data.","details":{"X-End-User-Address":["must be an IP address"]}}"#;
    for (method, path, body, _) in ENDPOINTS {
        for address in ["", "unknown", "198.51.100", "198.51.100.7, _hidden", "0.0.0.0"] {
            let call = |key: String| {
                let (client, method) = (&client, method.clone());
                async move {
                    let headers = [("x-api-key", key.as_str()), ("x-end-user-address", address)];
                    client.app.send_with_headers(method, path, &headers, body).await
                }
            };
            assert_response(&call(client.key.clone()).await, 400, error);
            assert_response(&call("key_nonsense".to_owned()).await, 401, INVALID_API_KEY);
        }
    }
    let headers =
        [("x-api-key", client.key.as_str()), ("x-end-user-address", "203.0.113.9, [2001:db8::1]:80")];
    let created = client.app.send_with_headers(Method::POST, "/api/v1/users", &headers, Some(JOHN)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let headers = [("x-end-user-address", "nonsense")];
    let body = r#"{"email":"john.doe","password":"P@ssw0rd!"}"#;
    let elsewhere = client.app.send_with_headers(Method::POST, "/v1/auth/login", &headers, Some(body)).await;
    assert_eq!(elsewhere.status, StatusCode::OK, "other dialects ignore it");
}
