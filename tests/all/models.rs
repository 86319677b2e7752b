//! Served models: every way in which a server fails, a strong model that is right half of the time, hostile answers.

use crate::common;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::model_server::{ModelServer, Reply, Seen, choices};
use qstar::formats::{Format, Prompt, Theorem, answer, names};
use qstar::lean::{Batch, Candidate, Goal, Hole, Pool, PoolOptions, Verdict, guard};
use qstar::policy::served::Served;
use qstar::policy::served::client::{Client, Unanswered};
use qstar::policy::served::endpoint::Wishes;
use qstar::policy::usage::{Limits, Meter};
use qstar::policy::{Answer, Policy, Proposal, Source};
use qstar::problem::Problem;
use qstar::prover::{Guide, Outcome, prove, theorem};
use qstar::search::{Budget, Event, Operator, Operators, Sink};
use qstar::toolchain::Toolchain;
use qstar::value::Heuristic;
use serde::Deserialize;
use serde_json::json;

fn wishes(server: &ModelServer, format: &str) -> Wishes {
    Wishes {
        url: Some(server.url.clone()),
        format: Some(format.to_owned()),
        samples: Some(2),
        retries: Some(1),
        timeout: Some(1.0),
        ..Wishes::default()
    }
}

fn client(wishes: Wishes, cache: Option<&Path>) -> Client {
    Client::new(wishes.endpoint().unwrap(), cache).unwrap()
}

async fn ask(client: &Client, meter: &Meter) -> Result<Vec<String>, Unanswered> {
    let samples = client.ask(&Prompt::Text("⊢ 1 = 1:::".to_owned()), 0, meter).await?;
    Ok(samples.into_iter().map(|s| s.text).collect())
}

/// Answers in turn; the last again and again.
fn in_turn(replies: Vec<Reply>) -> impl Fn(&Seen) -> Reply {
    let count = AtomicUsize::new(0);
    move |_| replies[count.fetch_add(1, Ordering::Relaxed).min(replies.len() - 1)].clone()
}

fn status(code: u16, text: &str) -> Reply {
    Reply::Status(code, Vec::new(), text.to_owned())
}

