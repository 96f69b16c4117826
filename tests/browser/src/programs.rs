//! Where Chromium and `ChromeDriver` are on this machine.

use std::path::PathBuf;
use std::{env, fmt};

/// What the browser is called by those who package it.
const BROWSERS: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/// What a test needs: one program shows pages, one tells it which.
#[derive(Debug)]
pub struct Programs {
    /// Chromium, or a browser made from it.
    pub browser: PathBuf,
    /// `ChromeDriver` of the same version.
    pub driver: PathBuf,
}

impl fmt::Display for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.browser.display(), self.driver.display())
    }
}

/// The programs that `CHROME` and `CHROMEDRIVER` name, else those on `PATH`.
///
/// # Errors
/// One line that says what to install, when either is missing.
pub fn find() -> Result<Programs, String> {
    let browser = named_or("CHROME", || BROWSERS.into_iter().find_map(on_path));
    let driver = named_or("CHROMEDRIVER", || on_path("chromedriver"));
    match (browser, driver) {
        (Some(browser), Some(driver)) => Ok(Programs { browser, driver }),
        (browser, _) => Err(format!(
            "{} is missing: install Chromium and ChromeDriver (Debian: sudo apt-get install chromium \
             chromium-driver), or name them in CHROME and CHROMEDRIVER",
            if browser.is_none() { "Chromium" } else { "ChromeDriver" }
        )),
    }
}

/// The program that this variable names and no other, if it is set.
fn named_or(variable: &str, otherwise: impl FnOnce() -> Option<PathBuf>) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from);
    named.map_or_else(otherwise, |path| Some(path).filter(|path| path.is_file()))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}
