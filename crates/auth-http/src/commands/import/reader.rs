//! Reads the file on a thread of its own. A signal is then noticed while the file is slow, and users are read while others
//! are stored.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Context as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::WRONG_FILE;
use crate::import_file::{Entry, Export, ImportFile, ImportOptions};

/// The number of users in one transaction.
const MAX_BATCH: usize = 500;

/// The users of one transaction, and what was found while they were read.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) is_first: bool,
    /// How many users of the file so far have each of the members that were left out.
    pub(super) left_out: BTreeMap<String, u64>,
    /// How many objects of the file so far are no users.
    pub(super) skipped: u64,
    pub(super) export: Option<Export>,
}

/// How much of the input was read.
#[derive(Clone)]
pub(super) struct Progress {
    read: Arc<AtomicU64>,
    /// The length of the input in bytes, if it is known.
    pub(super) length: Option<u64>,
}

impl Progress {
    pub(super) fn bytes(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// An opened input.
pub(super) struct Input {
    name: PathBuf,
    reader: Box<dyn Read + Send>,
    progress: Progress,
}

impl Input {
    pub(super) fn open(file: &Path) -> anyhow::Result<Self> {
        let (reader, length): (Box<dyn Read + Send>, _) = if file == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
            let length = opened.metadata().ok().filter(Metadata::is_file).map(|metadata| metadata.len());
            (Box::new(opened), length)
        };
        Ok(Self { name: file.to_owned(), reader, progress: Progress { read: Arc::default(), length } })
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Reads the users. One batch is read ahead.
    pub(super) fn read(self, options: ImportOptions) -> Receiver<anyhow::Result<Batch>> {
        let (sender, receiver) = channel(1);
        thread::spawn(move || {
            let name = self.name.display().to_string();
            if let Err(error) = self.send_batches(options, &sender) {
                // Without a receiver, the import has ended.
                let _ = sender.blocking_send(Err(error.context(format!("cannot read {name}"))));
            }
        });
        receiver
    }

    fn send_batches(self, options: ImportOptions, to: &Sender<anyhow::Result<Batch>>) -> anyhow::Result<()> {
        let input = Counted { input: self.reader, progress: self.progress };
        let mut file = ImportFile::open(input, options)?;
        let (mut entries, mut is_first) = (Vec::with_capacity(MAX_BATCH), true);
        loop {
            // The users before an error are imported.
            let next = file.next_user();
            let is_end = !matches!(next, Ok(Some(_)));
            let error = match next {
                Ok(entry) => {
                    entries.extend(entry);
                    None
                }
                Err(error) => Some(error),
            };
            // The first batch is small, so that a wrong file is noticed before anything else is read.
            if is_end || entries.len() == if is_first { WRONG_FILE } else { MAX_BATCH } {
                let entries = mem::replace(&mut entries, Vec::with_capacity(MAX_BATCH));
                let (left_out, skipped) = (file.left_out().clone(), file.skipped());
                let batch = Batch { entries, is_first, left_out, skipped, export: file.export() };
                is_first = false;
                if to.blocking_send(Ok(batch)).is_err() {
                    return Ok(());
                }
            }
            match error {
                Some(error) => return Err(error.into()),
                None if is_end => return Ok(()),
                None => {}
            }
        }
    }
}

/// Counts the bytes that are read.
struct Counted<R> {
    input: R,
    progress: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.progress.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
