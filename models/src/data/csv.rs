//! Images as lines of `label,byte,byte,..`.

use super::Labelled;
use zktorch_formats::FormatError;

pub(super) fn parse(bytes: &[u8], shape: &[usize]) -> Result<Labelled, FormatError> {
    let text = str::from_utf8(bytes).map_err(|error| FormatError::unexpected("csv", "text", error))?;
    let mut images = Vec::new();
    let mut labels = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let mut cells = line.split(',').map(byte);
        labels.push(cells.next().transpose()?.map_or(0, usize::from));
        images.push(cells.map(|cell| cell.map(f32::from)).collect::<Result<_, _>>()?);
    }
    Labelled::new(images, labels, shape.to_vec())
}

fn byte(cell: &str) -> Result<u8, FormatError> {
    cell.trim().parse().map_err(|_| FormatError::unexpected("csv cell", "0..=255", cell.get(..20).unwrap_or(cell)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good() {
        let read = parse(b"3,0,255\n1, 7,8\r\n\n", &[1, 2, 1]).unwrap();
        assert_eq!(read.labels, [3, 1]);
        assert_eq!(read.images, [[0.0, 255.0], [7.0, 8.0]]);
    }

    #[test]
    fn refused() {
        for text in ["3,0\n", "3,0,256\n", "3,0,-1\n", "3,a,b\n", "3,0,1,2\n", ",0,1\n", "x,0,1\n", "3,0,1.5\n"] {
            assert!(parse(text.as_bytes(), &[1, 2, 1]).is_err(), "{text:?} was accepted");
        }
        assert!(parse(&[0xff], &[1]).is_err());
    }
}
