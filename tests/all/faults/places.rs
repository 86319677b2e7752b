//! Where things are read and written: nothing that was there is lost, and what cannot be said is told.

use std::process::Stdio;

use super::{fake, qstar, rows, words, write};

#[test]
fn what_is_read_is_not_written_over_and_what_was_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fake(folder);
    let text = "theorem a : hard := by\n  sorry\n";
    write(folder, "a.lean", text);
    std::os::unix::fs::symlink("a.lean", folder.join("link.lean")).unwrap();
    let data = rows(folder, &["hard"]);
    let kept = std::fs::read_to_string(&data).unwrap();
    let prove = |place: &str, more: &[&str]| {
        let mut command = qstar(folder);
        command.args(["--lean", "./lean", "prove", "--policy", "closers", "--workers", "1", "--checks", "4", place]);
        command.args(more).output().unwrap()
    };
    for (place, more) in [
        ("a.lean", ["--out", "a.lean"]),
        ("a.lean:a", ["--out", "link.lean"]),
        ("link.lean", ["--report", "a.lean"]),
        (".", ["--out", "a.lean"]),
        ("data.jsonl", ["--trace", "data.jsonl"]),
        ("data.jsonl", ["--cache", "data.jsonl"]),
    ] {
        let run = prove(place, &more);
        assert_eq!(run.status.code(), Some(2), "{place} {more:?}: {}", words(&run));
        assert!(words(&run).contains("is read"), "{place} {more:?}: {}", words(&run));
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!((read("a.lean"), read("data.jsonl")), (text.to_owned(), kept));
    // Proofs of an earlier run.
    write(folder, "P.lean", "theorem old : True := trivial\n");
    let run = prove("a.lean", &["--out", "P.lean"]);
    assert_eq!(run.status.code(), Some(1), "{}", words(&run));
    assert!(words(&run).contains("P.lean stays as it was") && read("P.lean").contains("old"), "{}", words(&run));
}

#[test]
fn what_nobody_can_read_is_told_and_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fake(folder);
    std::fs::create_dir(folder.join("certificates")).unwrap();
    write(folder, "certificates/a.json", "{}");
    let data = rows(folder, &["hard"]);
    let data = data.to_str().unwrap();
    for command in [vec!["verify", "certificates"], vec!["dataset", "check", data], vec!["prove", data, "--policy", "closers"]]
    {
        let start = || {
            let mut program = qstar(folder);
            program.args(["--lean", "./lean"]).args(&command).stderr(Stdio::piped());
            program
        };
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = start().stdout(full).output().unwrap();
        assert_eq!(run.status.code(), Some(2), "{command:?}: {}", words(&run));
        assert!(words(&run).contains("standard output"), "{command:?}: {}", words(&run));
        // The reader has gone: its decision, but not all was said.
        let mut child = start().stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let run = child.wait_with_output().unwrap();
        assert_eq!(run.status.code(), Some(4), "{command:?}: {}", words(&run));
    }
}

#[test]
fn a_place_on_which_lean_ends_is_not_told_as_one_without_proof() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fake(folder);
    write(folder, "a.lean", "theorem a : CRASH := by\n  sorry\n");
    let mut command = qstar(folder);
    command.args(["--lean", "./lean", "fill", "--policy", "closers", "--workers", "1", "--checks", "4", "a.lean"]);
    let run = command.output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", words(&run));
    assert!(words(&run).contains("could not be judged"), "{}", words(&run));
}
