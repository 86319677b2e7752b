//! `qstar serve`: real clients, and clients that mean harm.
#![cfg(feature = "serve")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
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

/// A request of our own, byte for byte; the status and the body.
fn ask(server: &Server, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, answer)
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

const TOKEN: &str = "Authorization: Bearer secret\r\n";

fn snippet(code: &str, time: u32) -> String {
    serde_json::json!({"snippets": [{"id": "a", "code": code}], "timeout": time}).to_string()
}

/// Those below a process, and it.
fn family(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    let lists = threads.filter_map(|t| std::fs::read_to_string(t.ok()?.path().join("children")).ok());
    let children: Vec<u32> =
        lists.flat_map(|l| l.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>()).collect();
    children.into_iter().flat_map(family).chain([pid]).collect()
}

fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

#[test]
fn faults_get_the_right_answer_and_leave_nothing_behind() {
    let mut server = Server::start(&["--max-body", "1", "--max-running", "2", "--queue", "20"], Some("secret"));
    let good = snippet("example : 1 + 1 = 2 := rfl", 60);

    // Who may ask: with the token, by the server's name, and no web page.
    assert_eq!(ask(&server, &post("/api/check", TOKEN, &good)).0, 200);
    for (headers, status) in [
        ("", 401),
        ("Authorization: Bearer wrong\r\n", 401),
        ("Authorization: Bearer secret\r\nOrigin: http://evil.example\r\n", 403),
        ("Authorization: Bearer secret\r\nOrigin: null\r\n", 403),
    ] {
        for path in ["/api/check", "/verify", "/v1/prove", "/v1/verify", "/v1/tactics", "/mcp"] {
            let (got, answer) = ask(&server, &post(path, headers, &good));
            assert_eq!(got, status, "{path} {headers}{answer}");
            assert!(!answer.to_lowercase().contains("access-control-allow"), "{answer}");
        }
    }
    let rebound = post("/api/check", TOKEN, &good).replace("Host: localhost", "Host: evil.example");
    assert_eq!(ask(&server, &rebound).0, 421);
    for path in ["/metrics", "/openapi.json"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
        assert_eq!(ask(&server, &format!("{request}\r\n")).0, 401);
        assert_eq!(ask(&server, &format!("{request}{TOKEN}\r\n")).0, 200);
    }

    // What cannot be read.
    for (body, status) in [
        ("{\"snippets\": [", 400),
        ("{\"snippets\": 5}", 422),
        ("{\"snippets\": []}", 422),
        ("{\"snippets\": [{\"id\": \"a\", \"code\": \"\"}, {\"id\": \"a\", \"code\": \"\"}]}", 422),
        ("", 400),
    ] {
        let (got, answer) = ask(&server, &post("/api/check", TOKEN, body));
        assert_eq!((got, answer.contains("detail")), (status, true), "{body}\n{answer}");
    }
    let long = snippet(&"-".repeat(2 << 20), 60);
    assert_eq!(ask(&server, &post("/api/check", TOKEN, &long)).0, 413);
    let binary = post("/api/check", TOKEN, &good).replace("application/json", "text/plain");
    assert_eq!(ask(&server, &binary).0, 415);

    // A worker killed at work: the snippet is judged all the same.
    let answer = std::thread::scope(|scope| {
        let slow = "theorem t : ∃ n : Nat, n * n = 144 := ⟨12, rfl⟩\n".to_owned();
        let many: String =
            (0..400).map(|i| format!("theorem k{i} (a b : Nat) (h : a + b = {i}) : b + a = {i} := by omega\n")).collect();
        let body = snippet(&format!("{slow}{many}"), 120);
        let (server, victim) = (&server, family(server.child.id())[0]);
        let answer = scope.spawn(move || ask(server, &post("/api/check", TOKEN, &body)));
        std::thread::sleep(Duration::from_millis(700));
        let _ = kill(Pid::from_raw(victim as i32), Signal::SIGKILL);
        answer.join().unwrap()
    });
    assert!(answer.0 == 200 && answer.1.contains("\"response\""), "{answer:?}");

    // Slow readers and those who leave hold up nobody.
    let endless = snippet("partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0", 600);
    let mut left = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    left.write_all(post("/api/check", TOKEN, &endless).as_bytes()).unwrap();
    let mut lazy = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    lazy.write_all(b"POST /api/check HTTP/1.1\r\nHost: local").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    drop(left);
    let (status, answer) = ask(&server, &post("/api/check", TOKEN, &snippet("example : 2 + 2 = 4 := rfl", 60)));
    assert!(status == 200 && answer.contains("\"response\""), "{answer}");

    // More than may wait: each is answered once, some are told to come again.
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..60)
            .map(|i| {
                let body = snippet(&format!("theorem q{i} (a b : Nat) (h : a + b = {i}) : b + a = {i} := by omega"), 60);
                let server = &server;
                scope.spawn(move || ask(server, &post("/api/check", TOKEN, &body)))
            })
            .collect();
        clients.into_iter().map(|c| c.join().unwrap()).collect()
    });
    let (judged, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|(status, _)| *status == 200);
    assert!(judged.iter().all(|(_, a)| a.contains("\"env\":0") && !a.contains("\"severity\":\"error\"")), "{judged:?}");
    assert!(busy.iter().all(|(status, a)| *status == 429 && a.to_lowercase().contains("retry-after:")), "{busy:?}");
    assert!(judged.len() >= 20, "{} were judged", judged.len());

    // SIGTERM while something runs: it is told so, and no process stays.
    let processes = family(server.child.id());
    assert!(processes.len() > 1, "a Lean runs below the server");
    let mut waiting = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
    waiting.write_all(post("/api/check", TOKEN, &endless).as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let took = server.stop();
    assert!(took < Duration::from_secs(20), "{took:?}");
    let mut told = String::new();
    let _ = waiting.read_to_string(&mut told);
    assert!(told.contains("the server stops"), "{told}");
    std::thread::sleep(Duration::from_millis(500));
    let orphans: Vec<u32> = processes.into_iter().filter(|p| lives(*p)).collect();
    assert!(orphans.is_empty(), "{orphans:?}");
}

