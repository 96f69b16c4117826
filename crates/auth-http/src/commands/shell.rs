//! Shell completions and the manual, both generated from the definition of the command line.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;

use super::output::print;

/// Prints a script that completes the arguments of the program.
pub(super) fn completions(shell: Shell, mut command: clap::Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    print(&String::from_utf8(script)?)
}

#[derive(Args)]
pub(super) struct Man {
    /// Write a page for the program and one for each command into this directory
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Man {
    /// Writes the manual in the format of man(7).
    pub(super) fn run(self, command: clap::Command) -> anyhow::Result<()> {
        if let Some(directory) = self.directory {
            return clap_mangen::generate_to(command, &directory)
                .with_context(|| format!("cannot write the manual into {}", directory.display()));
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        print(&String::from_utf8(page)?)
    }
}
