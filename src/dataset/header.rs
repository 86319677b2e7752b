//! What a foreign header or statement does that can bend a proof, told from its tokens.
//!
//! A user's own file is trusted; a row of a data set was written by others. Lean is not asked here: what only Lean can
//! tell (names that it binds by itself, hypotheses that contradict each other) is in [`super::inspect`]. Depends on
//! `lean::syntax` alone. A hint for people, not what soundness rests on: the verifier judges what Lean made.

use serde::{Deserialize, Serialize};

use super::code::{SYNTAX, Source, option_name, unquoted};
use crate::lean::syntax::{Kind as Sort, Token, tokens};

/// How much weight a finding has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing behind it can be judged: the row is not searched.
    Refused,
    /// A proof is one in the world that the header makes; that world is told with it.
    Told,
    /// It usually means that the statement does not say what it should.
    Warned,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A comment, string or name is left open.
    Unfinished,
    /// The file ends before the statement.
    End,
    /// An option that makes Lean accept, or be silent on, what it did not check.
    Option,
    /// Code that runs while Lean elaborates.
    Code,
    /// Messages are dropped.
    Messages,
    Axiom,
    Sorry,
    /// Syntax that exists gets another meaning.
    Syntax,
    /// An instance for a type that is not the header's own.
    Instance,
    /// Code is replaced behind the logic's back.
    Unsafe,
    /// Hypotheses that the statement does not show.
    Hidden,
    /// A name that Lean binds by itself.
    AutoBound,
    /// The hypotheses contradict each other.
    Contradiction,
    /// Division or subtraction of natural numbers, which round and stop at 0.
    Arithmetic,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub kind: Kind,
    pub severity: Severity,
    /// For people, a part of a sentence: «the header has the axiom `gift`».
    pub text: String,
}

/// Options that blind Lean.
const BLINDING: &[&str] =
    &["debug.byAsSorry", "debug.proofAsSorry", "debug.skipKernelTC", "debug.terminalTacticsAsSorry", "warn.sorry"];
/// Commands, attributes and terms that run code.
const RUNNING: &[&str] = &[
    "builtin_initialize",
    "by_elab",
    "elab",
    "elab_rules",
    "initialize",
    "run_cmd",
    "run_elab",
    "run_meta",
    "run_tac",
    "simproc",
];
/// Parts of names by which code reaches out of Lean.
const OUTSIDE: &[&str] = &["FS", "IO", "Process", "System", "include_str", "unsafeIO"];
/// Attributes by which a definition becomes a parser, a macro or an elaborator.
const SYNTAX_ATTRIBUTES: &[&str] =
    &["command_elab", "command_parser", "macro", "tactic", "tactic_parser", "term_elab", "term_parser"];
/// Syntax that is there already: Lean's and Mathlib's operators, keywords, usual tactics.
const EXISTING: &str = "= ≠ < ≤ > ≥ <= >= != == + - * / % ^ ∧ ∨ ¬ → ↔ ∀ ∃ ∃! ∈ ∉ ∣ ∘ × :: ++ && || ! | ( ) [ ] { } ⟨ ⟩ , . : := => · \
    • ⊆ ⊂ ∪ ∩ \\ ∅ ∑ ∏ ∫ √ ⁻¹ ▸ |> <| $ <$> >>= ≡ ≈ ∥ ⊕ ⊗ ∞ ! /\\ \\/ <-> -> ~ \
    fun λ let have show from if then else match do by at in with where return True False Nat Int Prop Type Sort ℕ ℤ ℚ ℝ ℂ \
    aesop all_goals any_goals apply assumption by_cases by_contra calc cases clear congr constructor contradiction decide \
    dsimp ext exact exfalso exists field_simp first funext grind induction injection interval_cases intro intros left \
    linarith native_decide nlinarith norm_cast norm_num nofun nomatch obtain omega positivity push_cast rcases refine \
    rename repeat revert rfl right ring ring_nf rintro rw rwa simp simp_all simpa skip specialize split subst symm tauto \
    trans trivial try unfold use";

