//! A resource server: it answers requests that have an access token.
//!
//! ```sh
//! ISSUER=http://localhost:8080 cargo run -p auth-verify --example resource_server
//! curl -i http://127.0.0.1:8081/ -H "Authorization: Bearer $TOKEN"
//! ```
//!
//! `AUDIENCE` is the audience of the tokens, by default the issuer. `ROLE` is the role that `/` requires, by default `customer`.
//! `LISTEN` is the address of the listener. `MAX_STALENESS` is the number of seconds for which the feed may be away.
#![expect(clippy::print_stdout, reason = "the example prints its address")]

use std::env;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use auth_verify::{Verifier, VerifyError, WhenStale};

/// The longest request head, in bytes.
const MAX_HEAD: u64 = 8 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let issuer = variable("ISSUER", "http://localhost:8080");
    let max_staleness = Duration::from_secs(variable("MAX_STALENESS", "60").parse()?);
    let mut builder = Verifier::builder(&issuer).when_stale(max_staleness, WhenStale::Refuse);
    builder = builder.audience(variable("AUDIENCE", &issuer));
    for (name, set) in [
        ("KEYS_URL", auth_verify::VerifierBuilder::keys_url as fn(_, String) -> _),
        ("ENDED_SESSIONS_URL", auth_verify::VerifierBuilder::ended_sessions_url),
    ] {
        if let Ok(url) = env::var(name) {
            builder = set(builder, url);
        }
    }
    let verifier = builder.build()?;
    verifier.sync()?;
    let _following = verifier.follow_in_background()?;
    let role = variable("ROLE", "customer");
    let listener = TcpListener::bind(variable("LISTEN", "127.0.0.1:8081"))?;
    println!("listening on http://{}", listener.local_addr()?);
    for connection in listener.incoming().flatten() {
        let (verifier, role) = (verifier.clone(), role.clone());
        thread::spawn(move || serve(&connection, &verifier, &role));
    }
    Ok(())
}

/// Answers one request and closes the connection.
fn serve(mut connection: &TcpStream, verifier: &Verifier, role: &str) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    let head = BufReader::new(std::io::Read::take(connection, MAX_HEAD)).lines().map_while(Result::ok);
    let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
    let authorization = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("authorization").then(|| value.trim())
    });
    let (status, headers, body) = match greet(verifier, role, authorization) {
        Ok(greeting) => (200, String::new(), greeting),
        Err(error) => (error.status(), headers(&error), error.to_string()),
    };
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status} \r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn greet(verifier: &Verifier, role: &str, authorization: Option<&str>) -> Result<String, VerifyError> {
    let claims = verifier.verify_authorization(authorization)?;
    claims.require_role(role)?;
    Ok(format!("hello {}", claims.user_id))
}

fn headers(error: &VerifyError) -> String {
    let challenge = error.www_authenticate().map(|value| format!("WWW-Authenticate: {value}\r\n"));
    let retry = error.retry_after().map(|after| format!("Retry-After: {}\r\n", after.as_secs()));
    [challenge, retry].into_iter().flatten().collect()
}
