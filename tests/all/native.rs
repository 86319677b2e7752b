//! The protocol of the native server (watchdog, handshake, several documents, death of a worker), against a native
//! Lean 4 without its library: documents begin with `prelude`, so there are declarations but no tactics.

use crate::common;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use qstar::lean::{Batch, Limits, Pool, PoolOptions, Session, SessionError, Verdict};
use qstar::toolchain::{ServerKind, Toolchain, Wish, portable};

const GOOD: &str = "prelude\ntheorem t (p : Prop) (h : p) : p := h\n#check t\n";
const BAD: &str = "prelude\ntheorem t (p q : Prop) (h : p) : q := h\ntheorem u (p : Prop) (h : p) : p := by\n";

fn native() -> Arc<Toolchain> {
    static MADE: std::sync::Once = std::sync::Once::new();
    let folder = portable::cache_home().unwrap().join("native-test");
    MADE.call_once(|| {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".ci/native-lean");
        let status = Command::new(script).arg(&folder).status().expect("bash, python3 with pip, and cc make the native Lean");
        assert!(status.success(), "the native Lean could not be made");
    });
    let wish = Wish { lean: Some(folder.join("bin/lean")), ..Wish::default() };
    Arc::new(Toolchain::find(&wish).unwrap().unwrap())
}

/// The processes that the watchdog has started, from whichever of its threads.
fn children(pid: u32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = threads.filter_map(|t| std::fs::read_to_string(t.ok()?.path().join("children")).ok());
    lists.flat_map(|l| l.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>()).collect()
}

fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn versions_of_a_document_are_elaborated_in_turn() {
    let toolchain = native();
    assert_eq!(toolchain.server_kind(), ServerKind::Watchdog);
    let mut session = Session::start(&toolchain, Limits::default()).await.unwrap();
    for _ in 0..3 {
        let good = session.elaborate(GOOD).await.unwrap();
        assert!(good.stuck_at.is_none() && good.diagnostics.iter().all(|d| !d.is_error()), "{good:?}");
        let bad = session.elaborate(BAD).await.unwrap();
        let lines: Vec<u32> = bad.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.start().line).collect();
        assert!(lines.contains(&1) && !lines.is_empty(), "{bad:?}");
    }
    let goal = session.plain_goal(2, 36).await.unwrap();
    assert!(goal.is_some_and(|g| g.goals.iter().any(|g| g.contains("⊢ p"))));
}

#[tokio::test]
async fn two_sessions_do_not_disturb_each_other() {
    let toolchain = native();
    let (mut a, mut b) = (
        Session::start(&toolchain, Limits::default()).await.unwrap(),
        Session::start(&toolchain, Limits::default()).await.unwrap(),
    );
    let (good, bad) = tokio::join!(a.elaborate(GOOD), b.elaborate(BAD));
    assert!(good.unwrap().diagnostics.iter().all(|d| !d.is_error()));
    assert!(bad.unwrap().diagnostics.iter().any(|d| d.is_error()));
}

