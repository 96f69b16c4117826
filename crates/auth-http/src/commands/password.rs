//! Reads a password: from a prompt on a terminal, else from the first line of standard input. It is never an argument,
//! because other users of the machine can read arguments.

use std::io::{self, BufRead, IsTerminal as _};

use anyhow::{Context as _, anyhow, ensure};
use auth_domain::model::Password;
use secrecy::{ExposeSecret as _, SecretString};

use crate::request::MinPasswordLength;

/// The maximum number of bytes to read: more than the longest password has.
const MAX_BYTES: u64 = 4096;

/// Reads a new password.
pub(super) fn read(min: MinPasswordLength) -> anyhow::Result<Password> {
    let typed = if io::stdin().is_terminal() { prompt()? } else { first_line(io::stdin().lock())? };
    min.parse(typed.expose_secret()).map_err(|rejected| anyhow!("the password {rejected}"))
}

fn prompt() -> anyhow::Result<SecretString> {
    let [first, second] = [ask("Password: ")?, ask("Repeat the password: ")?];
    ensure!(first.expose_secret() == second.expose_secret(), "the passwords differ");
    Ok(first)
}

fn ask(question: &str) -> anyhow::Result<SecretString> {
    rpassword::prompt_password(question).map(SecretString::from).context("cannot prompt for the password")
}

/// The first line, without its line ending.
fn first_line(input: impl BufRead) -> anyhow::Result<SecretString> {
    let mut bytes = Vec::with_capacity(256);
    input.take(MAX_BYTES).read_until(b'\n', &mut bytes).context("cannot read the password")?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        bytes.pop_if(|last| *last == b'\r');
    }
    ensure!(!bytes.is_empty(), "no password: it is read from the first line of standard input");
    // The error is dropped because it contains the bytes of the password.
    let text = String::from_utf8(bytes).map_err(|_| anyhow!("the password is not UTF-8"))?;
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_and_nothing_of_it_is_lost() {
        for (input, password) in
            [(" a b \n", " a b "), ("a\r\nb\n", "a"), ("a", "a"), ("a\r", "a\r"), ("\u{e4}\n", "\u{e4}")]
        {
            assert_eq!(first_line(input.as_bytes()).expect("a line").expose_secret(), password, "{input:?}");
        }
    }

    #[test]
    fn no_password_and_no_text_are_refused() {
        for input in [&b""[..], b"\n", b"\r\nsecret", b"s3cret\xff\n"] {
            let error = first_line(input).expect_err("refused");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }

    #[test]
    fn an_endless_line_is_not_read_to_its_end() {
        let endless = io::BufReader::new(io::repeat(b'a'));
        let read = first_line(endless).expect("a line");
        assert!(Password::parse(read.expose_secret()).is_err());
    }
}
