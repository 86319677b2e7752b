//! Attacks: each is a proof text that tries to cheat. All must be refused, by the guard or by Lean, and none may
//! change the verdict of a neighbour in the same document.

use crate::common;
use std::sync::Arc;
use std::time::Duration;

use qstar::lean::{Batch, Pool, PoolOptions, Verdict};
use qstar::problem::Problem;
use qstar::verify::Originals;
use qstar::verify::bulk::certify;
use qstar::verify::candidate::{verify_compiled, verify_file};
use qstar::verify::queue::Queue;
use qstar::verify::{Axioms, Certificate, Rejection, Standing, recheck, verify};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

const TIME: Duration = Duration::from_secs(120);
/// False, so that every accepted proof is a hole in the verifier.
const FALSE: &str = "theorem target (n : Nat) : n + 1 = n";

/// Name and text of each attack.
const ATTACKS: &[(&str, &str)] = &[
    ("sorry", "sorry"),
    ("sorry in a term", "exact (sorry : _)"),
    ("sorry behind a semicolon", "skip; sorry"),
    ("sorry in a have", "have h : n + 1 = n := by sorry\nexact h"),
    ("sorry in quotes", "exact «sorry»"),
    ("sorryAx", "exact sorryAx _"),
    ("sorryAx with its arguments", "exact @sorryAx _ false"),
    ("quoted sorryAx", "exact «sorryAx» _ false"),
    ("admit", "admit"),
    ("stop", "stop\nrfl"),
    ("native_decide", "native_decide"),
    ("decide with native", "decide +native"),
    ("decide with a native field", "decide (config := { native := true })"),
    ("ofReduceBool", "exact absurd (Lean.ofReduceBool false true rfl) (by decide)"),
    ("trustCompiler", "have := @Lean.trustCompiler\nexact this"),
    ("an axiom after the proof", "rfl\naxiom bad : False"),
    ("an axiom on the same line", "rfl axiom bad (n : Nat) : n + 1 = n"),
    ("end of a namespace", "rfl\nend Nat"),
    ("a namespace", "rfl\nnamespace Nat"),
    ("open for the rest", "rfl\nopen Classical"),
    ("#exit", "rfl\n#exit"),
    ("#eval", "rfl\n#eval 1"),
    ("import", "rfl\nimport Lean"),
    ("the kernel switched off", "set_option debug.skipKernelTC true in rfl"),
    ("sorry's warning switched off", "set_option warn.sorry false in simp"),
    ("heartbeats without end", "set_option maxHeartbeats 0 in simp"),
    ("a second declaration", "rfl\ntheorem other : True := trivial"),
    ("an instance", "rfl\ninstance : Add Nat := ⟨fun a _ => a⟩"),
    ("local notation", "rfl\nlocal notation \"x\" => y"),
    ("a macro", "rfl\nmacro_rules | `(tactic| rfl) => `(tactic| sorry)"),
    ("a comment left open", "rfl /- tail"),
    ("a nested comment left open", "rfl /- a /- b -/"),
    ("a comment closed too often", "rfl -/"),
    ("a doc comment left open", "rfl\n/-- tail"),
    ("a bracket left open", "exact (rfl"),
    ("a bracket closed too often", "exact rfl)"),
    ("a string left open", "exact absurd \"a rfl"),
    ("a name left open", "exact «a"),
    ("a tab", "\trfl"),
    ("a carriage return", "skip\rsorry"),
    ("a zero-width space", "exact so\u{200b}rry"),
    ("text that runs backwards", "rfl \u{202e} yrros"),
    ("a line separator", "-- x\u{2028}sorry"),
    ("less indentation than the first line", "  skip\nrfl"),
    ("a bullet that ends the block", "· rfl\n\nexample : True := trivial"),
    ("case' on a goal that is not there", "case' h => exact rfl"),
    ("run_tac", "run_tac do throwError \"x\""),
    ("by_elab", "exact by_elab do return Lean.mkConst ``True"),
    ("reading a file while elaborating", "exact absurd (include_str \"/etc/passwd\") (by simp)"),
    ("unsafe", "exact unsafe (unsafeCast ())"),
    ("code in a string", "exact absurd s!\"{(sorry : Nat)}\" (by simp)"),
    ("a giant term", "exact absurd rfl (by simp : ¬ (2 ^ 1000000 + n = 2 ^ 1000000 + n))"),
    ("the theorem itself", "exact target n"),
    ("the theorem itself by search", "exact?"),
    ("a proof of another statement", "exact (rfl : 1 = 1)"),
    ("a show of another statement", "show n + 1 = n + 1\nrfl"),
    ("where", "exact h\nwhere h : n + 1 = n := h"),
    ("termination by hand", "exact target n\ntermination_by n\ndecreasing_by all_goals simp"),
    ("a term macro of Lean's own", "exact (no_implicit_lambda% sorry)"),
    ("empty", ""),
    ("a comment only", "-- rfl"),
    ("unfinished", "exact"),
    ("unfinished have", "have h : n = n :="),
];

