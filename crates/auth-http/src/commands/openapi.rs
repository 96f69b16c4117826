//! The OpenAPI document of a dialect.

use anyhow::Context as _;
use clap::Args;

use super::arguments::Usage;
use super::output::print;
use crate::dialects::{ALL, Dialect};
use crate::settings::Settings;
use crate::wiring;

#[derive(Args)]
pub(super) struct Openapi {
    /// The dialect's name, such as `single_token`
    dialect: String,
}

pub(super) fn run(command: &Openapi, settings: &Settings) -> anyhow::Result<()> {
    let document = find(&command.dialect).and_then(|dialect| wiring::openapi(settings, dialect));
    Ok(print(&document.with_context(|| unknown(&command.dialect))?)?)
}

fn find(name: &str) -> Option<&'static dyn Dialect> {
    ALL.into_iter().find(|dialect| dialect.profile().name == name)
}

fn unknown(name: &str) -> Usage {
    let known = ALL.map(|dialect| dialect.profile().name).join(", ");
    Usage(format!("there is no dialect {name:?}; there are {known}").into())
}
