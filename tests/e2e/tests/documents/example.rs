//! What a document prints: a request, and what it is answered.

use std::collections::BTreeMap;

use e2e::{Response, TestData, TestServer};
use serde_json::Value;

use crate::matching;

/// One API document.
pub(crate) struct Document {
    /// The dialect that speaks it.
    pub(crate) name: &'static str,
    /// What it prints, in an order in which it works.
    pub(crate) examples: &'static [Example],
    /// The statuses and bodies that it prints and that no request provokes.
    pub(crate) unprovoked: &'static [(u16, &'static str)],
}

/// A request, and what the document says is answered.
#[derive(Clone, Copy)]
pub(crate) struct Example {
    heading: &'static str,
    /// Method and path, then a header a line.
    request: &'static str,
    body: &'static str,
    status: u16,
    /// The body of the answer as it is printed; empty when there is none.
    printed: &'static str,
    keeps: &'static [(&'static str, &'static str)],
    setting: Option<(&'static str, &'static str)>,
}

/// The values that the server issued, by the placeholders that the documents print for them.
pub(crate) struct Known(BTreeMap<&'static str, String>);

impl Known {
    /// What is known at first is an API key.
    pub(crate) fn new(api_key: String) -> Self {
        Self(BTreeMap::from([("<api key>", api_key)]))
    }

    fn put_into(&self, printed: &str) -> String {
        self.0.iter().fold(printed.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

impl Example {
    /// A request under a heading of the document, without a body.
    pub(crate) const fn of(heading: &'static str, request: &'static str) -> Self {
        Self { heading, request, body: "", status: 0, printed: "", keeps: &[], setting: None }
    }

    /// The same with a body.
    pub(crate) const fn sending(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    /// The same, answered by this status and body.
    pub(crate) const fn says(self, status: u16, printed: &'static str) -> Self {
        Self { status, printed, ..self }
    }

    /// The same, with values of the response that replace these names in later requests. The source of a value is a JSON
    /// pointer or `set-cookie`.
    pub(crate) const fn keeps(self, keeps: &'static [(&'static str, &'static str)]) -> Self {
        Self { keeps, ..self }
    }

    /// The same, sent to a server that has this setting, and no default.
    pub(crate) const fn under(self, setting: &'static str, value: &'static str) -> Self {
        Self { setting: Some((setting, value)), ..self }
    }

    /// Sends the request; what differs from what is printed is the error.
    pub(crate) fn replay(
        &self,
        data: &TestData,
        server: &TestServer,
        known: &mut Known,
    ) -> Result<(), String> {
        let response = match self.setting {
            Some(setting) => self.send(&TestServer::start_with(data, &[setting]), known),
            None => self.send(server, known),
        };
        self.keep(&response, known);
        self.compare(&response).map_err(|difference| {
            format!(
                "{}, {}: {difference}, in {} {}",
                self.heading, self.request, response.status, response.body
            )
        })
    }

    fn send(&self, server: &TestServer, known: &Known) -> Response {
        let request = known.put_into(self.request);
        let mut lines = request.lines();
        let (method, path) = lines.next().and_then(|line| line.split_once(' ')).expect("a method and a path");
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        server.client().send(method, path, &headers, &known.put_into(self.body))
    }

    fn keep(&self, response: &Response, known: &mut Known) {
        for (name, source) in self.keeps {
            let value = if *source == "set-cookie" {
                response.header(source).and_then(|cookie| cookie.split(';').next()).map(str::to_owned)
            } else {
                response.json().pointer(source).and_then(Value::as_str).map(str::to_owned)
            };
            known.0.insert(name, value.unwrap_or_else(|| panic!("no {source} in {response:?}")));
        }
    }

    fn compare(&self, response: &Response) -> Result<(), String> {
        if response.status != self.status {
            return Err(format!("not {}", self.status));
        }
        if self.printed.is_empty() {
            return if response.body.is_empty() { Ok(()) } else { Err("a body".to_owned()) };
        }
        let printed = serde_json::from_str(self.printed).expect("the document prints JSON");
        matching::compare(&response.json(), &printed, "the body")
    }
}
