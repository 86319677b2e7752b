//! Which files a client may name: those below the roots, wherever `..` and symbolic links lead.

use std::path::{Path, PathBuf};

/// Folders below which files may be read and written.
#[derive(Debug, Clone, Default)]
pub struct Roots(Vec<PathBuf>);

/// Why a file is not given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGiven {
    #[error("files are not open to clients; start qstar serve with --root FOLDER")]
    NoRoots,
    // One word for all that lies outside, be it there or not: who asks learns nothing of what there is.
    #[error("{0} is not a file below a root of this server")]
    Outside(String),
}

impl Roots {
    /// # Errors
    /// When a folder does not exist.
    pub fn new(folders: &[PathBuf]) -> std::io::Result<Roots> {
        folders.iter().map(|f| f.canonicalize()).collect::<Result<_, _>>().map(Roots)
    }

    /// The first root: relative names begin there.
    pub fn first(&self) -> Option<&Path> {
        self.0.first().map(PathBuf::as_path)
    }

    /// The file that a client means, all links resolved.
    ///
    /// # Errors
    /// When it is none, or lies outside.
    pub fn file(&self, name: &str) -> Result<PathBuf, NotGiven> {
        let first = self.first().ok_or(NotGiven::NoRoots)?;
        let outside = || NotGiven::Outside(name.to_owned());
        let real = first.join(name).canonicalize().map_err(|_| outside())?;
        let inside = self.0.iter().any(|root| real.starts_with(root));
        if inside && real.is_file() { Ok(real) } else { Err(outside()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_leads_out() {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        std::fs::create_dir_all(root.join("in")).unwrap();
        std::fs::create_dir(top.path().join("root2")).unwrap();
        for file in ["root/in/a.lean", "secret.lean", "root2/b.lean"] {
            std::fs::write(top.path().join(file), "").unwrap();
        }
        for (link, to) in [("out.lean", "../secret.lean"), ("dir", ".."), ("fine.lean", "in/a.lean")] {
            std::os::unix::fs::symlink(to, root.join(link)).unwrap();
        }
        let roots = Roots::new(std::slice::from_ref(&root)).unwrap();
        let real = root.canonicalize().unwrap().join("in/a.lean");
        for good in ["in/a.lean", "in/../in/a.lean", "fine.lean", real.to_str().unwrap()] {
            assert_eq!(roots.file(good), Ok(real.clone()), "{good}");
        }
        let absolute = top.path().join("secret.lean");
        for bad in [
            "../secret.lean",
            "out.lean",
            "dir/secret.lean",
            "../root2/b.lean",
            "in",
            "none.lean",
            absolute.to_str().unwrap(),
            "",
        ] {
            assert_eq!(roots.file(bad), Err(NotGiven::Outside(bad.into())), "{bad}");
        }
        assert_eq!(Roots::default().file("a.lean"), Err(NotGiven::NoRoots));
    }
}
