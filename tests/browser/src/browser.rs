//! A browser with one window, driven through `ChromeDriver` (W3C `WebDriver`).

use std::collections::HashMap;
use std::future::Future;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use e2e::Response;
use fantoccini::cookies::Cookie;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use url::{ParseError, Url};

use crate::driver::Driver;
use crate::find;

/// How long a condition of a page may take to become true.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one command may take. Scripts and page loads have shorter limits of their own.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// No window, no first-run pages, and no requests to the vendor of the browser.
const ARGUMENTS: [&str; 8] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Sends a request as a page's script would, and returns what the script can read of the response.
const FETCH: &str = "const [url, options] = arguments;
    return fetch(url, options).then(
        async response => ({ status: response.status, headers: [...response.headers], body: await response.text() }),
        error => null,
    );";

/// A browser, which is closed on drop.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    runtime: Runtime,
    /// Dropped last: `ChromeDriver` must outlive the session that is closed through it.
    _driver: Driver,
}

impl Browser {
    /// Starts a browser that keeps its cookies in the directory `profile` and reuses those of an earlier browser there.
    #[must_use]
    pub fn start(profile: &Path) -> Self {
        let programs = find().unwrap_or_else(|line| panic!("{line}"));
        let driver = Driver::start(&programs);
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut arguments: Vec<_> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        if runs_as_root() {
            // Chromium's sandbox does not work as root.
            arguments.push("--no-sandbox".to_owned());
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": programs.browser, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": 20_000, "pageLoad": 20_000},
        });
        let capabilities: Capabilities = serde_json::from_value(capabilities).expect("a JSON object");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder.capabilities(capabilities).connect(driver.url());
        let client = runtime.block_on(connecting).unwrap_or_else(|error| panic!("no browser: {error}"));
        Self { client, runtime, _driver: driver }
    }

    /// Opens a page and waits until it has loaded.
    pub fn open(&self, url: &str) {
        self.command(self.client.goto(url));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.command(self.client.refresh());
    }

    /// Runs `script`, the body of a function, in the page. Returns its result, or that of the promise it returns.
    #[must_use]
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.command(self.client.execute(script, arguments.to_vec()))
    }

    /// Calls `fetch(url, options)` in the page. Returns `None` if the browser sent nothing or hides the response from
    /// the page's script.
    #[must_use]
    pub fn fetch(&self, url: &str, options: &Value) -> Option<Response> {
        let found = self.run(FETCH, &[json!(url), options.clone()]);
        Some(Response {
            status: u16::try_from(found["status"].as_u64()?).expect("a status"),
            headers: serde_json::from_value(found["headers"].clone()).expect("headers"),
            body: found["body"].as_str().expect("a body").to_owned(),
        })
    }

    /// The cookies that the browser would send with a request for the page, including those hidden from scripts.
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie<'static>> {
        self.command(self.client.get_all_cookies())
    }

    /// Waits until `script` returns `true`. The page may change in the meantime, which makes a command fail.
    pub fn wait_until(&self, script: &str) {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while !matches!(self.try_command(self.client.execute(script, Vec::new())), Ok(Value::Bool(true))) {
            assert!(Instant::now() < deadline, "not true in time: {script}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The console messages since the last call, from pages and from the browser about them.
    #[must_use]
    pub fn console(&self) -> Vec<String> {
        let entries = self.log("browser");
        entries.iter().map(|entry| format!("{}: {}", entry["level"], entry["message"])).collect()
    }

    /// The results of the requests that pages sent since the last call: `200 URL`, or `failed URL` without a response.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let mut sent = HashMap::new();
        let log = self.log("performance");
        log.iter().filter_map(|entry| request_result(entry, &mut sent)).collect()
    }

    /// Writes a picture of the whole page to `path`, for a human to look at.
    pub fn screenshot(&self, path: &Path) {
        let height = self.run("return document.documentElement.scrollHeight;", &[]);
        let height = height.as_u64().and_then(|height| u32::try_from(height).ok()).expect("a height");
        self.command(self.client.set_window_size(1200, height + 150));
        let picture = self.command(self.client.screenshot());
        fs::create_dir_all(path.parent().expect("a directory")).expect("the directory");
        fs::write(path, picture).expect("written");
    }

    fn log(&self, kind: &'static str) -> Vec<Value> {
        let entries = self.command(self.client.issue_cmd(ReadLog(kind)));
        entries.as_array().expect("entries").clone()
    }

    fn command<T>(&self, command: impl Future<Output = Result<T, CmdError>>) -> T {
        self.try_command(command).unwrap_or_else(|error| panic!("{error}"))
    }

    fn try_command<T>(&self, command: impl Future<Output = Result<T, CmdError>>) -> Result<T, CmdError> {
        let limited = async { timeout(COMMAND_TIMEOUT, command).await };
        self.runtime.block_on(limited).expect("ChromeDriver answers in time")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing the session, instead of killing the process, makes the browser write its cookies to the profile.
        let _ = self.try_command(self.client.clone().close());
    }
}

/// `ChromeDriver`'s own command that returns a log and empties it.
#[derive(Debug)]
struct ReadLog(&'static str);

impl WebDriverCompatibleCommand for ReadLog {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/se/log", session_id.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": self.0}).to_string()))
    }
}

fn runs_as_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The result of an HTTP request, if this entry of the performance log contains one. Requests of the browser's own pages
/// use other schemes and are left out.
fn request_result(entry: &Value, sent: &mut HashMap<String, String>) -> Option<String> {
    let event: Value = serde_json::from_str(entry["message"].as_str()?).expect("an event");
    let (method, params) = (&event["message"]["method"], &event["message"]["params"]);
    let id = params["requestId"].as_str()?;
    match method.as_str()? {
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str().filter(|url| url.starts_with("http"))?;
            sent.insert(id.to_owned(), url.to_owned());
            None
        }
        "Network.responseReceived" => {
            sent.get(id).map(|url| format!("{} {url}", params["response"]["status"]))
        }
        "Network.loadingFailed" => sent.get(id).map(|url| format!("failed {url}")),
        _ => None,
    }
}
