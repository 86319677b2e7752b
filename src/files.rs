//! Files: read, or told why not; written whole or not at all, with the rights that they had; asked for before the work
//! begins; found below folders. Knows nothing of what is in them, but for how Lean reads its own.

use std::collections::HashSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};

/// The mark that some editors put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a file; a byte order mark before it is left out.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn read_text(path: &Path) -> Result<String> {
    let text = read_whole(path)?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned).unwrap_or(text))
}

/// The text of a Lean file.
///
/// # Errors
/// As [`read_text`]; and when a byte order mark stands before it, of which Lean makes an error.
pub fn read_lean(path: &Path) -> Result<String> {
    let text = read_whole(path)?;
    ensure!(
        !text.starts_with(BYTE_ORDER_MARK),
        "cannot read {}: it begins with a byte order mark, which Lean does not take; save it as UTF-8 without one",
        path.display()
    );
    Ok(text)
}

fn read_whole(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        anyhow!("cannot read {}: it is no text in UTF-8 (line {line})", path.display())
    })
}

/// A file beside `path` that can take its name when it is whole. Its rights are those of any new file: for all, but for
/// the user's umask.
///
/// # Errors
/// When the folder cannot be written to.
pub fn temporary(path: &Path) -> Result<tempfile::NamedTempFile> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".qstar").permissions(PermissionsExt::from_mode(0o666)).tempfile_in(folder);
    file.map_err(|error| anyhow!("cannot write {}: {}", path.display(), plain(&error)))
}

/// The system's word alone, without the name of a file that the user does not know.
fn plain(error: &std::io::Error) -> String {
    let words = error.to_string();
    words.split(" at path ").next().unwrap_or(&words).to_owned()
}

/// Writes a file whole or not at all. One that is there keeps its rights, and what is behind a link is written, not the
/// link.
///
/// # Errors
/// When it, or its folder, may not be written to, or the disk is full.
pub fn put(path: &Path, text: &str) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    match Known::at(path)? {
        Some(known) => known.put(text).with_context(cannot),
        None => {
            let mut file = temporary(path)?;
            write_whole(file.as_file_mut(), text).with_context(cannot)?;
            file.persist(path).map(drop).map_err(|e| e.error).with_context(cannot)
        }
    }
}

fn write_whole(file: &mut File, text: &str) -> std::io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Says whether [`put`] could write there now; asked before long work.
///
/// # Errors
/// When it could not, with the reason.
pub fn check_writable(path: &Path) -> Result<()> {
    match Known::at(path)? {
        Some(known) if known.metadata.is_file() => {
            let opened = OpenOptions::new().append(true).open(&known.path);
            opened.map(drop).with_context(|| format!("cannot write {}", path.display()))
        }
        Some(_) => Ok(()),
        None => temporary(path).map(drop),
    }
}

/// Makes sure that what is written takes the place of nothing that is read.
///
/// # Errors
/// When `out` is one of `inputs`, by whatever name, or a Lean file in one that is a folder.
pub fn check_apart<'a>(out: &Path, inputs: impl IntoIterator<Item = &'a Path>) -> Result<()> {
    let Ok(place) = out.canonicalize() else { return Ok(()) };
    let read = |input: PathBuf| place == input || place.starts_with(input) && place.extension().is_some_and(|e| e == "lean");
    ensure!(
        !inputs.into_iter().any(|input| input.canonicalize().is_ok_and(read)),
        "{} is read: what is written there would replace it; name another file",
        out.display()
    );
    Ok(())
}

/// Makes a folder, if need be, and makes sure that files can be made in it.
///
/// # Errors
/// When it cannot be made or written to.
pub fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
    temporary(&path.join("x")).map(drop).with_context(|| format!("the folder {} cannot be written to", path.display()))
}

/// A file that is there.
struct Known {
    path: PathBuf,
    metadata: Metadata,
}

impl Known {
    fn at(path: &Path) -> Result<Option<Known>> {
        // A link to nothing is an error of its own: the file would appear elsewhere than it seems.
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let cannot = || format!("cannot write {}", path.display());
        let path = path.canonicalize().with_context(cannot)?;
        let metadata = std::fs::metadata(&path).with_context(cannot)?;
        ensure!(!metadata.is_dir(), "cannot write {}: it is a folder", path.display());
        // The superuser may, but whoever took the right away did not mean to be asked for it.
        if metadata.is_file() && metadata.permissions().readonly() {
            bail!("cannot write {}: it is write-protected (`chmod u+w` allows it)", path.display());
        }
        Ok(Some(Known { path, metadata }))
    }

    fn put(&self, text: &str) -> std::io::Result<()> {
        // A pipe or a device is no file that could be replaced.
        if !self.metadata.is_file() {
            return OpenOptions::new().write(true).open(&self.path)?.write_all(text.as_bytes());
        }
        match self.beside(text)? {
            Some(file) => file.persist(&self.path).map(drop).map_err(|e| e.error),
            None => self.in_place(text),
        }
    }

