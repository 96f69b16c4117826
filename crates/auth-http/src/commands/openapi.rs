//! The OpenAPI document of a dialect.

use anyhow::Context as _;
use clap::Args;

use super::arguments::UsageError;
use super::output::print;
use crate::dialects::ALL;
use crate::settings::Settings;
use crate::wiring;

#[derive(Args)]
pub(super) struct Openapi {
    /// The dialect's name, such as `single_token`
    dialect: String,
}

pub(super) fn run(command: &Openapi, settings: &Settings) -> anyhow::Result<()> {
    let name = &command.dialect;
    let dialect = ALL.into_iter().find(|dialect| dialect.profile().name == name);
    let document = dialect.and_then(|dialect| wiring::openapi(settings, dialect));
    Ok(print(&document.with_context(|| unknown_dialect(name))?)?)
}

fn unknown_dialect(name: &str) -> UsageError {
    let known = ALL.map(|dialect| dialect.profile().name).join(", ");
    UsageError(format!("there is no dialect {name:?}; there are {known}").into())
}