/// A name, what the server says in turn, what is made of it, and the requests that it takes.
type Case = (&'static str, Vec<Reply>, Result<Vec<String>, Unanswered>, u64);

#[tokio::test]
async fn every_fault_of_a_server_is_survived() {
    let good = || Reply::Json(json!({"choices": [{"text": "rfl"}, {"text": "simp"}]}));
    let busy = Reply::Status(429, vec![("retry-after", "0".to_owned())], "busy".to_owned());
    let slow = Reply::Slow(Duration::from_secs(3), Box::new(good()));
    let fine = |texts: [&str; 2]| Ok(texts.map(str::to_owned).to_vec());
    let away = |text: &str| Err(Unanswered::Away(text.to_owned()));
    let shape = "its answer is not in the shape of the OpenAI API";
    let cases: Vec<Case> = vec![
        ("busy, then not", vec![busy.clone(), good()], fine(["rfl", "simp"]), 2),
        ("busy for good", vec![busy], away("429 Too Many Requests: busy"), 2),
        ("broken, then not", vec![status(500, ""), good()], fine(["rfl", "simp"]), 2),
        (
            "broken for good",
            vec![status(503, r#"{"error": {"message": "no\u001b[31m"}}"#)],
            away("503 Service Unavailable: no [31m"),
            2,
        ),
        ("slow, then not", vec![slow.clone(), good()], fine(["rfl", "simp"]), 2),
        ("slow for good", vec![slow], away("no answer within 1s"), 2),
        ("cut off, then not", vec![Reply::Cut(json!({"choices": []})), good()], fine(["rfl", "simp"]), 2),
        ("cut off for good", vec![Reply::Cut(json!({"choices": []}))], away("the connection was cut"), 2),
        ("garbage", vec![status(200, "<html>hello</html>")], away(shape), 2),
        ("another shape", vec![Reply::Json(json!({"choices": {"a": 1}}))], away(shape), 2),
        ("no answer among the choices", vec![Reply::Json(json!({"choices": []}))], Ok(Vec::new()), 1),
        ("empty answers", vec![Reply::Json(json!({"choices": [{"text": ""}, {}]}))], fine(["", ""]), 1),
        ("one at a time", vec![Reply::Json(json!({"choices": [{"text": "rfl"}]}))], fine(["rfl", "rfl"]), 2),
        ("more than asked", vec![Reply::Json(json!({"choices": vec![json!({"text": "rfl"}); 9]}))], fine(["rfl", "rfl"]), 1),
        (
            "takes no `n`",
            vec![status(400, "n must be 1"), Reply::Json(json!({"choices": [{"text": "a"}]}))],
            fine(["a", "a"]),
            3,
        ),
        ("refuses", vec![status(404, "no such model")], Err(Unanswered::Refused("404 Not Found: no such model".into())), 1),
        ("without end", vec![Reply::Endless], away("its answer has no end"), 2),
    ];
    let all = cases.into_iter().map(async |(name, replies, wanted, requests)| {
        let server = ModelServer::start(in_turn(replies));
        let patient = if name == "without end" { 60.0 } else { 1.0 };
        let client = client(Wishes { timeout: Some(patient), ..wishes(&server, "bfs-prover") }, None);
        let meter = Meter::default();
        let start = Instant::now();
        assert_eq!(ask(&client, &meter).await, wanted, "{name}");
        assert_eq!(meter.usage().requests, requests, "{name}");
        assert!(start.elapsed() < Duration::from_secs(60), "{name}");
        if let Err(Unanswered::Away(_)) = wanted {
            // It is left alone for a while, and the search goes on at once.
            assert!(ask(&client, &meter).await.is_err() && meter.usage().requests == requests, "{name}");
        }
    });
    futures::future::join_all(all).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_before_the_search() {
    let gone = Wishes { url: Some("http://127.0.0.1:9/v1".into()), format: Some("kimina".into()), ..Wishes::default() };
    let error = client(gone, None).check().await.unwrap_err().to_string();
    assert!(error.contains("no model server answers at http://127.0.0.1:9/v1") && error.contains("--model-url"), "{error}");
    let server = ModelServer::start(in_turn(vec![status(200, "")]));
    let other = client(Wishes { model: Some("other".into()), ..wishes(&server, "kimina") }, None);
    let error = other.check().await.unwrap_err().to_string();
    assert!(error.contains("no model `other`") && error.contains("--model: m"), "{error}");
    client(wishes(&server, "kimina"), None).check().await.unwrap();
}

#[tokio::test]
async fn the_key_goes_into_the_header_and_nowhere_else() {
    // A variable that every test process has serves as the key.
    let key = std::env::var("PATH").unwrap();
    // Wherever the message is cut, no part of the key is told.
    let bad = |before: usize| move |seen: &Seen| status(403, &format!("{}bad key {}", "x".repeat(before), seen.headers));
    for before in (0..400).step_by(40) {
        let server = ModelServer::start(bad(before));
        let client = client(Wishes { key_env: Some("PATH".into()), ..wishes(&server, "bfs-prover") }, None);
        let error = ask(&client, &Meter::default()).await.unwrap_err().to_string();
        assert!(!error.contains(&key[..key.len().min(8)]), "{before}: {error}");
        assert!(before > 0 || error.contains("***"), "{error}");
        let headers = &server.seen()[0].headers;
        assert!(headers.contains(&format!("Bearer {key}")), "{headers}");
        assert!(!server.seen()[0].body.to_string().contains(&key) && !client.endpoint().fingerprint().contains(&key));
    }
}

#[tokio::test]
async fn budgets_end_the_asking_and_answers_are_kept() {
    let server = ModelServer::start(|seen: &Seen| choices(seen, &["rfl", "simp"]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers.sqlite");
    let first = client(wishes(&server, "bfs-prover"), Some(&path));
    let meter = Meter::new(Limits { tokens: Some(16), requests: None });
    ask(&first, &meter).await.unwrap();
    let again = client(wishes(&server, "bfs-prover"), Some(&path));
    assert_eq!(ask(&again, &meter).await.unwrap(), ["rfl", "simp"]);
    assert_eq!((server.seen().len(), meter.usage().cached, meter.usage().tokens()), (1, 1, 15));
    let warm = client(Wishes { temperature: Some(0.5), ..wishes(&server, "bfs-prover") }, Some(&path));
    ask(&warm, &meter).await.unwrap();
    assert_eq!(server.seen().len(), 2, "another temperature is another question");
    let hot = client(Wishes { temperature: Some(2.0), ..wishes(&server, "bfs-prover") }, Some(&path));
    assert_eq!(ask(&hot, &meter).await, Err(Unanswered::Budget));
    let seen = &server.seen()[0].body;
    assert_eq!((&seen["n"], &seen["logprobs"], &seen["stop"]), (&json!(2), &json!(1), &json!(["\n\n"])));
}

#[test]
fn what_each_format_sends() {
    let theorem = Theorem {
        name: "t".into(),
        header: "import Std\n\nopen Nat\n\n".into(),
        statement: "theorem t (n : Nat) :\n    n = n := by".into(),
        informal: Some("A number is itself.".into()),
    };
    let faults = vec![qstar::policy::author::Fault {
        line: 1,
        lines: 1,
        message: "unknown identifier `x`".into(),
        state: "n : Nat\n⊢ n = n".into(),
    }];
    let rounds = [qstar::policy::author::Flawed { answer: "My answer.".into(), proof: "skip\nexact x".into(), faults }];
    let facts = ["n : Nat\n⊢ 1 = 1".to_owned()];
    let mut text = String::new();
    for name in [
        "bfs-prover",
        "reprover",
        "internlm2-step",
        "internlm2.5-step",
        "deepseek-v1.5",
        "deepseek-v1.5-cot",
        "goedel-v2",
        "kimina",
        "chat-tactic",
        "chat-proof",
    ] {
        let format = Format::find(name).unwrap();
        format.validate().unwrap();
        let question = qstar::formats::Question {
            theorem: Some(&theorem),
            state: "n : Nat\n⊢ n = n",
            proof_before: "  skip",
            ..Default::default()
        };
        text.push_str(&format!("== {name}, first\n{}\n", shown(&format.prompt(&question).unwrap())));
        if format.repair.is_some() {
            let question = qstar::formats::Question { rounds: &rounds, ..question.clone() };
            text.push_str(&format!("== {name}, after an error\n{}\n", shown(&format.prompt(&question).unwrap())));
        }
        if let Some(plan) = format.plan(&qstar::formats::Question { proved: &facts, failed: &facts, ..question }).unwrap() {
            text.push_str(&format!("== {name}, plan\n{}\n", shown(&plan)));
        }
    }
    insta::assert_snapshot!("formats", text);
}

fn shown(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Text(text) => format!("{text}∎"),
        Prompt::Chat(messages) => messages.iter().map(|m| format!("[{}]\n{}∎\n", m.role, m.content)).collect(),
    }
}

/// A theorem of the scripted model and its answers.
#[derive(Deserialize)]
struct Scripted {
    name: String,
    statement: String,
    right: Option<String>,
    flawed: Option<String>,
    mended: Option<String>,
    sketch: Option<String>,
}

#[derive(Deserialize)]
struct Script {
    theorem: Vec<Scripted>,
}

fn script() -> Vec<Scripted> {
    toml::from_str::<Script>(include_str!("../cases/strong_model.toml")).unwrap().theorem
}

impl Scripted {
    fn problem(&self) -> Problem {
        let at = self.statement.find("theorem ").unwrap();
        Problem::from_statement(&self.statement[..at], &self.statement[at..]).unwrap()
    }

    /// A whole answer with thoughts and a block of code in it.
    fn answer(&self, proof: &str) -> String {
        let body: String = proof.trim_matches('\n').lines().map(|l| format!("  {l}\n")).collect();
        format!(
            "<think>\n```lean4\nexample : False := by simp\n```\n</think>\nHere it is.\n```lean4\n{}\n{body}```\nDone.",
            self.statement
        )
    }
}

/// A server that answers for the theorems of the script: by the words of the prompt, a plan, a repair, or a first try.
fn strong_model() -> ModelServer {
    let script = script();
    ModelServer::start(move |seen: &Seen| {
        let text = seen.text();
        let Some(known) = script.iter().find(|s| text.contains(&format!("theorem {} ", s.name))) else {
            return choices(seen, &[]);
        };
        let proof = if text.contains("Plan a proof") {
            known.sketch.as_ref()
        } else if text.contains("Lean does not accept this proof") {
            known.mended.as_ref()
        } else {
            known.right.as_ref().or(known.flawed.as_ref())
        };
        let Some(proof) = proof else { return choices(seen, &["I do not know."]) };
        choices(seen, &[&known.answer(proof), "no code at all"])
    })
}

/// Takes who proposed the steps that Lean accepted.
#[derive(Default)]
struct Sources(std::sync::Mutex<BTreeMap<Source, usize>>);

impl Sink for Sources {
    fn put(&self, event: &Event) {
        if let Event::Tried { by, step: Some(_), .. } = event {
            *self.0.lock().unwrap().entry(*by).or_default() += 1;
        }
    }
}

/// Proves little: what is wrong or left open at a leaf of the scripted proofs.
struct Helper;

impl Policy for Helper {
    fn propose<'a>(&'a self, states: &'a [&'a [Goal]]) -> Answer<'a, Vec<Proposal>> {
        let propose = |tactic: &&str| Proposal { tactic: (*tactic).to_owned(), log_prior: -1.0, by: Source::Portfolio };
        let all = states.iter().map(|_| ["omega", "assumption"].iter().map(propose).collect()).collect();
        Box::pin(std::future::ready(all))
    }
}

struct Attempts<'a> {
    toolchain: &'a Toolchain,
    pool: &'a Pool,
    served: &'a Served,
}

impl Attempts<'_> {
    async fn prove(&self, problem: &Problem, operators: Operators, sources: &Sources) -> Outcome {
        let meter = Arc::new(Meter::default());
        let author = self.served.author(&theorem(problem), 0, meter);
        let guide = Guide {
            budget: Budget { checks: 400, time: Duration::from_secs(240), ..Budget::default() },
            author: author.as_deref(),
            operators,
            sink: Some(sources),
            ..Guide::new(&Helper, &Heuristic)
        };
        prove(self.toolchain, self.pool, problem, &guide, |_| {}).await.unwrap()
    }
}

