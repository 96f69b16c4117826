//! Imports users of another service from JSON lines.

mod account;
mod lines;

use std::fs::File;
use std::io::{self, BufReader, Read, Write as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use auth_domain::Auth;
use auth_domain::model::IdentifierKind;
use auth_domain::use_cases::{ImportSuccess, ImportUser, ImportUserError};
use indicatif::{ProgressBar, ProgressStyle};

use self::lines::{Line, Lines};
use super::output::print;
use crate::settings::Settings;

/// The number of users in one transaction.
const MAX_BATCH: usize = 500;

/// The number of lines by outcome.
#[derive(Default)]
struct ImportCounts {
    imported: u64,
    already_there: u64,
    bad: u64,
}

/// The user of a line, or the reason why the line is bad.
type ParsedLine = Result<ImportUser, String>;

pub(super) async fn run(auth: &Auth, settings: &Settings, file: &Path) -> anyhow::Result<()> {
    let (input, length) = open(file)?;
    let bar = progress_bar(length);
    let mut lines = Lines::new(BufReader::with_capacity(1 << 18, input));
    let (mut counts, mut batch) = (ImportCounts::default(), Vec::with_capacity(MAX_BATCH));
    while let Some(Line { number, bytes, length }) = lines.next().context("cannot read the accounts")? {
        bar.inc(length);
        match bytes {
            Some(bytes) if bytes.trim_ascii().is_empty() => continue,
            Some(bytes) => batch.push((number, account::read(bytes, &settings.default_roles))),
            None => batch.push((number, Err(format!("is longer than {} bytes", lines::MAX_LINE_BYTES)))),
        }
        if batch.len() == MAX_BATCH {
            store(auth, std::mem::take(&mut batch), &mut counts, &bar).await?;
        }
    }
    store(auth, batch, &mut counts, &bar).await?;
    bar.finish_and_clear();
    let ImportCounts { imported, already_there, bad } = counts;
    print(&format!("imported {imported}, already there {already_there}, bad {bad}\n"))?;
    ensure!(bad == 0, "{bad} of the lines are bad and were left out");
    Ok(())
}

/// Opens the input, and returns its length in bytes if that is known.
fn open(file: &Path) -> anyhow::Result<(Box<dyn Read>, Option<u64>)> {
    if file == Path::new("-") {
        return Ok((Box::new(io::stdin().lock()), None));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let length = opened.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok((Box::new(opened), length))
}

/// The progress bar. It is visible only if standard error is a terminal.
fn progress_bar(length: Option<u64>) -> ProgressBar {
    let template = match length {
        Some(_) => "{wide_bar} {percent} % {msg}, {eta} left",
        None => "{spinner} {msg}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    length.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style)
}

/// Stores the valid users of a batch and prints the bad lines.
async fn store(
    auth: &Auth,
    batch: Vec<(u64, ParsedLine)>,
    counts: &mut ImportCounts,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let Some((first, _)) = batch.first() else { return Ok(()) };
    let stopped = format!("stopped at line {first}: fix the cause and run the same command again");
    let mut users = Vec::with_capacity(batch.len());
    let mut read = Vec::with_capacity(batch.len());
    for (number, line) in batch {
        read.push((number, line.map(|user| users.push(user))));
    }
    let mut outcomes = auth.import_users(users).await.context(stopped)?.into_iter();
    for (number, line) in read {
        let outcome = match line {
            Ok(()) => outcomes.next().context("the store returned too few outcomes")?.map_err(reason),
            Err(reason) => Err(reason),
        };
        match outcome {
            Ok(ImportSuccess::Imported(_)) => counts.imported += 1,
            Ok(ImportSuccess::AlreadyImported(_)) => counts.already_there += 1,
            Err(reason) => {
                counts.bad += 1;
                // If standard error is closed, the number of bad lines in the last output is enough.
                let _ = bar.suspend(|| writeln!(io::stderr(), "line {number}: {reason}"));
            }
        }
    }
    bar.set_message(format!("{} accounts", counts.imported + counts.already_there));
    Ok(())
}

fn reason(error: ImportUserError) -> String {
    match error {
        ImportUserError::Taken(kind) => taken(kind).to_owned(),
        ImportUserError::ExternalIdTaken => "another user has this external_id".to_owned(),
        ImportUserError::Hash(rejected) => format!("password_hash {rejected}"),
        ImportUserError::NoEmail => "email_verified is true without an email".to_owned(),
    }
}

pub(super) fn taken(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::Username => "another user has this username",
        IdentifierKind::Email => "another user has this e-mail address",
    }
}
