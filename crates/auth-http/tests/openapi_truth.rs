//! The service behaves as its OpenAPI documents describe. It accepts the requests that a schema accepts, it rejects the
//! others, and every response matches its schema.

#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

mod support;

use actix_web::http::Method;
use auth_domain::model::Scopes;
use auth_http::dialects::{ALL, Dialect};
use auth_http::wiring;
use jsonschema::Validator;
use serde_json::{Value, json};
use support::{TestApp, TestResponse};

/// The document of a dialect.
struct Document(Value);

/// One operation in a document.
struct Operation<'a> {
    document: &'a Document,
    path: &'a str,
    method: Method,
    description: &'a Value,
}

impl Document {
    fn of(dialect: &dyn Dialect) -> Self {
        let json = wiring::openapi(&wiring::default_settings(), dialect).expect("a document");
        Self(serde_json::from_str(&json).expect("JSON"))
    }

    fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.0["paths"].as_object().expect("paths");
        paths.iter().flat_map(move |(path, methods)| {
            methods.as_object().expect("methods").iter().map(move |(method, description)| {
                let method = method.to_ascii_uppercase().parse().expect("a method");
                Operation { document: self, path, method, description }
            })
        })
    }

    fn operation(&self, id: &str) -> Operation<'_> {
        self.operations().find(|operation| operation.id() == id).expect("an operation")
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = schema.clone();
        schema["components"] = self.0["components"].clone();
        jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema")
    }
}

impl Operation<'_> {
    fn id(&self) -> &str {
        self.description["operationId"].as_str().expect("an id")
    }

    /// The media type object of the request body.
    fn content(&self) -> Option<&Value> {
        self.description["requestBody"]["content"].get("application/json")
    }

    fn schema(&self) -> &Value {
        let reference = self.content().expect("a body")["schema"]["$ref"].as_str().expect("a reference");
        self.document.0.pointer(reference.trim_start_matches('#')).expect("a schema")
    }

    fn success(&self) -> u16 {
        let responses = self.description["responses"].as_object().expect("responses");
        let success = responses.keys().find(|status| status.starts_with('2'));
        success.expect("a success").parse().expect("a status")
    }

    /// Panics unless the document describes the response.
    fn assert_documented(&self, response: &TestResponse) {
        let exchange = format!("{} {} returns {} {}", self.method, self.path, response.status, response.body);
        let documented = self.description["responses"].get(response.status.as_str()).expect(&exchange);
        for name in ["www-authenticate", "retry-after", "set-cookie"] {
            let is_documented = documented["headers"].get(name).is_some();
            assert!(is_documented || !response.has_header(name), "{exchange} with {name}");
            assert!(
                !is_documented || response.has_header(name) || !response.status.is_success(),
                "{exchange} without {name}"
            );
        }
        match documented.get("content") {
            None => assert_eq!(response.body, "", "{exchange}"),
            Some(content) => {
                let body = serde_json::from_str(&response.body).expect(&exchange);
                let validator = self.document.validator(&content["application/json"]["schema"]);
                validator.validate(&body).unwrap_or_else(|error| panic!("{exchange}: {error}"));
            }
        }
    }
}

/// An app with one dialect, and the headers and identifiers of its client.
struct Client<'a> {
    document: &'a Document,
    app: TestApp,
    headers: Vec<(&'static str, String)>,
    user_id: String,
    refresh_token: String,
}

/// The first of these JSON pointers (RFC 6901) that leads to a string.
fn first_string(body: &Value, pointers: &[&str]) -> Option<String> {
    pointers.iter().find_map(|pointer| body.pointer(pointer)?.as_str()).map(str::to_owned)
}

impl<'a> Client<'a> {
    async fn new(dialect: &dyn Dialect, document: &'a Document) -> Self {
        let app = TestApp::new().only(dialect.profile().name);
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        let headers = vec![("x-api-key", key)];
        Self { document, app, headers, user_id: String::new(), refresh_token: String::new() }
    }

    /// Registers and logs in with the examples of the document.
    async fn logged_in(dialect: &dyn Dialect, document: &'a Document) -> Self {
        let mut client = Self::new(dialect, document).await;
        let registered = client.send_example("register").await;
        let response = client.send_example("logIn").await;
        let body: Value = serde_json::from_str(&response.body).expect("JSON");
        let access_names = ["/access_token", "/accessToken", "/acc_token", "/token", "/data/token"];
        let access = first_string(&body, &access_names);
        let refresh_names = ["/refresh_token", "/refreshToken", "/acc_token", "/token"];
        client.refresh_token = first_string(&body, &refresh_names).unwrap_or_default();
        if dialect.profile().name == "directory" {
            client.user_id = registered.member("id");
        } else {
            client.headers.push(("authorization", format!("Bearer {}", access.expect("a token"))));
        }
        if response.has_header("set-cookie") {
            let cookie = response.header("set-cookie").split(';').next().expect("a pair").to_owned();
            client.headers.push(("cookie", cookie));
        }
        client
    }