/// Everything that header and statement do that can bend a proof, the gravest first.
///
/// ```
/// use qstar::dataset::header::{Severity, look};
/// assert!(look("open Nat", "theorem t (n : Nat) : n = n").is_empty());
/// let found = look("set_option warn.«sorry» false", "theorem t : 1 = 2");
/// assert_eq!(found[0].severity, Severity::Refused);
/// ```
pub fn look(header: &str, statement: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    read(header, "header", &mut found);
    read(statement, "statement", &mut found);
    found.sort_by_key(|f| f.severity);
    found
}

/// The first reason not to touch it, if there is one.
pub fn refusal(findings: &[Finding]) -> Option<&str> {
    findings.iter().find(|f| f.severity == Severity::Refused).map(|f| f.text.as_str())
}

/// One text; `what` names it in messages.
fn read(text: &str, what: &str, found: &mut Vec<Finding>) {
    let mut add = |kind, severity, text: String| {
        let new = Finding { kind, severity, text };
        if !found.contains(&new) {
            found.push(new);
        }
    };
    let code: Vec<Token> = match tokens(text) {
        Ok(all) => all.into_iter().filter(|t| t.kind != Sort::Comment).collect(),
        Err(error) => return add(Kind::Unfinished, Severity::Refused, format!("the {what} is not finished: {error}")),
    };
    let source = Source { text, code: &code };
    let reaches_out = code.iter().any(|t| t.kind == Sort::Name && t.text.split('.').any(|part| OUTSIDE.contains(&part)));
    for (i, token) in code.iter().enumerate() {
        if let Some(command) = source.hash_command(i) {
            match command {
                "exit" => add(Kind::End, Severity::Refused, format!("the {what} ends the file with `#exit`")),
                "guard_msgs" => {
                    let text = format!("the {what} drops messages of Lean with `#guard_msgs`");
                    add(Kind::Messages, Severity::Told, text);
                }
                "eval" | "eval!" if reaches_out => add(Kind::Code, Severity::Refused, outside(what, "#eval")),
                "eval" | "eval!" => add(Kind::Code, Severity::Told, runs(what, "#eval")),
                _ => {}
            }
            continue;
        }
        if token.kind != Sort::Name {
            continue;
        }
        let plain = unquoted(token.text);
        match token.text {
            "set_option" => {
                let option = option_name(&code[i + 1..]);
                // Versions to come may have more of them.
                let new = option.starts_with("debug.") && (option.ends_with("AsSorry") || option.contains("skip"));
                if new || BLINDING.contains(&option.as_str()) {
                    add(Kind::Option, Severity::Refused, blinds(what, &option));
                } else if option.starts_with("debug.") {
                    add(Kind::Option, Severity::Told, format!("the {what} sets the option `{option}`"));
                }
            }
            _ if BLINDING.contains(&plain.as_str()) => add(Kind::Option, Severity::Refused, blinds(what, &plain)),
            "sorry" | "sorryAx" | "admit" if what == "statement" => {
                let text = format!("`{}` stands inside the statement: what it says is left open", token.text);
                add(Kind::Sorry, Severity::Refused, text);
            }
            "sorry" | "sorryAx" | "admit" => {
                let text = format!("the {what} holds `{}`: what rests on it is not proved", token.text);
                add(Kind::Sorry, Severity::Told, text);
            }
            "axiom" => {
                let name = code.get(i + 1).map_or("?", |t| t.text);
                add(Kind::Axiom, Severity::Told, format!("the {what} has the axiom `{name}`"));
            }
            "unsafe" | "implemented_by" | "extern" | "csimp" => {
                add(Kind::Unsafe, Severity::Told, format!("the {what} replaces what definitions do (`{}`)", token.text));
            }
            "include" => {
                let text = format!("the {what} gives the statement hypotheses that it does not show (`include`)");
                add(Kind::Hidden, Severity::Told, text);
            }
            "instance" | "default_instance" => {
                if let Some(text) = source.instance(i, what) {
                    add(Kind::Instance, Severity::Told, text);
                }
            }
            word if RUNNING.contains(&word) || word == "init" && source.in_attribute(i) => match reaches_out {
                true => add(Kind::Code, Severity::Refused, outside(what, word)),
                false => add(Kind::Code, Severity::Told, runs(what, word)),
            },
            "macro_rules" => {
                for word in source.macro_words(i) {
                    add(Kind::Syntax, Severity::Told, format!("the {what} changes what `{word}` means (`macro_rules`)"));
                }
            }
            word if SYNTAX_ATTRIBUTES.contains(&word) && source.in_attribute(i) => {
                let text = format!("the {what} changes what syntax means (`@[{word}]`)");
                add(Kind::Syntax, Severity::Told, text);
            }
            word if SYNTAX.contains(&word) => {
                if let Some(atom) = source.atom(i).filter(|a| EXISTING.split_whitespace().any(|e| e == *a)) {
                    add(Kind::Syntax, Severity::Told, format!("the {what} changes what `{atom}` means (`{word}`)"));
                }
            }
            _ => {}
        }
    }
}

