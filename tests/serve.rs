//! `qstar serve`: real clients, and clients that mean harm.
#![cfg(feature = "serve")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server of its own for a test; ended with it.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts one and waits until Lean is ready.
    fn start(flags: &[&str], token: Option<&str>) -> Server {
        common::toolchain();
        let mut command = Command::new(env!("CARGO_BIN_EXE_qstar"));
        command.args(["serve", "--http", "127.0.0.1:0", "--workers", "1", "--policy", "portfolio"]).args(flags);
        command.env_remove("QSTAR_TOKEN").stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(token) = token {
            command.env("QSTAR_TOKEN", token);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = None;
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(at) = line.strip_prefix("qstar serves at ") {
                address = Some(at.to_owned());
            }
            if line.contains("ready") {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        Server { address: address.expect("the server says where it is"), child }
    }

    /// Ends it as a service manager would; how long that took.
    fn stop(&mut self) -> Duration {
        let start = Instant::now();
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
        while self.child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(30), "the server does not end");
            std::thread::sleep(Duration::from_millis(50));
        }
        start.elapsed()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Python with packages of PyPI, installed once; `None`, and said so, where they cannot be had.
fn python(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    if folder.join("complete").exists() {
        return Some(python);
    }
    let run = |command: &mut Command| command.stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    let made = run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    let pip = |more: &[&str]| {
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(more))
    };
    if !made || !pip(packages) {
        eprintln!("skipped: {packages:?} cannot be installed with pip here");
        return None;
    }
    std::fs::write(folder.join("complete"), "").unwrap();
    Some(python)
}

fn client(script: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script)
}

/// Runs a client; what it printed.
fn succeeds(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    eprintln!("{out}");
    out.into_owned()
}

#[test]
fn kimina_client_is_content() {
    // Its data sets are not needed here, and are large.
    let needed = [
        "httpx",
        "pydantic",
        "tenacity",
        "tqdm",
        "colorama",
        "loguru",
        "tabulate",
        "pygments",
        "requests",
        "pydantic-settings",
    ];
    let Some(python) = python("kimina", &needed) else { return };
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "kimina-client==0.2.1"];
    if !Command::new(&python).args(install).status().is_ok_and(|s| s.success()) {
        eprintln!("skipped: kimina-client cannot be installed with pip here");
        return;
    }
    let mut server = Server::start(&[], Some("secret"));
    succeeds(Command::new(python).arg(client("kimina.py")).args([&server.address, "secret"]));
    server.stop();
}
