//! Settings whose feature is not part of this version. They are known, so that a deployment may write down that it
//! does without; a value that asks for the feature stops the start, so that nothing is missing in silence.

use crate::settings::setting::{Refusal, Setting};

pub(super) fn service() -> [Setting; 1] {
    [Setting::text(
        "metrics_listen",
        "an empty text",
        "The address of a second listener, for metrics. Not part of this version: only an empty text is accepted.",
        |_| Some(String::new()),
        |_, text| unless(!text.is_empty(), "must be empty: metrics are not part of this version"),
    )]
}

fn unless(is_asked_for: bool, reason: &'static str) -> Result<(), Refusal> {
    if is_asked_for { Err(Refusal::Because(reason)) } else { Ok(()) }
}
