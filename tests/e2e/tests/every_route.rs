//! What holds on every route there is, whoever answers: the dialects' own tables of routes say which there are.
#![expect(clippy::expect_used, reason = "a test that cannot be set up fails")]

use auth_http::dialects::{ALL, Dialect, Endpoint, Route};
use e2e::{Answer, Server, World, command};

/// What lies beside the dialects and answers GET and HEAD.
const BESIDE: [&str; 4] = ["/", "/health/live", "/health/ready", "/.well-known/jwks.json"];

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A route of a dialect, and what whoever calls it has to show beforehand.
struct Door {
    dialect: &'static dyn Dialect,
    route: &'static Route,
    path: String,
    key: Option<String>,
}

impl Door {
    fn name(&self) -> String {
        format!("{} {} of {}", self.route.method, self.path, self.dialect.profile().name)
    }

    fn takes_a_body(&self) -> bool {
        let name = self.dialect.profile().name;
        let is_bare = name == "cookie" && matches!(self.route.endpoint, Endpoint::Refresh | Endpoint::LogOut);
        !is_bare && matches!(self.route.method.as_str(), "POST" | "PUT")
    }

    fn send(&self, server: &Server, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let key = self.key.iter().map(|key| ("X-API-Key", key.as_str()));
        let headers: Vec<_> = headers.iter().copied().chain(key).collect();
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{body}",
            self.path,
            body.len(),
            lines.concat(),
        );
        e2e::send_raw(server.base(), head.as_bytes())
            .unwrap_or_else(|| panic!("no answer to {}", self.name()))
    }
}

/// Every route of every dialect, where it is by default.
fn doors(world: &World) -> Vec<Door> {
    let made = command(world).args(["api-key", "create", "--name", "every door"]).output().expect("run");
    let key = String::from_utf8(made.stdout).expect("text").trim().lines().last().expect("a key").to_owned();
    let doors = ALL.into_iter().flat_map(|dialect| {
        let profile = dialect.profile();
        let key = (profile.name == "directory").then(|| key.clone());
        dialect.routes().iter().map(move |route| {
            let path = route.path.replace("{user_id}", "00000000-0000-7000-8000-000000000000");
            Door { dialect, route, path: format!("{}{path}", profile.prefix), key: key.clone() }
        })
    });
    doors.collect()
}

/// What every answer has, and what none has.
fn assert_hardened(answer: &Answer, what: &str) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} of {what}: {answer:?}");
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'"), "{what}: {answer:?}");
    assert!(policy.contains("frame-ancestors 'none'"), "{what}: {answer:?}");
    assert!(answer.header("x-request-id").is_some_and(|id| id.len() == 16), "{what}: {answer:?}");
    for name in ["server", "x-powered-by", "strict-transport-security"] {
        assert_eq!(answer.header(name), None, "{name} of {what}: {answer:?}");
    }
}

/// A refusal: hardened, and in the envelope of the dialects, which is a JSON object with one text that says what it is.
fn assert_refused(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert_hardened(answer, what);
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}: {answer:?}");
    let body = answer.json();
    let text = body.get("error").or_else(|| body.get("message")).and_then(|text| text.as_str());
    assert!(text.is_some_and(|text| !text.is_empty()), "{what}: {answer:?}");
}

#[test]
fn every_route_is_hardened_whether_it_serves_or_refuses() {
    let world = World::on_sqlite();
    let server = Server::start(&world);
    for door in doors(&world) {
        let answer = door.send(&server, door.route.method.as_str(), &[], "");
        assert_hardened(&answer, &door.name());
        assert!((400..500).contains(&answer.status), "{}: {answer:?}", door.name());
    }
    for path in BESIDE {
        let answer = server.client().get(path, None);
        assert_eq!(answer.status, 200, "{path}");
        assert_hardened(&answer, path);
    }
}

#[test]
fn every_route_says_which_methods_it_has() {
    let world = World::on_sqlite();
    let server = Server::start(&world);
    for door in doors(&world) {
        for method in ["PATCH", "OPTIONS", "TRACE", "PROPFIND"] {
            let answer = door.send(&server, method, &[], "");
            assert_refused(&answer, 405, &format!("{method} at {}", door.name()));
            let allowed = answer.header("allow").expect("Allow");
            let allowed: Vec<_> = allowed.split(", ").collect();
            assert!(allowed.contains(&door.route.method.as_str()), "{}: {allowed:?}", door.name());
            assert_eq!(allowed.contains(&"GET"), allowed.contains(&"HEAD"), "{}: {allowed:?}", door.name());
        }
    }
    for path in BESIDE {
        let answer = server.client().send("POST", path, &[], "{}");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        assert_hardened(&answer, path);
    }
}

#[test]
fn every_body_is_bounded_and_has_to_be_one_json_object() {
    let world = World::on_sqlite();
    let server = Server::start(&world);
    let doors = doors(&world);
    for door in doors.iter().filter(|door| door.takes_a_body()) {
        let method = door.route.method.as_str();
        let large = format!("{{\"a\":\"{}\"}}", "a".repeat(16 * 1_024));
        for (what, headers, body, status) in [
            ("a large body", vec![JSON], large.as_str(), 413),
            ("a form", vec![("Content-Type", "application/x-www-form-urlencoded")], "a=b", 415),
            ("no type", vec![], "{}", 415),
            ("no body", vec![JSON], "", 400),
            ("half an object", vec![JSON], "{", 400),
            ("an array", vec![JSON], "[\"john_doe\",\"P@ssw0rd!\"]", 400),
            ("a doubled member", vec![JSON], "{\"password\":\"a\",\"password\":\"b\"}", 400),
            ("a mark of the byte order", vec![JSON], "\u{feff}{}", 400),
            ("trailing data", vec![JSON], "{} {}", 400),
            ("two types", vec![JSON, JSON], "{}", 400),
        ] {
            let answer = door.send(&server, method, &headers, body);
            assert_refused(&answer, status, &format!("{what} to {}", door.name()));
        }
    }
}

#[test]
fn every_route_refuses_two_authorizations_and_takes_no_token_from_a_query() {
    let world = World::on_sqlite();
    let server = Server::start(&world);
    let token = {
        assert_eq!(server.client().register("john_doe").status, 201);
        server.client().log_in("john_doe").member("acc_token")
    };
    for mut door in doors(&world) {
        let bearer = format!("Bearer {token}");
        let twice = [("Authorization", bearer.as_str()), ("Authorization", bearer.as_str()), JSON];
        let answer = door.send(&server, door.route.method.as_str(), &twice, "");
        assert_refused(&answer, 400, &format!("two authorizations at {}", door.name()));
        if matches!(door.route.endpoint, Endpoint::Me | Endpoint::ProtectedResource) {
            door.path = format!("{}?access_token={token}&token={token}", door.path);
            let answer = door.send(&server, "GET", &[], "");
            assert_refused(&answer, 401, &format!("a token in the query of {}", door.name()));
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{}", door.name());
        }
    }
}

#[test]
fn on_https_every_answer_asks_for_https_for_two_years() {
    let world = World::on_sqlite();
    let server = Server::start_with(&world, &[("AUTH_PUBLIC_URL", "https://auth.example.com")]);
    for path in ["/", "/health/live", "/v1/protected/resource", "/api/user", "/nowhere"] {
        let answer = server.client().get(path, None);
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=63072000"), "{path}");
    }
}
