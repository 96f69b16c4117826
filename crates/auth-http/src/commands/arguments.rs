//! The flags that every command accepts. Their settings override every other source.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use thiserror::Error;

use crate::settings::Flag;

const SET: &str = "--set";

/// The arguments are invalid.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// The path of the settings file, and single settings.
#[derive(Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingsArguments {
    /// The settings file [default: the one that `AUTH_CONFIG` names]
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Sets one setting; repeatable. Not for passwords: other users of the machine can read it
    // clap drops the values before a command's name if there are others after it. `flags` therefore reads the
    // arguments again.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The address to listen on, such as 127.0.0.1:8080
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The directory of the service's own files
    #[arg(long, global = true, value_name = "DIRECTORY")]
    data_dir: Option<String>,
}

impl SettingsArguments {
    /// The settings among `arguments`, which clap has accepted before.
    pub(super) fn flags(self, arguments: &[OsString]) -> anyhow::Result<Vec<Flag>> {
        let mut flags = Vec::new();
        for text in assignments(arguments) {
            let (key, value) = text.split_once('=').context(UsageError("--set takes KEY=VALUE".into()))?;
            flags.push(Flag { name: SET, key: key.to_owned(), value: value.to_owned() });
        }
        let named = [("--listen", "listen", self.listen), ("--data-dir", "data_dir", self.data_dir)];
        for (name, key, value) in named {
            flags.extend(value.map(|value| Flag { name, key: key.to_owned(), value }));
        }
        Ok(flags)
    }
}

/// The values of all `--set` flags, in order.
fn assignments(arguments: &[OsString]) -> Vec<&str> {
    let mut texts =
        arguments.iter().filter_map(|argument| argument.to_str()).take_while(|text| *text != "--");
    let mut found = Vec::new();
    while let Some(text) = texts.next() {
        let value = if text == SET { texts.next() } else { text.strip_prefix("--set=") };
        found.extend(value);
    }
    found
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::commands::CommandLine;

    fn flags(arguments: &[&str]) -> anyhow::Result<Vec<(String, String)>> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let line = CommandLine::try_parse_from(&arguments).expect("understood");
        let flags = line.settings.flags(&arguments)?;
        Ok(flags.into_iter().map(|flag| (flag.key, flag.value)).collect())
    }

    #[test]
    fn flags_apply_at_any_position() {
        let found = flags(&[
            "auth-http",
            "--set",
            "a=1",
            "--data-dir=d",
            "api-key",
            "--set=b=2=3",
            "list",
            "--set",
            "c=",
            "--listen",
            "l",
        ]);
        let expected = [("a", "1"), ("b", "2=3"), ("c", ""), ("listen", "l"), ("data_dir", "d")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(found.expect("flags"), expected);
    }

    #[test]
    fn an_invalid_set_flag_is_refused_without_its_text() {
        let error = flags(&["auth-http", "--set", "s3cret"]).expect_err("refused");
        assert!(error.is::<UsageError>());
        assert!(!format!("{error:#}").contains("s3cret"));
    }
}
