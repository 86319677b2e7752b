//! The networks that ship: part of the program, put into the cache the first time they are wanted.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::files::settle;
use crate::source::hex;

macro_rules! shipped {
    ($($name:literal),*) => { &[$(($name, include_bytes!(concat!("../../models/default/", $name)))),*] };
}

const FILES: &[(&str, &[u8])] = shipped![
    "model.onnx",
    "value.onnx",
    "value.json",
    "tokenizer.json",
    "config.json",
    "generation_config.json",
    "qstar.json",
    "ranker.json",
    "ranker.onnx",
    "ranker_goal.onnx",
    "ranker_candidate.onnx"
];

/// Its name tells these networks from those of other releases.
static FOLDER: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    FILES.iter().for_each(|(_, bytes)| hash.update(bytes));
    format!("networks-{}", hex(&hash.finalize()[..6]))
});

/// The folder of the shipped networks in the cache; made whole or not at all.
///
/// # Errors
/// When the cache cannot be written to.
pub fn unpack(home: &Path) -> Result<PathBuf> {
    let target = home.join(FOLDER.as_str());
    if target.is_dir() {
        return Ok(target);
    }
    let cannot = || format!("cannot write {}", target.display());
    std::fs::create_dir_all(home).with_context(cannot)?;
    let work = tempfile::Builder::new().prefix(".networks").tempdir_in(home).with_context(cannot)?;
    for (name, bytes) in FILES {
        std::fs::write(work.path().join(name), bytes).with_context(cannot)?;
    }
    settle(work, &target)?;
    Ok(target)
}