#[tokio::test]
async fn a_strong_model_is_cut_resumed_and_mended() {
    let server = strong_model();
    let home = tempfile::tempdir().unwrap();
    let wishes = Wishes { plan: Some(true), timeout: Some(60.0), ..wishes(&server, "chat-proof") };
    let served = Served::open(wishes.endpoint().unwrap(), home.path()).await.unwrap();
    let toolchain = common::toolchain();
    let pool = Pool::new(toolchain.clone(), PoolOptions::default());
    let attempts = Attempts { toolchain: &toolchain, pool: &pool, served: &served };
    let sources = Sources::default();
    let (mut all, mut whole, mut right) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let alone = Operators::default().set(Operator::Resume, false);
    for scripted in script() {
        let problem = scripted.problem();
        if scripted.right.is_some() {
            right.insert(scripted.name.clone());
        }
        let outcome = attempts.prove(&problem, Operators::default(), &sources).await;
        assert!(outcome.usage.requests + outcome.usage.cached > 0, "{}", scripted.name);
        if outcome.proved {
            all.insert(scripted.name.clone());
        }
        // What is right as it stands needs nothing else.
        let as_it_stands = outcome.proved && scripted.right.is_some();
        if as_it_stands || attempts.prove(&problem, alone, &Sources::default()).await.proved {
            whole.insert(scripted.name.clone());
        }
    }
    let names: BTreeSet<String> = script().into_iter().map(|s| s.name).collect();
    assert_eq!((names.len(), right.len()), (20, 10));
    assert_eq!(all, names, "with cut, resume, repair and plans everything is proved");
    assert_eq!(whole, right, "without them what was right as it stood");
    let sources = sources.0.into_inner().unwrap();
    for by in [Source::Draft, Source::Mend, Source::Sketch, Source::Portfolio] {
        assert!(sources.get(&by).is_some_and(|n| *n > 0), "{by:?}: {sources:?}");
    }
}

