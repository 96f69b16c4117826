//! Turns a file into UTF-8: unpacks gzip, decodes UTF-16, removes a byte order mark, and refuses what is no text.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::ReadError;
use super::utf16::Utf16;

/// Enough of a file to recognise it.
pub(super) const HEAD_BYTES: usize = 4_096;

pub(super) type Input = Box<dyn Read + Send>;

/// Binary files by their first bytes, each with what to do instead.
const BINARY: [(&[u8], &str); 15] = [
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an Excel workbook: save the sheet as CSV"),
    (b"SQLite format 3\0", "is an SQLite database: export its users with `sqlite3 -json FILE 'SELECT ..'`"),
    (b"PGDMP", "is a dump of PostgreSQL: export the users with `\\copy (SELECT ..) TO FILE CSV HEADER`"),
    (b"BZh", "is compressed with bzip2: unpack it with bunzip2"),
    (b"\xfd7zXZ\0", "is compressed with xz: unpack it with unxz"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd: unpack it with unzstd"),
    (b"\x04\x22\x4d\x18", "is compressed with lz4: unpack it with unlz4"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it"),
    (b"Rar!\x1a\x07", "is a RAR archive: unpack it"),
    (b"PAR1", "is a Parquet file: convert it to JSON lines or CSV"),
    (b"Obj\x01", "is an Avro file: convert it to JSON lines or CSV"),
    (b"%PDF", "is a PDF document"),
    (b"\xff\xfe\0\0", "is in UTF-32: convert it to UTF-8"),
    (b"\0\0\xfe\xff", "is in UTF-32: convert it to UTF-8"),
];

/// Returns the text of a file as UTF-8. Whether the text is valid UTF-8 is checked where it is read.
pub(super) fn decode(input: Input) -> Result<BufReader<Input>, ReadError> {
    let (mut head, mut input) = peek(input)?;
    if head.starts_with(b"\x1f\x8b") {
        (head, input) = peek(Box::new(MultiGzDecoder::new(BufReader::new(input))))?;
        if head.starts_with(b"\x1f\x8b") {
            return Err(ReadError::Refused(
                "is compressed twice with gzip: unpack it with gunzip".to_owned(),
            ));
        }
    }
    if let Some((_, what)) = BINARY.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(ReadError::Refused((*what).to_owned()));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(ReadError::Refused("is a TAR archive: unpack it".to_owned()));
    }
    let is_nul = |index: usize| head.get(index).map(|byte| *byte == 0);
    let text: Input = match head[..] {
        [0xff, 0xfe, ..] => Box::new(Utf16::little_endian(skip(input, 2)?)),
        [0xfe, 0xff, ..] => Box::new(Utf16::big_endian(skip(input, 2)?)),
        [0xef, 0xbb, 0xbf, ..] => skip(input, 3)?,
        // Without a byte order mark: the first two characters of every format are in ASCII.
        _ if [0, 1, 2, 3].map(is_nul) == [false, true, false, true].map(Some) => {
            Box::new(Utf16::little_endian(input))
        }
        _ if [0, 1, 2, 3].map(is_nul) == [true, false, true, false].map(Some) => {
            Box::new(Utf16::big_endian(input))
        }
        _ if is_bson(&head) => {
            return Err(ReadError::Refused(
                "is a BSON dump of MongoDB: export the users with mongoexport".to_owned(),
            ));
        }
        _ if head.contains(&0) => {
            return Err(ReadError::Refused("is a binary file: users are read from JSON or CSV".to_owned()));
        }
        _ => input,
    };
    Ok(BufReader::with_capacity(1 << 16, text))
}

/// Returns the first bytes of the input, and the whole input.
pub(super) fn peek(mut input: Input) -> Result<(Vec<u8>, Input), ReadError> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    input.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Box::new(Cursor::new(head).chain(input))))
}

fn skip(mut input: Input, bytes: u64) -> io::Result<Input> {
    io::copy(&mut input.by_ref().take(bytes), &mut io::sink())?;
    Ok(input)
}

/// A BSON document begins with its length and the type of its first element. An element has a name of its own that ends with
/// a NUL.
fn is_bson(head: &[u8]) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<4>() else { return false };
    let length = u32::from_le_bytes(*length);
    (5..=16 << 20).contains(&length) && matches!(rest, [1..=0x13, ..]) && rest.contains(&0)
}
