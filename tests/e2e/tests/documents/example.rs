//! What a document prints: a request, and what it is answered.

use std::collections::BTreeMap;

use e2e::{Answer, Server, World};
use serde_json::Value;

use crate::likeness;

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

/// What stands for what: by what the documents print, what the server has given out.
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

    /// The same, whose answer gives values that later requests put in the place of these names: each by the JSON
    /// pointer to a member, or by `set-cookie`.
    pub(crate) const fn keeps(self, keeps: &'static [(&'static str, &'static str)]) -> Self {
        Self { keeps, ..self }
    }

    /// The same, sent to a server that has this setting, and no default.
    pub(crate) const fn under(self, setting: &'static str, value: &'static str) -> Self {
        Self { setting: Some((setting, value)), ..self }
    }

    /// Sends the request; what differs from what is printed is the error.
    pub(crate) fn replay(&self, world: &World, server: &Server, known: &mut Known) -> Result<(), String> {
        let answer = match self.setting {
            Some(setting) => self.send(&Server::start_with(world, &[setting]), known),
            None => self.send(server, known),
        };
        self.keep(&answer, known);
        self.compare(&answer).map_err(|difference| {
            format!("{}, {}: {difference}, in {} {}", self.heading, self.request, answer.status, answer.body)
        })
    }

    fn send(&self, server: &Server, known: &Known) -> Answer {
        let request = known.put_into(self.request);
        let mut lines = request.lines();
        let (method, path) = lines.next().and_then(|line| line.split_once(' ')).expect("a method and a path");
        let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
        server.client().send(method, path, &headers, &known.put_into(self.body))
    }

    fn keep(&self, answer: &Answer, known: &mut Known) {
        for (name, source) in self.keeps {
            let value = if *source == "set-cookie" {
                answer.header(source).and_then(|cookie| cookie.split(';').next()).map(str::to_owned)
            } else {
                answer.json().pointer(source).and_then(Value::as_str).map(str::to_owned)
            };
            known.0.insert(name, value.unwrap_or_else(|| panic!("no {source} in {answer:?}")));
        }
    }

    fn compare(&self, answer: &Answer) -> Result<(), String> {
        if answer.status != self.status {
            return Err(format!("not {}", self.status));
        }
        if self.printed.is_empty() {
            return if answer.body.is_empty() { Ok(()) } else { Err("a body".to_owned()) };
        }
        let printed = serde_json::from_str(self.printed).expect("the document prints JSON");
        likeness::compare(&answer.json(), &printed, "the body")
    }
}
