//! Requests that no client would send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::Response;

/// A connection to `base`, such as `http://127.0.0.1:8080`.
#[must_use]
pub fn connect(base: &str) -> TcpStream {
    let address = base.strip_prefix("http://").expect("plain HTTP");
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    stream
}

/// Sends these bytes and reads until the server closes; `None` when it closes without an answer.
#[must_use]
pub fn send_raw(base: &str, bytes: &[u8]) -> Option<Response> {
    let mut stream = connect(base);
    // The server may close before it has read all of what it refuses.
    let _ = stream.write_all(bytes);
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received);
    parse(&received)
}

pub(crate) fn parse(received: &[u8]) -> Option<Response> {
    let text = String::from_utf8_lossy(received);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    Some(Response {
        status,
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: body.to_owned(),
    })
}
