//! `ChromeDriver`, to which a browser's orders are sent (W3C `WebDriver`).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::Programs;

/// How long an order may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A process of `ChromeDriver` on a port of its own, which is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    base: String,
    agent: Agent,
}

impl Driver {
    pub(crate) fn start(programs: &Programs) -> Self {
        let mut command = Command::new(&programs.driver);
        let mut child = command
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("ChromeDriver starts");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let port = line.split_once("started successfully on port ")?.1;
            Some(port.trim_end_matches('.').to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        let base = format!("http://127.0.0.1:{}", port.expect("ChromeDriver says where it is"));
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(WAIT_TIMEOUT))
            .build()
            .new_agent();
        Self { child, base, agent }
    }

    pub(crate) fn post(&self, path: &str, order: &Value) -> Result<Value, String> {
        let request = self.agent.post(format!("{}{path}", self.base));
        read(request.header("Content-Type", "application/json").send(order.to_string()))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, String> {
        read(self.agent.get(format!("{}{path}", self.base)).call())
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Value, String> {
        read(self.agent.delete(format!("{}{path}", self.base)).call())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every answer is `{"value": ..}`; that of an order that failed says why in there.
fn read(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, String> {
    let mut response = response.map_err(|error| error.to_string())?;
    // A screenshot is larger than what ureq reads by default would allow of other bodies.
    let body = response.body_mut().with_config().limit(64 << 20).read_to_string();
    let body = body.map_err(|error| error.to_string())?;
    let mut body: Value = serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))?;
    if response.status().is_success() { Ok(body["value"].take()) } else { Err(body.to_string()) }
}
