//! Where pages are from.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use e2e::TestServer;

/// The end of the paths that serve an empty page.
const PAGE_PATH: &str = "/page";
const PAGE: &str = "<!doctype html><title>A page</title><link rel=\"icon\" href=\"data:,\">";

/// A web origin on this machine. It serves an empty page and forwards all other requests to a server, like a reverse
/// proxy in front of an application and this service.
#[derive(Debug)]
pub struct OriginProxy {
    url: String,
    shared: Arc<ProxyState>,
}

#[derive(Debug, Default)]
struct ProxyState {
    server: Mutex<Option<String>>,
    forwarded: Mutex<Vec<String>>,
}

impl OriginProxy {
    /// An origin of this host, `127.0.0.1` or `localhost`, on a port of its own.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::<ProxyState>::default();
        let accepted = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&accepted);
                thread::spawn(move || shared.response(&stream));
            }
        });
        Self { url: format!("http://{host}:{port}"), shared }
    }

    /// The origin, as browsers write it: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of a path of this origin.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The URL of an empty page.
    #[must_use]
    pub fn page(&self) -> String {
        self.at(PAGE_PATH)
    }

    /// Passes on to this server from now on.
    pub fn forward_to(&self, server: &TestServer) {
        *lock(&self.shared.server) = Some(server.base().to_owned());
    }

    /// What was forwarded on since it was asked last, and how it was answered: `POST /api/auth/login 200`.
    #[must_use]
    pub fn forwarded(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared.forwarded))
    }
}

impl ProxyState {
    /// Serves one request. A browser that goes away meanwhile is no fault.
    fn response(&self, client: &TcpStream) -> Option<()> {
        let (head, body) = receive(client).ok()?;
        let mut words = head.split(' ');
        let (method, path) = (words.next()?, words.next()?);
        let mut client = client;
        let server = lock(&self.server).clone();
        let Some(server) = server.filter(|_| !path.ends_with(PAGE_PATH)) else {
            let length = PAGE.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}");
            return write!(client, "{head}\r\nConnection: close\r\n\r\n{PAGE}").ok();
        };
        let mut server = TcpStream::connect(server.strip_prefix("http://")?).ok()?;
        write!(server, "{head}Connection: close\r\n\r\n").ok()?;
        server.write_all(&body).ok()?;
        let mut response = Vec::new();
        server.read_to_end(&mut response).ok()?;
        let status = String::from_utf8_lossy(response.get(9..12)?).into_owned();
        lock(&self.forwarded).push(format!("{method} {path} {status}"));
        client.write_all(&response).ok()
    }
}

/// The head of a request, without what it says of the connection and without its end, and the body.
fn receive(client: &TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut client = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        client.read_line(&mut line)?;
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body)?;
    Ok((head, body))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
