//! Compiles and runs the Rust examples of the pages in `docs`. An example that needs a server says `no_run`.

use auth_domain::ports::PortError;
use auth_domain::records::{KeyValueStore, ReadBody, WriteBody};

/// The adapter of the reader of an example. No example calls it.
#[derive(Default)]
pub struct MyStore;

impl MyStore {
    /// Opens the store.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl KeyValueStore for MyStore {
    fn read(&self, _: &mut ReadBody<'_>) -> Result<(), PortError> {
        Err(PortError::Unavailable("this store is an example".into()))
    }

    fn write(&self, _: &mut WriteBody<'_>) -> Result<(), PortError> {
        Err(PortError::Unavailable("this store is an example".into()))
    }
}

macro_rules! pages {
    ($($name:ident = $page:literal),+) => {
        $(#[cfg(doctest)] #[doc = include_str!(concat!("../../../docs/", $page))] mod $name {})+

        #[cfg(test)]
        const PAGES: &[&str] = &[$($page),+];
    };
}

pages! {
    embedding = "embedding.md",
    adding_an_adapter = "adding-an-adapter.md",
    verifying_tokens = "verifying-tokens.md"
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::PAGES;

    /// The Markdown files of the project with their text. Names are relative to `docs` for the pages in it.
    fn markdown_files() -> Vec<(String, String)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folders = [root.clone(), root.join("docs"), root.join("docs/dialects"), root.join("docs/adr")];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
            .map(|path| {
                let name = path.strip_prefix(&root).expect("below the root").display().to_string();
                let text = fs::read_to_string(&path).expect("UTF-8");
                (name.strip_prefix("docs/").unwrap_or(&name).to_owned(), text)
            })
            .collect();
        files.sort();
        files
    }

    /// What follows the three backquotes that open a block.
    fn languages(text: &str) -> impl Iterator<Item = &str> {
        text.lines().filter_map(|line| line.trim_start().strip_prefix("```")).step_by(2)
    }

    #[test]
    fn every_page_with_a_rust_example_is_compiled() {
        let files = markdown_files();
        let has_rust = |text: &str| languages(text).any(|language| language.starts_with("rust"));
        let with_rust: Vec<_> =
            files.iter().filter(|(_, text)| has_rust(text)).map(|(name, _)| name).collect();
        assert!(!with_rust.is_empty(), "no page has an example");
        for page in with_rust {
            assert!(PAGES.contains(&page.as_str()), "add {page} to tests/docs/src/lib.rs");
        }
    }

    #[test]
    fn no_example_is_left_out_of_compilation() {
        for (name, text) in markdown_files() {
            for language in languages(&text) {
                assert!(!language.contains("ignore"), "{name}: an example is ignored");
            }
        }
    }
}
