//! The IDX format of MNIST: a big-endian header, then unsigned bytes.

use zktorch_formats::FormatError;

/// Unsigned bytes, in three axes and in one.
const IMAGES_MAGIC: u32 = 0x0803;
const LABELS_MAGIC: u32 = 0x0801;

/// The shape of one image, `[height, width, 1]`, and the images.
pub(super) fn images(bytes: &[u8]) -> Result<(Vec<usize>, Vec<Vec<f32>>), FormatError> {
    let ([count, height, width], pixels) = header(bytes, IMAGES_MAGIC)?;
    let size = height.checked_mul(width).filter(|&size| size > 0);
    let size = size.ok_or_else(|| FormatError::unexpected("IDX image", "a size", format!("{height} x {width}")))?;
    if count.checked_mul(size) != Some(pixels.len()) {
        return Err(FormatError::unexpected("IDX pixels", format!("{count} x {size} bytes"), pixels.len()));
    }
    let images = pixels.chunks(size).map(|image| image.iter().map(|&pixel| pixel.into()).collect());
    Ok((vec![height, width, 1], images.collect()))
}

/// The labels.
pub(super) fn labels(bytes: &[u8]) -> Result<Vec<usize>, FormatError> {
    let ([count], labels) = header(bytes, LABELS_MAGIC)?;
    if count != labels.len() {
        return Err(FormatError::unexpected("IDX labels", format!("{count} bytes"), labels.len()));
    }
    Ok(labels.iter().map(|&label| label.into()).collect())
}

/// The axes of an IDX file and what follows.
fn header<const AXES: usize>(bytes: &[u8], magic: u32) -> Result<([usize; AXES], &[u8]), FormatError> {
    let (found, mut rest) = word(bytes)?;
    if found != magic {
        return Err(FormatError::unexpected("IDX magic", format!("{magic:#06x}"), format!("{found:#06x}")));
    }
    let mut axes = [0; AXES];
    for axis in &mut axes {
        let (value, after) = word(rest)?;
        *axis = value as usize;
        rest = after;
    }
    Ok((axes, rest))
}

fn word(bytes: &[u8]) -> Result<(u32, &[u8]), FormatError> {
    let short = FormatError::Truncated { what: "IDX header", needed: 4, available: bytes.len() as u64 };
    let (word, rest) = bytes.split_first_chunk().ok_or(short)?;
    Ok((u32::from_be_bytes(*word), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(words: &[u32], data: &[u8]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).chain(data.iter().copied()).collect()
    }

    #[test]
    fn good() {
        let (shape, pixels) = images(&file(&[IMAGES_MAGIC, 2, 1, 2], &[1, 2, 3, 255])).unwrap();
        assert_eq!((shape, pixels), (vec![1, 2, 1], vec![vec![1.0, 2.0], vec![3.0, 255.0]]));
        assert_eq!(labels(&file(&[LABELS_MAGIC, 2], &[7, 0])).unwrap(), [7, 0]);
    }

    #[test]
    fn refused() {
        assert!(images(&[]).is_err());
        assert!(images(&file(&[LABELS_MAGIC, 1], &[1])).is_err());
        assert!(images(&file(&[IMAGES_MAGIC, 2, 1, 2], &[1, 2, 3])).is_err());
        assert!(images(&file(&[IMAGES_MAGIC, 0, 0, 2], &[])).is_err());
        assert!(images(&file(&[IMAGES_MAGIC, u32::MAX, u32::MAX, u32::MAX], &[1])).is_err());
        assert!(images(&file(&[IMAGES_MAGIC, 2], &[])).is_err());
        assert!(labels(&file(&[LABELS_MAGIC, 3], &[1, 2])).is_err());
    }
}
