//! Compresses the files of Swagger UI, which are too large to compress at each start.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

const FILES: [&str; 3] = ["swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css"];

fn main() -> io::Result<()> {
    let assets = Path::new("assets/swagger-ui");
    let target =
        std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set: run cargo"))?;
    let target = PathBuf::from(target);
    for name in FILES {
        let source = assets.join(name);
        writeln!(io::stdout(), "cargo::rerun-if-changed={}", source.display())?;
        let mut encoder =
            GzEncoder::new(File::create(target.join(format!("{name}.gz")))?, Compression::best());
        encoder.write_all(&fs::read(source)?)?;
        encoder.finish()?;
    }
    Ok(())
}
