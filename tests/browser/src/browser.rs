//! A browser with one window.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::Response;
use serde_json::{Value, json};

use crate::driver::Driver;
use crate::find;

/// How long to wait for what ought to happen soon.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Nothing of this is about the service: no window, no first steps, nothing that speaks to its maker.
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

/// Sends the request that a page's script would, and gives what the script gets to see of the answer.
const FETCH: &str = "const [url, options] = arguments;
    return fetch(url, options).then(
        async response => ({ status: response.status, headers: [...response.headers], body: await response.text() }),
        error => null,
    );";

/// A browser, which is closed when it is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Driver,
    session: String,
}

impl Browser {
    /// Starts a browser that keeps its cookies in the directory `profile`, and finds those there that another left.
    #[must_use]
    pub fn start(profile: &Path) -> Self {
        let programs = find().unwrap_or_else(|line| panic!("{line}"));
        let driver = Driver::start(&programs);
        let mut arguments: Vec<_> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        if runs_as_root() {
            // Chromium's sandbox refuses root.
            arguments.push("--no-sandbox".to_owned());
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": programs.browser, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": 20_000, "pageLoad": 20_000},
        }}});
        let session = driver.post("/session", &wanted).unwrap_or_else(|error| panic!("no browser: {error}"));
        let session = session["sessionId"].as_str().expect("a session").to_owned();
        Self { driver, session }
    }

    /// Opens a page and waits until it has loaded.
    pub fn open(&self, url: &str) {
        self.order("url", &json!({ "url": url }));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.order("refresh", &json!({}));
    }

    /// Runs `script`, the body of a function, in the page, and gives what it returns or the promise it returns holds.
    #[must_use]
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.order("execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Calls `fetch(url, options)` in the page. `None` when the browser keeps the answer from the page's script, or
    /// sent nothing.
    #[must_use]
    pub fn fetch(&self, url: &str, options: &Value) -> Option<Response> {
        let seen = self.run(FETCH, &[json!(url), options.clone()]);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Some(Response {
            status: u16::try_from(seen["status"].as_u64()?).expect("a status"),
            headers: seen["headers"]
                .as_array()
                .expect("headers")
                .iter()
                .map(|header| (text(&header[0]), text(&header[1])))
                .collect(),
            body: text(&seen["body"]),
        })
    }

    /// The cookies that the browser would send with a request for the page, those that no script sees included, as
    /// `WebDriver` describes them.
    #[must_use]
    pub fn cookies(&self) -> Vec<Value> {
        self.ask("cookie").as_array().expect("cookies").clone()
    }

    /// Waits until `script` returns `true`; the page may change meanwhile.
    pub fn wait_until(&self, script: &str) {
        let order = json!({"script": script, "args": []});
        let path = format!("/session/{}/execute/sync", self.session);
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while self.driver.post(&path, &order) != Ok(Value::Bool(true)) {
            assert!(Instant::now() < deadline, "not in time: {script}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the browser's console was told since it was asked last, by pages and about them.
    #[must_use]
    pub fn console(&self) -> Vec<String> {
        let entries = self.log("browser");
        entries.iter().map(|entry| format!("{}: {}", entry["level"], entry["message"])).collect()
    }

    /// What came of the requests that pages sent, since it was asked last: `200 URL`, or `failed URL` without an
    /// answer.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let mut sent = HashMap::new();
        let log = self.log("performance");
        log.iter().filter_map(|entry| outcome(entry, &mut sent)).collect()
    }

    /// Keeps a picture of the whole page at `path`, for a human to look at.
    pub fn screenshot(&self, path: &Path) {
        let size = "const page = document.documentElement; return [page.scrollWidth, page.scrollHeight];";
        let size = self.run(size, &[]);
        self.order("window/rect", &json!({"width": 1200, "height": size[1].as_u64().map(|h| h + 150)}));
        let picture = self.ask("screenshot");
        let picture = STANDARD.decode(picture.as_str().expect("a picture")).expect("Base64");
        fs::create_dir_all(path.parent().expect("a directory")).expect("the directory");
        fs::write(path, picture).expect("written");
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.order("se/log", &json!({"type": kind})).as_array().expect("entries").clone()
    }

    fn order(&self, what: &str, order: &Value) -> Value {
        let done = self.driver.post(&format!("/session/{}/{what}", self.session), order);
        done.unwrap_or_else(|error| panic!("{what} {order}: {error}"))
    }

    fn ask(&self, what: &str) -> Value {
        let response = self.driver.get(&format!("/session/{}/{what}", self.session));
        response.unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser's own way to close, for it to write what it keeps in its profile.
        let _ = self.driver.delete(&format!("/session/{}", self.session));
    }
}

fn runs_as_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// What an entry of the log says came of a request by HTTP, if it does. The browser's own pages send others.
fn outcome(entry: &Value, sent: &mut HashMap<String, String>) -> Option<String> {
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
