//! Reads lines in bounded memory. The input, and each line of it, may be larger than memory.

use std::io::{self, BufRead, Read as _};

/// The maximum number of bytes of a line: more than any account needs.
pub(super) const MAX_LINE_BYTES: usize = 64 * 1024;

/// A line of the input.
pub(super) struct Line<'a> {
    /// The number of the line; the first is 1.
    pub(super) number: u64,
    /// The content without the line ending. `None` if it is longer than [`MAX_LINE_BYTES`].
    pub(super) bytes: Option<&'a [u8]>,
}

/// Reads one line after another into the same buffer.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    bytes: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0, bytes: Vec::new() }
    }

    /// The next line; `None` at the end of the input.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.bytes.clear();
        // One byte more than the maximum is the line ending, or shows that the line is too long. The rest of such a line
        // is skipped, so that memory stays bounded.
        let bound = MAX_LINE_BYTES as u64 + 1;
        let length = self.input.by_ref().take(bound).read_until(b'\n', &mut self.bytes)?;
        if length == 0 {
            return Ok(None);
        }
        let is_too_long = self.bytes.pop_if(|last| *last == b'\n').is_none() && length > MAX_LINE_BYTES;
        if is_too_long {
            self.input.skip_until(b'\n')?;
        }
        self.number += 1;
        let bytes = (!is_too_long).then_some(&self.bytes[..]);
        Ok(Some(Line { number: self.number, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line as its number and its bytes, read through a buffer of three bytes.
    fn lines(input: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, input));
        let mut found = Vec::new();
        while let Some(line) = lines.next().expect("read") {
            found.push((line.number, line.bytes.map(<[u8]>::to_vec)));
        }
        found
    }

    #[test]
    fn lines_have_numbers_and_the_last_needs_no_ending() {
        let line = |number, text: &str| (number, Some(text.as_bytes().to_vec()));
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"one\n\nthree\r\n"), [line(1, "one"), line(2, ""), line(3, "three\r")]);
        assert_eq!(lines(b"one\nlast"), [line(1, "one"), line(2, "last")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let longest = vec![b'x'; MAX_LINE_BYTES];
        let input = [&longest[..], b"\n", &longest, b"y\n", &longest, &longest, &longest, b"\nlast"].concat();
        let lines = lines(&input);
        let read: Vec<_> = lines.iter().map(|(_, bytes)| bytes.as_deref()).collect();
        assert_eq!(read, [Some(&longest[..]), None, None, Some(b"last")]);
        assert_eq!(lines.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
