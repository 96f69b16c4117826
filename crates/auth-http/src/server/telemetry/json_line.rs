//! Formats events as JSON lines.
//!
//! The JSON format of tracing-subscriber stores the fields of a span as text. For every event it parses that text and
//! serialises it again, which takes longer than the rest of the line. This formatter copies the text into the line
//! instead, which saves a sixth of the processor time of a `/me` from the caches (`docs/benchmarks.md`).

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats an event as one object: time, level, the fields of the event, its target, and its span.
pub(super) struct JsonLine;

/// Formats fields as members of an object, each after a comma.
pub(super) struct JsonMembers;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut line)?;
        write!(line, r#"","level":"{}""#, event.metadata().level())?;
        context.format_fields(line.by_ref(), event)?;
        member(&mut line, "target", event.metadata().target())?;
        let span = event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
        if let Some(span) = span {
            line.write_str(r#","span":{"name":"#)?;
            text(&mut line, span.name())?;
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                line.write_str(&fields.fields)?;
            }
            line.write_char('}')?;
        }
        line.write_str("}\n")
    }
}

impl<'a> FormatFields<'a> for JsonMembers {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'a>, fields: R) -> fmt::Result {
        let mut members = Members { writer, outcome: Ok(()) };
        fields.record(&mut members);
        members.outcome
    }
}

struct Members<'a> {
    writer: Writer<'a>,
    outcome: fmt::Result,
}

impl Members<'_> {
    fn add(&mut self, field: &Field, write: impl FnOnce(&mut Writer<'_>, &str) -> fmt::Result) {
        if self.outcome.is_ok() {
            self.outcome = write(&mut self.writer, field.name().trim_start_matches("r#"));
        }
    }
}

impl Visit for Members<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, |to, name| write!(to, r#","{name}":{value}"#));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, |to, name| write!(to, r#","{name}":{value}"#));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, |to, name| write!(to, r#","{name}":{value}"#));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, |to, name| member(to, name, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, |to, name| member(to, name, format_args!("{value:?}")));
    }
}

/// Writes a member with a text value. Field names are Rust identifiers and need no escapes.
fn member(to: &mut Writer<'_>, name: &str, value: impl fmt::Display) -> fmt::Result {
    write!(to, r#","{name}":"#)?;
    text(to, value)
}

fn text(to: &mut Writer<'_>, value: impl fmt::Display) -> fmt::Result {
    to.write_char('"')?;
    write!(Escaped(to), "{value}")?;
    to.write_char('"')
}

/// Escapes the characters that a JSON string cannot contain literally (RFC 8259, section 7).
struct Escaped<'a, 'b>(&'a mut Writer<'b>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut written = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.0.write_str(&text[written..at])?;
            match byte {
                b'"' | b'\\' => write!(self.0, "\\{}", char::from(byte))?,
                b'\n' => self.0.write_str("\\n")?,
                _ => write!(self.0, "\\u{byte:04x}")?,
            }
            written = at + 1;
        }
        self.0.write_str(&text[written..])
    }
}