#[tokio::test]
async fn a_dead_worker_under_the_watchdog_is_an_error_not_a_wait() {
    let toolchain = native();
    let limits = Limits { stall: Duration::from_secs(5), start: Duration::from_secs(10), ..Limits::default() };
    let mut session = Session::start(&toolchain, limits).await.unwrap();
    session.elaborate(GOOD).await.unwrap();
    let workers = children(session.pid());
    assert!(!workers.is_empty(), "the watchdog has a worker");
    workers.into_iter().for_each(kill);
    // Either the watchdog brings a new worker up in time, or the session is given up: no false answer, no hang.
    match session.elaborate(BAD).await {
        Ok(seen) => assert!(seen.stuck_at.is_some() || seen.diagnostics.iter().any(|d| d.is_error()), "{seen:?}"),
        Err(SessionError::Refused(_) | SessionError::Ended(_) | SessionError::Broken(..) | SessionError::Hung(_)) => {}
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_pool_outlives_dead_watchdogs() {
    let pool = Pool::new(native(), PoolOptions::default());
    let ask = |i: usize| Batch {
        header: "prelude".into(),
        candidates: vec![common::candidate(&format!("example (p{i} : Prop) (h : p{i}) : p{i}"), "nonsense h")],
    };
    for i in 0..3 {
        let verdicts = pool.check(ask(i)).await;
        assert!(matches!(&verdicts[..], [Verdict::Failed(m)] if m.contains("unknown")), "{verdicts:?}");
        pool.pids().into_iter().for_each(|p| kill(p as i32));
    }
    assert_eq!(pool.counters().lost_workers.load(Ordering::Relaxed), 2);
}

/// The native Lean behind a script that starts another program beside it, in a session of its own as Lean's workers are:
/// `once` only at its first start.
fn with_a_companion(folder: &Path, script: &str, once: bool) -> Arc<Toolchain> {
    let real = native();
    let (program, companion) = (folder.join("lean"), folder.join("companion.py"));
    std::fs::write(&companion, script).unwrap();
    let when = if once { format!("mkdir {}/seen 2>/dev/null", folder.display()) } else { "true".to_owned() };
    let text = format!(
        "#!/bin/sh\nif [ \"$1\" = --server ] && {when}; then\n(cd {0}; setsid python3 companion.py </dev/null >/dev/null 2>&1) &\nfi\n\
         exec {1} \"$@\"\n",
        folder.display(),
        real.program().display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    // The companion writes where a confined process may not.
    Arc::new(Toolchain::find(&Wish { lean: Some(program), ..Wish::default() }).unwrap().unwrap().without_sandbox())
}

async fn there(path: &Path) {
    for _ in 0..400 {
        if path.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} did not come", path.display());
}

fn is_alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Waits until a process has ended; whoever has to reap it may be slow.
async fn ends(pid: &str, limit: Duration) {
    let start = std::time::Instant::now();
    while is_alive(pid) {
        assert!(start.elapsed() < limit, "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The number of the companion's process.
async fn companion(folder: &Path) -> String {
    let file = folder.join("pid");
    there(&file).await;
    std::fs::read_to_string(file).unwrap()
}

const MAPS: &str = "import mmap, os, time\nopen('new', 'w').write(str(os.getpid()))\nos.rename('new', 'pid')\nf = open('sparse', 'r+b')\n\
    m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)\nfor i in range(0, 600 << 20, 4096): m[i]\nopen('ready', 'w')\ntime.sleep(60)\n";
const GROWS: &str = "import os, time\nopen('new', 'w').write(str(os.getpid()))\nos.rename('new', 'pid')\nwhile not os.path.exists('go'): time.sleep(0.02)\n\
    x = bytearray(900 << 20)\ntime.sleep(60)\n";
/// Less than what is mapped and what is allocated, more than a worker without a library has.
const FEW: Limits =
    Limits { stall: Duration::from_secs(20), start: Duration::from_secs(60), memory: 500 << 20, growth: u64::MAX };

#[tokio::test]
async fn a_server_whose_child_maps_gigabytes_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("sparse")).unwrap().set_len(4 << 30).unwrap();
    let toolchain = with_a_companion(folder.path(), MAPS, false);
    let mut session = Session::start(&toolchain, FEW).await.unwrap();
    session.elaborate(GOOD).await.unwrap();
    there(&folder.path().join("ready")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let seen = session.elaborate(GOOD).await.unwrap();
    assert!(seen.diagnostics.iter().all(|d| !d.is_error()));
    let private = session.private_memory();
    assert!((20 << 20..400 << 20).contains(&private), "{private}");
    let pid = companion(folder.path()).await;
    drop(session);
    ends(&pid, Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_server_whose_child_grows_is_found_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let toolchain = with_a_companion(folder.path(), GROWS, true);
    let pool = Pool::new(toolchain, PoolOptions { limits: FEW, ..PoolOptions::default() });
    let ask = |i: usize| Batch {
        header: "prelude".into(),
        candidates: vec![common::candidate(&format!("example (p{i} : Prop) (h : p{i}) : p{i}"), "nonsense h")],
    };
    assert!(matches!(&pool.check(ask(0)).await[..], [Verdict::Failed(_)]));
    let first = pool.pids();
    let pid = companion(folder.path()).await;
    std::fs::write(folder.path().join("go"), "").unwrap();
    // Found within two seconds on a machine that has them, though nobody asks the session anything; it would sleep for a minute.
    ends(&pid, Duration::from_secs(20)).await;
    // The batch behind it is judged by a new worker.
    assert!(matches!(&pool.check(ask(1)).await[..], [Verdict::Failed(_)]));
    assert_eq!(pool.counters().lost_workers.load(Ordering::Relaxed), 1);
    assert_ne!(pool.pids(), first);
}

/// A document of thousands of theorems: memory grows in the worker that the watchdog has started, not in the watchdog.
#[tokio::test]
async fn a_worker_that_grows_under_the_watchdog_is_ended() {
    let limits = Limits { memory: 300 << 20, ..FEW };
    let mut session = Session::start(&native(), limits).await.unwrap();
    session.elaborate(GOOD).await.unwrap();
    let workers = children(session.pid());
    let theorems = (0..9000).map(|i| format!("theorem t{i} (p q r : Prop) (h : p) (g : q) (k : r) : p := h\n"));
    let growing = format!("prelude\n{}", theorems.collect::<String>());
    match session.elaborate(&growing).await {
        Err(SessionError::Memory(said)) => assert!(said.contains("limit 300 MB"), "{said}"),
        other => panic!("{:?}", other.map(|seen| seen.stuck_at)),
    }
    drop(session);
    for pid in workers {
        ends(&pid.to_string(), Duration::from_secs(10)).await;
    }
}

/// A Lake project: its toolchain is found, and its server is `lake serve`. Lake itself is not to be had here; a script
/// that does with the native Lean what Lake does stands for it, and writes down how it was called.
#[test]
fn a_project_is_served_by_lake() {
    let native = native();
    let folder = tempfile::tempdir().unwrap();
    let (bin, log) = (folder.path().join("bin"), folder.path().join("log"));
    std::fs::create_dir(&bin).unwrap();
    let lake = format!(
        "echo \"$@\" >> {}\ncase \"$1\" in\n--version) echo Lake;;\nserve) shift 2; exec lean --server \"$@\";;\nenv) shift; exec \"$@\";;\nesac",
        log.display()
    );
    for (name, script) in [("lean", format!("exec {} \"$@\"", native.program().display())), ("lake", lake)] {
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::write(folder.path().join("lakefile.toml"), "name = \"x\"\n").unwrap();
    std::fs::write(folder.path().join("X.lean"), "prelude\n\ntheorem t (p : Prop) (h : p) : p := by\n").unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
    // The script's log lies outside of what a confined process may write to.
    command.current_dir(folder.path()).env("PATH", path).env("QSTAR_NO_SANDBOX", "1").env_remove("QSTAR_LEAN");
    let output = command.args(["dataset", "check", "--json", "X.lean"]).output().unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(report["theorems"].as_array().unwrap().len(), 1, "{report}");
    let calls = std::fs::read_to_string(&log).unwrap();
    assert!(calls.contains("serve -- -Dserver.reportDelayMs=0"), "{calls}\n{report}");
}
