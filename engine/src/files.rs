//! Reading, and writing that leaves either the old file or the new one.

use crate::failure::Failure;
use crate::leftover::{self, Leftover, Listed};
use crate::place::{self, Place, parent};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::{NamedTempFile, TempDir};
use zktorch_blocks::integers::Store;

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    readable(path)?;
    fs::read(path).map_err(|e| Failure::file("read", path, e))
}

/// Reads a whole file into memory in which its integers lie aligned; its length too.
pub fn read_to_store(path: &Path) -> Result<(Arc<Store>, usize), Failure> {
    readable(path)?;
    let read = || -> std::io::Result<(Arc<Store>, usize)> {
        let mut file = File::open(path)?;
        let len = usize::try_from(file.metadata()?.len()).map_err(std::io::Error::other)?;
        let mut store = Store::zeros(len);
        file.read_exact(&mut store.bytes_mut()[..len])?;
        Ok((Arc::new(store), len))
    };
    read().map_err(|e| Failure::file("read", path, e))
}

/// Refuses what has no end, or is no file at all; pipes are read.
pub fn readable(path: &Path) -> Result<(), Failure> {
    zktorch_compiler::inputs::readable(path).map_err(|e| Failure::file("read", path, e))
}

fn unwritable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::file("write", path, why).hint("does its folder exist, and may you write there?")
}

/// A temporary file; a secret one only its owner may read.
fn temporary(folder: &Path, secret: bool) -> std::io::Result<(NamedTempFile, Listed)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zktorch-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if secret { 0o600 } else { 0o666 }));
    #[cfg(not(unix))]
    let _ = secret;
    leftover::make(|| builder.tempfile_in(folder), |file| Leftover::File(file.path().to_owned()))
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
    /// As the user named it.
    path: PathBuf,
    target: Target,
}

enum Target {
    /// Written beside its place, then renamed; the place is no link.
    File { place: PathBuf, file: NamedTempFile, listed: Listed },
    /// A device or a pipe, open.
    Through { file: File, bytes: Vec<u8> },
}

impl Pending {
    /// Reserves a place, so that a long computation does not end in an unwritable output. Links are followed; a device or a pipe is
    /// opened, and written through.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        Self::with(path, false)
    }

    /// The same for a file that only its owner may read.
    pub fn secret(path: &Path) -> Result<Self, Failure> {
        Self::with(path, true)
    }

    fn with(path: &Path, secret: bool) -> Result<Self, Failure> {
        let misplaced = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::Other => Failure::file("write", path, e),
            _ => unwritable(path, e),
        };
        let target = match Place::of(path).map_err(misplaced)? {
            Place::File(place) => {
                let (file, listed) = temporary(parent(&place), secret).map_err(|e| unwritable(path, e))?;
                Target::File { place, file, listed }
            }
            Place::Through(place) => {
                let file = OpenOptions::new().write(true).open(place).map_err(|e| unwritable(path, e))?;
                Target::Through { file, bytes: Vec::new() }
            }
        };
        Ok(Self { path: path.to_owned(), target })
    }

    /// Writes all, syncs, and renames.
    pub fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        self.filled(bytes)?.finish()
    }

    /// Writes all beside the place.
    pub fn filled(mut self, bytes: &[u8]) -> Result<Self, Failure> {
        let written = match &mut self.target {
            Target::File { file, .. } => file.write_all(bytes).and_then(|()| file.as_file().sync_all()),
            Target::Through { bytes: kept, .. } => {
                kept.extend(bytes);
                Ok(())
            }
        };
        written.map_err(|e| unwritable(&self.path, e))?;
        Ok(self)
    }

    /// Puts what was written in its place.
    pub fn finish(self) -> Result<(), Failure> {
        finish([self])
    }

    /// Writes through, or renames.
    fn put(self) -> Result<(), Failure> {
        let Self { path, target } = self;
        let put = match target {
            Target::File { place, file, listed } => {
                let renamed = file.persist(&place).map(drop).map_err(|e| e.error);
                drop(listed);
                sync_folder(parent(&place));
                renamed
            }
            Target::Through { mut file, bytes } => through(&mut file, &bytes),
        };
        put.map_err(|e| unwritable(&path, e))
    }
}

/// An open file (`/dev/fd/3`) may have had other contents.
fn through(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    file.write_all(bytes)?;
    file.flush()
}

/// Writes a file whole or not at all; what cannot be made again is replaced only if that is forced.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    place::Files::default().output("the file", path).force(force).check()?;
    Pending::new(path)?.write(bytes)
}

