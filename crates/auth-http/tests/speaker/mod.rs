//! Somebody who speaks to the whole service over the adapters in memory.
#![expect(dead_code, reason = "each dialect's tests need another part of this")]
#![expect(clippy::unused_async, reason = "another world than this would have to be waited for")]

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse};
use auth_domain::model::{IdentifierKey, Role, Roles, UserId, UserRef};
use auth_domain::policy::Policy;
use auth_domain::testing::TestPorts;
use auth_http::settings::Settings;
use auth_http::wiring;

/// Somebody who speaks to the service, and who has its clock, its hasher and its stores in their hands.
pub(crate) struct Speaker {
    pub(crate) world: TestPorts,
    settings: Settings,
    policy: Policy,
}

/// What the service said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    headers: HeaderMap,
}

impl Speaker {
    pub(crate) async fn new() -> Self {
        Self { world: TestPorts::new(), settings: wiring::default_settings(), policy: Policy::default() }
    }

    /// The same world, where this dialect is served alone.
    pub(crate) fn hearing_only(mut self, dialect: &str) -> Self {
        self.settings.dialects.iter_mut().for_each(|set| set.enabled = set.name == dialect);
        self
    }

    /// The same world, under another policy.
    pub(crate) fn under(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same world, where these settings have been changed.
    pub(crate) fn after(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The same world, with a protected resource that asks for a role.
    pub(crate) async fn asking_for_role(mut self, role: &str) -> Self {
        self.settings.protected.required_role = Some(Role::parse(role).expect("a role"));
        self
    }

    pub(crate) async fn give_role(&self, username: &str, role: &str) {
        let roles = Roles::parse(role).expect("roles");
        self.world.auth().set_roles(self.find(username).await, &roles).await.expect("set");
    }

    pub(crate) async fn suspend(&self, username: &str) {
        let id = self.find(username).await;
        self.world.auth().suspend_user(id).await.expect("asked").expect("a user");
    }

    async fn find(&self, identifier: &str) -> UserId {
        let user = UserRef::Identifier(IdentifierKey::of(identifier).expect("a name"));
        self.world.auth().find_user(&user).await.expect("asked").expect("a user").id
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.post_as("application/json", path, body).await
    }

    pub(crate) async fn post_as(&self, media_type: &str, path: &str, body: &str) -> Answer {
        let request = TestRequest::post().uri(path).insert_header((CONTENT_TYPE, media_type));
        self.send(request.set_payload(body.to_owned())).await
    }

    pub(crate) async fn get(&self, path: &str, bearer: Option<&str>) -> Answer {
        self.get_with_bearers(path, bearer.as_slice()).await
    }

    pub(crate) async fn get_with_bearers(&self, path: &str, bearers: &[&str]) -> Answer {
        let request = bearers.iter().fold(TestRequest::get().uri(path), |request, token| {
            request.append_header((AUTHORIZATION, format!("Bearer {token}")))
        });
        self.send(request).await
    }

    /// Sends a body as JSON, if there is one, with headers that may stand more than once.
    pub(crate) async fn send_with_headers(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
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

    pub(crate) async fn call(&self, method: Method, path: &str) -> Answer {
        self.send(TestRequest::with_uri(path).method(method)).await
    }

    async fn send(&self, request: TestRequest) -> Answer {
        let site = Arc::new(wiring::site(&self.settings, &self.world.auth_under(self.policy.clone())));
        let app = init_service(App::new().configure(|app| site.configure(app))).await;
        let response = request.send_request(&app).await;
        Answer::of(response.into()).await
    }
}

impl Answer {
    pub(crate) async fn of(response: HttpResponse) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let Ok(bytes) = response.into_body().try_into_bytes() else { panic!("a streamed answer") };
        Self { status, headers, body: String::from_utf8(bytes.to_vec()).expect("UTF-8") }
    }

    /// A member of the body that is a text which is not empty.
    pub(crate) fn member(&self, name: &str) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect("JSON");
        let text = body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.body));
        assert!(!text.is_empty());
        text.to_owned()
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().expect("text")
    }
}
