//! nanoda, a kernel in Rust: it is given an export of the theorems and a configuration, and ends without a word when it agrees.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::meaning::World;
use super::ndjson::{BLIND_AXIOMS, Export, Extent, Shelf, export};
use super::process::Artifacts;
use super::{Rejection, modules};
use crate::library::Kind;
use crate::toolchain::Toolchain;

/// The program where no path is named.
pub const PROGRAM: &str = "nanoda_bin";
/// It ends with this when it does not take a file.
const DECLINED: i32 = 2;
/// How a Rust program ends that panics.
const PANICKED: i32 = 101;
/// Its sources whose panics say that a declaration is wrong.
const JUDGING: &[&str] = &["tc.rs:", "inductive.rs:", "quot.rs:"];

/// Has nanoda check theorems of a compiled file with all that they reach. When it agrees, what it took as given is told.
///
/// # Errors
/// [`Rejection::Kernel`] when it rejects them; [`Rejection::NoKernel`] when it could not check them.
pub async fn check(
    program: &Path,
    toolchain: &Toolchain,
    files: &Artifacts,
    theorems: &[String],
    timeout: Duration,
) -> Result<Option<String>, Rejection> {
    let unable = |e: anyhow::Error| Rejection::NoKernel(format!("the theorems could not be exported for nanoda: {e:#}"));
    let theorems = exportable(toolchain, files, theorems).map_err(unable)?;
    // The others are refused for what they rest on.
    if theorems.is_empty() {
        return Ok(None);
    }
    let shelf = Shelf::of(toolchain, files).map_err(unable)?;
    let write = |extent| export(&shelf, &toolchain.version, &theorems, extent).map_err(unable);
    let whole = write(Extent::All)?;
    match run(program, &whole, timeout).await? {
        Word::Agrees => Ok(Some(relative(&whole))),
        Word::Unable(why) => Err(Rejection::NoKernel(why)),
        // Values that the library does not ship may be what a definition of the library itself needs.
        Word::Rejects(why) => match run(program, &write(Extent::Library)?, timeout).await? {
            Word::Agrees => Err(Rejection::Kernel(why)),
            _ => Err(Rejection::NoKernel(format!("nanoda does not agree with the library alone: {why}"))),
        },
    }
}

/// The theorems among the names that rest on no axiom which is refused anyway: such an axiom would end the whole check.
fn exportable(toolchain: &Toolchain, files: &Artifacts, names: &[String]) -> Result<Vec<String>> {
    let beside = modules::of_project(toolchain, files)?;
    let mut world = World::new(files.open()?, modules::open(&beside)?);
    let mut found = Vec::new();
    for name in names {
        let theorem = world.own(name).is_some_and(|info| info.kind == Kind::Theorem);
        if theorem && !world.basis(name)?.axioms.iter().any(|axiom| BLIND_AXIOMS.contains(&axiom.as_str())) {
            found.push(name.clone());
        }
    }
    Ok(found)
}

/// What nanoda says of an export.
enum Word {
    Agrees,
    Rejects(String),
    Unable(String),
}

async fn run(program: &Path, export: &Export, timeout: Duration) -> Result<Word, Rejection> {
    let failed = |e: std::io::Error| {
        Rejection::NoKernel(format!(
            "nanoda does not run ({}): {e}; name its path with --kernel nanoda=PATH",
            program.display()
        ))
    };
    let full = |e: std::io::Error| Rejection::NoKernel(format!("no export can be written: {e}"));
    let folder = tempfile::tempdir().map_err(full)?;
    let (file, config) = (folder.path().join("export.ndjson"), folder.path().join("config.json"));
    // A check on a thread of its own gets a larger stack, and such threads are there from two on.
    let wish = json!({
        "export_file_path": file,
        "permitted_axioms": export.permitted,
        "unpermitted_axiom_hard_error": true,
        "nat_extension": true,
        "string_extension": true,
        "num_threads": 2,
    });
    std::fs::write(&file, &export.text).and_then(|()| std::fs::write(&config, wish.to_string())).map_err(full)?;
    let late = |_| Rejection::NoKernel(format!("it did not finish within {} s (--time)", timeout.as_secs()));
    let mut command = tokio::process::Command::new(program);
    // Its words are short then.
    command.arg(&config).env("RUST_BACKTRACE", "0").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(timeout, command.output()).await.map_err(late)?.map_err(failed)?;
    Ok(word(&output))
}

/// It rejects by a panic: whether that was its judgement is seen by where it panics. When in doubt, it was not.
fn word(output: &Output) -> Word {
    if output.status.success() {
        return Word::Agrees;
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let short: String = said.trim().chars().take(400).collect();
    // The first panic is the reason of the others.
    let place = said.lines().find(|line| line.contains("panicked at"));
    let judges = place.is_some_and(|line| JUDGING.iter().any(|source| line.contains(source)));
    match output.status.code() {
        // What is missing is missing in the export.
        Some(PANICKED) if judges && !said.contains("declaration not found") => Word::Rejects(short),
        Some(DECLINED) => Word::Unable(format!("it declines the export: {short}")),
        _ => Word::Unable(format!("it ended with {}: {short}", output.status)),
    }
}

/// What an agreement rests on.
fn relative(export: &Export) -> String {
    let libraries: Vec<&str> = export.libraries.iter().map(String::as_str).collect();
    match (export.theorems, export.values) {
        (0, 0) => "nanoda agrees".into(),
        (theorems, values) => format!(
            "nanoda agrees, relative to {}: theorems taken as given because their proofs are not shipped: {theorems}; other \
             constants whose values are not shipped: {values}",
            libraries.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;

    /// What follows from an exit code, or a signal, and an output.
    fn said(status: i32, stderr: &str) -> &'static str {
        let output = Output { status: ExitStatus::from_raw(status), stdout: Vec::new(), stderr: stderr.into() };
        match word(&output) {
            Word::Agrees => "agrees",
            Word::Rejects(_) => "rejects",
            Word::Unable(_) => "unable",
        }
    }

    #[test]
    fn only_a_judging_panic_is_a_rejection() {
        let exit = |code: i32| code << 8;
        let at = |place: &str, why: &str| format!("\nthread 'thread_0' (7) panicked at src/{place}:\n{why}\n");
        let joined = at("tc.rs:140:26", "A thread in `check_all_declars` panicked while being joined");
        assert_eq!(said(exit(0), ""), "agrees");
        assert_eq!(said(exit(101), &at("tc.rs:925:69", "assertion failed: self.def_eq(u, v)")), "rejects");
        assert_eq!(said(exit(101), &at("inductive.rs:673:25", "non-positive occurrence")), "rejects");
        assert_eq!(said(exit(101), &at("tc.rs:197:13", "declaration not found in infer_const, Foo")), "unable");
        assert_eq!(said(exit(101), &at("parser.rs:600:17", "Attempted to insert duplicate Name")), "unable");
        assert_eq!(said(exit(101), &(at("expr.rs:158:17", "explicit panic") + &joined)), "unable");
        assert_eq!(said(exit(2), "Declined: back-references"), "unable");
        assert_eq!(said(exit(1), "export file declares unpermitted axiom \"sorryAx\""), "unable");
        // Its stack ran over.
        assert_eq!(said(6, "thread 'thread_0' has overflowed its stack"), "unable");
    }
}
