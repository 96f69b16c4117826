//! One account store behind five dialects: a user of one dialect can use all the others.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::process::Stdio;

use auth_domain::testing::NAMES_OF_PEOPLE;
use e2e::{Client, Response, TestData, TestServer, command};
use serde_json::json;

const DIALECTS: [&str; 5] = ["single_token", "directory", "token_pair", "accounts", "cookie"];
const PASSWORD: &str = "P@ssw0rd!";

/// A client of every dialect of one server.
struct AllDialects {
    client: Client,
    api_key: String,
}

impl AllDialects {
    fn new(data: &TestData, server: &TestServer) -> Self {
        let mut create = command(data);
        let output = create
            .args([
                "api-key",
                "create",
                "--name",
                "backend",
                "--scope",
                "users:read,users:write,users:roles,auth",
            ])
            .stderr(Stdio::null())
            .output();
        let output = String::from_utf8(output.expect("run").stdout).expect("UTF-8");
        let api_key = output.lines().last().expect("a key").to_owned();
        Self { client: server.client(), api_key }
    }

    fn keyed(&self, method: &str, path: &str, body: &str) -> Response {
        self.client.send(method, path, &[("X-API-Key", &self.api_key)], body)
    }

    /// Registers a user in a dialect, and gives the identifiers that the dialect let them have.
    fn register(&self, dialect: &str) -> Vec<String> {
        let (username, email) = (format!("{dialect}_user"), format!("{dialect}@example.com"));
        let by_name = format!(r#"{{"username":"{username}","password":"{PASSWORD}"}}"#);
        let by_email = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
        let by_both = format!(r#"{{"username":"{username}","email":"{email}","password":"{PASSWORD}"}}"#);
        let response = match dialect {
            "single_token" => self.client.post("/v1/auth/register", &by_both),
            "directory" => self.keyed("POST", "/api/v1/users", &by_both),
            "token_pair" => self.client.post("/api/v1/auth/register", &by_email),
            "accounts" => self.client.post("/api/v1/auth/register", &by_both),
            _ => self.client.post("/api/auth/register", &by_name),
        };
        assert_eq!(response.status, 201, "{dialect}: {response:?}");
        match dialect {
            "token_pair" => vec![email],
            "cookie" => vec![username],
            _ => vec![username, email],
        }
    }

    fn log_in(&self, dialect: &str, identifier: &str, password: &str) -> Response {
        let by_email = format!(r#"{{"email":"{identifier}","password":"{password}"}}"#);
        let by_username = format!(r#"{{"username":"{identifier}","password":"{password}"}}"#);
        match dialect {
            "single_token" => self.client.post("/v1/auth/login", &by_email),
            "directory" => self.keyed("POST", "/api/v1/auth/login", &by_username),
            "token_pair" => self.client.post("/api/v1/auth/login", &by_email),
            "accounts" => self.client.post("/api/v1/auth/login", &by_username),
            _ => self.client.post("/api/auth/login", &by_username),
        }
    }

    /// Logs in and gives the access token.
    fn access_token(&self, dialect: &str, identifier: &str) -> String {
        let response = self.log_in(dialect, identifier, PASSWORD);
        assert_eq!(response.status, 200, "{dialect}: {response:?}");
        let body = response.json();
        let token = match dialect {
            "single_token" => &body["acc_token"],
            "directory" => &body["token"],
            "token_pair" => &body["accessToken"],
            "accounts" => &body["access_token"],
            _ => &body["data"]["token"],
        };
        token.as_str().unwrap_or_else(|| panic!("no token in {body}")).to_owned()
    }
}

#[test]
fn user_of_one_dialect_logs_in_through_every_other() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let dialects = AllDialects::new(&data, &server);
        for registered_in in DIALECTS {
            for identifier in dialects.register(registered_in) {
                for dialect in DIALECTS {
                    let token = dialects.access_token(dialect, &identifier);
                    assert_eq!(dialects.client.open(&token).status, 200, "{registered_in} by {dialect}");
                    let wrong = dialects.log_in(dialect, &identifier, "wrong password");
                    assert_eq!(wrong.status, 401, "{registered_in} by {dialect}");
                }
            }
        }
    }
}

#[test]
fn names_of_every_script_are_returned_byte_for_byte() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let dialects = AllDialects::new(&data, &server);
        for (index, (script, name)) in NAMES_OF_PEOPLE.into_iter().enumerate() {
            let email = format!("user{index}@example.com");
            let username = format!("user{index}");
            // Registered through one dialect, and read through the other.
            let (member, mut body, reader, shown) = if index % 2 == 0 {
                ("displayName", json!({"email": email}), "accounts", "full_name")
            } else {
                ("full_name", json!({"email": email, "username": username}), "token_pair", "displayName")
            };
            body["password"] = PASSWORD.into();
            body[member] = name.into();
            let registered = dialects.client.post("/api/v1/auth/register", &body.to_string());
            assert_eq!(registered.status, 201, "{script}: {registered:?}");
            let token = dialects.access_token(reader, &email);
            let profile = dialects.client.get("/api/v1/auth/me", Some(&token));
            assert_eq!(profile.member(shown), name, "{script} in {reader}");
        }
    }
}

#[test]
fn directory_changes_end_the_sessions_of_every_dialect() {
    for data in TestData::on_every_store() {
        let server = TestServer::start(&data);
        let dialects = AllDialects::new(&data, &server);
        let user = r#"{"username":"jane","email":"jane@example.com","password":"P@ssw0rd!"}"#;
        let id = dialects.keyed("POST", "/api/v1/users", user).member("id");
        let path = format!("/api/v1/users/{id}");
        for (method, body, status) in [("PUT", r#"{"password":"P@ssw0rd!"}"#, 200), ("DELETE", "", 204)] {
            let tokens = DIALECTS.map(|dialect| dialects.access_token(dialect, "jane"));
            assert!(tokens.iter().all(|token| dialects.client.open(token).status == 200));
            assert_eq!(dialects.keyed(method, &path, body).status, status);
            for (dialect, token) in DIALECTS.iter().zip(&tokens) {
                assert_eq!(dialects.client.open(token).status, 401, "{method}, {dialect}");
            }
        }
    }
}

#[test]
fn role_set_through_an_api_key_opens_the_protected_resource() {
    for data in TestData::on_every_store() {
        let server = TestServer::start_with(&data, &[("AUTH_PROTECTED__REQUIRED_ROLE", "admin")]);
        let dialects = AllDialects::new(&data, &server);
        let user = r#"{"username":"jane","email":"jane@example.com","password":"P@ssw0rd!"}"#;
        let id = dialects.keyed("POST", "/api/v1/users", user).member("id");
        let opens =
            || DIALECTS.map(|dialect| dialects.client.open(&dialects.access_token(dialect, "jane")).status);
        assert_eq!(opens(), [403; 5], "with the roles of a new user");
        for (roles, said, status) in [
            (r#"["customer","admin"]"#, r#"["admin","customer"]"#, 200),
            (r#"["customer"]"#, r#"["customer"]"#, 403),
        ] {
            let path = format!("/api/v1/users/{id}/roles");
            let response = dialects.keyed("PUT", &path, &format!(r#"{{"roles":{roles}}}"#));
            response.assert(200, &format!(r#"{{"roles":{said}}}"#));
            assert_eq!(opens(), [status; 5], "logged in with {roles}");
        }
    }
}
