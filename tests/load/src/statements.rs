//! The statements that the service sends to PostgreSQL, read from the server's log, and a script of the same for pgbench.
//!
//! The script is made of what was logged, so it cannot fall behind the service.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

/// A statement as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its text, with `$1` and so on where the parameters go.
    pub text: String,
    /// The parameters, as PostgreSQL writes them; `None` for null.
    pub parameters: Vec<Option<String>>,
}

/// The transactions with a parameter `mark`, as they were logged from this byte of the file on, in order; the server logs
/// every statement (`log_statement`) with the usual prefix, `%m [%p] `. What the connection does for others is left out.
///
/// # Errors
/// When no connection did, or more than one.
pub fn sent(log: &Path, from: usize, mark: &str) -> Result<Vec<Statement>> {
    let log = fs::read(log)?;
    let text = String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned();
    let entries = entries(&text);
    let mut connections: Vec<_> =
        entries.iter().filter(|(_, entry)| entry.contains(mark)).map(|(connection, _)| connection).collect();
    connections.dedup();
    let [connection] = connections[..] else {
        bail!("{} connections sent {mark}", connections.len());
    };
    let all = statements(entries.iter().filter(|(of, _)| of == connection).map(|(_, entry)| entry.as_str()))?;
    let mut with_mark = transactions(all);
    with_mark.retain(|transaction| {
        let mut parameters = transaction.iter().flat_map(|statement| &statement.parameters);
        parameters.any(|parameter| parameter.as_deref() == Some(mark))
    });
    Ok(with_mark.concat())
}

/// An array of this value alone, as PostgreSQL writes it.
#[must_use]
pub fn array_of(value: &str) -> String {
    if value.contains([' ', '\\']) {
        format!(r#"{{"{}"}}"#, value.replace('\\', r"\\"))
    } else {
        format!("{{{value}}}")
    }
}

/// What is between BEGIN and COMMIT or ROLLBACK, these included; any other statement is a transaction of its own.
fn transactions(statements: Vec<Statement>) -> Vec<Vec<Statement>> {
    let mut transactions: Vec<Vec<Statement>> = Vec::new();
    let mut is_open = false;
    for statement in statements {
        let begins = statement.text.starts_with("BEGIN");
        let ends = statement.text.starts_with("COMMIT") || statement.text.starts_with("ROLLBACK");
        match transactions.last_mut().filter(|_| is_open) {
            Some(transaction) => transaction.push(statement),
            None => transactions.push(vec![statement]),
        }
        is_open = (is_open || begins) && !ends;
    }
    transactions
}

/// Each entry with the process that it is of: its lines after the first begin with a tab.
fn entries(log: &str) -> Vec<(String, String)> {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some((_, entry)) = entries.last_mut() {
                entry.push('\n');
                entry.push_str(more);
            }
        } else if let Some((_, rest)) = line.split_once(" [")
            && let Some((process, entry)) = rest.split_once("] ")
        {
            entries.push((process.to_owned(), entry.to_owned()));
        }
    }
    entries
}

fn statements<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Vec<Statement>> {
    let mut statements: Vec<Statement> = Vec::new();
    for entry in entries {
        if let Some(text) = entry.strip_prefix("LOG:  statement: ") {
            statements.push(Statement { text: text.to_owned(), parameters: Vec::new() });
        } else if let Some(named) = entry.strip_prefix("LOG:  execute ") {
            let (_, text) = named.split_once(": ").context("a named statement")?;
            statements.push(Statement { text: text.to_owned(), parameters: Vec::new() });
        } else if let Some(list) = entry.strip_prefix("DETAIL:  parameters: ") {
            statements.last_mut().context("a statement before its parameters")?.parameters =
                parameters(list)?;
        }
    }
    Ok(statements)
}

/// Reads `$1 = 'it''s', $2 = NULL`.
fn parameters(list: &str) -> Result<Vec<Option<String>>> {
    let mut parameters = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let (_, value) = rest.split_once(" = ").context("a parameter")?;
        if let Some(more) = value.strip_prefix("NULL") {
            parameters.push(None);
            rest = more.trim_start_matches(", ");
        } else {
            let value = value.strip_prefix('\'').context("a quoted value")?;
            let mut end = value.find('\'').context("the end of a value")?;
            while value[end + 1..].starts_with('\'') {
                end += 2 + value[end + 2..].find('\'').context("the end of a value")?;
            }
            parameters.push(Some(value[..end].replace("''", "'")));
            rest = value[end + 1..].trim_start_matches(", ");
        }
    }
    Ok(parameters)
}

/// What the parameters of a refresh were.
#[derive(Clone, Debug)]
pub struct Meaning {
    /// The value, as it is logged, and what takes its place in the script, with a variable such as `:d#`; `#` stands for the number of the
    /// refresh in the script, `-#` for that of the one before, `+#` for that of the one after.
    pub values: Vec<(String, String)>,
}

/// So many refreshes, one after the other, each of these statements with the variables of its number: those of the first
/// are numbered 1, and those of the one before 0.
///
/// # Errors
/// When a parameter has a value that nobody measured_from the meaning of.
pub fn script(statements: &[Statement], meaning: &Meaning, refreshes: usize) -> Result<String> {
    ensure!(!statements.is_empty(), "the service sent nothing");
    let mut script = String::new();
    for number in 1..=refreshes {
        for statement in statements {
            let text = with_variables(statement, meaning, number)?;
            writeln!(script, "{};", text.trim().trim_end_matches(';'))?;
        }
    }
    Ok(script)
}

