//! The OpenAPI documents of the dialects.

use anyhow::Context as _;

use super::arguments::UsageError;
use super::output::print;
use crate::dialects::ALL;
use crate::settings::Settings;
use crate::wiring;

/// Prints the document of a dialect. Without a name, it prints the names of all dialects.
pub(super) fn run(name: Option<&str>, settings: &Settings) -> anyhow::Result<()> {
    let Some(name) = name else {
        return print(&ALL.map(|dialect| format!("{}\n", dialect.profile().name)).concat());
    };
    let dialect = ALL.into_iter().find(|dialect| dialect.profile().name == name);
    let document = dialect.and_then(|dialect| wiring::openapi(settings, dialect));
    let document = document.with_context(|| {
        let known = ALL.map(|dialect| dialect.profile().name).join(", ");
        UsageError(format!("there is no dialect {name:?}; there are {known}"))
    })?;
    print(&document)
}
