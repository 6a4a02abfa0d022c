//! Files of a compressed tar archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;

/// All regular files of a `.tgz`, by path.
pub(crate) fn files(path: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    let mut files = BTreeMap::new();
    let mut rest = bytes.as_slice();
    let mut long_name = None;
    while let Some((header, after)) = rest.split_at_checked(512) {
        let text =
            |range: std::ops::Range<usize>| String::from_utf8_lossy(&header[range]).trim_end_matches('\0').trim().to_owned();
        let Ok(size) = usize::from_str_radix(&text(124..136), 8) else { break };
        let Some((contents, _)) = after.split_at_checked(size) else { break };
        match header[156] {
            b'L' => long_name = Some(String::from_utf8_lossy(contents).trim_end_matches('\0').to_owned()),
            b'x' => long_name = extended_name(contents),
            b'0' | 0 => {
                let prefix = text(345..500);
                let short = if prefix.is_empty() { text(0..100) } else { format!("{prefix}/{}", text(0..100)) };
                files.insert(long_name.take().unwrap_or(short), contents.to_vec());
            }
            _ => long_name = None,
        }
        rest = &after[size.next_multiple_of(512).min(after.len())..];
    }
    Ok(files)
}

/// The `path` of an extended header: lines of `length key=value`.
fn extended_name(header: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(header);
    text.lines().find_map(|line| line.split_once(" path=").map(|(_, path)| path.to_owned()))
}
