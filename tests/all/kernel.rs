//! The export for independent kernels, of what the real Lean compiles: its lines are looked through one by one, and nanoda is asked
//! where it is at hand (`nanoda_bin` on the PATH, or the program that `QSTAR_NANODA` names).

use crate::common;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use qstar::toolchain::Toolchain;
use qstar::verify::Originals;
use qstar::verify::candidate::verify_file;
use qstar::verify::ndjson::{Export, Extent, Shelf, export};
use qstar::verify::{Artifacts, Kernel, Standing};
use serde_json::{Value, json};

const TIME: Duration = Duration::from_secs(300);
const FILE: &str = r#"
inductive Tree (α : Type) where
  | leaf : Tree α
  | node (left : Tree α) (value : α) (right : Tree α) : Tree α

inductive Rose where
  | node : List Rose → Rose

structure Point where
  (x y : Nat)

def Tree.mirror {α : Type} : Tree α → Tree α
  | .leaf => .leaf
  | .node l v r => .node r.mirror v l.mirror

theorem Tree.mirror_mirror {α : Type} (t : Tree α) : t.mirror.mirror = t := by
  induction t with
  | leaf => rfl
  | node l v r hl hr => simp [Tree.mirror, hl, hr]

theorem roses (r : Rose) : ∃ l, r = Rose.node l := by
  cases r with
  | node l => exact ⟨l, rfl⟩

theorem points (p : Point) : p = ⟨p.x, p.y⟩ := rfl

theorem big : 123456789012345678901234567890 % 97 = 123456789012345678901234567890 - 97 * (123456789012345678901234567890 / 97) := by
  decide

theorem words : "ab\n\"" ≠ "cd" := by decide

theorem sums (a b : Nat) (h : a < b) : a + 2 ≤ b + 1 := by omega

theorem either (p : Prop) : p ∨ ¬p := Classical.em p

theorem lifted (r : Nat → Nat → Prop) (f : Nat → Nat) (h : ∀ a b, r a b → f a = f b) (n : Nat) :
    Quot.lift f h (Quot.mk r n) = f n := rfl

theorem same (r : Nat → Nat → Prop) (a b : Nat) (h : r a b) : Quot.mk r a = Quot.mk r b := Quot.sound h
"#;
const THEOREMS: &[&str] = &["Tree.mirror_mirror", "roses", "points", "big", "words", "sums", "either", "lifted", "same"];

