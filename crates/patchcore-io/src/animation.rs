//! How many pictures a PNG or WebP holds: their decoders give the first of an animation and say nothing of the others.

/// The frames that an animated PNG announces before its first picture; 1 for any other.
#[cfg(feature = "png")]
pub(crate) fn png_frames(bytes: &[u8]) -> usize {
    // The signature comes first; a chunk has its length, a name, the data and a checksum.
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some(([a, b, c, d, name @ ..], after)) = rest.split_first_chunk::<8>() {
        match (name, after.first_chunk::<4>()) {
            (b"acTL", Some(frames)) => return u32::from_be_bytes(*frames) as usize,
            (b"IDAT", _) => break,
            _ => {}
        }
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        rest = after.get(length.saturating_add(4)..).unwrap_or_default();
    }
    1
}

/// The frames of an animated WebP; 1 for any other.
#[cfg(feature = "webp")]
pub(crate) fn webp_frames(bytes: &[u8]) -> usize {
    webp_chunks(bytes).filter(|name| *name == b"ANMF").count().max(1)
}

/// The names of a WebP's chunks.
#[cfg(feature = "webp")]
pub(crate) fn webp_chunks(bytes: &[u8]) -> impl Iterator<Item = &[u8; 4]> {
    // `RIFF`, the length and `WEBP` come first; a chunk has a name, its length and an even number of bytes.
    let mut rest = bytes.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default();
        Some(name)
    })
}
