//! Files of a compressed tar archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

/// All regular files of a `.tgz`, by path.
pub(super) fn files(path: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    let mut files = BTreeMap::new();
    let mut rest = bytes.as_slice();
    while let Some((header, after)) = rest.split_at_checked(512) {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&header[range]).trim_end_matches('\0').trim().to_owned()
        };
        let Ok(size) = usize::from_str_radix(&text(124..136), 8) else { break };
        let Some((contents, _)) = after.split_at_checked(size) else { break };
        if matches!(header[156], b'0' | 0) {
            let prefix = text(345..500);
            let name = if prefix.is_empty() { text(0..100) } else { format!("{prefix}/{}", text(0..100)) };
            files.insert(name, contents.to_vec());
        }
        rest = &after[size.next_multiple_of(512).min(after.len())..];
    }
    Ok(files)
}
