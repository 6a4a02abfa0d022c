//! Where an output goes: links are followed, devices and pipes are written through, and no input is overwritten.

use crate::failure::Failure;
use crate::header;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zktorch_verifier::codec::Kind;

/// Links that are followed before they are taken for a circle.
const LINKS: usize = 40;

/// Where an output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, or nothing yet: replaced as a whole. No link.
    File(PathBuf),
    /// A device, a pipe or an open file: written through, and never replaced.
    Through(PathBuf),
}

/// The folder that a path lies in.
pub fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Place {
    /// Follows the links of a path.
    ///
    /// # Errors
    /// If it is a folder, or its links lead nowhere.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut at = path.to_owned();
        for _ in 0..LINKS {
            let found = match fs::symlink_metadata(&at) {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::File(at)),
                Err(error) => return Err(error),
            };
            if !found.is_symlink() {
                return match found {
                    found if found.is_dir() => Err(io::Error::other("it is a folder, a file is needed")),
                    found if found.is_file() => Ok(Self::File(at)),
                    _ => Ok(Self::Through(at)),
                };
            }
            // What lies there names open files, not places.
            if fs::canonicalize(parent(&at)).is_ok_and(|folder| folder.starts_with("/proc")) {
                return Ok(Self::Through(at));
            }
            at = parent(&at).join(fs::read_link(&at)?);
        }
        Err(io::Error::other("too many symbolic links"))
    }
}

/// What tells whether two paths are one file.
#[derive(Clone, Debug, Default)]
struct Identity {
    /// The path without links and dots, if its folder is there.
    path: Option<PathBuf>,
    /// Device and number, if the file is there.
    number: Option<(u64, u64)>,
}

#[cfg(unix)]
pub fn number(found: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
pub fn number(_: &Metadata) -> Option<(u64, u64)> {
    None
}

impl Identity {
    fn of(path: &Path) -> Self {
        let place = match Place::of(path) {
            Ok(Place::File(place)) => place,
            _ => path.to_owned(),
        };
        let folder = fs::canonicalize(parent(&place)).ok();
        let path = folder.and_then(|folder| Some(folder.join(place.file_name()?)));
        Self { path, number: fs::metadata(&place).ok().as_ref().and_then(number) }
    }

    fn is(&self, other: &Self) -> bool {
        let same = |a: Option<bool>| a.unwrap_or(false);
        same(self.path.as_ref().zip(other.path.as_ref()).map(|(a, b)| a == b))
            || same(self.number.zip(other.number).map(|(a, b)| a == b))
    }
}

/// The files that a command reads and writes, each with the option that names it.
#[derive(Debug, Default)]
pub struct Files {
    inputs: Vec<(String, PathBuf)>,
    outputs: Vec<(String, PathBuf)>,
    /// Whether files that cannot be made again may be replaced.
    force: bool,
}

impl Files {
    /// A file that is read.
    pub fn input(mut self, option: &str, path: impl Into<PathBuf>) -> Self {
        self.inputs.push((option.to_owned(), path.into()));
        self
    }

    /// A file of samples or a folder of them.
    pub fn samples(mut self, option: &str, path: &Path) -> Self {
        if !path.is_dir() {
            return self.input(option, path);
        }
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            self = self.input(option, entry.path());
        }
        self
    }

    /// A file that is written.
    pub fn output(mut self, option: &str, path: impl Into<PathBuf>) -> Self {
        self.outputs.push((option.to_owned(), path.into()));
        self
    }

    /// Lets files be replaced that cannot be made again.
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// Refuses what would destroy something: an output that is an input, or another output, or where results are printed, or (unless that
    /// is forced) where something lies that cannot be made again.
    ///
    /// # Errors
    /// With both names.
    pub fn check(&self) -> Result<(), Failure> {
        let identities = |files: &[(String, PathBuf)]| files.iter().map(|(_, path)| Identity::of(path)).collect::<Vec<_>>();
        let (inputs, outputs) = (identities(&self.inputs), identities(&self.outputs));
        for (n, ((option, path), own)) in self.outputs.iter().zip(&outputs).enumerate() {
            printed(path, own)?;
            // What is written through is no file that could be destroyed.
            if matches!(Place::of(path), Ok(Place::Through(_))) {
                continue;
            }
            let read = self.inputs.iter().zip(&inputs).map(|(named, id)| (named, id, "is read by the same command"));
            let written =
                self.outputs.iter().zip(&outputs).take(n).map(|(named, id)| (named, id, "is written by the same command"));
            if let Some(((other, at), _, why)) = read.chain(written).find(|(_, id, _)| own.is(id)) {
                let why = format!("it is the file `{}` ({other}), which {why}", at.display());
                return Err(Failure::file(&format!("write {option}"), path, why).hint("name another file"));
            }
            if let Some(kind) = precious(path).filter(|_| !self.force) {
                let article = if kind == Kind::Opening { "an" } else { "a" };
                let why = format!("it is {article} {} of zktorch, which cannot be made again", kind.name());
                return Err(
                    Failure::file(&format!("write {option}"), path, why).hint("name another file; --force replaces it")
                );
            }
        }
        Ok(())
    }
}

