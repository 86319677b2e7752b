//! What proposes tactics, before the real Lean: questions with their own import, numbers out of reach, conjectured laws,
//! people's proofs.

use crate::common::{candidate, toolchain};
use qstar::corpus::project::gather;
use qstar::lean::suggestion::suggestions;
use qstar::lean::{Goal, Pool, PoolOptions, Verdict};
use qstar::policy::{Family, Moves};
use qstar::prover::PoolOracle;
use qstar::recall;
use qstar::search::Oracle;

#[tokio::test(flavor = "multi_thread")]
async fn answers_to_questions_hold_under_the_original_header() {
    let toolchain = toolchain();
    let pool = Pool::new(toolchain, PoolOptions::default());
    let oracle = PoolOracle::new(&pool, "def twice (n : Nat) : Nat := n + n");
    let statement = "example (xs : List Nat) : xs.reverse.getLast? = xs.head?";
    // Side by side with a tactic, whose verdict keeps its place.
    let asked = vec![candidate(statement, "grind? +suggestions"), candidate("example : twice 2 = 4", "rfl")];
    let verdicts = oracle.check(asked).await;
    assert_eq!(verdicts[1], Verdict::Closed);
    let Verdict::Failed(message) = &verdicts[0] else { panic!("a question closes nothing: {:?}", verdicts[0]) };
    let answers = suggestions(message);
    assert!(!answers.is_empty(), "{message}");
    let replayed = oracle.check(answers.iter().map(|a| candidate(statement, a)).collect()).await;
    assert!(replayed.contains(&Verdict::Closed), "{answers:?}: {replayed:?}");

    // Powers that tactics cannot compute: the kernel can, or squaring by remainders.
    for target in ["17 ^ 100000 % 13 = 9", "7 ^ 12345678901 % 10 = 7"] {
        let goal = Goal::parse(&format!("⊢ {target}")).unwrap();
        let found = Moves::default().candidates(&goal);
        let steps = found.into_iter().filter(|c| c.family == Family::Runaway && c.tactic.starts_with("have"));
        let tried = steps.take(1).map(|c| candidate(&format!("example : {target}"), &c.tactic)).collect();
        assert_eq!(oracle.check(tried).await, [Verdict::Closed], "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inductive_predicates_are_proved_by_their_constructors_and_used_by_how_they_came_about() {
    let header = "inductive Way : Nat → Nat → Prop where
  | stay (a : Nat) : Way a a
  | two {a b : Nat} : Way a b → Way a (b + 2)
  | three {a b : Nat} : Way a b → Way a (b + 3)

theorem Way.le {a b : Nat} (h : Way a b) : a ≤ b := by induction h <;> omega";
    let pool = Pool::new(toolchain(), PoolOptions::default());
    let oracle = PoolOracle::new(&pool, header);
    for (context, target, begin) in [
        ("a : Nat", "Way a (a + 5)", "first | solve_by_elim [Way.stay"),
        ("a b : Nat\nway : Way a b", "b = a ∨ a + 2 ≤ b", "induction way <;>"),
        ("a b : Nat\nway : Way (a + 1) b", "a < b", "generalize e : a + 1 = i at way\ninduction way\nall_goals"),
        ("a b : Nat\nway : Way a b\nback : Way b a", "a = b", "try have := Way.le back\ntry have := Way.le way\n"),
    ] {
        let goal = Goal::parse(&format!("{context}\n⊢ {target}")).unwrap();
        let mut found = Moves::for_header(header).candidates(&goal).into_iter().map(|c| c.tactic);
        let tactic = found.find(|tactic| tactic.starts_with(begin)).unwrap_or_else(|| panic!("nothing begins with {begin}"));
        let binders: String = context.lines().map(|line| format!("({line}) ")).collect();
        let tried = vec![candidate(&format!("example {binders}: {target}"), &tactic)];
        assert_eq!(oracle.check(tried).await, [Verdict::Closed], "{tactic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn laws_of_the_files_own_functions_are_conjectured_and_proved() {
    let header = "inductive Num where
  | nought
  | next (n : Num)
def plus : Num → Num → Num
  | a, .nought => a
  | a, .next b => .next (plus a b)
inductive Tree (α : Type) where
  | leaf
  | node (l : Tree α) (x : α) (r : Tree α)
def mirror : Tree α → Tree α
  | .leaf => .leaf
  | .node l x r => .node (mirror r) x (mirror l)
def size : Tree α → Nat
  | .leaf => 0
  | .node l _ r => size l + 1 + size r
";
    let pool = Pool::new(toolchain(), PoolOptions::default());
    let oracle = PoolOracle::new(&pool, header);
    let step = |context: &str, target: &str| {
        let goal = Goal::parse(&format!("{context}\n⊢ {target}")).unwrap();
        let found = Moves::for_header(header).candidates(&goal);
        found.into_iter().find(|c| c.family == Family::Conjecture).unwrap().tactic
    };
    // True ones are facts behind the step, and nothing of false ones stays.
    let law = step("a b : Num", "plus a b = plus b a");
    let tried = vec![candidate("example (a b : Num) : plus a b = plus b a", &law)];
    let verdict = oracle.check(tried).await.remove(0);
    let Verdict::Goals(goals) = &verdict else { panic!("{verdict:?}") };
    let facts: Vec<&str> = goals[0].hypotheses.iter().map(|h| h.ty.as_str()).filter(|ty| ty.starts_with('∀')).collect();
    for known in [
        "∀ (a : Num), plus Num.nought a = a",
        "∀ (a b : Num), plus a.next b = (plus a b).next",
        "∀ (a b : Num), plus a b = plus b a",
        "∀ (a b c : Num), plus (plus a b) c = plus a (plus b c)",
    ] {
        assert!(facts.contains(&known), "{known} is missing in {facts:#?}");
    }
    let law = step("α : Type\nt : Tree α", "size (mirror (mirror t)) = size t");
    let statement = "example {α : Type} (t : Tree α) : size (mirror (mirror t)) = size t";
    assert_eq!(oracle.check(vec![candidate(statement, &format!("{law}\nsimp_all"))]).await, [Verdict::Closed], "{law}");
}

#[tokio::test(flavor = "multi_thread")]
async fn peoples_proofs_are_read_step_by_step_and_remembered() {
    let place = tempfile::tempdir().unwrap();
    let file = "theorem swap (p q : Prop) (h : p ∧ q) : q ∧ p := by\n  constructor\n  · exact h.2 -- the second\n  · exact h.1\n\ntheorem wrong : 1 = 2 := by\n  rfl\n\ntheorem lengths (xs ys : List Nat) : (xs ++ ys).length = ys.length + xs.length := by\n  rw [List.length_append]\n  exact Nat.add_comm ..\n";
    std::fs::write(place.path().join("A.lean"), file).unwrap();
    std::fs::create_dir_all(place.path().join(".lake/packages/b")).unwrap();
    std::fs::write(place.path().join(".lake/packages/b/B.lean"), "theorem b : 1 = 1 := by rfl").unwrap();
    let (steps, report) = gather(&toolchain(), place.path(), |_| ()).await.unwrap();
    assert_eq!((report.files, report.theorems, report.lost.len()), (1, 2, 0), "{report:?}");
    let shown: Vec<(&str, usize, usize)> = steps.iter().map(|s| (s.example.tactic.as_str(), s.after.len(), s.line)).collect();
    assert_eq!(
        shown,
        [
            ("constructor", 2, 2),
            ("exact h.2", 0, 3),
            ("exact h.1", 0, 4),
            ("rw [List.length_append]", 1, 10),
            ("exact Nat.add_comm ..", 0, 11)
        ]
    );
    assert_eq!(steps[3].premises, ["List.length_append"]);
    let rows: String = steps.iter().map(|s| serde_json::to_string(s).unwrap() + "\n").collect();
    let memory = place.path().join("memory");
    std::fs::create_dir_all(&memory).unwrap();
    std::fs::write(memory.join("policy.train.jsonl"), rows).unwrap();
    let recalled = recall::open(&memory).unwrap().memory();
    let goal = Goal::parse("a b : Prop\nboth : a ∧ b\n⊢ b").unwrap();
    // Both goals were alike: what helped there is offered with the names of this one.
    let offered: Vec<String> = recalled.recall(&goal).into_iter().map(|r| r.tactic).take(2).collect();
    assert!(offered.iter().any(|t| t == "exact both.2"), "{offered:?}");
}
