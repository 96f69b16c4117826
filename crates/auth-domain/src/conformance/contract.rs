//! The lines with MUST in the documentation of the ports.

use std::fmt;

/// A file that documents ports: its path in the crate, and its text.
struct Source {
    path: &'static str,
    text: &'static str,
}

macro_rules! sources {
    ($($path:literal)*) => {
        &[$(Source { path: concat!("src/", $path), text: include_str!(concat!("../", $path)) }),*]
    };
}

const SOURCES: &[Source] = sources! {
    "ports/api_keys.rs"
    "ports/attempts.rs"
    "ports/audit.rs"
    "ports/claims_source.rs"
    "ports/clock.rs"
    "ports/error.rs"
    "ports/hasher.rs"
    "ports/hooks.rs"
    "ports/password_rule.rs"
    "ports/revocation_feed.rs"
    "ports/sessions.rs"
    "ports/timer.rs"
    "ports/tokens.rs"
    "ports/users.rs"
    "random.rs"
};

/// A line with MUST in the contract of a port.
///
/// It is written as the text and the place of its documentation:
///
/// ```text
/// SessionRepository MUST NOT change other sessions of a user when it ends one.
/// contract: auth_domain::ports::SessionRepository (auth-domain/src/ports/sessions.rs:52)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Must {
    port: &'static str,
    text: String,
    path: &'static str,
    line: usize,
}

impl Must {
    /// The name of the port.
    #[must_use]
    pub fn port(&self) -> &'static str {
        self.port
    }

    /// The text of the line, beginning with MUST.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Must {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, text, path, line } = self;
        write!(f, "{port} {text}\ncontract: auth_domain::ports::{port} (auth-domain/{path}:{line})")
    }
}

/// The line of a port that begins with MUST and `begin`. `None` unless there is exactly one.
pub(super) fn find(port: &str, begin: &str) -> Option<Must> {
    let mut found = all().filter(|must| must.port == port && must.text["MUST ".len()..].starts_with(begin));
    found.next().filter(|_| found.next().is_none())
}

/// Every line with MUST of every port.
pub(super) fn all() -> impl Iterator<Item = Must> {
    SOURCES.iter().flat_map(musts_of)
}

/// The lines of one file. A line begins with `/// - MUST` and continues on lines that are indented further; it belongs to the
/// next trait or type.
fn musts_of(source: &Source) -> Vec<Must> {
    let (mut all, mut pending) = (Vec::new(), Vec::<Must>::new());
    let mut continues = false;
    for (index, text) in source.text.lines().enumerate() {
        let doc = text.strip_prefix("/// ");
        if let Some(begin) =
            doc.and_then(|doc| doc.strip_prefix("- ")).filter(|text| text.starts_with("MUST "))
        {
            pending.push(Must { port: "", text: without_links(begin), path: source.path, line: index + 1 });
            continues = true;
        } else if let Some(more) = doc.and_then(|doc| doc.strip_prefix("  ")).filter(|_| continues) {
            if let Some(must) = pending.last_mut() {
                must.text.push(' ');
                must.text += &without_links(more.trim_start());
            }
        } else {
            continues = false;
            if let Some(port) = declared_type(text) {
                all.extend(pending.drain(..).map(|must| Must { port, ..must }));
            }
        }
    }
    all
}

/// The name in `pub trait Name` or `pub enum Name`.
fn declared_type(line: &'static str) -> Option<&'static str> {
    let name = line.strip_prefix("pub trait ").or_else(|| line.strip_prefix("pub enum "))?;
    name.split(|character: char| !character.is_alphanumeric()).next()
}

/// Markdown without the targets of links: `[a](b)` and `[a]` become `a`.
fn without_links(markdown: &str) -> String {
    let (mut text, mut rest) = (String::new(), markdown);
    while let Some((before, after)) = rest.split_once('[') {
        let Some((label, behind)) = after.split_once(']') else { break };
        text += before;
        text += label;
        let target = behind.strip_prefix('(').and_then(|target| target.split_once(')'));
        rest = target.map_or(behind, |(_, behind)| behind);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{
        ACCESS_TOKEN_CODEC_CASES, ATTEMPT_LIMITER_CASES, AUDIT_LOG_CASES, CLOCK_CASES, Case,
        PASSWORD_HASHER_CASES, SECURE_RANDOM_CASES, STORE_CASES,
    };
    use super::*;

    /// The lines without a case, each with the reason.
    const WITHOUT_CASE: &[(&str, &str, &str)] = &[
        ("AuditLog", "neither fail nor block", "needs a store that does not answer"),
        ("RevocationFeed", "return `Ended` within one second", "needs a second node and a node without news"),
        ("SecureRandom", "panic instead of returning", "needs a source that fails"),
    ];

    /// The port and the beginning of the line of every case, with its name.
    fn tested() -> Vec<(&'static str, &'static str, String)> {
        fn of<A: ?Sized>(
            cases: &'static [Case<A>],
        ) -> impl Iterator<Item = (&'static str, &'static str, String)> {
            cases.iter().map(|case| (case.port, case.must, case.to_string()))
        }
        of(STORE_CASES)
            .chain(of(PASSWORD_HASHER_CASES))
            .chain(of(ACCESS_TOKEN_CODEC_CASES))
            .chain(of(ATTEMPT_LIMITER_CASES))
            .chain(of(AUDIT_LOG_CASES))
            .chain(of(CLOCK_CASES))
            .chain(of(SECURE_RANDOM_CASES))
            .collect()
    }

    #[test]
    fn every_case_tests_one_line_of_a_contract() {
        for (port, must, case) in tested() {
            assert!(find(port, must).is_some(), "{case}: {port} has no single line \"MUST {must}\"");
        }
    }

    #[test]
    fn every_line_of_a_contract_has_a_case_or_a_reason() {
        let tested: BTreeSet<_> = tested()
            .iter()
            .filter_map(|(port, must, _)| find(port, must))
            .map(|must| must.to_string())
            .collect();
        let mut untested: Vec<_> = all().filter(|must| !tested.contains(&must.to_string())).collect();
        for (port, begin, _) in WITHOUT_CASE {
            let exempt = find(port, begin).expect("an existing line");
            assert!(untested.contains(&exempt), "{exempt} has a case now");
            untested.retain(|must| *must != exempt);
        }
        assert_eq!(untested, [], "lines without a case");
    }

    #[test]
    fn every_file_of_the_ports_is_read() {
        let mods = include_str!("../ports/mod.rs");
        for module in mods.lines().filter_map(|line| line.strip_prefix("mod ")) {
            let path = format!("src/ports/{}.rs", module.trim_end_matches(';'));
            assert!(SOURCES.iter().any(|source| source.path == path), "{path}");
        }
        for source in SOURCES {
            let lines = source.text.matches("/// - MUST ").count();
            assert_eq!(musts_of(source).len(), lines, "{}: every line belongs to a port", source.path);
        }
    }

    #[test]
    fn line_is_written_with_its_port_and_place() {
        let must = find("SessionRepository", "NOT change other sessions").expect("a line");
        let written = must.to_string();
        let (text, place) = written.split_once('\n').expect("two lines");
        assert_eq!(text, "SessionRepository MUST NOT change other sessions of a user when it ends one.");
        let place =
            place.strip_prefix("contract: auth_domain::ports::SessionRepository (auth-domain/src/ports/");
        assert!(place.is_some_and(|place| place.starts_with("sessions.rs:")), "{written}");
    }

    #[test]
    fn links_are_written_as_their_text() {
        assert_eq!(without_links("a [`b`](crate::b) and [c], d[0"), "a `b` and c, d[0");
    }
}
