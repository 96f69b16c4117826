//! A web application: its pages and the service behind one origin, and a user who has logged in.

use std::path::PathBuf;

use e2e::{Response, TestData, TestServer};
use serde_json::{Value, json};

use crate::{Browser, OriginProxy};

/// A service on SQLite behind an origin that serves pages.
#[derive(Debug)]
pub struct Application {
    data: TestData,
    origin: OriginProxy,
    settings: Vec<(&'static str, String)>,
    server: TestServer,
}

impl Application {
    /// The host of the application's origin.
    pub const HOST: &str = "127.0.0.1";

    /// Starts it with these settings.
    #[must_use]
    pub fn start(settings: &[(&'static str, &str)]) -> Self {
        let origin = OriginProxy::of(Self::HOST);
        let mut all = vec![("AUTH_PUBLIC_URL", origin.url().to_owned())];
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let data = TestData::on_sqlite();
        let server = serve(&data, &origin, &all);
        Self { data, origin, settings: all, server }
    }

    /// Where its pages are.
    #[must_use]
    pub fn origin(&self) -> &OriginProxy {
        &self.origin
    }

    /// The directory in which its user's browser keeps cookies.
    #[must_use]
    pub fn profile(&self) -> PathBuf {
        self.data.path().join("profile")
    }

    /// Kills the service and starts it again on the same store, behind the same origin.
    pub fn restart_service(&mut self) {
        self.server.signal("KILL");
        self.server = serve(&self.data, &self.origin, &self.settings);
    }

    /// A browser whose user, john, has registered and logged in on a page of the application.
    #[must_use]
    pub fn browser_of_john(&self) -> Browser {
        let browser = Browser::start(&self.profile());
        browser.open(&self.origin.page());
        let john = json!({"username": "john", "password": "P@ssw0rd!"});
        let registered = browser.fetch("/api/auth/register", &post_json(&john)).expect("an answer");
        registered.assert(201, r#"{"message":"Account successfully created."}"#);
        let logged_in = browser.fetch("/api/auth/login", &post_json(&john)).expect("an answer");
        assert_eq!(logged_in.status, 200, "{logged_in:?}");
        assert_eq!(logged_in.json()["data"]["user"]["username"], "john");
        browser
    }

    /// Refreshes from a page of the application, and gives the new access token.
    #[must_use]
    pub fn refresh(&self, browser: &Browser) -> String {
        let refreshed = post(browser, &self.origin.at("/api/auth/refresh"));
        assert_eq!(refreshed.status, 200, "{refreshed:?}");
        refreshed.json()["data"]["token"].as_str().expect("a token").to_owned()
    }

    /// Fails the test unless a page of the application can refresh, and open john's details with what it gets.
    pub fn assert_john_is_logged_in(&self, browser: &Browser) {
        let request = with_bearer("GET", &self.refresh(browser));
        let user = browser.fetch(&self.origin.at("/api/user"), &request).expect("an answer");
        assert_eq!((user.status, &user.json()["data"]["username"]), (200, &json!("john")), "{user:?}");
    }
}

fn serve(data: &TestData, origin: &OriginProxy, settings: &[(&str, String)]) -> TestServer {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = TestServer::start_with(data, &settings);
    origin.forward_to(&server);
    server
}

/// The options of `fetch` for a JSON body.
#[must_use]
pub fn post_json(body: &Value) -> Value {
    json!({"method": "POST", "headers": {"Content-Type": "application/json"}, "body": body.to_string()})
}

/// The options of `fetch` for a request with this access token.
#[must_use]
pub fn with_bearer(method: &str, token: &str) -> Value {
    json!({"method": method, "headers": {"Authorization": format!("Bearer {token}")}})
}

/// Posts nothing, as a page of the application does to refresh.
#[must_use]
pub fn post(browser: &Browser, url: &str) -> Response {
    browser.fetch(url, &json!({"method": "POST"})).expect("an answer that the page may read")
}