fn with_variables(statement: &Statement, meaning: &Meaning, number: usize) -> Result<String> {
    let mut text = statement.text.clone();
    // From the last on, so that $1 is not found in $11.
    for (place, value) in statement.parameters.iter().enumerate().rev() {
        let known = value.as_ref().and_then(|value| meaning.values.iter().find(|(known, _)| known == value));
        let Some((_, variable)) = known else {
            bail!("what is the parameter {} = {value:?} of this?\n{}", place + 1, statement.text);
        };
        let variable =
            variable.replace("-#", &(number - 1).to_string()).replace("+#", &(number + 1).to_string());
        let variable = variable.replace('#', &number.to_string());
        text = text.replace(&format!("${}", place + 1), &variable);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
2026-11-21 16:00:00.000 UTC [7] LOG:  execute sqlx_s_1: SELECT a
\tFROM b WHERE c = $1
2026-11-21 16:00:00.000 UTC [7] DETAIL:  parameters: $1 = '\\x01'
2026-11-21 16:00:00.000 UTC [8] LOG:  execute sqlx_s_1: SELECT now()
2026-11-21 16:00:00.001 UTC [7] LOG:  statement: BEGIN
2026-11-21 16:00:00.001 UTC [7] LOG:  execute <unnamed>: UPDATE b SET c = $2, d = $11 WHERE c = $1
2026-11-21 16:00:00.001 UTC [7] DETAIL:  parameters: $1 = '\\x01', $2 = 'it''s, $3 = ''', $3 = NULL
";

    fn read(log: &str) -> Vec<Statement> {
        let entries = entries(log);
        statements(entries.iter().filter(|(of, _)| of == "7").map(|(_, entry)| entry.as_str()))
            .expect("statements")
    }

    #[test]
    fn statements_are_read_from_the_log_with_parameters() {
        let statements = read(LOG);
        assert_eq!(statements.len(), 3);
        assert_eq!(statements[0].text, "SELECT a\nFROM b WHERE c = $1");
        assert_eq!(statements[0].parameters, [Some("\\x01".to_owned())]);
        assert_eq!((statements[1].text.as_str(), statements[1].parameters.len()), ("BEGIN", 0));
        assert_eq!(
            statements[2].parameters,
            [Some("\\x01".to_owned()), Some("it's, $3 = '".to_owned()), None]
        );
    }

    #[test]
    fn statements_are_grouped_by_transaction() {
        let statement = |text: &str| Statement { text: text.to_owned(), parameters: Vec::new() };
        let texts =
            ["SELECT 1", "BEGIN; SET LOCAL a = b", "SELECT 2", "COMMIT", "SELECT 3", "BEGIN", "ROLLBACK"];
        let lengths =
            transactions(texts.map(statement).to_vec()).into_iter().map(|transaction| transaction.len());
        assert_eq!(lengths.collect::<Vec<_>>(), [1, 3, 1, 2]);
    }

    #[test]
    fn each_refresh_of_the_script_has_its_own_variables() {
        let values = [("old", ":d#"), ("new", "ARRAY[:d+#]"), ("at", ":now")];
        let values = values.map(|(value, variable)| (value.to_owned(), variable.to_owned())).to_vec();
        let statement = Statement {
            text: "UPDATE t SET a = $2, b = $3 WHERE a = $1".to_owned(),
            parameters: ["old", "new", "at"].map(|value| Some(value.to_owned())).to_vec(),
        };
        assert_eq!(
            script(&[statement], &Meaning { values }, 2).expect("a script"),
            "UPDATE t SET a = ARRAY[:d2], b = :now WHERE a = :d1;\nUPDATE t SET a = ARRAY[:d3], b = :now WHERE a = :d2;\n"
        );
    }

    #[test]
    fn unknown_parameter_is_an_error() {
        let statement =
            Statement { text: "SELECT $1".to_owned(), parameters: vec![Some("something else".to_owned())] };
        let failure = script(&[statement], &Meaning { values: Vec::new() }, 1).expect_err("a failure");
        assert!(failure.to_string().contains("SELECT $1"), "{failure}");
    }

    #[test]
    fn an_array_is_written_as_the_server_logs_it() {
        assert_eq!(array_of("7"), "{7}");
        assert_eq!(array_of(r"\x01"), r#"{"\\x01"}"#);
        assert_eq!(array_of("2026-11-21 16:00:00+00"), r#"{"2026-11-21 16:00:00+00"}"#);
    }

    #[test]
    fn parameter_11_is_not_parameter_1() {
        let parameters = (1..=11).map(|number| Some(number.to_string())).collect();
        let variable = |number| if number == 11 { ":eleven" } else { ":other" };
        let values = (1..=11).map(|number| (number.to_string(), variable(number).to_owned()));
        let meaning = Meaning { values: values.collect() };
        let statement = Statement { text: "SELECT $1, $11".to_owned(), parameters };
        assert_eq!(with_variables(&statement, &meaning, 1).expect("a text"), "SELECT :other, :eleven");
    }
}