#[tokio::test]
async fn no_attack_is_accepted() {
    let toolchain = common::toolchain();
    let problem = Problem::from_statement("", FALSE).unwrap();
    assert!(ATTACKS.len() >= 30);
    for (name, text) in ATTACKS {
        match verify(&toolchain, &problem, text, TIME).await {
            Err(Rejection::Process(e)) => panic!("{name}: Lean did not run: {e}"),
            Err(reason) => assert!(!reason.to_string().is_empty(), "{name} needs a reason"),
            Ok(_) => panic!("accepted: {name}"),
        }
    }
}

#[tokio::test]
async fn no_attack_reaches_its_neighbours() {
    let toolchain = common::toolchain();
    let pool = Pool::new(toolchain, PoolOptions::default());
    let statement = FALSE.replace("theorem target", "example");
    let mut candidates = Vec::new();
    for (_, text) in ATTACKS {
        candidates.push(common::candidate(&statement, text));
        candidates.push(common::candidate("example (a b : Nat) (h : a = b) : b = a", "exact h.symm"));
        candidates.push(common::candidate("example (n : Nat) : n + 1 = n", "omega"));
    }
    // Different texts, so that the pool's memory does not answer for the neighbours.
    for (i, c) in candidates.iter_mut().enumerate() {
        c.tactic =
            format!("{}{}", c.tactic, if c.tactic.is_empty() || i % 3 == 0 { String::new() } else { format!(" -- {i}") });
    }
    let verdicts = pool.check(Batch { header: "".into(), candidates }).await;
    for (i, (name, _)) in ATTACKS.iter().enumerate() {
        assert_ne!(verdicts[3 * i], Verdict::Closed, "{name}");
        assert_eq!(verdicts[3 * i + 1], Verdict::Closed, "the neighbour of: {name}");
        assert!(matches!(verdicts[3 * i + 2], Verdict::Failed(_)), "the false neighbour of: {name}: {:?}", verdicts[3 * i + 2]);
    }
}

#[tokio::test]
async fn honest_proofs_are_certified_and_certificates_hold() {
    let toolchain = common::toolchain();
    let header = "local notation \"ℕ\" => Nat\nopen Nat";
    let problem = Problem::from_statement(header, "theorem honest (n : ℕ) (h : 0 < n) :\n  n ≠ 0 := by").unwrap();
    let certificate = verify(&toolchain, &problem, "intro e\nomega", TIME).await.unwrap();
    assert!(certificate.statement_checked_by_lean);
    assert_eq!(certificate.source(), "theorem honest (n : ℕ) (h : 0 < n) :\n  n ≠ 0 := by\n  intro e\n  omega\n");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.json");
    std::fs::write(&path, serde_json::to_string(&certificate).unwrap()).unwrap();
    assert_eq!(recheck(&toolchain, &path, TIME).await.unwrap().unwrap().document_sha256, certificate.document_sha256);
    // As an older qstar wrote it.
    let older = Certificate { format: "qstar-certificate-1".into(), axioms: Axioms::Unavailable, ..certificate.clone() };
    let mut older = serde_json::to_value(&older).unwrap();
    older.as_object_mut().unwrap().retain(|key, _| !["axioms_of_header", "notes", "trusted"].contains(&key.as_str()));
    std::fs::write(&path, older.to_string()).unwrap();
    recheck(&toolchain, &path, TIME).await.unwrap().unwrap();
    // A name that is not the statement's.
    let renamed = Certificate { name: "riemann\u{1b}[2J".into(), ..certificate.clone() };
    std::fs::write(&path, serde_json::to_string(&renamed).unwrap()).unwrap();
    let error = recheck(&toolchain, &path, TIME).await.unwrap_err().to_string();
    assert!(error.contains("`riemann\\u{1b}[2J` is not that of its statement"), "{error}");
    // Another proof, another statement.
    let forged = Certificate { proof: "rfl".into(), ..certificate.clone() };
    std::fs::write(&path, serde_json::to_string(&forged).unwrap()).unwrap();
    assert!(matches!(recheck(&toolchain, &path, TIME).await.unwrap(), Err(Rejection::Lean { .. })));
    let forged = Certificate { statement: "theorem honest : True".into(), ..certificate };
    std::fs::write(&path, serde_json::to_string(&forged).unwrap()).unwrap();
    assert!(recheck(&toolchain, &path, TIME).await.is_err());
}

#[tokio::test]
async fn files_of_proofs_are_judged_theorem_by_theorem() {
    let toolchain = common::toolchain();
    let original = "def f (n : Nat) := n + 1\n\ntheorem one : f 0 = 1 := by\n  sorry\n\ntheorem two (n : Nat) : n < f n := sorry\n\ntheorem three : f 1 = 3 := by sorry\n";
    let candidate = "def f (n : Nat) := n + 1\n\ntheorem one : f 0 = 1 := by\n  rfl\n\ntheorem helper (n : Nat) : n < n + 1 := by\n  omega\n\ntheorem two (n : Nat) : n < f n := helper n\n\ntheorem three : f 1 = 3 := by decide\n";
    let judged = verify_file(&toolchain, &Originals::default(), original, candidate, TIME, None).await.unwrap();
    assert_eq!(judged.iter().map(|j| j.proved).collect::<Vec<_>>(), [true, true, false], "{judged:?}");
    assert!(judged[2].reason.as_ref().unwrap().contains("Lean rejects it"));
    // An instance that changes what a later statement means.
    let shadow = original
        .replace("theorem one", "instance (priority := 9000) wet : LT Nat := ⟨fun _ _ => True⟩\n\ntheorem one")
        .replace("n < f n := sorry", "n < f n := trivial");
    let judged = verify_file(&toolchain, &Originals::default(), original, &shadow, TIME, None).await.unwrap();
    assert!(judged.iter().all(|j| !j.proved));
    assert!(judged[1].reason.as_ref().unwrap().contains("wet"), "{judged:?}");
}