/// Puts files that belong together in their places, in this order; a signal finds all of them there or none.
pub fn finish(files: impl IntoIterator<Item = Pending>) -> Result<(), Failure> {
    // A pipe may have no reader: a signal must not wait for it.
    let (through, renamed): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|pending| matches!(pending.target, Target::Through { .. }));
    leftover::undisturbed(|| renamed.into_iter().try_for_each(Pending::put))?;
    through.into_iter().try_for_each(Pending::put)
}

/// A file of a folder.
#[derive(Clone)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Whether only its owner may read it.
    pub secret: bool,
}

/// A folder to be written, which nobody else writes meanwhile.
pub enum PendingFolder {
    /// It did not exist: an empty one holds its place, and is replaced by one made beside it.
    New {
        /// Where it goes.
        place: Reserved,
        /// Where it is made.
        folder: TempDir,
        /// Until it is there.
        listed: Listed,
    },
    /// It exists: its files are replaced one by one, after all of them are written.
    Old {
        /// Where it is.
        path: PathBuf,
        /// Its lock.
        _lock: File,
    },
}

/// An empty folder that holds a place, and is removed if nothing comes.
pub struct Reserved {
    path: PathBuf,
    _listed: Listed,
    _lock: File,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // A folder that is not empty stays.
        drop(fs::remove_dir(&self.path));
    }
}

/// Opens and locks a folder. The lock lies on the folder itself, and nothing is left of it.
fn lock(path: &Path) -> Result<File, Failure> {
    let busy = || {
        Failure::file("write", path, "another zktorch is compiling into this folder")
            .hint("wait until it is done, or choose another folder")
    };
    let folder = File::open(path).map_err(|e| unwritable(path, e))?;
    match folder.try_lock() {
        Err(fs::TryLockError::WouldBlock) => return Err(busy()),
        // Some network file systems lock no folders: then two compilations at once may mix their files, which `prove` notices.
        Err(fs::TryLockError::Error(_)) | Ok(()) => {}
    }
    // It may have been replaced between the opening and the lock.
    let [own, there] = [folder.metadata(), fs::metadata(path)].map(|found| found.ok().as_ref().and_then(place::number));
    if own == there { Ok(folder) } else { Err(busy()) }
}

impl PendingFolder {
    /// Reserves a place.
    pub fn new(path: &Path) -> Result<Self, Failure> {
        if path.is_dir() {
            return Self::old(path);
        }
        if path.exists() {
            return Err(Failure::file("write", path, "it is a file, a folder is needed"));
        }
        if path.is_symlink() {
            return Err(Failure::file("write", path, "it is a symbolic link to nothing"));
        }
        let made = leftover::make(|| fs::create_dir(path), |()| Leftover::Empty(path.to_owned()));
        let ((), _listed) = match made {
            // Somebody was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Self::old(path),
            made => made.map_err(|e| unwritable(path, e))?,
        };
        let place = Reserved { path: path.to_owned(), _listed, _lock: lock(path)? };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".zktorch-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let made = leftover::make(|| builder.tempdir_in(parent(path)), |made| Leftover::Tree(made.path().to_owned()));
        let (folder, listed) = made.map_err(|e| unwritable(path, e))?;
        Ok(Self::New { place, folder, listed })
    }

    fn old(path: &Path) -> Result<Self, Failure> {
        let _lock = lock(path)?;
        temporary(path, false).map_err(|e| unwritable(path, e))?;
        Ok(Self::Old { path: path.to_owned(), _lock })
    }

    /// Writes the files; they appear together, or (in an old folder) in the order given.
    pub fn write<'e>(self, files: impl IntoIterator<Item = &'e Entry>) -> Result<(), Failure> {
        let folder = match &self {
            Self::New { folder, .. } => folder.path(),
            Self::Old { path, .. } => path,
        };
        let filled = |Entry { name, bytes, secret }: &Entry| Pending::with(&folder.join(name), *secret)?.filled(bytes);
        let pending = files.into_iter().map(filled).collect::<Result<Vec<_>, _>>()?;
        finish(pending)?;
        if let Self::New { place, folder, listed } = self {
            leftover::undisturbed(|| rename_folder(folder.path(), &place.path)).map_err(|e| unwritable(&place.path, e))?;
            // The folder is in its place; there is nothing left to clean up.
            drop((folder.keep(), listed));
            sync_folder(parent(&place.path));
        }
        Ok(())
    }
}

/// Puts a folder in the place of an empty one.
fn rename_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    // Elsewhere a folder cannot be replaced by renaming.
    #[cfg(not(unix))]
    fs::remove_dir(to)?;
    fs::rename(from, to)
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