/// What lies at a path that cannot be made again: all that has randomness of its own, but proofs.
fn precious(path: &Path) -> Option<Kind> {
    let mut start = Vec::new();
    File::open(path).ok()?.take(header::HEADER).read_to_end(&mut start).ok()?;
    header::kind(&start).filter(|&kind| kind != Kind::Proof)
}

/// Refuses to write a file where text is printed: each would spoil the other.
#[cfg(unix)]
fn printed(path: &Path, own: &Identity) -> Result<(), Failure> {
    use std::os::fd::AsFd;
    let (out, err) = (io::stdout(), io::stderr());
    let nowhere = fs::metadata("/dev/null").ok().as_ref().and_then(number);
    for (fd, name) in [(out.as_fd(), "standard output"), (err.as_fd(), "standard error")] {
        let found = fd.try_clone_to_owned().and_then(|fd| File::from(fd).metadata());
        let found = found.ok().as_ref().and_then(number);
        if found.is_some() && found == own.number && found != nowhere {
            let why = format!("it is {name}, where results and errors are printed");
            return Err(Failure::file("write", path, why).hint("name a file or a pipe"));
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn printed(_: &Path, _: &Identity) -> Result<(), Failure> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_and_devices_are_not_files() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "1").unwrap();
        symlink("file", at("one")).unwrap();
        symlink(at("one"), at("two")).unwrap();
        symlink("nothing", at("dangling")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("/dev/null", at("null")).unwrap();
        assert_eq!(Place::of(&at("two")).unwrap(), Place::File(at("file")));
        assert_eq!(Place::of(&at("dangling")).unwrap(), Place::File(at("nothing")));
        assert_eq!(Place::of(&at("null")).unwrap(), Place::Through("/dev/null".into()));
        assert!(matches!(Place::of(Path::new("/dev/stdout")).unwrap(), Place::Through(_)));
        assert!(Place::of(&at("circle")).is_err() && Place::of(root.path()).is_err());
    }

    #[test]
    fn a_file_has_many_names() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "1").unwrap();
        fs::create_dir(at("folder")).unwrap();
        fs::hard_link(at("file"), at("hard")).unwrap();
        symlink("file", at("soft")).unwrap();
        let clash = |output: &str| {
            Files::default().input("--input", at("file")).output("-o", at(output)).check().map_err(|e| e.to_string())
        };
        for name in ["file", "hard", "soft", "folder/../file", "./file"] {
            let said = clash(name).unwrap_err();
            assert!(said.contains("(--input)") && said.contains("write -o"), "{said}");
        }
        assert!(clash("other").is_ok());
        let twice = Files::default().output("-o", at("new")).output("--keep", at("folder/../new")).check();
        assert!(twice.unwrap_err().to_string().contains("is written by the same command"));
    }

    #[test]
    fn what_cannot_be_made_again_is_replaced_by_force_only() {
        use zktorch_verifier::codec::encode;
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for kind in Kind::ALL {
            fs::write(at("file"), encode(kind, &7u32).unwrap()).unwrap();
            let check = |force| Files::default().output("-o", at("file")).force(force).check().map_err(|e| e.to_string());
            assert_eq!(check(true), Ok(()));
            match check(false) {
                Ok(()) => assert_eq!(kind, Kind::Proof),
                Err(why) => assert!(kind != Kind::Proof && why.contains(kind.name()) && why.contains("made again"), "{why}"),
            }
        }
        for other in ["", "zktr", "{}"] {
            fs::write(at("file"), other).unwrap();
            assert!(Files::default().output("-o", at("file")).check().is_ok());
        }
    }
}
