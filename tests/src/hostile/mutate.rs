//! Edits of files, the same at every run.

/// A stream of numbers, the same at every run.
#[derive(Clone, Debug)]
pub struct Stream(u64);

impl Stream {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below a bound, or 0 if that is 0.
    pub fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

/// A file with one to four edits: bytes changed, taken out, put in twice, replaced by another file's, or the end cut off.
pub fn mutated(stream: &mut Stream, file: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..1 + stream.next(4) {
        let at = stream.next(bytes.len());
        let end = (at + 1 + stream.next(16)).min(bytes.len());
        match stream.next(7) {
            0 => bytes[at..end].iter_mut().for_each(|b| *b = b.wrapping_add(1)),
            1 => bytes[at..end].fill(0xff),
            2 => drop(bytes.drain(at..end)),
            3 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            4 => drop(bytes.splice(at..end, other.iter().copied().skip(stream.next(other.len())).take(16))),
            // A variable-length integer of eight bytes.
            5 => drop(bytes.splice(at..(at + 1).min(end), [253, 0, 0, 0, 0, stream.next(256) as u8, 0, 0, 0])),
            _ => bytes.truncate(bytes.len().saturating_sub(stream.next(bytes.len() / 4 + 1))),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}
