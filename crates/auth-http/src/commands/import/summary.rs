//! What an import has done, on the terminal and at its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use auth_domain::use_cases::ImportSuccess;
use indicatif::{ProgressBar, ProgressStyle};

use super::Facts;
use super::reader::Progress;
use crate::import_file::{Export, Place};

/// The members that are named at the end. A file may have any number of them.
const MAX_NAMES: usize = 40;

/// The reasons that are counted separately.
const MAX_REASONS: usize = 40;

/// The numbers of users by outcome.
pub(super) struct Summary {
    bar: ProgressBar,
    progress: Progress,
    imported: u64,
    already_there: u64,
    bad: u64,
    without_password: u64,
    /// The numbers of weak hashes by reason.
    weak: BTreeMap<String, u64>,
    export: Option<Export>,
    left_out: BTreeMap<String, u64>,
    skipped: u64,
}

impl Summary {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            bar: progress_bar(progress.length),
            progress,
            imported: 0,
            already_there: 0,
            bad: 0,
            without_password: 0,
            weak: BTreeMap::new(),
            export: None,
            left_out: BTreeMap::new(),
            skipped: 0,
        }
    }

    pub(super) fn bad(&self) -> u64 {
        self.bad
    }

    /// Whether any user was read.
    pub(super) fn is_begun(&self) -> bool {
        self.imported + self.already_there + self.bad > 0
    }

    /// Notes what was found while the users up to now were read.
    pub(super) fn note(&mut self, export: Option<Export>, left_out: BTreeMap<String, u64>, skipped: u64) {
        (self.export, self.left_out, self.skipped) = (export, left_out, skipped);
        self.bar.set_position(self.progress.bytes());
        self.bar.set_message(format!("{} users", self.imported + self.already_there));
    }

    pub(super) fn add(&mut self, success: &ImportSuccess, facts: &Facts) {
        match success {
            ImportSuccess::Imported(_) => {
                self.imported += 1;
                self.without_password += u64::from(!facts.has_password);
                if let Some(weakness) = &facts.weakness {
                    self.add_weak(weakness);
                }
            }
            ImportSuccess::AlreadyImported(_) => self.already_there += 1,
        }
    }

    /// Prints why a user was not imported.
    pub(super) fn add_bad(&mut self, place: Place, reason: &str) {
        self.bad += 1;
        // If standard error is closed, the number of bad lines in the last output is enough.
        let _ = self.bar.suspend(|| writeln!(io::stderr(), "{place}: {reason}"));
    }

    fn add_weak(&mut self, weakness: &str) {
        let reason = if self.weak.contains_key(weakness) || self.weak.len() < MAX_REASONS {
            weakness
        } else {
            "is weak for another reason"
        };
        *self.weak.entry(reason.to_owned()).or_default() += 1;
    }

    /// Returns the line for standard output, and prints to standard error what else an operator should know.
    pub(super) fn finish(self, is_rehearsal: bool) -> String {
        self.bar.finish_and_clear();
        // If standard error is closed, the line for standard output is what is left.
        let _ = io::stderr().write_all(self.notes().as_bytes());
        let Self { imported, already_there, bad, .. } = self;
        let done = if is_rehearsal { "would import" } else { "imported" };
        format!("{done} {imported}, already there {already_there}, bad {bad}\n")
    }

    fn notes(&self) -> String {
        let mut notes = String::new();
        if let Some(export) = self.export.filter(|export| *export != Export::Plain) {
            let _ = writeln!(notes, "read as an export of {export:?}");
        }
        if self.skipped > 0 {
            let _ = writeln!(notes, "{} objects are no users", self.skipped);
        }
        if !self.left_out.is_empty() {
            let names =
                self.left_out.iter().take(MAX_NAMES).map(|(name, users)| format!("{name} of {users}"));
            let names = names.collect::<Vec<_>>().join(", ");
            let more = if self.left_out.len() > MAX_NAMES { ", .." } else { "" };
            let _ = writeln!(notes, "left out: {names}{more}");
        }
        if self.without_password > 0 {
            let _ = writeln!(notes, "{} users have no password", self.without_password);
        }
        for (reason, users) in &self.weak {
            let _ = writeln!(notes, "{users} users have a weak hash: it {reason}");
        }
        notes
    }
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
