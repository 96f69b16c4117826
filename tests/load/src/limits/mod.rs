//! The limits: programs that do no more than what cannot be left out. Each runs in a process of its own, as hidden
//! commands of this program do.

pub mod argon2;
pub mod bearer;
pub mod c_implementations;

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// A hidden command of this program in a process of its own, which is killed on drop.
#[derive(Debug)]
pub struct Limit {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Limit {
    /// Starts `limit` with these arguments, by a command line that the format of `before` begin.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(before: &[&str], arguments: &[&str]) -> Result<Self> {
        let own = env::current_exe()?;
        let mut format = before.iter().map(OsStr::new).chain([own.as_os_str()]);
        let program = format.next().context("a program")?;
        let mut command = Command::new(program);
        command.args(format).arg("limit").args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().context("the limit does not start")?;
        let lines = BufReader::new(child.stdout.take().context("its output")?);
        Ok(Self { child, lines })
    }

    /// The next line that it says.
    ///
    /// # Errors
    /// When it has ended.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.lines.read_line(&mut line)? > 0, "the limit ended without a word");
        Ok(line.trim_end().to_owned())
    }

    /// Whether it has not ended.
    ///
    /// # Errors
    /// None that happens: it is a child of this program.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// The id of its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
