//! Prints the public API of a library, one item a line, from the JSON that rustdoc writes.
//!
//! `scripts/public-api` calls it, and keeps its output with each published library.

use std::env;
use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use public_api::Builder;

mod listing;

fn main() -> Result<()> {
    let json = env::args_os().nth(1).context("usage: api-listing JSON")?;
    let api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .context("cannot read the JSON of rustdoc")?;
    let items: Vec<String> = api.items().map(ToString::to_string).collect();
    let mut out = io::stdout().lock();
    for line in listing::lines(&items) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