/// A server of another make, and the folder of the model it serves; it ends with this.
struct Foreign {
    process: std::process::Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// llama.cpp's server with a small random model; `None` where it is not installed.
fn llama_server() -> Option<Foreign> {
    use std::io::BufRead;
    use std::process::{Command, Stdio};
    let python = std::env::var("QSTAR_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if !Command::new(&python).args(["-c", "import gguf, xllamacpp"]).output().is_ok_and(|o| o.status.success()) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/llama_server.py");
    let mut serve = Command::new(&python);
    serve.arg(fixture).arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = serve.spawn().unwrap();
    let said = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
    let address = said.map_while(Result::ok).find(|line| line.starts_with("http://")).expect("the server comes up");
    Some(Foreign { process, url: format!("{address}/v1"), _folder: folder })
}

#[tokio::test]
async fn a_server_of_another_make_is_understood() {
    let Some(foreign) = llama_server() else {
        eprintln!("skipped: QSTAR_PYTHON (or python3) has no xllamacpp and gguf");
        return;
    };
    for (format, prompt) in [
        ("bfs-prover", Prompt::Text("⊢ 1 = 1:::".to_owned())),
        ("chat-proof", Format::find("chat-proof").unwrap().prompt(&Default::default()).unwrap()),
    ] {
        let wishes = Wishes {
            url: Some(foreign.url.clone()),
            format: Some(format.to_owned()),
            samples: Some(2),
            max_tokens: Some(12),
            timeout: Some(120.0),
            ..Wishes::default()
        };
        let client = client(wishes, None);
        client.check().await.unwrap();
        let meter = Meter::default();
        let samples = client.ask(&prompt, 1, &meter).await.unwrap();
        // With one slot it refuses `n` = 2: each answer is a request of its own.
        assert_eq!(samples.len(), 2, "{format}");
        assert!(meter.usage().answer_tokens > 0 && meter.usage().answer_tokens <= 24, "{format}: {:?}", meter.usage());
        assert!(meter.usage().prompt_tokens > 10, "{format}: {:?}", meter.usage());
        assert_ne!(samples[0].text, samples[1].text, "{format}: two seeds");
        // Asked for where a tactic's prior comes of it.
        let probable = samples.iter().all(|s| s.log_prob.is_some_and(|p| p < 0.0));
        assert_eq!(probable, format == "bfs-prover", "{format}: {samples:?}");
    }
}

/// What may not be believed, each as a proof of `1 = 2`.
const ATTACKS: &[&str] = &[
    "sorry",
    "exact (sorry : 1 = 2)",
    "admit",
    "native_decide",
    "exact absurd rfl (by native_decide)",
    "rfl\nend X\ntheorem t : 1 = 2 := rfl",
    "skip\n\naxiom a : 1 = 2\nexact a",
    "exact?",
    "apply?",
    "simp?",
    "exact t",
    "exact goal",
    "set_option debug.skipKernelTC true in decide",
    "run_tac Lean.Elab.Tactic.getMainGoal",
    "stop",
    "done",
    "decide",
    "letI : OfNat Nat 1 := ⟨2⟩; rfl",
    "have : False := by\n  exact this\nexact this.elim",
    "exact (fun h => h) (by assumption)",
    "unsafe exact unsafeCast ()",
    "all_goals sorry",
    "· sorry",
    "constructor\n· sorry\n· sorry",
    "have h : 1 = 2 := by\n  sorry\nexact h",
    "calc 1 = 1 := rfl\n  _ = 2 := sorry",
    "-- proved\n/- really -/",
    "exact «sorry»",
    "open Lean in exact rfl",
    "macro \"x\" : tactic => `(tactic| sorry)\nx",
    "omega\n#eval 1",
    "exact @id (1 = 2) ?_",
    "refine ?_",
    "show 1 = 1; rfl",
    "case _ => rfl",
    "first | rfl | exact sorryAx _",
    "exact sorryAx _",
    "exact Classical.choice ⟨by assumption⟩",
    "induction 1 with\n| zero => rfl\n| succ n ih => exact ih",
    "rw [show (1 : Nat) = 2 from by sorry]",
    "\u{202e}rfl",
    "exact rfl\u{200b}",
    "\0",
    "/-",
    "exact \"",
    "exact (((((((((((",
    "}}}}}",
    "theorem x : 1 = 1 := rfl",
    "example : 1 = 2 := by sorry",
    "where\n  x := 1",
    "termination_by 1",
];

/// The texts around an attack, as models of each format write, and worse.
fn disguised(attack: &str, number: usize) -> String {
    let block = format!(
        "```lean4\ntheorem t : 1 = 2 := by\n{}\n```",
        attack.lines().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
    );
    match number % 14 {
        0 => attack.to_owned(),
        1 => block,
        2 => format!("⊢ 1 = 2:::{attack}"),
        3 => format!("PROOFSTEP {attack}"),
        4 => format!("<a>{attack}</a>"),
        5 => format!("<think>I lie.</think>{block}"),
        6 => format!("<think>{block}"),
        7 => format!("{block}\n```lean4\n{attack}"),
        8 => format!("by\n  {attack}"),
        9 => format!("```lean4\nlemma cheat : 1 = 2 := by\n  {attack}\n\ntheorem t : 1 = 2 := by\n  exact cheat\n```"),
        10 => format!("```lean4\ntheorem t : 1 = 1 := by\n  rfl\n```\n{attack}"),
        11 => format!("```lean4\n{attack}\ntheorem t : 1 = 2 := by\n  {attack}\n```"),
        12 => format!("{attack}\n```{attack}```\n{{{{ state }}}}{{% for x in y %}}"),
        _ => attack.repeat(1 + number % 500),
    }
}

/// Texts that come out of hostile answers through a format, as a search would try them.
fn read(format: &Format, theorem: &Theorem, text: &str) -> Vec<String> {
    let Some(lean) = answer::lean(&format.read, text) else { return Vec::new() };
    let proof = answer::proof(theorem, &lean);
    answer::tactic(&lean).into_iter().chain(proof).collect()
}

/// `QSTAR_HOSTILE=10000 cargo test --test all hostile` asks for more than CI has time for.
#[tokio::test]
async fn hostile_answers_prove_nothing_and_harm_no_neighbour() {
    let count: usize = std::env::var("QSTAR_HOSTILE").ok().and_then(|n| n.parse().ok()).unwrap_or(700);
    let problem = Problem::from_statement("", "theorem t : 1 = 2").unwrap();
    let theorem = theorem(&problem);
    let formats: Vec<Format> = names().map(|name| Format::find(name).unwrap()).collect();
    let (mut through, mut texts) = (BTreeSet::new(), 0usize);
    for number in 0..count {
        let attack = ATTACKS[number % ATTACKS.len()];
        let text = disguised(attack, number / ATTACKS.len());
        for format in &formats {
            for text in read(format, &theorem, &text) {
                texts += 1;
                assert!(text.len() <= guard::MAX_BYTES);
                for piece in qstar::search::pieces(&text).into_iter().chain([text]) {
                    if guard::check(&piece).is_ok() {
                        through.insert(piece);
                    }
                }
            }
        }
    }
    assert!(texts > count, "{texts}");
    // What the guard lets through is judged beside honest neighbours, false and true ones.
    let toolchain = common::toolchain();
    let pool = Pool::new(toolchain.clone(), PoolOptions { workers: 1, ..PoolOptions::default() });
    let (lie, truth) = (Arc::new(Hole::whole("example : 1 = 2")), Arc::new(Hole::whole("example : 2 = 2")));
    let check = |hole: &Arc<Hole>, tactic: &str| Candidate::new(hole.clone(), tactic.to_owned(), 8000);
    let mut candidates = Vec::new();
    for text in &through {
        candidates.extend([check(&lie, text), check(&truth, "rfl"), check(&lie, "rfl")]);
    }
    let verdicts = pool.check(Batch { header: "".into(), candidates }).await;
    for (text, verdicts) in through.iter().zip(verdicts.chunks(3)) {
        assert_ne!(verdicts[0], Verdict::Closed, "{text}");
        assert_eq!(verdicts[1], Verdict::Closed, "a true neighbour of {text}");
        assert!(matches!(verdicts[2], Verdict::Failed(_)), "a false neighbour of {text}: {:?}", verdicts[2]);
    }
}

#[test]
fn dialogues_are_made_of_records() {
    use qstar::export::dialogues;
    use qstar::search::{StopReason, VerdictKind};
    let folder = tempfile::tempdir().unwrap();
    let tried = |goal: u32, tactic: &str, step: u32, left: &[u32]| Event::Tried {
        goal: goal.into(),
        tactic: tactic.into(),
        one_of: None,
        log_prior: -1.0,
        by: Source::Model,
        heartbeats: 8000,
        verdict: if left.is_empty() { VerdictKind::Closed } else { VerdictKind::Goals },
        message: None,
        step: Some(step.into()),
        left: left.iter().map(|&g| g.into()).collect(),
    };
    let goal = |goal: u32, state: &str| Event::Goal {
        goal: goal.into(),
        state: state.into(),
        depth: goal,
        log_prior: 0.0,
        value: 0.5,
        why: String::new(),
        from: None,
    };
    let events = [
        Event::Begin {
            theorem: "t".into(), statement: "theorem t : p → p".into(), toolchain: "Lean".into(), run: "r".into()
        },
        goal(0, "⊢ p → p"),
        tried(0, "intro h", 10, &[1]),
        goal(1, "h : p\n⊢ p"),
        tried(1, "exact h", 11, &[]),
        Event::Proved { goal: 1.into(), step: 11.into() },
        Event::Proved { goal: 0.into(), step: 10.into() },
        Event::End { reason: StopReason::Proved, checks: 2, goals: 2, proof: Some("intro h\nexact h\n".into()) },
    ];
    let lines: String = events.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect();
    std::fs::write(folder.path().join("t.jsonl"), lines).unwrap();
    let formats = ["internlm2-step", "goedel-v2", "deepseek-v1.5"].map(|name| Format::find(name).unwrap());
    let out = folder.path().join("out");
    let counts = dialogues::write(&[folder.path().join("t.jsonl")], &[], &out, &formats).unwrap();
    let total = |name: &str| counts[&format!("dialogues.{name}")].values().sum::<usize>();
    assert_eq!((total("internlm2-step"), total("goedel-v2"), total("deepseek-v1.5")), (2, 1, 1));
    let read = |name: &str| -> Vec<serde_json::Value> {
        let files = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().path());
        let mine = files.filter(|p| p.file_name().unwrap().to_string_lossy().starts_with(&format!("dialogues.{name}.")));
        let text: String = mine.map(|p| std::fs::read_to_string(p).unwrap()).collect();
        text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    };
    assert_eq!(read("internlm2-step")[0], json!({"prompt": "DECL t\nGOAL ⊢ p → p\n", "completion": "PROOFSTEP intro h"}));
    let completion = read("deepseek-v1.5").remove(0);
    assert_eq!(completion["completion"], "  intro h\n  exact h\n```");
    assert!(completion["prompt"].as_str().unwrap().ends_with("theorem t : p → p := by\n"));
    let messages = read("goedel-v2").remove(0)["messages"].clone();
    assert_eq!(messages[1]["content"], "```lean4\ntheorem t : p → p := by\n  intro h\n  exact h\n```");
}
