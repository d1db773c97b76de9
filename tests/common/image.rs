//! The bytes of a region's file, to be read and patched, with an implementation of the checksum of its own.

use std::fs;
use std::path::Path;

/// Offsets in the preamble (docs/layout.md).
pub(crate) mod preamble {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const MAJOR: usize = 8;
    pub(crate) const MINOR: usize = 10;
    pub(crate) const HEADER_LENGTH: usize = 12;
    pub(crate) const KIND: usize = 16;
    pub(crate) const LOCK_HOME: usize = 20;
    pub(crate) const INSTANCE: usize = 24;
    pub(crate) const TOTAL_SIZE: usize = 40;
    pub(crate) const LOCK_NAME: usize = 48;
    pub(crate) const LOCK_ENTRIES: usize = 56;
    pub(crate) const LOCK_COUNT: usize = 64;
    pub(crate) const COMPANION_INODE: usize = 72;
    pub(crate) const CREATOR: usize = 80;
    pub(crate) const RESERVED: usize = 88;
    pub(crate) const CRC: usize = 124;
}

/// Offsets in the body (docs/layout.md).
pub(crate) mod body {
    pub(crate) const INCOMPATIBLE_FEATURES: usize = 128;
    pub(crate) const COMPATIBLE_FEATURES: usize = 136;
    pub(crate) const CONTENT: usize = 144;
    pub(crate) const ELEMENT_SIZE: usize = 148;
    pub(crate) const ELEMENT_ALIGN: usize = 152;
    pub(crate) const PAYLOAD_OFFSET: usize = 156;
    pub(crate) const SLOT_STRIDE: usize = 160;
    pub(crate) const STAMP_OFFSET: usize = 164;
    pub(crate) const CAPACITY: usize = 168;
    pub(crate) const START: usize = 176;
    pub(crate) const CREATED_AT: usize = 184;
    pub(crate) const SHARED: usize = 192;
    pub(crate) const ENTRIES: usize = 208;
    pub(crate) const GATES: usize = 224;
    pub(crate) const CLAIMS: usize = 240;
    pub(crate) const DATA: usize = 256;
    pub(crate) const ENTRY_COUNT: usize = 272;
    pub(crate) const ENTRY_STRIDE: usize = 276;
    pub(crate) const GATE_COUNT: usize = 280;
    pub(crate) const GATE_STRIDE: usize = 284;
    pub(crate) const POLICIES: usize = 288;
    pub(crate) const HOLD_GATES: usize = 296;
    pub(crate) const DEMOTE_AFTER: usize = 304;
    pub(crate) const GATE_NAMES: usize = 312;
    pub(crate) const RESERVED_POLICIES: usize = 320;
    pub(crate) const SCHEMA_NAME: usize = 400;
    pub(crate) const SCHEMA_FIELDS: usize = 408;
    pub(crate) const SCHEMA_COMPATIBLE: usize = 416;
    pub(crate) const SCHEMA_VERSION: usize = 424;
    pub(crate) const SCHEMA_FIELD_COUNT: usize = 428;
    pub(crate) const SCHEMA_FINGERPRINT: usize = 432;
    pub(crate) const RESERVED: usize = 448;
    pub(crate) const CRC: usize = 508;
    pub(crate) const END: usize = 512;
}

/// Offsets in a region whose header is one page (docs/layout.md).
pub(crate) mod words {
    pub(crate) const SHARED: usize = 4096;
    pub(crate) const FLAGS: usize = SHARED;
    pub(crate) const TAIL: usize = SHARED + 128;
    pub(crate) const HEAD: usize = SHARED + 256;
    pub(crate) const READ_MARK: usize = SHARED + 384;
    pub(crate) const NOT_EMPTY: usize = SHARED + 640;
    pub(crate) const NOT_FULL: usize = SHARED + 768;
    pub(crate) const ENTRIES: usize = SHARED + 4096;
    pub(crate) const DATA: usize = ENTRIES + 4096;
}

/// CRC-32C, one bit at a time.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let mut remainder = !0_u32;
    for byte in bytes {
        remainder ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = remainder & 1;
            remainder >>= 1;
            if carry == 1 {
                remainder ^= 0x82f6_3b78;
            }
        }
    }
    !remainder
}

/// The bytes of a region's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    bytes: Vec<u8>,
}

impl Image {
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    pub(crate) fn of(path: &Path) -> Self {
        Self { bytes: fs::read(path).expect("the region's file") }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(crate) fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    pub(crate) fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes[at..at + N].try_into().expect("as many bytes")
    }

    /// Puts `bytes` at `at`; the checksums stay as they are.
    pub(crate) fn put(mut self, at: usize, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn put_u16(self, at: usize, value: u16) -> Self {
        self.put(at, value.to_le_bytes())
    }

    pub(crate) fn put_u32(self, at: usize, value: u32) -> Self {
        self.put(at, value.to_le_bytes())
    }

    pub(crate) fn put_u64(self, at: usize, value: u64) -> Self {
        self.put(at, value.to_le_bytes())
    }

    pub(crate) fn resize(mut self, length: usize) -> Self {
        self.bytes.resize(length, 0);
        self
    }

    /// Makes both checksums right. The header ends where it says, or with the file.
    pub(crate) fn sealed(self) -> Self {
        let crc = crc32c(&self.bytes[..preamble::CRC]);
        let this = self.put_u32(preamble::CRC, crc).put_u32(body::CRC, 0);
        let length = this.u32(preamble::HEADER_LENGTH) as usize;
        let crc = crc32c(&this.bytes[..length.clamp(body::END, this.bytes.len())]);
        this.put_u32(body::CRC, crc)
    }

    /// Makes the file `path` hold these bytes and no more.
    pub(crate) fn write(&self, path: &Path) {
        fs::write(path, &self.bytes).expect("the region's file");
    }
}
