//! Passwords from a shell: a prompt on a terminal, a line of standard input elsewhere, never an argument.

use std::io::{self, BufRead, IsTerminal as _};

use anyhow::{Context as _, anyhow, bail};
use auth_domain::model::{Password, PasswordPolicy};
use secrecy::{ExposeSecret as _, SecretString};

/// The most bytes that are read: more than the longest password has.
const MAX_BYTES: u64 = 4096;

/// Reads a new password.
pub(super) fn read(policy: PasswordPolicy) -> anyhow::Result<Password> {
    let typed = if io::stdin().is_terminal() { prompt()? } else { line(io::stdin().lock())? };
    Password::parse(typed.expose_secret(), policy).map_err(|rejected| anyhow!("the password {rejected}"))
}

fn prompt() -> anyhow::Result<SecretString> {
    let ask = |question| rpassword::prompt_password(question).map(SecretString::from);
    let first = ask("Password: ").context("cannot ask for the password")?;
    let second = ask("The same again: ").context("cannot ask for the password")?;
    if first.expose_secret() != second.expose_secret() {
        bail!("the passwords differ");
    }
    Ok(first)
}

/// The first line, without its end.
fn line(input: impl BufRead) -> anyhow::Result<SecretString> {
    let mut bytes = Vec::with_capacity(256);
    input.take(MAX_BYTES).read_until(b'\n', &mut bytes).context("cannot read the password")?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        bytes.pop_if(|last| *last == b'\r');
    }
    if bytes.is_empty() {
        bail!("no password: it is read from the first line of standard input");
    }
    // The error would hold the bytes.
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
            assert_eq!(line(input.as_bytes()).expect("a line").expose_secret(), password, "{input:?}");
        }
    }

    #[test]
    fn no_password_and_no_text_are_refused() {
        for input in [&b""[..], b"\n", b"\r\nsecret", b"s3cret\xff\n"] {
            let error = line(input).expect_err("refused");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }

    #[test]
    fn an_endless_line_is_not_read_to_its_end() {
        let endless = io::BufReader::new(io::repeat(b'a'));
        let read = line(endless).expect("a line");
        assert!(Password::parse(read.expose_secret(), PasswordPolicy::default()).is_err());
    }
}
