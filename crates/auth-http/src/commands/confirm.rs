//! Asks before a command that cannot be undone.

use std::io::{self, BufRead, IsTerminal as _, Write as _};

use anyhow::{Context as _, ensure};
use clap::Args;

/// The longest answer that is read, in bytes.
const MAX_BYTES: u64 = 256;

/// The flag of a command that cannot be undone.
#[derive(Args)]
pub(super) struct Confirmation {
    /// Do not ask for confirmation; without a terminal, no command asks
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Confirmation {
    /// Asks on the terminal whether to continue, unless the flag answers. A script has no terminal to answer at, and is
    /// not asked.
    ///
    /// # Errors
    /// When the answer is not yes.
    pub(super) fn require(&self, question: &str) -> anyhow::Result<()> {
        if self.yes || !io::stdin().is_terminal() {
            return Ok(());
        }
        // The question goes to standard error, so that standard output has only the result.
        write!(io::stderr(), "{question} [y/N] ").context("cannot ask for confirmation")?;
        ensure!(is_yes(io::stdin().lock())?, "cancelled: nothing was changed");
        Ok(())
    }
}

fn is_yes(input: impl BufRead) -> anyhow::Result<bool> {
    let mut answer = Vec::new();
    input.take(MAX_BYTES).read_until(b'\n', &mut answer).context("cannot read the answer")?;
    Ok([&b"y"[..], b"yes"].iter().any(|yes| answer.trim_ascii().eq_ignore_ascii_case(yes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_confirms() {
        for (answer, confirms) in [
            ("y\n", true),
            ("Yes\r\n", true),
            (" YES ", true),
            ("", false),
            ("\n", false),
            ("n\n", false),
            ("yes please\n", false),
            ("no\ny\n", false),
        ] {
            assert_eq!(is_yes(answer.as_bytes()).expect("an answer"), confirms, "{answer:?}");
        }
    }
}
