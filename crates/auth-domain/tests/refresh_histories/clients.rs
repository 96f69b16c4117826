//! The clients of the histories, two for each refresh style.

use std::time::Duration;

use auth_domain::model::{Client, ClientId, RefreshStyle};

use super::history::CLIENTS;
use super::reference::ACCESS;

const STYLES: [RefreshStyle; CLIENTS / 2] = [
    RefreshStyle::SelfRenewing,
    RefreshStyle::RotatingSigned,
    RefreshStyle::Rotating,
    RefreshStyle::Reusable,
];
const NAMES: [&str; CLIENTS] = ["one", "two", "three", "four", "five", "six", "seven", "eight"];

pub(crate) fn client_of(index: usize) -> Client {
    Client::new(ClientId::from_static(NAMES[index]), style_of(index))
        .with_access_lifetime(Duration::from_micros(ACCESS))
}

pub(crate) fn style_of(client: usize) -> RefreshStyle {
    STYLES[client % STYLES.len()]
}

/// `text` with one character replaced.
pub(crate) fn mistyped(text: &str, position: usize) -> String {
    let position = position % text.len();
    let other = if &text[position..=position] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &text[..position], &text[position + 1..])
}
