//! An HTTP client that uses the dialect `single_token`.

use std::time::Duration;

use ureq::Agent;
use ureq::http::{self, Request};

use crate::Response;

/// Speaks to one server.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    base: String,
}

impl Client {
    /// Creates a client of the server at `base`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .new_agent();
        Self { agent, base: base.to_owned() }
    }

    /// `GET path`.
    #[must_use]
    pub fn get(&self, path: &str, bearer: Option<&str>) -> Response {
        self.try_get(path, bearer).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// `GET path`, which may fail.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn try_get(&self, path: &str, bearer: Option<&str>) -> Result<Response, ureq::Error> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = bearer {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        request.call().map(read)
    }

    /// `POST path` with a JSON body.
    #[must_use]
    pub fn post(&self, path: &str, body: &str) -> Response {
        self.try_post(path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    /// `POST path` with a JSON body, which may fail.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn try_post(&self, path: &str, body: &str) -> Result<Response, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.base));
        request.header("Content-Type", "application/json").send(body).map(read)
    }

    /// Any request with a JSON body, or with none.
    #[must_use]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = if body.is_empty() {
            self.agent.run(request.body(()).expect("a request"))
        } else {
            let request = request.header("Content-Type", "application/json");
            self.agent.run(request.body(body.to_owned()).expect("a request"))
        };
        sent.map_or_else(|error| panic!("{method} {path}: {error}"), read)
    }

    /// Sends a request again while the service answers 503, as its `Retry-After` allows. On a slow machine that runs
    /// many tests, the queue of hashes fills up easily.
    #[must_use]
    pub fn retry_overloaded(ask: impl Fn() -> Response) -> Response {
        loop {
            let response = ask();
            if response.status != 503 {
                return response;
            }
        }
    }

    /// Registers a user with this name, at `example.com`, whose password is `P@ssw0rd!`.
    #[must_use]
    pub fn register(&self, name: &str) -> Response {
        let body = format!(r#"{{"username":"{name}","email":"{name}@example.com","password":"P@ssw0rd!"}}"#);
        self.post("/v1/auth/register", &body)
    }

    /// Logs such a user in.
    #[must_use]
    pub fn log_in(&self, name: &str) -> Response {
        self.log_in_with(name, "P@ssw0rd!")
    }

    /// Logs a user in with this password.
    #[must_use]
    pub fn log_in_with(&self, name: &str, password: &str) -> Response {
        self.post("/v1/auth/login", &format!(r#"{{"email":"{name}","password":"{password}"}}"#))
    }

    /// Renews a token.
    #[must_use]
    pub fn refresh(&self, token: &str) -> Response {
        self.post("/v1/auth/refresh", &format!(r#"{{"ref_token":"{token}"}}"#))
    }

    /// Opens the protected resource.
    #[must_use]
    pub fn open(&self, token: &str) -> Response {
        self.get("/v1/protected/resource", Some(token))
    }
}

fn read(response: http::Response<ureq::Body>) -> Response {
    let (head, mut body) = response.into_parts();
    let headers = head.headers.iter();
    Response {
        status: head.status.as_u16(),
        headers: headers
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect(),
        body: body.read_to_string().expect("a body in UTF-8"),
    }
}