    /// A client for which the operation can succeed.
    async fn ready_for(operation: &Operation<'a>, dialect: &dyn Dialect) -> Self {
        if operation.id() == "register" {
            Self::new(dialect, operation.document).await
        } else {
            Self::logged_in(dialect, operation.document).await
        }
    }

    /// The example body, with the token of this client instead of an example token.
    fn example(&self, operation: &Operation<'_>) -> Option<Value> {
        let mut example = operation.content()?["example"].clone();
        if matches!(operation.id(), "refresh" | "logOut") {
            let member = example.as_object_mut().expect("an object").values_mut().next();
            *member.expect("a member") = json!(self.refresh_token);
        }
        Some(example)
    }

    async fn send_example(&self, id: &str) -> TestResponse {
        let operation = self.document.operation(id);
        self.send(&operation, self.example(&operation).as_ref()).await
    }

    async fn send(&self, operation: &Operation<'_>, body: Option<&Value>) -> TestResponse {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = operation.path.replace("{user_id}", &self.user_id);
        let body = body.map(Value::to_string);
        let response =
            self.app.send_with_headers(operation.method.clone(), &path, &headers, body.as_deref()).await;
        operation.assert_documented(&response);
        response
    }
}

/// Values for a string member: wrong types, lengths around the limits, and values that are valid for some member.
fn candidates() -> Vec<Value> {
    let others = [Value::Null, json!(7), json!(true), json!([]), json!({})];
    let texts =
        ["", "x", "x@example.com", "+84 (12) 345-6789", "+0123456", "84123456789", "customer", "admin"];
    let names =
        ["علی\u{200c}رضا", "a\u{202e}b", "\u{2068}Jane\u{2069}", "\u{2068}Jane", "\u{3164}", "\u{b4}"];
    let lengths = [5, 6, 7, 8, 254, 255, 256].map(|length| json!("x".repeat(length)));
    let longest = [238, 239].map(|length| json!(format!("x@{}.example.com", "x.".repeat(length / 2))));
    let texts = texts.into_iter().chain(names);
    others.into_iter().chain(texts.map(Value::from)).chain(lengths).chain(longest).collect()
}

/// The body with every candidate for the member, and without the member.
fn variants(body: &Value, member: &str) -> Vec<Value> {
    let mut without = body.clone();
    without.as_object_mut().expect("an object").remove(member);
    let with = candidates().into_iter().map(|value| {
        let mut body = body.clone();
        body[member] = value;
        body
    });
    with.chain([without]).collect()
}

#[tokio::test]
async fn every_example_request_succeeds_as_documented() {
    for dialect in ALL {
        let document = Document::of(dialect);
        for operation in document.operations() {
            let client = Client::ready_for(&operation, dialect).await;
            let response = client.send(&operation, client.example(&operation).as_ref()).await;
            assert_eq!(response.status.as_u16(), operation.success(), "{} {}", operation.path, response.body);
        }
    }
}

#[tokio::test]
async fn body_is_rejected_exactly_when_its_schema_rejects_it() {
    for dialect in ALL {
        let document = Document::of(dialect);
        for operation in document.operations().filter(|operation| operation.content().is_some()) {
            let validator = document.validator(operation.schema());
            for member in operation.schema()["properties"].as_object().expect("members").keys() {
                let example = Client::ready_for(&operation, dialect).await.example(&operation);
                for body in variants(&example.expect("an example"), member) {
                    let client = Client::ready_for(&operation, dialect).await;
                    let response = client.send(&operation, Some(&body)).await;
                    let is_rejected = response.status == 400;
                    let exchange =
                        format!("{} {} {body}: {}", dialect.profile().name, operation.path, response.body);
                    assert_eq!(is_rejected, !validator.is_valid(&body), "{exchange}");
                }
            }
        }
    }
}

#[tokio::test]
async fn unauthenticated_requests_are_answered_as_documented() {
    for dialect in ALL {
        let document = Document::of(dialect);
        for operation in document.operations() {
            let requires_credentials =
                operation.description["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
            let mut client = Client::ready_for(&operation, dialect).await;
            client.headers.clear();
            let response = client.send(&operation, client.example(&operation).as_ref()).await;
            assert_eq!(response.status == 401, requires_credentials, "{} {}", operation.path, response.body);
        }
    }
}

#[test]
fn every_example_matches_its_schema() {
    for dialect in ALL {
        let document = Document::of(dialect);
        for operation in document.operations() {
            let responses = operation.description["responses"].as_object().expect("responses").values();
            let contents = responses.filter_map(|response| response["content"].get("application/json"));
            for content in contents.chain(operation.content()) {
                let validator = document.validator(&content["schema"]);
                let several = content["examples"].as_object().into_iter().flat_map(|named| named.values());
                let examples: Vec<_> =
                    content.get("example").into_iter().chain(several.map(|named| &named["value"])).collect();
                assert!(!examples.is_empty(), "{} has no example of {content}", operation.path);
                for example in examples {
                    validator.validate(example).unwrap_or_else(|error| panic!("{example}: {error}"));
                }
            }
        }
    }
}
