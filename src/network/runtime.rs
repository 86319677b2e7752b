//! ONNX Runtime: found on this machine, or fetched out of PyPI's `onnxruntime` wheel, and loaded once.
//!
//! Knows files, pip and the library's loader; nothing of models.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, bail, ensure};
use indicatif::ProgressBar;
use ort::environment::Environment;

use crate::files::settle;

/// The release that qstar is tested with.
pub const RELEASE: &str = "1.32.0";

/// The wheel's platform for this machine.
const PLATFORM: Option<&str> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some("manylinux_2_28_x86_64")
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    Some("manylinux_2_28_aarch64")
} else {
    None
};

/// The library: named by the user (`--ort-lib`, `QSTAR_ORT_LIB`), or in the cache.
///
/// # Errors
/// When a file that the user named is not there.
pub fn find(named: Option<&Path>, home: &Path) -> Result<Option<PathBuf>> {
    let named = named.map(Path::to_owned).or_else(|| {
        let set = ["QSTAR_ORT_LIB", "ORT_DYLIB_PATH"].iter().find_map(std::env::var_os);
        set.filter(|v| !v.is_empty()).map(PathBuf::from)
    });
    if let Some(path) = named {
        ensure!(path.is_file(), "the ONNX Runtime that was named, {}, is no file", path.display());
        return Ok(Some(path));
    }
    let cached = folder(home).join("libonnxruntime.so");
    Ok(cached.is_file().then_some(cached))
}

fn folder(home: &Path) -> PathBuf {
    home.join(format!("onnxruntime-{RELEASE}"))
}

/// Fetches the library with pip into the cache, whole or not at all.
///
/// # Errors
/// With cause and remedy: no pip, no network, no wheel for this machine.
pub fn install(home: &Path, progress: &ProgressBar) -> Result<PathBuf> {
    let remedy = "give --ort-lib LIBRARY (or QSTAR_ORT_LIB), or search without networks: --policy portfolio";
    let platform = PLATFORM.with_context(|| format!("PyPI has no ONNX Runtime that is known to fit this machine; {remedy}"))?;
    std::fs::create_dir_all(home).with_context(|| format!("cannot make the folder {}", home.display()))?;
    let work = tempfile::Builder::new().prefix(".onnxruntime").tempdir_in(home)?;
    progress.set_message("fetching ONNX Runtime through pip");
    let wheel = format!("onnxruntime=={RELEASE}");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps"]);
    // The library is the same in the wheels of every Python; any pip can fetch that of one.
    pip.args([
        "--only-binary=:all:",
        "--python-version",
        "3.11",
        "--implementation",
        "cp",
        "--abi",
        "cp311",
        "--platform",
        platform,
    ]);
    let output = pip.arg("--target").arg(work.path()).arg(&wheel).output();
    let output = output.with_context(|| format!("python3 was not found, and pip fetches ONNX Runtime; {remedy}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("pip could not fetch {wheel}: {}; {remedy}", words.trim().lines().last().unwrap_or("no message"));
    }
    let capi = work.path().join("onnxruntime/capi");
    let library = std::fs::read_dir(&capi).with_context(|| format!("the wheel of {wheel} has no folder capi"))?;
    let library = library
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("libonnxruntime.so")))
        .with_context(|| format!("the wheel of {wheel} has no libonnxruntime.so"))?;
    let kept = tempfile::Builder::new().prefix(".onnxruntime").tempdir_in(home)?;
    std::fs::rename(&library, kept.path().join("libonnxruntime.so")).context("cannot move the library")?;
    let target = folder(home);
    settle(kept, &target)?;
    Ok(target.join("libonnxruntime.so"))
}

/// Loads the library; the first that is loaded serves the whole process.
///
/// # Errors
/// When it is no ONNX Runtime that qstar can use.
pub fn load(library: &Path) -> Result<Environment> {
    static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*loaded {
        return Ok(environment.clone());
    }
    let cannot = || format!("cannot load ONNX Runtime from {}; qstar is made for {RELEASE}", library.display());
    let builder = ort::environment::init_from(library).map_err(|e| anyhow!("{e}")).with_context(cannot)?;
    let environment = builder.with_name("qstar").build().map_err(|e| anyhow!("{e}")).with_context(cannot)?;
    Ok(loaded.insert(environment).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_named() {
        let home = tempfile::tempdir().unwrap();
        let error = find(Some(Path::new("/nowhere/libonnxruntime.so")), home.path()).unwrap_err().to_string();
        assert!(error.contains("/nowhere/libonnxruntime.so"), "{error}");
    }
}
