//! Imports users of another service from a file.

mod empty_store;
mod id_map;
mod reader;
mod stop;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use auth_domain::UseCases;
use auth_domain::model::{ExternalId, IdentifierKind, ImportRehearsal};
use auth_domain::ports::{Clock as _, HashStrength};
use auth_domain::use_cases::{ImportSuccess, ImportUser, ImportUserError};
use auth_infra::system::SystemClock;
use clap::Args;
use tokio::sync::mpsc::Receiver;

pub(super) use self::empty_store::EmptyStore;
use self::id_map::IdMap;
use self::reader::{Batch, Input};
use self::stop::Stop;
pub(super) use self::stop::Stopped;
use self::summary::Summary;
use super::output::print;
use crate::import_file::{Entry, Export, FirebaseConfig, ImportOptions, Place};
use crate::settings::Settings;

/// If the first users of a file are all bad, up to this number, it is probably the wrong file.
const WRONG_FILE: usize = 20;

#[derive(Args)]
pub(super) struct Import {
    /// The users, as JSON lines, a JSON array, CSV or TSV, also compressed with gzip; - is standard input
    file: PathBuf,
    /// The service that wrote the file [default: recognised by the first user]
    #[arg(long, value_name = "SERVICE")]
    from: Option<Export>,
    /// Check everything and say what would happen, and store nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the external id and the new id of each user to FILE, one JSON object a line
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    id_map: Option<PathBuf>,
    /// Refuse users whose hash is weak, and name the reason
    #[arg(long)]
    refuse_weak: bool,
    /// Leave out unknown members instead of refusing their users
    #[arg(long)]
    ignore_unknown: bool,
    /// The hash parameters of Firebase, as its console shows them
    #[arg(long, value_name = "FILE")]
    hash_config: Option<PathBuf>,
}

impl Import {
    /// Whether the store may be created: a rehearsal must not change anything.
    pub(super) fn may_create(&self) -> bool {
        !self.dry_run
    }

    /// An empty store for a rehearsal if the store of `settings` does not exist. Otherwise a first try would need a store.
    pub(super) fn empty_store(&self, settings: &Settings) -> anyhow::Result<Option<EmptyStore>> {
        if self.dry_run { EmptyStore::unless_stored(settings) } else { Ok(None) }
    }
}

pub(super) async fn run(auth: &UseCases, settings: &Settings, command: Import) -> anyhow::Result<()> {
    let options = ImportOptions {
        from: command.from,
        ignore_unknown: command.ignore_unknown,
        default_roles: settings.default_roles.clone(),
        firebase: command.hash_config.as_deref().map(hash_config).transpose()?,
        now: SystemClock.now(),
    };
    let input = Input::open(&command.file)?;
    let mut import = Running {
        auth,
        refuse_weak: command.refuse_weak,
        rehearsal: command.dry_run.then(ImportRehearsal::default),
        id_map: command.id_map.as_deref().map(IdMap::create).transpose()?,
        summary: Summary::new(input.progress()),
    };
    let mut stop = Stop::listen()?;
    let ended = import.all(input.read(options), &mut stop).await;
    let Running { summary, rehearsal, .. } = import;
    let bad = summary.bad();
    // A file of which nothing could be read has no summary.
    if ended.is_ok() || summary.is_begun() {
        print(&summary.finish(rehearsal.is_some()))?;
    }
    ended?;
    ensure!(bad == 0, "{bad} of the lines are bad and were left out");
    Ok(())
}

fn hash_config(file: &Path) -> anyhow::Result<FirebaseConfig> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    FirebaseConfig::parse(&text).with_context(|| format!("cannot use {name}: it contains no hash parameters"))
}

/// An import that is running.
struct Running<'a> {
    auth: &'a UseCases,
    refuse_weak: bool,
    /// Present if nothing is stored.
    rehearsal: Option<ImportRehearsal>,
    id_map: Option<IdMap>,
    summary: Summary,
}

