//! Finds the ends of JSON values in a stream, in bounded memory. What a value contains is checked by the JSON parser.

use std::io::{self, BufRead};

use super::lines::MAX_LINE_BYTES;

/// Why a value could not be read.
#[derive(Debug)]
pub(super) enum ScanError {
    Io(io::Error),
    /// The input ends inside a value.
    End,
    /// The next byte cannot follow.
    Broken,
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads byte after byte, counts lines, and keeps a bounded copy of what was read.
pub(super) struct Scanner<R> {
    input: R,
    /// The number of the current line; the first is 1.
    line: u64,
    copy: Vec<u8>,
    is_copy_complete: bool,
}

impl<R: BufRead> Scanner<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 1, copy: Vec::new(), is_copy_complete: true }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The bytes since the last [`clear`](Self::clear). `None` if they are more than [`MAX_LINE_BYTES`].
    pub(super) fn copy(&self) -> Option<&[u8]> {
        self.is_copy_complete.then_some(&self.copy[..])
    }

    pub(super) fn clear(&mut self) {
        self.copy.clear();
        self.is_copy_complete = true;
    }

    /// The rest of the input, and the copy.
    pub(super) fn into_parts(self) -> (Vec<u8>, R) {
        (self.copy, self.input)
    }

    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    /// Reads the byte that [`peek`](Self::peek) has returned.
    pub(super) fn advance(&mut self, byte: u8) {
        self.input.consume(1);
        self.line += u64::from(byte == b'\n');
        if self.copy.len() < MAX_LINE_BYTES {
            self.copy.push(byte);
        } else {
            self.is_copy_complete = false;
        }
    }

    fn next(&mut self) -> Result<u8, ScanError> {
        let byte = self.peek()?.ok_or(ScanError::End)?;
        self.advance(byte);
        Ok(byte)
    }

    /// Skips white space. Returns the next byte without reading it, or `None` at the end of the input.
    pub(super) fn skip_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) => self.advance(byte),
                other => return Ok(other),
            }
        }
    }

    /// Skips the rest of the current line.
    pub(super) fn skip_line(&mut self) -> io::Result<()> {
        while let Some(byte) = self.peek()? {
            self.advance(byte);
            if byte == b'\n' {
                break;
            }
        }
        Ok(())
    }

    /// Reads `expected` after white space.
    pub(super) fn expect(&mut self, expected: u8) -> Result<(), ScanError> {
        match self.skip_space()? {
            Some(byte) if byte == expected => {
                self.advance(byte);
                Ok(())
            }
            Some(_) => Err(ScanError::Broken),
            None => Err(ScanError::End),
        }
    }

    /// Reads one value. It begins at the next byte.
    pub(super) fn value(&mut self) -> Result<(), ScanError> {
        match self.peek()?.ok_or(ScanError::End)? {
            b'{' | b'[' => self.container(),
            b'"' => self.string(),
            b'-' | b'0'..=b'9' | b'a'..=b'z' => self.word(),
            _ => Err(ScanError::Broken),
        }
    }

    /// Reads a string. It begins at the next byte.
    pub(super) fn string(&mut self) -> Result<(), ScanError> {
        self.next()?;
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => {
                    self.next()?;
                }
                b'\n' => return Err(ScanError::Broken),
                _ => {}
            }
        }
    }

    /// Reads a string and returns it with its quotes. One of more than 64 bytes is cut off.
    pub(super) fn name(&mut self) -> Result<Vec<u8>, ScanError> {
        let mut name = Vec::new();
        let mut is_escaped = true;
        loop {
            let byte = self.next()?;
            if name.len() < 64 {
                name.push(byte);
            }
            match byte {
                b'"' if !is_escaped => return Ok(name),
                b'\n' => return Err(ScanError::Broken),
                // The opening quote is read as if it were escaped.
                _ => is_escaped = byte == b'\\' && !is_escaped,
            }
        }
    }

    fn container(&mut self) -> Result<(), ScanError> {
        let mut depth = 0_u64;
        loop {
            match self.peek()?.ok_or(ScanError::End)? {
                b'"' => self.string()?,
                byte => {
                    self.advance(byte);
                    match byte {
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn word(&mut self) -> Result<(), ScanError> {
        while let Some(byte @ (b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')) = self.peek()? {
            self.advance(byte);
        }
        Ok(())
    }
}
