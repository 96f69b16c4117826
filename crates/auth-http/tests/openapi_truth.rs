//! The OpenAPI documents tell the truth: what they say is accepted is accepted, what they say is refused is refused,
//! and whatever the service says is as they say.

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
    said: &'a Value,
}

impl Document {
    fn of(dialect: &dyn Dialect) -> Self {
        let json = wiring::openapi(&wiring::default_settings(), dialect).expect("a document");
        Self(serde_json::from_str(&json).expect("JSON"))
    }

    fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let paths = self.0["paths"].as_object().expect("paths");
        paths.iter().flat_map(move |(path, methods)| {
            methods.as_object().expect("methods").iter().map(move |(method, said)| {
                let method = method.to_ascii_uppercase().parse().expect("a method");
                Operation { document: self, path, method, said }
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
        self.said["operationId"].as_str().expect("an id")
    }

    /// The content that a client sends, if it sends any.
    fn content(&self) -> Option<&Value> {
        self.said["requestBody"]["content"].get("application/json")
    }

    fn schema(&self) -> &Value {
        let reference = self.content().expect("a body")["schema"]["$ref"].as_str().expect("a reference");
        self.document.0.pointer(reference.trim_start_matches('#')).expect("a schema")
    }

    fn success(&self) -> u16 {
        let responses = self.said["responses"].as_object().expect("responses");
        let success = responses.keys().find(|status| status.starts_with('2'));
        success.expect("a success").parse().expect("a status")
    }

    /// Fails unless the response is one that the document has.
    fn assert_documented(&self, response: &TestResponse) {
        let place = format!("{} {} says {} {}", self.method, self.path, response.status, response.body);
        let documented = self.said["responses"].get(response.status.as_str()).expect(&place);
        for name in ["www-authenticate", "retry-after", "set-cookie"] {
            let is_documented = documented["headers"].get(name).is_some();
            assert!(is_documented || !response.has_header(name), "{place} with {name}");
            assert!(
                !is_documented || response.has_header(name) || !response.status.is_success(),
                "{place} without {name}"
            );
        }
        match documented.get("content") {
            None => assert_eq!(response.body, "", "{place}"),
            Some(content) => {
                let body = serde_json::from_str(&response.body).expect(&place);
                let validator = self.document.validator(&content["application/json"]["schema"]);
                validator.validate(&body).unwrap_or_else(|error| panic!("{place}: {error}"));
            }
        }
    }
}

/// A world in which one dialect is served, and what its client knows.
struct Client<'a> {
    document: &'a Document,
    app: TestApp,
    headers: Vec<(&'static str, String)>,
    user: String,
    renewal: String,
}

impl<'a> Client<'a> {
    async fn new(dialect: &dyn Dialect, document: &'a Document) -> Self {
        let app = TestApp::new().only(dialect.profile().name);
        let (_, key) = app.create_api_key(Scopes::all(), None).await;
        let headers = vec![("x-api-key", key)];
        Self { document, app, headers, user: String::new(), renewal: String::new() }
    }

    /// Who has registered and logged in as the examples say.
    async fn logged_in(dialect: &dyn Dialect, document: &'a Document) -> Self {
        let mut client = Self::new(dialect, document).await;
        let registered = client.send_example("register").await;
        let response = client.send_example("logIn").await;
        let body: Value = serde_json::from_str(&response.body).expect("JSON");
        let text =
            |names: &[&str]| names.iter().find_map(|name| body.pointer(name)?.as_str()).map(str::to_owned);
        let access = text(&["/access_token", "/accessToken", "/acc_token", "/token", "/data/token"]);
        client.renewal =
            text(&["/refresh_token", "/refreshToken", "/acc_token", "/token"]).unwrap_or_default();
        if dialect.profile().name == "directory" {
            client.user = registered.member("id");
        } else {
            client.headers.push(("authorization", format!("Bearer {}", access.expect("a token"))));
        }
        if response.has_header("set-cookie") {
            let cookie = response.header("set-cookie").split(';').next().expect("a pair").to_owned();
            client.headers.push(("cookie", cookie));
        }
        client
    }

    /// Who is where an operation can succeed.
    async fn ready_for(operation: &Operation<'a>, dialect: &dyn Dialect) -> Self {
        if operation.id() == "register" {
            Self::new(dialect, operation.document).await
        } else {
            Self::logged_in(dialect, operation.document).await
        }
    }

    /// The example of a body, with what this client has in place of an example of a token.
    fn example(&self, operation: &Operation<'_>) -> Option<Value> {
        let mut example = operation.content()?["example"].clone();
        if matches!(operation.id(), "refresh" | "logOut") {
            let member = example.as_object_mut().expect("an object").values_mut().next();
            *member.expect("a member") = json!(self.renewal);
        }
        Some(example)
    }

    async fn send_example(&self, id: &str) -> TestResponse {
        let operation = self.document.operation(id);
        self.send(&operation, self.example(&operation).as_ref()).await
    }

    async fn send(&self, operation: &Operation<'_>, body: Option<&Value>) -> TestResponse {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = operation.path.replace("{user_id}", &self.user);
        let body = body.map(Value::to_string);
        let response =
            self.app.send_with_headers(operation.method.clone(), &path, &headers, body.as_deref()).await;
        operation.assert_documented(&response);
        response
    }
}

/// What somebody may send for a member that is a text: all sorts of wrong things, and some that are right somewhere.
fn candidates() -> Vec<Value> {
    let others = [Value::Null, json!(7), json!(true), json!([]), json!({})];
    let words =
        ["", "x", "x@example.com", "+84 (12) 345-6789", "+0123456", "84123456789", "customer", "admin"];
    let lengths = [5, 6, 7, 8, 254, 255, 256].map(|length| json!("x".repeat(length)));
    let longest = [238, 239].map(|length| json!(format!("x@{}.example.com", "x.".repeat(length / 2))));
    others.into_iter().chain(words.map(Value::from)).chain(lengths).chain(longest).collect()
}

/// The body with the member in every way it can be sent, and without it.
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
async fn every_example_is_accepted_and_answered_as_documented() {
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
async fn a_body_is_refused_exactly_when_its_schema_refuses_it() {
    for dialect in ALL {
        let document = Document::of(dialect);
        for operation in document.operations().filter(|operation| operation.content().is_some()) {
            let validator = document.validator(operation.schema());
            for member in operation.schema()["properties"].as_object().expect("members").keys() {
                let example = Client::ready_for(&operation, dialect).await.example(&operation);
                for body in variants(&example.expect("an example"), member) {
                    let client = Client::ready_for(&operation, dialect).await;
                    let response = client.send(&operation, Some(&body)).await;
                    let is_refused = response.status == 400;
                    let place =
                        format!("{} {} {body}: {}", dialect.profile().name, operation.path, response.body);
                    assert_eq!(is_refused, !validator.is_valid(&body), "{place}");
                }
            }
        }
    }
}

#[tokio::test]
async fn whoever_does_not_show_who_they_are_is_answered_as_documented() {
    for dialect in ALL {
        let document = Document::of(dialect);
        for operation in document.operations() {
            let asks = operation.said["security"].as_array().is_some_and(|schemes| !schemes.is_empty());
            let mut client = Client::ready_for(&operation, dialect).await;
            client.headers.clear();
            let response = client.send(&operation, client.example(&operation).as_ref()).await;
            assert_eq!(response.status == 401, asks, "{} {}", operation.path, response.body);
        }
    }
}

#[test]
fn every_example_is_as_its_schema_says() {
    for dialect in ALL {
        let document = Document::of(dialect);
        for operation in document.operations() {
            let responses = operation.said["responses"].as_object().expect("responses").values();
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
