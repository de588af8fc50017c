//! Protobuf's wire format over borrowed bytes: tag, length check, value; no copy, no recursion.

/// Why a message could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WireError {
    /// Position in bytes from the start of the outermost message.
    pub offset: usize,
    /// Whether more bytes could have cured it.
    pub truncated: bool,
    /// What was being read.
    pub detail: &'static str,
}

/// The value of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2: a string, a message, packed numbers; with its own position.
    Bytes(Message<'a>),
    /// Wire type 5.
    Fixed32(u32),
}

/// A run of fields: the remaining bytes of a message and their position in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// The bytes not yet read.
    pub bytes: &'a [u8],
    /// Position of the first of them.
    pub offset: usize,
}

impl<'a> Message<'a> {
    /// The next field's number and value, `None` at the end of the message.
    pub fn next_field(&mut self) -> Result<Option<(u64, Value<'a>)>, WireError> {
        if self.bytes.is_empty() {
            return Ok(None);
        }
        let start = self.offset;
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                let length = usize::try_from(length).map_err(|_| self.error(false, "field longer than memory"))?;
                let offset = self.offset;
                Value::Bytes(Message { bytes: self.take(length)?, offset })
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(WireError { offset: start, truncated: false, detail: "unknown wire type" }),
        };
        match tag >> 3 {
            0 => Err(WireError { offset: start, truncated: false, detail: "field number 0" }),
            number => Ok(Some((number, value))),
        }
    }

    /// The next number of seven-bit groups.
    pub fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for (index, byte) in self.bytes.iter().copied().enumerate().take(10) {
            let group = u64::from(byte & 0x7f);
            if index == 9 && group > 1 {
                return Err(self.error(false, "number over 64 bits"));
            }
            value |= group << (7 * index);
            if byte & 0x80 == 0 {
                self.take(index + 1)?;
                return Ok(value);
            }
        }
        Err(self.error(self.bytes.len() < 10, "unterminated number"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (array, rest) = self.bytes.split_first_chunk::<N>().ok_or_else(|| self.error(true, "cut number"))?;
        self.bytes = rest;
        self.offset += N;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) =
            self.bytes.split_at_checked(length).ok_or_else(|| self.error(true, "field longer than what is left"))?;
        self.bytes = rest;
        self.offset += length;
        Ok(taken)
    }

    /// An error at the current position.
    pub fn error(&self, truncated: bool, detail: &'static str) -> WireError {
        WireError { offset: self.offset, truncated, detail }
    }

    /// The message as text.
    pub fn text(&self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes).map_err(|_| self.error(false, "name is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> Message<'_> {
        Message { bytes, offset: 0 }
    }

    #[test]
    fn a_two_gigabyte_length_prefix_is_truncation() {
        let mut read = message(&[0x3a, 0xff, 0xff, 0xff, 0xff, 0x07, 1, 2]);
        let error = read.next_field().unwrap_err();
        assert!(error.truncated);
    }

    #[test]
    fn groups_overlong_numbers_and_field_zero_are_refused() {
        assert!(!message(&[0x0b]).next_field().unwrap_err().truncated);
        assert!(
            !message(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2])
                .next_field()
                .unwrap_err()
                .truncated
        );
        assert!(message(&[0x00, 0x01]).next_field().is_err());
        assert!(message(&[0x08, 0x80]).next_field().unwrap_err().truncated);
    }

    #[test]
    fn every_wire_type_is_read() {
        let mut read = message(&[0x08, 0x96, 1, 0x12, 2, 7, 8, 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(read.next_field().unwrap(), Some((1, Value::Varint(150))));
        assert_eq!(read.next_field().unwrap(), Some((2, Value::Bytes(Message { bytes: &[7, 8], offset: 5 }))));
        assert_eq!(read.next_field().unwrap(), Some((3, Value::Fixed32(1))));
        assert_eq!(read.next_field().unwrap(), Some((4, Value::Fixed64(2))));
        assert_eq!(read.next_field().unwrap(), None);
    }
}
