//! `qstar serve`: real clients, and clients that mean harm.

use crate::common;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A server of its own for a test; ended with it.
struct Server {
    child: Child,
    url: String,
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
        let mut url = None;
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(at) = line.strip_prefix("qstar serves at ") {
                url = Some(at.to_owned());
            }
            if line.contains("ready") {
                break;
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        Server { url: url.expect("the server says where it is"), child }
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// A counter of `/metrics`, summed over its labels.
    fn counter(&self, name: &str) -> f64 {
        let page = ask(self, &get("/metrics")).1;
        let line =
            |l: &str| l.strip_prefix(name)?.starts_with(['{', ' ']).then(|| l.rsplit(' ').next()?.parse::<f64>().ok())?;
        page.lines().filter_map(line).sum()
    }

    /// Waits until a counter is as it should be.
    fn until(&self, name: &str, wanted: impl Fn(f64) -> bool) {
        while !wanted(self.counter(name)) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends it as a service manager would.
    fn stop(&mut self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Python with packages of PyPI, installed once; `None`, and said so, where they cannot be had.
fn python(name: &str, packages: &[&str], more: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    if folder.join("complete").exists() {
        return Some(python);
    }
    let run = |command: &mut Command| command.stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    let made = run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    let pip = |wanted: &[&str]| {
        wanted.is_empty()
            || run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(wanted))
    };
    if !made || !pip(packages) || !pip(more) {
        eprintln!("SKIPPED: {packages:?} {more:?} cannot be installed with pip here");
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
    let Some(python) = python("kimina", &needed, &["--no-deps", "kimina-client==0.2.1"]) else { return };
    let mut server = Server::start(&["--memory", "1500M"], Some("secret"));
    succeeds(Command::new(python).arg(client("kimina.py")).args([&server.url, "secret"]));
    server.stop();
}

#[test]
fn agents_use_every_tool() {
    let top = tempfile::tempdir().unwrap();
    let root = top.path().join("root");
    std::fs::create_dir(&root).unwrap();
    let mut server = Server::start(&["--max-searches", "1", "--root", root.to_str().unwrap()], Some("secret"));
    let address = format!("{}/mcp", server.url);
    if let Some(python) = python("mcp", &["mcp==2.3.0"], &[]) {
        succeeds(Command::new(&python).arg(client("agent.py")).args(["http", &address, "secret"]).arg(&root));
        succeeds(Command::new(&python).arg(client("agent.py")).args(["stdio", env!("CARGO_BIN_EXE_qstar")]).arg(&root));
    }
    if let Some(inspector) = inspector() {
        let inspect = |more: &[&str]| {
            let mut command = Command::new(&inspector);
            command.args(["--cli", &address, "--transport", "http", "--header", "Authorization: Bearer secret"]);
            succeeds(command.args(more))
        };
        let listed = inspect(&["--method", "tools/list"]);
        for tool in ["prove", "fill", "verify", "check", "lean_goal", "lean_multi_attempt"] {
            assert!(listed.contains(&format!("\"name\": \"{tool}\"")), "{listed}");
        }
        let code = "code=example : 1 + 1 = 2 := rfl";
        let called = inspect(&["--method", "tools/call", "--tool-name", "check", "--tool-arg", code]);
        assert!(called.contains("accepted"), "{called}");
    }
    server.stop();
}

/// The MCP inspector of npm, installed once; `None`, and said so, where it cannot be had.
fn inspector() -> Option<PathBuf> {
    let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("inspector");
    let program = prefix.join("node_modules/.bin/mcp-inspector");
    if !program.exists() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&prefix);
        // The newest that still runs on Node.js 20.
        npm.arg("@modelcontextprotocol/inspector@0.17.2").stdout(Stdio::null()).stderr(Stdio::null());
        if !npm.status().is_ok_and(|s| s.success()) {
            eprintln!("SKIPPED: the MCP inspector cannot be installed with npm here");
            return None;
        }
    }
    Some(program)
}

const TOKEN: &str = "Authorization: Bearer secret\r\n";
/// Runs until it is ended.
const ENDLESS: &str = "partial def f (n : Nat) : Nat := f (n + 1)\n#eval f 0";

/// Sends a request of our own, byte for byte.
fn send(server: &Server, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// The status and the whole answer.
fn answer(mut stream: TcpStream) -> (u16, String) {
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split_whitespace().nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, answer)
}

fn ask(server: &Server, request: &str) -> (u16, String) {
    answer(send(server, request))
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{TOKEN}\r\n")
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// A request for so many snippets with the same code.
fn snippets(code: &str, count: usize, id: &str) -> String {
    let list: Vec<_> = (0..count).map(|i| serde_json::json!({"id": format!("{id}{i}"), "code": code})).collect();
    post("/api/check", TOKEN, &serde_json::json!({"snippets": list, "timeout": 600}).to_string())
}

fn snippet(code: &str) -> String {
    snippets(code, 1, "a")
}

/// Those below a process.
fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
    let lists = threads.filter_map(|t| std::fs::read_to_string(t.ok()?.path().join("children")).ok());
    let below: Vec<u32> = lists.flat_map(|l| l.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>()).collect();
    below.into_iter().flat_map(|pid| [vec![pid], children(pid)].concat()).collect()
}

fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

#[test]
fn faults_get_the_right_answer_and_leave_nothing_behind() {
    let flags = ["--max-body", "1", "--max-running", "3", "--queue", "20", "--allow-origin", "https://ok.example"];
    let mut server = Server::start(&flags, Some("secret"));
    strangers(&server);
    unreadable(&server);
    own_protocol(&server);
    killed_workers(&server);
    slow_and_gone(&server);
    too_many(&server);

    // SIGTERM while something runs: it is told so, and no process stays.
    let waiting = send(&server, &snippet(ENDLESS));
    server.until("qstar_running_requests", |n| n == 1.0);
    let processes = children(server.child.id());
    assert!(!processes.is_empty(), "a Lean runs below the server");
    server.stop();
    let (status, told) = answer(waiting);
    assert!(status == 200 && told.contains("the server stops"), "{told}");
    while processes.iter().any(|p| lives(*p)) {
        // Orphans would keep this test from its end.
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Who may ask: with the token, by the server's name, and no web page but those that are named.
fn strangers(server: &Server) {
    let good = serde_json::json!({"snippets": [{"id": "a", "code": "example : 1 + 1 = 2 := rfl"}]}).to_string();
    assert_eq!(ask(server, &post("/api/check", TOKEN, &good)).0, 200);
    for (headers, status) in [
        ("", 401),
        ("Authorization: Bearer wrong\r\n", 401),
        ("Authorization: Bearer secret\r\nOrigin: http://evil.example\r\n", 403),
        ("Authorization: Bearer secret\r\nOrigin: null\r\n", 403),
    ] {
        for path in ["/api/check", "/verify", "/v1/prove", "/v1/verify", "/v1/tactics", "/mcp"] {
            let (got, answer) = ask(server, &post(path, headers, &good));
            assert_eq!(got, status, "{path} {headers}{answer}");
            assert!(!answer.to_lowercase().contains("access-control-allow-origin"), "{answer}");
        }
    }
    let rebound = |request: String| request.replace("Host: localhost", "Host: evil.example");
    for request in [post("/api/check", TOKEN, &good), post("/mcp", TOKEN, &good), get("/metrics"), get("/health")] {
        assert_eq!(ask(server, &rebound(request)).0, 421);
    }
    for path in ["/metrics", "/openapi.json", "/nothing"] {
        assert_eq!(ask(server, &get(path).replace(TOKEN, "")).0, 401);
    }
    assert!(ask(server, &get("/openapi.json")).1.contains("\"/v1/prove\""));
    // What a browser asks before it lets a page ask.
    let before = |origin: &str| {
        let wishes = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n";
        ask(
            server,
            &format!("OPTIONS /api/check HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: {origin}\r\n{wishes}\r\n"),
        )
        .1
    };
    assert!(before("https://ok.example").contains("access-control-allow-origin: https://ok.example"));
    assert!(!before("https://evil.example").contains("access-control-allow-origin"));
}

/// What cannot be read, is too long, or is no JSON.
fn unreadable(server: &Server) {
    for (body, status) in [
        ("{\"snippets\": [", 400),
        ("{\"snippets\": 5}", 422),
        ("{\"snippets\": []}", 422),
        ("{\"snippets\": [{\"id\": \"a\", \"code\": \"\"}, {\"id\": \"a\", \"code\": \"\"}]}", 422),
        ("", 400),
    ] {
        let (got, answer) = ask(server, &post("/api/check", TOKEN, body));
        assert_eq!((got, answer.contains("detail")), (status, true), "{body}\n{answer}");
    }
    assert_eq!(ask(server, &snippet(&"-".repeat(2 << 20))).0, 413);
    let text = snippet("").replace("application/json", "text/plain");
    assert_eq!(ask(server, &text).0, 415);
}

/// qstar's own addresses: tactics in batches, verdicts, a proof with its events.
fn own_protocol(server: &Server) {
    let read = |path: &str, body: serde_json::Value| {
        let (status, answer) = ask(server, &post(path, TOKEN, &body.to_string()));
        assert_eq!(status, 200, "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    let items = serde_json::json!({"items": [
        {"goal": "p q : Prop\nhp : p\nhq : q\n⊢ p ∧ q", "tactics": ["constructor", "exact ⟨hp, hq⟩", "omega", "sorry"]},
        {"goal": "theorem t (n : Nat) : n + 0 = n", "tactics": ["rfl"]},
        {"goal": "⊢ ⊢", "tactics": ["rfl"]},
    ]});
    let tried: serde_json::Value = serde_json::from_str(&read("/v1/tactics", items)).unwrap();
    let verdicts = |at: usize| -> Vec<String> {
        let tactics = tried["results"][at]["tactics"].as_array().unwrap();
        tactics.iter().map(|t| format!("{} {}", t["verdict"].as_str().unwrap(), t["goals"].as_array().unwrap().len())).collect()
    };
    assert_eq!(verdicts(0), ["accepted 2", "accepted 0", "refused 0", "refused 0"], "{tried}");
    assert_eq!(verdicts(1), ["accepted 0"], "{tried}");
    assert_eq!(tried["results"][2]["verdict"], "could_not_check", "{tried}");

    let statement = "theorem t (p q r : Prop) (hp : p) (hq : q) (hr : r) : (p ∧ q) ∧ (q ∧ r) ∧ (r ∧ p)";
    let events = read("/v1/prove", serde_json::json!({"statement": statement, "time": 600}));
    let result = events.split("event: result\n").nth(1).and_then(data).expect(&events);
    assert_eq!(result["verdict"], "accepted", "{events}");
    let hard = "theorem hard (f : Nat → Nat) (h : ∀ n, f (f n) = n + 3) : f 12 = f 7 + 5";
    let late = read("/v1/prove", serde_json::json!({"statement": hard, "time": 1}));
    let late = late.split("event: result\n").nth(1).and_then(data).expect(&late);
    assert_eq!(late["verdict"], "could_not_check", "{late}");
    // Who has seen enough leaves, and the search ends.
    let ask = serde_json::json!({"statement": hard, "time": 600}).to_string();
    let mut lines = BufReader::new(send(server, &post("/v1/prove", TOKEN, &ask))).lines();
    assert!(lines.any(|l| l.unwrap() == "event: progress"), "no progress was told");
    let progress = data(&lines.next().unwrap().unwrap()).unwrap();
    assert!(progress["checks"].is_u64(), "{progress}");
    drop(lines);
    server.until("qstar_running_requests", |n| n == 0.0);

    let pair = serde_json::json!({"original": format!("{statement} := by sorry"), "candidate": result["proof"]});
    let judged: serde_json::Value = serde_json::from_str(&read("/v1/verify", pair)).unwrap();
    assert_eq!(judged["verdict"], "accepted", "{judged}");
    let cheat = serde_json::json!({"original": "theorem t : 1 = 2 := by sorry", "candidate": "theorem t : 1 = 1 := by rfl"});
    let judged: serde_json::Value = serde_json::from_str(&read("/v1/verify", cheat)).unwrap();
    assert_eq!(judged["verdict"], "refused", "{judged}");
}

/// The data of the event that a text begins with.
fn data(text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text.strip_prefix("data: ")?.lines().next()?).ok()
}

/// Every Lean is killed while it works: what was sent is judged all the same.
fn killed_workers(server: &Server) {
    let many: String =
        (0..200).map(|i| format!("theorem k{i} (a b : Nat) (h : a + b = {i}) : b + a = {i} := by omega\n")).collect();
    let (documents, lost) = (server.counter("qstar_documents_total"), server.counter("qstar_worker_restarts_total"));
    let asked = send(server, &snippet(&many));
    server.until("qstar_documents_total", |n| n > documents);
    for pid in children(server.child.id()) {
        let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
    }
    let (status, judged) = answer(asked);
    assert!(status == 200 && judged.contains("\"response\"") && !judged.contains("\"severity\":\"error\""), "{judged}");
    assert!(server.counter("qstar_worker_restarts_total") > lost, "a worker was lost");
}

/// Slow readers, slow senders, and those who leave hold up nobody; equal snippets are judged once.
fn slow_and_gone(server: &Server) {
    let documents = server.counter("qstar_documents_total");
    let left = send(server, &snippet(ENDLESS));
    server.until("qstar_documents_total", |n| n > documents);
    drop(left);
    server.until("qstar_running_requests", |n| n == 0.0);

    let _lazy = send(server, "POST /api/check HTTP/1.1\r\nHost: local");
    // Ten megabytes of messages that nobody takes for a while.
    let documents = server.counter("qstar_documents_total");
    let wordy = format!("def s := \"{}\"\n{}", "x".repeat(2000), "#print s\n".repeat(100));
    let reader = send(server, &snippets(&wordy, 40, "w"));
    server.until("qstar_documents_total", |n| n > documents);
    let (status, judged) = ask(server, &snippet("example : 2 + 2 = 4 := rfl"));
    assert!(status == 200 && judged.contains("\"response\""), "{judged}");
    let (status, read) = answer(reader);
    assert_eq!((status, read.matches("\"env\":0").count()), (200, 40), "{}", &read[..read.len().min(2000)]);
    assert!(read.len() > 8_000_000, "{}", read.len());
    assert_eq!(server.counter("qstar_documents_total"), documents + 2.0, "the forty were judged once");
}

/// More than may wait: those who wait are answered, each once and with its own; the others are told to come again.
fn too_many(server: &Server) {
    let blocking: Vec<TcpStream> = (0..3).map(|_| send(server, &snippet(ENDLESS))).collect();
    server.until("qstar_running_requests", |n| n == 3.0);
    let code = |i: usize| format!("theorem q{i} (a b : Nat) (h : a + b = {i}) : b + a = {i} := by omega\n#check q{i}");
    let waiting: Vec<TcpStream> = (0..20).map(|i| send(server, &snippets(&code(i), 1, &format!("q{i}-")))).collect();
    server.until("qstar_queued_requests", |n| n == 20.0);
    for _ in 0..5 {
        let (status, answer) = ask(server, &snippet("example : 3 + 3 = 6 := rfl"));
        assert!(status == 429 && answer.to_lowercase().contains("retry-after: "), "{answer}");
    }
    drop(blocking);
    for (i, stream) in waiting.into_iter().enumerate() {
        let (status, judged) = answer(stream);
        assert_eq!((status, judged.matches("\"id\":").count()), (200, 1), "{judged}");
        assert!(judged.contains(&format!("\"q{i}-0\"")) && judged.contains(&format!("q{i} (a b : Nat)")), "{judged}");
    }
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