#[tokio::test]
async fn a_queue_accepts_what_is_accepted_alone() {
    // No turn is free, so somebody searches: what comes in together shares a process; `b` fails, and `c` rests on it.
    let queue = Queue::new(common::toolchain(), Arc::new(Semaphore::new(0)));
    let asked =
        [("a : 1 = 1", "rfl"), ("b : 1 = 2", "rfl"), ("c : 1 = 2", "exact b"), ("d : 2 = 2", "rfl"), ("e : 3 = 3", "rfl")];
    let verdicts = futures::future::join_all(asked.map(|(statement, proof)| {
        let problem = Problem::from_statement("", &format!("theorem {statement}")).unwrap();
        let queue = &queue;
        async move { queue.verify(&problem, proof, TIME).await }
    }));
    let verdicts = verdicts.await;
    for (verdict, (statement, _)) in verdicts.iter().zip(asked) {
        assert_eq!(verdict.is_ok(), !statement.ends_with("1 = 2"), "{statement}: {verdict:?}");
    }
    let certificate = verdicts[4].as_ref().unwrap();
    assert_eq!((certificate.name.as_str(), certificate.source().as_str()), ("e", "theorem e : 3 = 3 := by\n  rfl\n"));
}

#[tokio::test]
async fn a_proof_on_which_lean_ends_costs_the_others_nothing() {
    let toolchain = common::toolchain();
    let deep = format!("exact absurd rfl (by decide : ¬ ({}1{} = 1))", "(".repeat(20_000), ")".repeat(20_000));
    let original =
        "theorem a (n : Nat) : n + 0 = n := by\n  sorry\n\ntheorem b : 1 = 1 := by\n  sorry\n\ntheorem c : 2 = 2 := by sorry\n";
    let candidate = format!(
        "theorem a (n : Nat) : n + 0 = n := by\n  rfl\n\ntheorem b : 1 = 1 := by\n  {deep}\n\ntheorem c : 2 = 2 := by rfl\n"
    );
    let judged = verify_file(&toolchain, &Originals::default(), original, &candidate, TIME, None).await.unwrap();
    assert_eq!(judged.iter().map(|j| j.proved).collect::<Vec<_>>(), [true, false, true], "{judged:?}");
    // The words for it, and no place in Lean's own code.
    let reason = judged[1].reason.as_ref().unwrap();
    assert!(!reason.contains("wasm") && !reason.contains("Node"), "{reason}");
    let proof = |statement: &str, proof: &str| (Problem::from_statement("", statement).unwrap(), proof.to_owned());
    let proofs = vec![proof("theorem a (n : Nat) : n + 0 = n", "rfl"), proof("theorem b : 1 = 1", &deep)];
    let made = certify(&toolchain, proofs, 1, TIME, CancellationToken::new(), |_| ()).await;
    assert!(made[0].is_ok() && made[1].is_err(), "{made:?}");
}

#[tokio::test]
async fn compiled_files_are_judged_as_their_texts_are() {
    let (toolchain, folder) = (common::toolchain(), tempfile::tempdir().unwrap());
    let compiled = async |name: &str, text: &str| {
        // As modules of one name, which the names of private things hold.
        std::fs::create_dir(folder.path().join(name)).unwrap();
        let (file, olean) = (folder.path().join(name).join("File.lean"), folder.path().join(name).join("File.olean"));
        std::fs::write(&file, text).unwrap();
        let ran = toolchain.check_command(&file, Some(&olean)).output().await.unwrap();
        assert!(olean.exists(), "{}", String::from_utf8_lossy(&ran.stdout));
        olean
    };
    let original = "theorem good (n : Nat) : n + 0 = n := sorry\ntheorem bad (n : Nat) : n < n + n := sorry\n";
    let candidate =
        "theorem good (m : Nat) : m + 0 = m := rfl\naxiom gift {p : Prop} : p\ntheorem bad (n : Nat) : n < n + n := gift\n";
    let (ours, theirs) = (compiled("ours", original).await, compiled("theirs", candidate).await);
    let judged = verify_compiled(&toolchain, &ours, &theirs, TIME, None).await.unwrap();
    let told: Vec<_> = judged.iter().map(|j| (j.name.as_str(), j.verdict)).collect();
    assert_eq!(told, [("good", Standing::Accepted), ("bad", Standing::Refused)], "{judged:?}");
}
