//! Ctrl-C and SIGTERM in the middle of what takes long: what is known is told, nothing goes on behind the user's back.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use qstar::verify::statement_hash;
use serde_json::json;

use super::{fake, qstar, words, write};

/// What takes seconds at most may take this long.
const LONG: Duration = Duration::from_secs(60);

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

fn spawned(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The process id of the Lean that hangs.
fn hanging(folder: &Path) -> i32 {
    let place = folder.join("hanging");
    wait_for("Lean hangs", || place.exists());
    let pid = std::fs::read_to_string(&place).unwrap().parse().unwrap();
    std::fs::remove_file(place).unwrap();
    pid
}

fn assert_gone(pid: i32) {
    wait_for("its Lean is gone", || kill(Pid::from_raw(pid), None).is_err());
}

#[test]
fn verification_that_is_stopped_tells_what_is_known_and_leaves_no_lean() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fake(folder);
    write(folder, "a.lean", "theorem a : HANG := by\n  sorry\n");
    write(folder, "b.lean", "theorem a : HANG := by\n  rfl\n");
    std::fs::create_dir(folder.join("certificates")).unwrap();
    let statement = "theorem a : HANG";
    let certificate = json!({
        "format": "qstar-certificate-2", "name": "a", "header": "", "statement": statement, "proof": "rfl", "toolchain": "x",
        "statement_sha256": statement_hash("", statement), "axioms": {"listed": []}, "statement_checked_by_lean": true,
        "document_sha256": "x", "milliseconds": 1,
    });
    write(folder, "certificates/a.json", &certificate.to_string());
    write(folder, "certificates/b.json", "{}");
    // What is out of time is no refusal, of a pair as of a certificate.
    for files in [vec!["a.lean", "b.lean"], vec!["certificates/a.json"]] {
        let run = qstar(folder).args(["--lean", "./lean", "verify", "--time", "1"]).args(&files).output().unwrap();
        assert_eq!(run.status.code(), Some(3), "{files:?}: {}", words(&run));
        assert!(words(&run).contains("did not finish within 1 s"), "{files:?}: {}", words(&run));
    }
    let _ = std::fs::remove_file(folder.join("hanging"));
    for (files, told) in [
        (vec!["a.lean", "b.lean"], vec!["stopped"]),
        (vec!["certificates/a.json"], vec!["stopped"]),
        (vec!["certificates"], vec!["a.json: could not be checked: it was stopped", "b.json: NOT proved"]),
    ] {
        let mut command = qstar(folder);
        command.args(["--lean", "./lean", "verify"]).args(&files);
        let child = spawned(command);
        let pid = hanging(folder);
        send(&child, Signal::SIGTERM);
        let output = child.wait_with_output().unwrap();
        let said = words(&output);
        assert_eq!(output.status.code(), Some(4), "{files:?}: {said}");
        assert!(told.iter().all(|part| said.contains(part)), "{files:?}: {said}");
        assert_gone(pid);
        // Of the pair the other Lean hangs as well.
        let _ = std::fs::remove_file(folder.join("hanging"));
    }
}

#[test]
fn a_command_that_waits_for_a_pipe_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.lean");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut command = qstar(folder.path());
    command.args(["prove", "pipe.lean"]);
    let child = spawned(command);
    // Opens when the other side reads.
    let writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    send(&child, Signal::SIGINT);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", words(&output));
    drop(writer);
}

#[test]
fn the_second_signal_ends_what_the_first_did_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fake(folder);
    // The proof is found, and the check of the whole file hangs: a first signal lets it go on.
    let text = "theorem a : easy := by\n  sorry\n\ndef later := HANG\n";
    let file = write(folder, "a.lean", text);
    let mut command = qstar(folder);
    command.args(["--lean", "./lean", "fill", "--policy", "closers", "--workers", "1", "--checks", "20"]).arg(&file);
    let mut child = spawned(command);
    let pid = hanging(folder);
    send(&child, Signal::SIGINT);
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("stopping") {
        assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
    }
    send(&child, Signal::SIGINT);
    errors.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4), "{said}");
    assert!(said.contains("qstar: stopped"), "it did not end by itself: {said}");
    assert_gone(pid);
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
}
