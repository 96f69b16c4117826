//! One account store behind five front doors: who comes in by one is known at all the others.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use std::process::Stdio;

use e2e::{Answer, Client, Server, World, command};

const DIALECTS: [&str; 5] = ["single_token", "directory", "token_pair", "accounts", "cookie"];
const PASSWORD: &str = "P@ssw0rd!";

/// Somebody who speaks every dialect of a server.
struct Polyglot {
    client: Client,
    api_key: String,
}

impl Polyglot {
    fn new(world: &World, server: &Server) -> Self {
        let mut create = command(world);
        let output = create.args(["api-key", "create", "--name", "backend"]).stderr(Stdio::null()).output();
        let output = String::from_utf8(output.expect("run").stdout).expect("UTF-8");
        let api_key = output.lines().last().expect("a key").to_owned();
        Self { client: server.client(), api_key }
    }

    fn keyed(&self, method: &str, path: &str, body: &str) -> Answer {
        self.client.send(method, path, &[("X-API-Key", &self.api_key)], body)
    }

    /// Registers a user in a dialect, and gives the identifiers that the dialect let them have.
    fn register(&self, dialect: &str) -> Vec<String> {
        let (username, email) = (format!("{dialect}_user"), format!("{dialect}@example.com"));
        let by_name = format!(r#"{{"username":"{username}","password":"{PASSWORD}"}}"#);
        let by_email = format!(r#"{{"email":"{email}","password":"{PASSWORD}"}}"#);
        let by_both = format!(r#"{{"username":"{username}","email":"{email}","password":"{PASSWORD}"}}"#);
        let answer = match dialect {
            "single_token" => self.client.post("/v1/auth/register", &by_both),
            "directory" => self.keyed("POST", "/api/v1/users", &by_both),
            "token_pair" => self.client.post("/api/v1/auth/register", &by_email),
            "accounts" => self.client.post("/api/v1/auth/register", &by_both),
            _ => self.client.post("/api/auth/register", &by_name),
        };
        assert_eq!(answer.status, 201, "{dialect}: {answer:?}");
        match dialect {
            "token_pair" => vec![email],
            "cookie" => vec![username],
            _ => vec![username, email],
        }
    }

    fn log_in(&self, dialect: &str, identifier: &str, password: &str) -> Answer {
        let named = |member: &str| format!(r#"{{"{member}":"{identifier}","password":"{password}"}}"#);
        match dialect {
            "single_token" => self.client.post("/v1/auth/login", &named("email")),
            "directory" => self.keyed("POST", "/api/v1/auth/login", &named("username")),
            "token_pair" => self.client.post("/api/v1/auth/login", &named("email")),
            "accounts" => self.client.post("/api/v1/auth/login", &named("username")),
            _ => self.client.post("/api/auth/login", &named("username")),
        }
    }

    /// Logs in and gives the access token.
    fn access_token(&self, dialect: &str, identifier: &str) -> String {
        let answer = self.log_in(dialect, identifier, PASSWORD);
        assert_eq!(answer.status, 200, "{dialect}: {answer:?}");
        let body = answer.json();
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
fn who_registers_in_one_dialect_logs_in_through_every_other_on_every_store() {
    for world in World::on_every_store() {
        let server = Server::start(&world);
        let polyglot = Polyglot::new(&world, &server);
        for registered_in in DIALECTS {
            for identifier in polyglot.register(registered_in) {
                for dialect in DIALECTS {
                    let token = polyglot.access_token(dialect, &identifier);
                    assert_eq!(polyglot.client.open(&token).status, 200, "{registered_in} by {dialect}");
                    let wrong = polyglot.log_in(dialect, &identifier, "wrong password");
                    assert_eq!(wrong.status, 401, "{registered_in} by {dialect}");
                }
            }
        }
    }
}

#[test]
fn a_password_changed_or_a_user_deleted_through_directory_ends_sessions_everywhere() {
    for world in World::on_every_store() {
        let server = Server::start(&world);
        let polyglot = Polyglot::new(&world, &server);
        let user = r#"{"username":"jane","email":"jane@example.com","password":"P@ssw0rd!"}"#;
        let id = polyglot.keyed("POST", "/api/v1/users", user).member("id");
        let path = format!("/api/v1/users/{id}");
        for (method, body, status) in [("PUT", r#"{"password":"P@ssw0rd!"}"#, 200), ("DELETE", "", 204)] {
            let tokens = DIALECTS.map(|dialect| polyglot.access_token(dialect, "jane"));
            assert!(tokens.iter().all(|token| polyglot.client.open(token).status == 200));
            assert_eq!(polyglot.keyed(method, &path, body).status, status);
            for (dialect, token) in DIALECTS.iter().zip(&tokens) {
                assert_eq!(polyglot.client.open(token).status, 401, "{method}, {dialect}");
            }
        }
    }
}

#[test]
fn a_role_set_through_a_key_opens_the_resource_that_asks_for_it_on_every_store() {
    for world in World::on_every_store() {
        let server = Server::start_with(&world, &[("AUTH_PROTECTED__REQUIRED_ROLE", "admin")]);
        let polyglot = Polyglot::new(&world, &server);
        let user = r#"{"username":"jane","email":"jane@example.com","password":"P@ssw0rd!"}"#;
        let id = polyglot.keyed("POST", "/api/v1/users", user).member("id");
        let opens =
            || DIALECTS.map(|dialect| polyglot.client.open(&polyglot.access_token(dialect, "jane")).status);
        assert_eq!(opens(), [403; 5], "with the roles of a new user");
        for (roles, said, status) in [
            (r#"["customer","admin"]"#, r#"["admin","customer"]"#, 200),
            (r#"["customer"]"#, r#"["customer"]"#, 403),
        ] {
            let path = format!("/api/v1/users/{id}/roles");
            let answer = polyglot.keyed("PUT", &path, &format!(r#"{{"roles":{roles}}}"#));
            answer.assert(200, &format!(r#"{{"roles":{said}}}"#));
            assert_eq!(opens(), [status; 5], "logged in with {roles}");
        }
    }
}
