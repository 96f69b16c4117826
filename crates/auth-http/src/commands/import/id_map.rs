//! The map from external ids to the ids of this service.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use auth_domain::model::{ExternalId, UserId};
use serde_json::json;

use crate::import_file::Place;

/// Writes one JSON object a line, in whole lines, after the user has been stored. Whenever the import stops, the file is a
/// valid prefix of the map. A repeated import writes the whole map.
pub(super) struct IdMap {
    path: PathBuf,
    file: File,
    /// Whether the map of an earlier import has been replaced.
    is_begun: bool,
    lines: String,
}

impl IdMap {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        // An earlier map is replaced by the first batch only: the file of the users may be the wrong one.
        let options = File::options().write(true).create(true).truncate(false).open(path);
        let file = options.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, is_begun: false, lines: String::new() })
    }

    pub(super) fn add(&mut self, place: Place, external_id: Option<&ExternalId>, id: UserId) {
        let external_id = external_id.map(ExternalId::as_str);
        let line = json!({ "external_id": external_id, "id": id.to_string(), "line": place.number() });
        let _ = writeln!(self.lines, "{line}");
    }

    fn write(&mut self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        // A pipe or a terminal is neither cut off nor written to a disk.
        let is_file = self.file.metadata()?.is_file();
        if is_file && !self.is_begun {
            self.file.set_len(0)?;
        }
        self.is_begun = true;
        self.file.write_all(self.lines.as_bytes())?;
        if is_file { self.file.sync_data() } else { Ok(()) }
    }

    /// Writes the lines of a batch to the disk.
    pub(super) fn flush(&mut self) -> anyhow::Result<()> {
        let written = self.write();
        self.lines.clear();
        written.with_context(|| {
            format!(
                "cannot write {}: the users are imported, and a repeated import writes the map",
                self.path.display()
            )
        })
    }
}