/// The text, compiled.
async fn compiled(toolchain: &Toolchain, text: &str) -> Artifacts {
    let folder = tempfile::tempdir().unwrap();
    let (file, olean) = (folder.path().join("File.lean"), folder.path().join("File.olean"));
    std::fs::write(&file, text).unwrap();
    let child = toolchain.start(toolchain.check_command(&file, Some(&olean))).await.unwrap();
    let output = tokio::time::timeout(TIME, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Artifacts::read(&olean).unwrap()
}

/// What was seen of an export.
#[derive(Default)]
struct Seen {
    /// Names with their numbers; the empty one is the first.
    names: Vec<String>,
    levels: usize,
    /// Of each term the terms below it, and the constant that it is.
    terms: Vec<(Vec<usize>, Option<String>)>,
    declared: HashSet<String>,
    /// How many declarations there are of each kind.
    kinds: HashMap<String, usize>,
}

impl Seen {
    fn name(&self, value: &Value) -> &str {
        &self.names[usize::try_from(value.as_u64().unwrap()).unwrap()]
    }

    fn level(&self, value: &Value) {
        assert!(value.as_u64().unwrap() < self.levels as u64, "level {value}");
    }

    fn term(&self, value: &Value) -> usize {
        let number = usize::try_from(value.as_u64().unwrap()).unwrap();
        assert!(number < self.terms.len(), "term {number}");
        number
    }

    fn line(&mut self, line: &str) {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let all = value.as_object().unwrap();
        let keys: Vec<&str> = all.keys().map(String::as_str).collect();
        let number = ["in", "il", "ie"].into_iter().find(|key| keys.contains(key));
        assert_eq!(keys.len(), 1 + usize::from(number.is_some()), "{line}");
        let (kind, told) = all.iter().find(|(key, _)| Some(key.as_str()) != number).unwrap();
        match number {
            Some("in") => {
                assert_eq!(value["in"], self.names.len());
                let before = self.name(&told["pre"]).to_owned();
                let part = if kind == "str" { told["str"].as_str().unwrap().to_owned() } else { told["i"].to_string() };
                self.names.push(if before.is_empty() { part } else { format!("{before}.{part}") });
            }
            Some("il") => {
                assert_eq!(value["il"], self.levels);
                match kind.as_str() {
                    "succ" => self.level(told),
                    "max" | "imax" => told.as_array().unwrap().iter().for_each(|l| self.level(l)),
                    "param" => drop(self.name(told).to_owned()),
                    _ => panic!("{line}"),
                }
                self.levels += 1;
            }
            Some(_) => {
                assert_eq!(value["ie"], self.terms.len());
                let seen = self.node(kind, told);
                self.terms.push(seen);
            }
            None => self.declaration(kind, told),
        }
    }

    fn node(&self, kind: &str, told: &Value) -> (Vec<usize>, Option<String>) {
        let below = |keys: &[&str]| keys.iter().map(|key| self.term(&told[*key])).collect();
        match kind {
            "bvar" => assert!(told.is_u64()),
            "sort" => self.level(told),
            "const" => {
                told["us"].as_array().unwrap().iter().for_each(|l| self.level(l));
                return (Vec::new(), Some(self.name(&told["name"]).to_owned()));
            }
            "app" => return (below(&["fn", "arg"]), None),
            "lam" | "forallE" => {
                self.name(&told["name"]);
                return (below(&["type", "body"]), None);
            }
            "letE" => return (below(&["type", "value", "body"]), None),
            "proj" => return (below(&["struct"]), Some(self.name(&told["typeName"]).to_owned())),
            "natVal" => assert!(told.as_str().unwrap().chars().all(|c| c.is_ascii_digit())),
            "strVal" => assert!(told.is_string()),
            _ => panic!("{kind}: {told}"),
        }
        (Vec::new(), None)
    }

    /// All that the terms of a declaration mention is declared before it, or with it.
    fn declaration(&mut self, kind: &str, told: &Value) {
        *self.kinds.entry(kind.to_owned()).or_default() += 1;
        let parts: Vec<&Value> = match kind {
            "inductive" => ["types", "ctors", "recs"].iter().flat_map(|k| told[*k].as_array().unwrap()).collect(),
            "axiom" | "def" | "thm" | "opaque" | "quot" => vec![told],
            _ => panic!("{kind}"),
        };
        let mut stack = Vec::new();
        for part in &parts {
            assert!(self.declared.insert(self.name(&part["name"]).to_owned()), "{} twice", self.name(&part["name"]));
            stack.push(self.term(&part["type"]));
            stack.extend(part.get("value").map(|value| self.term(value)));
            stack.extend(part["rules"].as_array().into_iter().flatten().map(|rule| self.term(&rule["rhs"])));
        }
        let mut seen: HashSet<usize> = stack.iter().copied().collect();
        while let Some(term) = stack.pop() {
            let (below, constant) = &self.terms[term];
            assert!(constant.iter().all(|c| self.declared.contains(c)), "{constant:?} is used before it is declared");
            stack.extend(below.iter().copied().filter(|&next| seen.insert(next)));
        }
    }
}

/// The program, if it is at hand.
fn nanoda() -> Option<PathBuf> {
    let named = std::env::var_os("QSTAR_NANODA").map(PathBuf::from);
    let found = named.or_else(|| {
        let folders = std::env::var_os("PATH")?;
        std::env::split_paths(&folders).map(|folder| folder.join("nanoda_bin")).find(|program| program.is_file())
    });
    if found.is_none() {
        println!("SKIPPED: nanoda is not asked, for there is no `nanoda_bin` on the PATH and QSTAR_NANODA names none");
    }
    found
}

/// Whether nanoda agrees with an export, and what it says.
fn agrees(nanoda: &Path, export: &Export, text: &str) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let (file, config) = (folder.path().join("export"), folder.path().join("config.json"));
    std::fs::write(&file, text).unwrap();
    let wish = json!({
        "export_file_path": file, "permitted_axioms": export.permitted, "nat_extension": true, "string_extension": true,
        "num_threads": 2,
    });
    std::fs::write(&config, wish.to_string()).unwrap();
    let output = Command::new(nanoda).arg(&config).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn an_export_is_whole_and_nanoda_judges_it() {
    let toolchain = common::toolchain();
    let files = compiled(&toolchain, FILE).await;
    let shelf = Shelf::of(&toolchain, &files).unwrap();
    // The portable Lean takes every file for a module, whose names are private.
    let constants = files.open().unwrap().constants().keys().cloned().collect::<Vec<_>>();
    let full = |name: &str| constants.iter().find(|c| *c == name || c.ends_with(&format!(".0.{name}"))).unwrap().clone();
    let theorems: Vec<String> = THEOREMS.iter().map(|name| full(name)).collect();
    let export = export(&shelf, &toolchain.version, &theorems, Extent::All).unwrap();

    let mut seen = Seen { names: vec![String::new()], levels: 1, ..Seen::default() };
    let (meta, lines) = export.text.split_once('\n').unwrap();
    let meta: Value = serde_json::from_str(meta).unwrap();
    assert_eq!(meta["meta"]["format"]["version"], "3.1.0");
    lines.lines().for_each(|line| seen.line(line));
    let own = ["Tree", "Tree.node", "Tree.rec", "Rose.rec_1", "Tree.mirror", "Point.mk"].map(full);
    let library = ["Quot.lift", "Nat.add", "Quot.sound"].map(str::to_owned);
    for name in own.iter().chain(&library).chain(&theorems) {
        assert!(seen.declared.contains(name), "{name}");
    }
    assert_eq!(seen.kinds["quot"], 4);
    assert!(THEOREMS.len() <= seen.kinds["thm"]);
    assert_eq!(seen.kinds["axiom"], export.permitted.len());

    let Some(nanoda) = nanoda() else { return };
    let (good, said) = agrees(&nanoda, &export, &export.text);
    assert!(good, "{said}");
    // The proof of one theorem under the statement of another.
    let place = |name: &str| {
        let number = seen.names.iter().position(|n| *n == full(name)).unwrap();
        let start = export.text.find(&format!("{{\"thm\":{{\"all\":[{number}]")).unwrap();
        let end = start + export.text[start..].find('\n').unwrap();
        (start..end, serde_json::from_str::<Value>(&export.text[start..end]).unwrap())
    };
    let (range, mut damaged) = place("sums");
    damaged["thm"]["value"] = place("points").1["thm"]["value"].clone();
    let mut text = export.text.clone();
    text.replace_range(range, &damaged.to_string());
    let (good, said) = agrees(&nanoda, &export, &text);
    assert!(!good && said.contains("panicked at"), "{said}");
    // An axiom that nobody permitted.
    let none = Export { permitted: Vec::new(), ..export };
    assert!(!agrees(&nanoda, &none, &none.text).0);
}

/// One file each: what nanoda took as given is told, and a proof that Lean's kernel did not see is refused.
#[tokio::test]
async fn verdicts_follow_nanoda() {
    let Some(nanoda) = nanoda() else { return };
    let toolchain = common::toolchain();
    let kernel = Kernel::Nanoda(nanoda);
    let original = "theorem pond (a b : Nat) (h : a < b) : a + 1 ≤ b := by sorry\n\ntheorem reed : 1 = 1 := by sorry\n";
    let candidate = original.replacen("by sorry", "by omega", 1);
    let judged = verify_file(&toolchain, &Originals::default(), original, &candidate, TIME, Some(&kernel)).await.unwrap();
    let [pond, reed] = &judged[..] else { panic!("{judged:?}") };
    assert_eq!((pond.verdict, reed.verdict), (Standing::Accepted, Standing::Refused), "{judged:?}");
    assert!(pond.kernel.as_deref().is_some_and(|told| told.starts_with("nanoda agrees")), "{pond:?}");
    assert_eq!(reed.kernel, None);

    let original = "theorem moor : (1 : Nat) = 2 := by sorry\n";
    let unseen = "set_option debug.skipKernelTC true\ntheorem moor : (1 : Nat) = 2 := by decide +kernel\n";
    let judged = verify_file(&toolchain, &Originals::default(), original, unseen, TIME, Some(&kernel)).await.unwrap();
    assert_eq!(judged[0].verdict, Standing::Refused, "{judged:?}");
    assert!(judged[0].reason.as_deref().is_some_and(|why| why.contains("the independent kernel does not agree")), "{judged:?}");
}
