//! Decodes UTF-16 as it is read.

use std::io::{self, Read};

/// Reads UTF-16 and returns UTF-8. An unpaired surrogate is an error.
pub(super) struct Utf16<R> {
    input: R,
    unit: fn([u8; 2]) -> u16,
    /// A first byte or a first surrogate whose second part has not been read.
    byte: Option<u8>,
    surrogate: Option<u16>,
    /// Decoded bytes that have not been returned.
    decoded: Vec<u8>,
    returned: usize,
}

impl<R: Read> Utf16<R> {
    pub(super) fn little_endian(input: R) -> Self {
        Self::new(input, u16::from_le_bytes)
    }

    pub(super) fn big_endian(input: R) -> Self {
        Self::new(input, u16::from_be_bytes)
    }

    fn new(input: R, unit: fn([u8; 2]) -> u16) -> Self {
        Self { input, unit, byte: None, surrogate: None, decoded: Vec::new(), returned: 0 }
    }

    /// Decodes the next part of the input. Returns `false` at its end.
    fn decode(&mut self) -> io::Result<bool> {
        let mut read = [0; 8_192];
        let count = self.input.read(&mut read)?;
        self.decoded.clear();
        self.returned = 0;
        if count == 0 {
            let is_complete = self.byte.is_none() && self.surrogate.is_none();
            return if is_complete { Ok(false) } else { Err(invalid()) };
        }
        for byte in &read[..count] {
            if let Some(first) = self.byte.take() {
                let unit = (self.unit)([first, *byte]);
                self.push(unit)?;
            } else {
                self.byte = Some(*byte);
            }
        }
        Ok(true)
    }

    fn push(&mut self, unit: u16) -> io::Result<()> {
        let is_first_surrogate = (0xd800..0xdc00).contains(&unit);
        if is_first_surrogate && self.surrogate.is_none() {
            self.surrogate = Some(unit);
            return Ok(());
        }
        let units = [self.surrogate.take().unwrap_or(unit), unit];
        let units = if units[0] == unit { &units[1..] } else { &units[..] };
        let mut characters = char::decode_utf16(units.iter().copied());
        let character = characters.next().and_then(Result::ok).ok_or_else(invalid)?;
        if characters.next().is_some() {
            return Err(invalid());
        }
        self.decoded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.returned == self.decoded.len() {
            if !self.decode()? {
                return Ok(0);
            }
        }
        let count = (&self.decoded[self.returned..]).read(buffer)?;
        self.returned += count;
        Ok(count)
    }
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the text is not valid UTF-16")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns at most one byte for each call.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn decoded(units: &[u16]) -> io::Result<String> {
        let bytes: Vec<_> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let mut text = String::new();
        Utf16::big_endian(Slow(&bytes)).read_to_string(&mut text)?;
        let swapped: Vec<_> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let mut same = String::new();
        Utf16::little_endian(&swapped[..]).read_to_string(&mut same)?;
        assert_eq!(text, same);
        Ok(text)
    }

    #[test]
    fn utf_16_is_decoded_in_both_byte_orders() {
        let text = "J\u{e4}ne \u{5e9} \u{1f600}\n";
        assert_eq!(decoded(&text.encode_utf16().collect::<Vec<_>>()).expect("decoded"), text);
        let long = "\u{1f600}x".repeat(10_000);
        assert_eq!(decoded(&long.encode_utf16().collect::<Vec<_>>()).expect("decoded"), long);
    }

    #[test]
    fn unpaired_surrogates_are_an_error() {
        for units in [&[0xd83d][..], &[0xd83d, 0x41], &[0xd83d, 0xd83d], &[0xde00], &[0x41, 0xde00, 0x41]] {
            assert!(decoded(units).is_err(), "{units:x?}");
        }
        assert!(Utf16::big_endian(&b"\0A\0"[..]).read_to_string(&mut String::new()).is_err());
    }
}