impl Running<'_> {
    /// Imports all batches, or those before a signal. A running batch is finished.
    async fn all(
        &mut self,
        mut batches: Receiver<anyhow::Result<Batch>>,
        stop: &mut Stop,
    ) -> anyhow::Result<()> {
        loop {
            let batch = tokio::select! {
                biased;
                stopped = stop.first() => return Err(stopped.into()),
                batch = batches.recv() => match batch {
                    Some(batch) => batch?,
                    None => return Ok(()),
                },
            };
            tokio::select! {
                biased;
                done = self.one(batch) => done?,
                () = stop.second() => stop::exit(),
            }
        }
    }

    async fn one(&mut self, batch: Batch) -> anyhow::Result<()> {
        let Batch { entries, is_first, left_out, skipped, export } = batch;
        self.summary.note(export, left_out, skipped);
        let Some(first) = entries.first().map(|entry| entry.place) else { return Ok(()) };
        let mut users = Vec::with_capacity(entries.len());
        let lines: Vec<_> = entries.into_iter().map(|entry| self.line(entry, &mut users)).collect();
        let mut results = self.store(users, first).await?.into_iter();
        let (count, mut malformed) = (lines.len(), 0);
        for (place, line) in lines {
            let outcome = match line {
                Ok(facts) => {
                    let result = results.next().context("the store returned too few outcomes")?;
                    malformed += usize::from(matches!(result, Err(ImportUserError::Hash(_))));
                    result.map(|success| (success, facts)).map_err(reason)
                }
                Err(reason) => {
                    malformed += 1;
                    Err(reason)
                }
            };
            match outcome {
                Ok((success, facts)) => self.add(place, &success, &facts),
                Err(reason) => self.summary.add_bad(place, &reason),
            }
        }
        if let Some(map) = &mut self.id_map {
            map.flush()?;
        }
        if is_first && malformed == count && count == WRONG_FILE {
            bail!(
                "the first {WRONG_FILE} users are all bad: this is probably the wrong file, or --from is needed"
            );
        }
        Ok(())
    }

    /// Adds the user of an entry to `users`, or gives the reason why it is bad.
    fn line(&self, entry: Entry, users: &mut Vec<ImportUser>) -> (Place, Result<Facts, String>) {
        let facts = entry.user.and_then(|user| {
            let strength = user.password_hash.as_ref().map(|hash| self.auth.hash_strength(hash));
            let weakness = match strength {
                Some(Ok(HashStrength::Weak(reason))) => Some(reason),
                // The import reports a hash that is not accepted.
                Some(Ok(HashStrength::Strong) | Err(_)) | None => None,
            };
            if let Some(weakness) = weakness.as_ref().filter(|_| self.refuse_weak) {
                return Err(format!("password_hash {weakness}"));
            }
            let (external_id, has_password) = (user.external_id.clone(), user.password_hash.is_some());
            users.push(user);
            Ok(Facts { external_id, has_password, weakness })
        });
        (entry.place, facts)
    }

    fn add(&mut self, place: Place, success: &ImportSuccess, facts: &Facts) {
        let id = match success {
            ImportSuccess::Imported(id) | ImportSuccess::AlreadyImported(id) => *id,
        };
        self.summary.add(success, facts);
        if let Some(map) = &mut self.id_map {
            map.add(place, facts.external_id.as_ref(), id);
        }
    }

    async fn store(
        &mut self,
        users: Vec<ImportUser>,
        first: Place,
    ) -> anyhow::Result<Vec<Result<ImportSuccess, ImportUserError>>> {
        let results = match &mut self.rehearsal {
            Some(rehearsal) => self.auth.rehearse_import(users, rehearsal).await,
            None => self.auth.import_users(users).await,
        };
        results.with_context(|| format!("stopped at {first}: fix the cause and run the same command again"))
    }
}

/// What is known about a user when it has been imported.
struct Facts {
    external_id: Option<ExternalId>,
    has_password: bool,
    /// Why the hash is weak.
    weakness: Option<String>,
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
