//! Reading, and writing that leaves either the old file or the new one.

use crate::failure::Failure;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    if path.is_dir() {
        return Err(Failure::file("read", path, "it is a folder, a file is needed"));
    }
    fs::read(path).map_err(|e| Failure::file("read", path, e))
}

/// The folder that a path lies in.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unwritable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::file("write", path, why).hint("does its folder exist, and may you write there?")
}

/// A temporary file; a secret one only its owner may read.
fn temporary(folder: &Path, secret: bool) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zktorch-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if secret { 0o600 } else { 0o666 }));
    #[cfg(not(unix))]
    let _ = secret;
    builder.tempfile_in(folder)
}

/// Makes a rename in the folder durable, where the system can.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        // Not all systems can sync a folder; the data itself is synced.
        drop(folder.sync_all());
    }
}

/// A file to be written: its place is known to be writable, and nothing is there until [`Pending::write`].
pub struct Pending {
    path: PathBuf,
    file: NamedTempFile,
}

impl Pending {
    /// Reserves a place, so that a long computation does not end in an unwritable output.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        Self::with(path, false)
    }

    /// The same for a file that only its owner may read.
    pub fn secret(path: &Path) -> Result<Self, Failure> {
        Self::with(path, true)
    }

    fn with(path: &Path, secret: bool) -> Result<Self, Failure> {
        if path.is_dir() {
            return Err(unwritable(path, "it is a folder, a file is needed"));
        }
        let file = temporary(parent(path), secret).map_err(|e| unwritable(path, e))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes all, syncs, and renames.
    pub fn write(mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.fill(bytes)?;
        self.rename()
    }

    fn fill(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.as_file().sync_all());
        written.map_err(|e| unwritable(&self.path, e))
    }

    fn rename(self) -> Result<(), Failure> {
        let Self { path, file } = self;
        file.persist(&path).map_err(|e| unwritable(&path, e.error))?;
        sync_folder(parent(&path));
        Ok(())
    }
}

/// A file of a folder.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Whether only its owner may read it.
    pub secret: bool,
}

/// A folder to be written.
pub enum PendingFolder {
    /// It does not exist: made beside, then renamed as a whole.
    New {
        /// Where it goes.
        path: PathBuf,
        /// Where it is made.
        folder: TempDir,
    },
    /// It exists: its files are replaced one by one, after all of them are written.
    Old(PathBuf),
}

impl PendingFolder {
    /// Reserves a place.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            temporary(path, false).map_err(|e| unwritable(path, e))?;
            return Ok(Self::Old(path.to_owned()));
        }
        if path.exists() {
            return Err(unwritable(path, "it is a file, a folder is needed"));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".zktorch-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let folder = builder.tempdir_in(parent(path)).map_err(|e| unwritable(path, e))?;
        Ok(Self::New { path: path.to_owned(), folder })
    }

    /// Writes the files; they appear together, or (in an old folder) in the order given.
    pub fn write(self, files: &[Entry]) -> Result<(), Failure> {
        let folder = match &self {
            Self::New { folder, .. } => folder.path(),
            Self::Old(path) => path,
        };
        let mut pending = Vec::with_capacity(files.len());
        for Entry { name, bytes, secret } in files {
            let mut file = Pending::with(&folder.join(name), *secret)?;
            file.fill(bytes)?;
            pending.push(file);
        }
        pending.into_iter().try_for_each(Pending::rename)?;
        if let Self::New { path, folder } = self {
            fs::rename(folder.path(), &path).map_err(|e| unwritable(&path, e))?;
            // The folder is in its place; there is nothing left to clean up.
            drop(folder.keep());
            sync_folder(parent(&path));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &'static str, byte: u8) -> Entry {
        Entry { name, bytes: vec![byte], secret: false }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_is_left_behind() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        drop(Pending::new(&at("a")).unwrap());
        drop(PendingFolder::new(&at("d")).unwrap());
        assert!(names(root.path()).is_empty());
        Pending::new(&at("a")).unwrap().write(b"1").unwrap();
        Pending::new(&at("a")).unwrap().write(b"22").unwrap();
        assert_eq!(fs::read(at("a")).unwrap(), b"22");
        assert!(Pending::new(&at("a/b")).is_err() && PendingFolder::new(&at("a")).is_err());
        for round in 0..2u8 {
            PendingFolder::new(&at("d")).unwrap().write(&[entry("x", round), entry("y", round)]).unwrap();
            assert_eq!(fs::read(at("d/y")).unwrap(), [round]);
        }
        assert_eq!((names(root.path()), names(&at("d"))), (vec!["a".into(), "d".into()], vec!["x".into(), "y".into()]));
    }

    #[test]
    fn a_failure_leaves_no_folder() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("d");
        let pending = PendingFolder::new(&path).unwrap();
        assert!(pending.write(&[entry("x", 1), entry("no/such/place", 2)]).is_err());
        assert!(names(root.path()).is_empty());
    }
}