    /// A whole new file with the rights and the owner of the old one; `None` where that cannot be had, or where the old one
    /// has other names.
    fn beside(&self, text: &str) -> std::io::Result<Option<tempfile::NamedTempFile>> {
        // Who may not write to the file may not replace it either.
        OpenOptions::new().append(true).open(&self.path)?;
        if self.metadata.nlink() > 1 {
            return Ok(None);
        }
        let Ok(mut file) = temporary(&self.path) else { return Ok(None) };
        let ours = file.as_file().metadata()?;
        if (ours.uid(), ours.gid()) != (self.metadata.uid(), self.metadata.gid())
            && chown(file.path(), Some(self.metadata.uid()), Some(self.metadata.gid())).is_err()
        {
            return Ok(None);
        }
        file.as_file().set_permissions(self.metadata.permissions())?;
        write_whole(file.as_file_mut(), text)?;
        Ok(Some(file))
    }

    /// Over the old bytes, which come back when the new ones do not fit.
    fn in_place(&self, text: &str) -> std::io::Result<()> {
        let old = std::fs::read(&self.path)?;
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        let over = |file: &mut File, bytes: &[u8]| {
            file.rewind()?;
            file.write_all(bytes)?;
            file.set_len(bytes.len() as u64)?;
            file.sync_all()
        };
        over(&mut file, text.as_bytes()).inspect_err(|_| drop(over(&mut file, &old)))
    }
}

/// Gives a folder its name when it is whole; another process that was faster is as good.
///
/// # Errors
/// When it cannot be renamed and nothing is there.
pub fn settle(folder: tempfile::TempDir, target: &Path) -> Result<()> {
    match std::fs::rename(folder.path(), target) {
        Ok(()) => drop(folder.keep()),
        Err(_) if target.is_dir() => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", target.display())),
    }
    Ok(())
}

/// The files below a folder that are wanted, in the order of their paths. Links are followed, each folder once: one that
/// leads back ends there. Folders whose names begin with a dot are passed by, and pipes, devices and sockets: nothing lies
/// in them.
///
/// # Errors
/// When a folder cannot be read.
pub fn below(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let (mut files, mut folders, mut seen) = (Vec::new(), vec![folder.to_owned()], HashSet::new());
    while let Some(next) = folders.pop() {
        let cannot = || format!("cannot read {}", next.display());
        if !seen.insert(next.canonicalize().with_context(cannot)?) {
            continue;
        }
        let items = std::fs::read_dir(&next).with_context(cannot)?;
        let mut items = items.map(|item| Ok(item?.path())).collect::<std::io::Result<Vec<PathBuf>>>().with_context(cannot)?;
        items.sort();
        for item in items {
            let hidden = item.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            match std::fs::metadata(&item) {
                Ok(known) if known.is_dir() && hidden => {}
                Ok(known) if known.is_dir() => folders.push(item),
                Ok(known) if !known.is_file() => {}
                // A link to nothing is told by whoever reads it.
                _ if wanted(&item) => files.push(item),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn rights_links_and_other_names_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link, twin) = (folder.path().join("a"), folder.path().join("link"), folder.path().join("twin"));
        put(&file, "one").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        put(&link, "two").unwrap();
        assert!(link.is_symlink() && mode(&file) == 0o640);
        std::fs::hard_link(&file, &twin).unwrap();
        put(&file, "3").unwrap();
        assert_eq!(std::fs::read_to_string(&twin).unwrap(), "3");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
        for refused in [put(&file, "four"), check_writable(&link)] {
            assert!(format!("{:#}", refused.unwrap_err()).contains("write-protected"));
        }
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "3");
        assert!(check_writable(folder.path()).is_err() && check_writable(&folder.path().join("no/x")).is_err());
        assert!(check_writable(&folder.path().join("new")).is_ok() && !folder.path().join("new").exists());
    }

    #[test]
    fn devices_and_pipes_are_written_to_and_not_replaced() {
        put(Path::new("/dev/null"), "text").unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
        // A disk that is full.
        assert!(put(Path::new("/dev/full"), "text").is_err());
    }

    #[test]
    fn what_is_no_text_is_told_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"one\ntwo \xff").unwrap();
        assert!(read_text(file.path()).unwrap_err().to_string().ends_with("it is no text in UTF-8 (line 2)"));
        std::fs::write(file.path(), "\u{feff}one").unwrap();
        assert_eq!(read_text(file.path()).unwrap(), "one");
        assert!(read_lean(file.path()).unwrap_err().to_string().contains("byte order mark"));
    }

    #[test]
    fn what_is_read_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link, new) = (folder.path().join("a"), folder.path().join("link"), folder.path().join("new"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(check_apart(&link, [file.as_path()]).is_err() && check_apart(&file, [link.as_path()]).is_err());
        assert!(check_apart(&new, [file.as_path(), new.as_path()]).is_ok());
        let inside = folder.path().join("a.lean");
        std::fs::write(&inside, "").unwrap();
        assert!(check_apart(&inside, [folder.path()]).is_err() && check_apart(&file, [folder.path()]).is_ok());
    }

    #[test]
    fn a_link_that_leads_back_ends_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::fs::write(folder.path().join("in/a.json"), "").unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("in/back")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("b.json")).unwrap();
        // Whoever opened it would wait for ever.
        nix::unistd::mkfifo(&folder.path().join("c.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let found = below(folder.path(), |p| p.extension().is_some_and(|e| e == "json")).unwrap();
        assert_eq!(found, [folder.path().join("b.json"), folder.path().join("in/a.json")]);
    }
}
