//! A client that costs next to nothing, for those who measure on the machine that also serves.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use crate::Response;
use crate::raw::{connect, parse};

const HEAD_END: &[u8] = b"\r\n\r\n";

/// A connection that is kept from answer to answer.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// A connection to `base`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn open(base: &str) -> Self {
        let stream = connect(base);
        stream.set_nodelay(true).expect("no delay");
        Self { stream, received: Vec::with_capacity(2_048) }
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn post(&mut self, path: &str, body: &str) -> io::Result<Response> {
        self.exchange(&post(path, body))
    }

    /// `GET path` with an access token.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn get(&mut self, path: &str, token: &str) -> io::Result<Response> {
        self.exchange(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        ))
    }

    /// Sends `POST path` with a JSON body, and waits for no answer.
    ///
    /// # Errors
    /// When the server has closed the connection.
    pub fn send_post(&mut self, path: &str, body: &str) -> io::Result<()> {
        self.stream.write_all(post(path, body).as_bytes())
    }

    fn exchange(&mut self, request: &str) -> io::Result<Response> {
        self.stream.write_all(request.as_bytes())?;
        self.received.clear();
        loop {
            let mut chunk = [0; 2_048];
            let count = self.stream.read(&mut chunk)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.received.extend_from_slice(&chunk[..count]);
            if let Some(response) = self.whole_answer() {
                return Ok(response);
            }
        }
    }

    /// The answer, once all of it is there. The service gives every answer its length.
    fn whole_answer(&self) -> Option<Response> {
        self.received.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END)?;
        let response = parse(&self.received)?;
        let length = response.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        (response.body.len() >= length).then_some(response)
    }
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}
