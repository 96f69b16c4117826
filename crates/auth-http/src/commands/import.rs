//! Users of another service, from JSON lines.

mod account;
mod lines;

use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use auth_domain::Auth;
use auth_domain::model::IdentifierKind;
use auth_domain::use_cases::{ImportSuccess, ImportUser, ImportUserError};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::lines::{Line, Lines};
use super::output::print;
use crate::settings::Settings;

/// How many lines are stored in one transaction.
const BATCH: usize = 500;

#[derive(Args)]
pub(super) struct Import {
    /// The accounts, one JSON object a line; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What came of the lines.
#[derive(Default)]
struct Tally {
    imported: u64,
    already_there: u64,
    bad: u64,
}

/// What a line holds, or why it is bad.
type Account = Result<ImportUser, String>;

pub(super) async fn run(auth: &Auth, settings: &Settings, command: &Import) -> anyhow::Result<()> {
    let (input, length) = open(&command.file)?;
    let bar = bar(length);
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, input));
    let (mut tally, mut batch) = (Tally::default(), Vec::with_capacity(BATCH));
    while let Some(Line { number, bytes, length }) = lines.next().context("cannot read the accounts")? {
        bar.inc(length);
        match bytes {
            Some(bytes) if bytes.trim_ascii().is_empty() => continue,
            Some(bytes) => batch.push((number, account::read(bytes, &settings.registration.default_roles))),
            None => batch.push((number, Err(format!("is longer than {} bytes", lines::MOST_BYTES)))),
        }
        if batch.len() == BATCH {
            store(auth, std::mem::take(&mut batch), &mut tally, &bar).await?;
        }
    }
    store(auth, batch, &mut tally, &bar).await?;
    bar.finish_and_clear();
    let Tally { imported, already_there, bad } = tally;
    print(&format!("imported {imported}, already there {already_there}, bad {bad}\n"))?;
    if bad > 0 {
        bail!("{bad} of the lines are bad and were left out");
    }
    Ok(())
}

/// The accounts, and how many bytes they have if that is known.
fn open(file: &Path) -> anyhow::Result<(Box<dyn Read>, Option<u64>)> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let length = opened.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok((Box::new(opened), length))
}

/// Shows itself on standard error if that is a terminal, and nowhere else.
fn bar(length: Option<u64>) -> ProgressBar {
    let template = match length {
        Some(_) => "{wide_bar} {percent} % {msg}, {eta} left",
        None => "{spinner} {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    length.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style)
}

/// Stores those of a batch who can be, and says which lines are bad.
async fn store(
    auth: &Auth,
    batch: Vec<(u64, Account)>,
    tally: &mut Tally,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let Some((first, _)) = batch.first() else { return Ok(()) };
    let stopped = format!("stopped at line {first}: run the same again when the cause is gone");
    let mut users = Vec::with_capacity(batch.len());
    let mut read = Vec::with_capacity(batch.len());
    for (number, line) in batch {
        read.push((number, line.map(|user| users.push(user))));
    }
    let mut outcomes = auth.import_users(users).await.context(stopped)?.into_iter();
    for (number, line) in read {
        let outcome = match line {
            Ok(()) => outcomes.next().context("the store did not answer for everybody")?.map_err(said),
            Err(reason) => Err(reason),
        };
        match outcome {
            Ok(ImportSuccess::Imported) => tally.imported += 1,
            Ok(ImportSuccess::AlreadyImported) => tally.already_there += 1,
            Err(reason) => {
                tally.bad += 1;
                // Where standard error is closed, the number of bad lines has to do.
                let _ = bar.suspend(|| writeln!(io::stderr(), "line {number}: {reason}"));
            }
        }
    }
    bar.set_message(format!("{} accounts", tally.imported + tally.already_there));
    Ok(())
}

fn said(refusal: ImportUserError) -> String {
    match refusal {
        ImportUserError::Taken(IdentifierKind::Username) => "another user has this username".to_owned(),
        ImportUserError::Taken(IdentifierKind::Email) => "another user has this e-mail address".to_owned(),
        ImportUserError::Hash(rejected) => format!("password_hash {rejected}"),
        ImportUserError::NoEmail => "email_verified is true without an email".to_owned(),
    }
}
