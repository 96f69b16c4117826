//! Argon2id of others, in C: compiled here for this very processor, each a program of its own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::argon2::Implementation;

const PROGRAM: &str = include_str!("argon2.c");

/// An implementation in C.
#[derive(Clone, Debug)]
pub struct CImplementation {
    /// Its name, for a table.
    pub name: &'static str,
    program: PathBuf,
}

impl CImplementation {
    /// The reference implementation (phc-winner-argon2), with the vector instructions of its `opt.c` on x86-64.
    ///
    /// # Errors
    /// When there is no C compiler, or it does not compile.
    pub fn reference(folder: &Path) -> Result<Self> {
        let sources = sources()?;
        let fill = if cfg!(target_arch = "x86_64") { "opt.c" } else { "ref.c" };
        let files = ["argon2.c", "core.c", "encoding.c", "thread.c", "blake2/blake2b.c", fill];
        let mut arguments = vec!["-pthread".into(), format!("-I{}", sources.join("include").display())];
        arguments.extend(files.map(|file| sources.join("src").join(file).display().to_string()));
        Self::compile("reference C, -O3 -march=native", "argon2-reference", folder, &arguments)
    }

    /// The one of libsodium, as the system has it.
    ///
    /// # Errors
    /// When it is not installed, or there is no C compiler.
    pub fn sodium(folder: &Path) -> Result<Self> {
        let arguments = ["-DSODIUM", "-l:libsodium.so.23"].map(str::to_owned);
        Self::compile("libsodium of the system", "argon2-sodium", folder, &arguments)
    }

    fn compile(name: &'static str, file: &str, folder: &Path, arguments: &[String]) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (source, program) = (folder.join(format!("{file}.c")), folder.join(file));
        fs::write(&source, PROGRAM)?;
        let mut compiler = Command::new("cc");
        compiler.args(["-O3", "-march=native", "-w", "-o"]).arg(&program).arg(&source).args(arguments);
        let output = compiler.output().context("cc does not run")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", said.lines().next().unwrap_or("cc fails"));
        Ok(Self { name, program })
    }

    /// What each hash took in one thread.
    ///
    /// # Errors
    /// When it fails, or computes another tag than we do.
    pub fn times(&self, run: Duration) -> Result<Vec<Duration>> {
        let output = Command::new(&self.program).arg(run.as_secs_f64().to_string()).output()?;
        ensure!(output.status.success(), "{} failed", self.name);
        let said = String::from_utf8(output.stdout)?;
        let (tag, times) = said.split_once('\n').context("a tag and times")?;
        ensure!(tag == hex(&Implementation::RustCrypto.tag()?), "{} computes something else", self.name);
        times.lines().map(|line| Ok(Duration::from_nanos(line.parse()?))).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where Cargo keeps the sources of the reference implementation: in a crate that wraps it, and that is fetched with the
/// others.
fn sources() -> Result<PathBuf> {
    let arguments = ["metadata", "--format-version", "1", "--locked", "--all-features"];
    let output = Command::new(env!("CARGO")).args(arguments).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("a list of packages")?;
    let Some(package) = packages.iter().find(|package| package["name"] == "argon2-sys") else {
        bail!("no package argon2-sys");
    };
    let manifest = Path::new(package["manifest_path"].as_str().context("its path")?);
    Ok(manifest.with_file_name("argon2"))
}
