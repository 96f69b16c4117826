//! A test app: all dialects over in-memory adapters, without a socket.
#![expect(dead_code, reason = "each test file uses another part of this module")]

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse};
use auth_domain::model::{ApiKeyId, ApiKeyName, IdentifierKey, Role, Roles, Scopes, UserId, UserRef};
use auth_domain::policy::Policy;
use auth_domain::testing::TestPorts;
use auth_domain::use_cases::CreateApiKey;
use auth_http::settings::Settings;
use auth_http::wiring;

/// The service over in-memory ports, which a test controls: clock, hasher, stores.
pub(crate) struct TestApp {
    pub(crate) ports: TestPorts,
    settings: Settings,
    /// Replaces the policy of the settings.
    policy: Option<Policy>,
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self { ports: TestPorts::new(), settings: wiring::default_settings(), policy: None }
    }

    /// Serves this dialect alone. The ports stay the same, as in all `with_*` methods.
    pub(crate) fn only(self, dialect: &str) -> Self {
        self.with_settings(|settings| {
            settings.dialects.iter_mut().for_each(|set| set.enabled = set.name == dialect);
        })
    }

    pub(crate) fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    pub(crate) fn with_settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Requires a role at the protected resource.
    pub(crate) fn with_required_role(self, role: &str) -> Self {
        let role = Role::parse(role).expect("a role");
        self.with_settings(|settings| settings.required_role = Some(role))
    }

    /// The API key's id and secret.
    pub(crate) async fn create_api_key(
        &self,
        scopes: Scopes,
        lifetime: Option<Duration>,
    ) -> (ApiKeyId, String) {
        let name = ApiKeyName::parse("backend").expect("a name");
        let mut command = CreateApiKey::new(name, scopes);
        command.lifetime = lifetime;
        let created =
            self.ports.auth().on_behalf_of_system().create_api_key(command).await.expect("an API key");
        (created.key.id, created.secret.expose().to_string())
    }

    pub(crate) async fn give_role(&self, username: &str, role: &str) {
        let roles = Roles::parse(role).expect("roles");
        self.ports
            .auth()
            .on_behalf_of_system()
            .set_roles(self.find(username).await, &roles)
            .await
            .expect("set");
    }

    pub(crate) async fn suspend(&self, username: &str) {
        let id = self.find(username).await;
        self.ports.auth().on_behalf_of_system().suspend_user(id).await.expect("no error").expect("a user");
    }

    async fn find(&self, identifier: &str) -> UserId {
        let user = UserRef::Identifier(IdentifierKey::of(identifier).expect("an identifier"));
        self.ports.auth().on_behalf_of_system().find_user(&user).await.expect("no error").expect("a user").id
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> TestResponse {
        self.post_as("application/json", path, body).await
    }

    pub(crate) async fn post_as(&self, media_type: &str, path: &str, body: &str) -> TestResponse {
        let request = TestRequest::post().uri(path).insert_header((CONTENT_TYPE, media_type));
        self.send(request.set_payload(body.to_owned())).await
    }

    pub(crate) async fn get(&self, path: &str, bearer: Option<&str>) -> TestResponse {
        self.get_with_bearers(path, bearer.as_slice()).await
    }

    pub(crate) async fn get_with_bearers(&self, path: &str, bearers: &[&str]) -> TestResponse {
        let request = bearers.iter().fold(TestRequest::get().uri(path), |request, token| {
            request.append_header((AUTHORIZATION, format!("Bearer {token}")))
        });
        self.send(request).await
    }

    /// Sends these headers, duplicates included, and the body, if there is one, as JSON unless a header says otherwise.
    pub(crate) async fn send_with_headers(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> TestResponse {
        let request = TestRequest::with_uri(path).method(method);
        let request = headers.iter().fold(request, |request, header| request.append_header(*header));
        self.send(match body {
            Some(body) if headers.iter().all(|(name, _)| *name != "content-type") => {
                request.insert_header((CONTENT_TYPE, "application/json")).set_payload(body.to_owned())
            }
            Some(body) => request.set_payload(body.to_owned()),
            None => request,
        })
        .await
    }

    pub(crate) async fn call(&self, method: Method, path: &str) -> TestResponse {
        self.send(TestRequest::with_uri(path).method(method)).await
    }

    async fn send(&self, request: TestRequest) -> TestResponse {
        let policy = self.policy.clone().unwrap_or_else(|| wiring::policy(&self.settings));
        let router = Arc::new(wiring::router(&self.settings, &self.ports.auth_under(policy)));
        let app = init_service(App::new().configure(|app| router.configure(app))).await;
        let response = request.send_request(&app).await;
        TestResponse::of(response.into())
    }
}

/// A user of one dialect, with the documented example bodies.
pub(crate) struct TestUser {
    /// Path and body.
    pub(crate) registration: (&'static str, &'static str),
    /// Path and body.
    pub(crate) login: (&'static str, &'static str),
}

impl TestUser {
    /// An app where the user is registered.
    pub(crate) async fn registered(&self) -> TestApp {
        let app = TestApp::new();
        let (path, body) = self.registration;
        assert_eq!(app.post(path, body).await.status, StatusCode::CREATED);
        app
    }

    /// An app where the user is logged in, and what `read` finds in the response.
    pub(crate) async fn logged_in<T>(&self, read: impl FnOnce(&TestResponse) -> T) -> (TestApp, T) {
        let app = self.registered().await;
        let response = self.log_in(&app).await;
        let found = read(&response);
        (app, found)
    }

    pub(crate) async fn log_in(&self, app: &TestApp) -> TestResponse {
        let (path, body) = self.login;
        app.post(path, body).await
    }
}

/// An access token and a refresh token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    headers: HeaderMap,
}

impl TestResponse {
    pub(crate) fn of(response: HttpResponse) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let Ok(bytes) = response.into_body().try_into_bytes() else { panic!("a streamed body") };
        Self { status, headers, body: String::from_utf8(bytes.to_vec()).expect("UTF-8") }
    }

    /// A member of the body that is a non-empty string.
    pub(crate) fn member(&self, name: &str) -> String {
        self.string_at(&format!("/{name}"))
    }

    /// The non-empty string at this JSON pointer (RFC 6901) in the body.
    pub(crate) fn string_at(&self, pointer: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        let text = body.pointer(pointer).and_then(serde_json::Value::as_str);
        let text = text.unwrap_or_else(|| panic!("no {pointer} in {}", self.body));
        assert!(!text.is_empty());
        text.to_owned()
    }

    /// The cookie as a browser sends it back.
    pub(crate) fn cookie(&self) -> &str {
        self.header("set-cookie").split(';').next().expect("a cookie")
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("text")
    }
}

/// Compares status and body, byte for byte.
pub(crate) fn assert_response(response: &TestResponse, status: u16, body: &str) {
    assert_eq!((response.status.as_u16(), response.body.as_str()), (status, body));
}