#[test]
fn no_token_no_open_address() {
    let output = Command::new(env!("CARGO_BIN_EXE_qstar"))
        .args(["serve", "--http", "0.0.0.0:0"])
        .env_remove("QSTAR_TOKEN")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && words.contains("QSTAR_TOKEN"), "{words}");
}

#[test]
fn the_mcp_client_uses_every_tool() {
    let Some(python) = python("mcp", &["mcp==2.3.0"]) else { return };
    let top = tempfile::tempdir().unwrap();
    let root = top.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let mut server = Server::start(&["--root", root.to_str().unwrap()], Some("secret"));
    let address = format!("{}/mcp", server.address);
    succeeds(Command::new(&python).arg(client("agent.py")).args(["http", &address, "secret"]).arg(&root));
    server.stop();
    succeeds(Command::new(&python).arg(client("agent.py")).args(["stdio", env!("CARGO_BIN_EXE_qstar")]).arg(&root));
}

#[test]
fn the_inspector_lists_and_calls_tools() {
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inspector");
    let program = prefix.join("node_modules/.bin/mcp-inspector");
    if !program.exists() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&prefix);
        // The newest that still runs on Node.js 20.
        npm.arg("@modelcontextprotocol/inspector@0.17.2").stdout(Stdio::null()).stderr(Stdio::null());
        if !npm.status().is_ok_and(|s| s.success()) {
            eprintln!("skipped: the inspector cannot be installed with npm here");
            return;
        }
    }
    let inspect = |more: &[&str]| {
        let mut command = Command::new(&program);
        command.args(["--cli", env!("CARGO_BIN_EXE_qstar"), "serve", "--stdio", "--workers", "1", "--policy", "portfolio"]);
        succeeds(command.args(more))
    };
    let listed = inspect(&["--method", "tools/list"]);
    for tool in ["prove", "fill", "verify", "check", "lean_goal", "lean_multi_attempt"] {
        assert!(listed.contains(&format!("\"name\": \"{tool}\"")), "{listed}");
    }
    let called = inspect(&["--method", "tools/call", "--tool-name", "check", "--tool-arg", "code=example : 1 + 1 = 2 := rfl"]);
    assert!(called.contains("accepted"), "{called}");
}