fn blinds(what: &str, option: &str) -> String {
    format!("the {what} sets an option that blinds Lean ({option})")
}

fn runs(what: &str, word: &str) -> String {
    format!("the {what} runs code while Lean elaborates it (`{word}`)")
}

fn outside(what: &str, word: &str) -> String {
    format!("the {what} runs code that reaches files or the system while Lean elaborates it (`{word}`)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(header: &str, statement: &str) -> Vec<(Severity, Kind)> {
        look(header, statement).into_iter().map(|f| (f.severity, f.kind)).collect()
    }

    const STATEMENT: &str = "theorem t (n : Nat) : n * n < n + 1";

    #[test]
    fn what_blinds_lean_is_refused_however_it_is_spelt() {
        for header in [
            "set_option debug.byAsSorry true",
            "set_option debug.terminalTacticsAsSorry true",
            "set_option «debug».byAsSorry true",
            "set_option debug.«byAsSorry» true",
            "set_option\n  -- a note\n  debug.skipKernelTC true",
            "set_option debug . skipKernelTC true",
            "open Nat set_option warn.sorry false",
            "set_option warn.«sorry» false\ntheorem gift : 1 = 2 := sorryAx _ true",
            "set_option «warn.sorry» false",
            "run_cmd Lean.Elab.Command.elabCommand (← `(set_option warn.sorry false))",
            "theorem x : True := by\n  set_option debug.skipKernelTC true in trivial",
        ] {
            let found = look(header, STATEMENT);
            assert!(refusal(&found).is_some_and(|r| r.contains("blinds Lean")), "{header}: {found:?}");
        }
        for (header, kind) in [
            ("open Nat\n#exit", Kind::End),
            ("/- all that follows", Kind::Unfinished),
            ("def s := \"no end", Kind::Unfinished),
            ("#eval IO.FS.writeFile (toString 1) (toString 1)", Kind::Code),
            ("open IO in\n#eval! FS.writeFile \"a\" \"b\"", Kind::Code),
            ("run_cmd do\n  let _ ← IO.Process.output { cmd := \"ls\" }", Kind::Code),
        ] {
            assert_eq!(kinds(header, STATEMENT)[0], (Severity::Refused, kind), "{header}");
        }
        for statement in
            ["theorem t : (sorry : Nat) = sorry", "theorem t : (by admit : Nat) = 1", "theorem t : sorryAx Nat = 1"]
        {
            assert_eq!(kinds("", statement)[0], (Severity::Refused, Kind::Sorry), "{statement}");
        }
    }

    #[test]
    fn what_bends_a_proof_is_told() {
        for (header, kind, part) in [
            ("#guard_msgs (drop all) in", Kind::Messages, "#guard_msgs"),
            ("axiom gift {p : Prop} : p", Kind::Axiom, "`gift`"),
            ("macro_rules | `(tactic| omega) => `(tactic| exact gift)", Kind::Syntax, "`omega`"),
            ("local macro_rules | `($_ = $_) => `(True)", Kind::Syntax, "`=`"),
            ("macro_rules\n  | `($x:term ≤ $y) => `(True)\n", Kind::Syntax, "`≤`"),
            ("infix:50 \" = \" => fun _ _ => True", Kind::Syntax, "`=`"),
            ("macro \"omega\" : tactic => `(tactic| simp)", Kind::Syntax, "`omega`"),
            ("local notation x \" < \" y => x = y", Kind::Syntax, "`<`"),
            ("local instance (priority := 90000) wet : LT Nat := ⟨fun _ _ => True⟩", Kind::Instance, "`LT Nat`"),
            ("instance three : OfNat Nat 3 := ⟨4⟩", Kind::Instance, "numeral"),
            ("abbrev N := Nat\ninstance : LT N := ⟨fun _ _ => True⟩", Kind::Instance, "`LT N`"),
            ("def f : LT Nat := ⟨fun _ _ => True⟩\nattribute [local instance] f", Kind::Instance, "instances"),
            ("@[default_instance] def f : Add Nat := ⟨fun a _ => a⟩", Kind::Instance, "instances"),
            ("@[implemented_by g] def f (n : Nat) := n", Kind::Unsafe, "implemented_by"),
            ("unsafe def f (n : Nat) := n", Kind::Unsafe, "unsafe"),
            ("theorem gift : 1 = 2 := sorry", Kind::Sorry, "`sorry`"),
            ("theorem gift : 1 = 2 := sorryAx _ true", Kind::Sorry, "`sorryAx`"),
            ("#eval 1 + 1", Kind::Code, "#eval"),
            ("elab \"magic\" : tactic => pure ()", Kind::Code, "elab"),
            ("@[term_elab num] def f := 1", Kind::Syntax, "term_elab"),
            ("variable (h : False)\ninclude h", Kind::Hidden, "include"),
        ] {
            let found = look(header, STATEMENT);
            let told = |f: &Finding| f.severity == Severity::Told && f.kind == kind && f.text.contains(part);
            assert!(found.iter().any(told) && refusal(&found).is_none(), "{header}: {found:?}");
        }
    }

    #[test]
    fn honest_headers_are_let_be() {
        for header in [
            "",
            "import Mathlib\nimport Aesop\n\nset_option maxHeartbeats 400000\n\nopen BigOperators Real Nat Topology Rat",
            "open Nat -- set_option debug.byAsSorry true\n/- axiom x : False, #exit -/\ndef s := \"axiom sorry #exit\"",
            "local notation \"ℕℕ\" => Nat × Nat",
            "structure P where\n  x : Nat\ninstance : Add P := ⟨fun a b => ⟨a.x + b.x⟩⟩\ninstance : LT P where\n  lt a b := a.x < b.x",
            "class C (α : Type) where\n  c : α\ninstance : C Nat := ⟨0⟩",
            "syntax \"twice \" term : term\nmacro_rules\n  | `(twice $x) => `($x + $x)",
            "inductive T | a | b deriving DecidableEq, Repr\n#check T\n#print axioms T.a",
            "theorem helper (n : Nat) : n = n := by\n  set_option maxRecDepth 1000 in rfl",
            "@[simp] theorem helper : 1 = 1 := rfl\nattribute [simp] helper",
            "def init (xs : List Nat) := xs.dropLast\nvariable (stop : Nat)",
        ] {
            let found = look(header, STATEMENT);
            assert!(found.is_empty(), "{header}: {found:?}");
        }
    }
}
