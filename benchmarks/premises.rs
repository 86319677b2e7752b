//! Premises at Mathlib's size: a library of 250,000 theorems, made of those of Init and Std under other names, is indexed, opened and
//! asked; each step in a process of its own, so that its memory is its own.
//!
//! `cargo bench --bench premises [-- THEOREMS]`

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use qstar::lean::Goal;
use qstar::library::{Constant, Kind, Library, Modules};
use qstar::policy::premises::Premises;
use qstar::toolchain::{Toolchain, Wish};

const THEOREMS: usize = 250_000;
const PER_MODULE: usize = 400;
const GOALS: &[&str] = &[
    "xs ys : List Nat\n⊢ (xs ++ ys).length = ys.length + xs.length",
    "a b : Nat\nh : a ≤ b\n⊢ a * a ≤ b * b",
    "x y z : Int\nh : x ∣ y\ng : y ∣ z\n⊢ x ∣ y + z",
    "s : String\n⊢ s.length = s.toList.length",
    "p q : Prop\n⊢ p ∧ q ↔ q ∧ p",
    "m : Std.HashMap Nat Nat\nk : Nat\n⊢ (m.insert k 1).contains k = true",
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ask", home, library] => ask(Path::new(home), Path::new(library)),
        [] => run(THEOREMS),
        [count] => run(count.parse().context("how many theorems?")?),
        _ => anyhow::bail!("cargo bench --bench premises [-- THEOREMS]"),
    }
}

fn run(count: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (home, library) = (folder.path().join("home"), folder.path().join("lib"));
    let start = Instant::now();
    let bytes = write_library(&library, count)?;
    println!(
        "a library of {count} theorems, {} MB of modules, written in {:.0} s\n",
        bytes >> 20,
        start.elapsed().as_secs_f64()
    );
    println!("| step | seconds | peak memory, MB | |\n| --- | --- | --- | --- |");
    for step in ["indexed", "opened"] {
        let me = std::env::current_exe()?;
        let output = Command::new(me).args(["ask".as_ref(), home.as_os_str(), library.as_os_str()]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout)?;
        let [seconds, peak, asked, worst, theorems] = said.split_whitespace().collect::<Vec<_>>()[..] else {
            anyhow::bail!("unexpected: {said}")
        };
        println!("| {step} | {seconds} | {peak} | {theorems} theorems; asked in {asked} ms in the median, {worst} at most |");
    }
    let kept = std::fs::read_dir(home.join("premises"))?.flatten().map(|f| f.metadata().map_or(0, |m| m.len())).sum::<u64>();
    println!("\nthe index has {} MB on the disk", kept >> 20);
    Ok(())
}

/// Opens the index, which makes it where there is none, and asks it; prints what that took.
fn ask(home: &Path, library: &Path) -> Result<()> {
    let start = Instant::now();
    let premises = Premises::open(home, &[library.to_owned()], &["Made".to_owned()], &mut Modules::default())?;
    let opened = start.elapsed().as_secs_f64();
    let mut times = Vec::new();
    for goal in GOALS.iter().cycle().take(10 * GOALS.len()) {
        let goal = Goal::parse(goal)?;
        let start = Instant::now();
        ensure!(premises.retrieve(&goal, 12).len() == 12, "too few theorems for {goal}");
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    let worst = times.last().copied().unwrap_or_default();
    println!("{opened:.2} {} {:.1} {worst:.1} {}", peak.unwrap_or(0) >> 10, times[times.len() / 2], premises.len());
    Ok(())
}

/// Modules with theorems of Init and Std, each under as many names as it takes; what they speak of keeps its name.
fn write_library(folder: &Path, count: usize) -> Result<u64> {
    let toolchain = Toolchain::find_or_install(&Wish::default(), &ProgressBar::hidden())?;
    let real = Library::read(&toolchain.library_folders(), &["Init".to_owned(), "Std".to_owned()])?;
    let theorems = real.theorems();
    ensure!(!theorems.is_empty(), "the library has no theorem");
    let predicates: Vec<&Constant> = real.modules.iter().flat_map(|m| &m.constants).filter(|c| c.makes_propositions).collect();
    std::fs::create_dir_all(folder.join("Made"))?;
    let mut bytes = 0;
    let mut write = |name: &str, module: Vec<u8>| -> Result<()> {
        bytes += module.len() as u64;
        let path: PathBuf = name.split('.').collect();
        Ok(std::fs::write(folder.join(path).with_extension("olean"), module)?)
    };
    let mut names = vec!["Made.Predicates".to_owned()];
    let mut module = Writer::new();
    predicates.iter().for_each(|c| module.constant(&c.name, c, 1));
    write(&names[0], module.finish(&[]))?;
    let all: Vec<(usize, &&Constant)> = (0..).flat_map(|copy| theorems.iter().map(move |t| (copy, t))).take(count).collect();
    for (number, chunk) in all.chunks(PER_MODULE).enumerate() {
        let mut module = Writer::new();
        for (copy, theorem) in chunk {
            module.constant(&format!("Copy{copy}.{}", theorem.name), theorem, 2);
        }
        names.push(format!("Made.M{number}"));
        write(&names[number + 1], module.finish(&["Made.Predicates".to_owned()]))?;
    }
    write("Made", Writer::new().finish(&names))?;
    Ok(bytes)
}

/// Writes `.olean` files of 64-bit machines with what an index looks at: names, kinds, the constants of types. (See
/// `qstar::library::olean` for the layout.)
struct Writer {
    bytes: Vec<u8>,
    names: HashMap<String, u64>,
    constants: Vec<u64>,
}

const BASE: u64 = 0x7f00_0000_0000;
const NIL: u64 = 1;

impl Writer {
    fn new() -> Writer {
        let mut bytes = b"olean\x02\x01".to_vec();
        bytes.resize(80, 0);
        bytes.extend(BASE.to_le_bytes());
        bytes.extend(0u64.to_le_bytes());
        Writer { bytes, names: HashMap::new(), constants: Vec::new() }
    }

    fn head(&mut self, fields: u8, tag: u8) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = BASE + self.bytes.len() as u64;
        self.bytes.extend([0, 0, 0, 0, 0, 0, fields, tag]);
        at
    }

    fn object(&mut self, tag: u8, fields: &[u64]) -> u64 {
        let at = self.head(fields.len() as u8, tag);
        fields.iter().for_each(|f| self.bytes.extend(f.to_le_bytes()));
        at
    }

    fn array(&mut self, items: &[u64]) -> u64 {
        let at = self.head(0, 246);
        let length = items.len() as u64;
        [length, length].iter().chain(items).for_each(|w| self.bytes.extend(w.to_le_bytes()));
        at
    }

    fn name(&mut self, name: &str) -> u64 {
        if let Some(&known) = self.names.get(name) {
            return known;
        }
        let (before, last) = name.rsplit_once('.').map_or((NIL, name), |(before, last)| (self.name(before), last));
        let text = self.head(0, 249);
        let size = last.len() as u64 + 1;
        [size, size, last.chars().count() as u64].iter().for_each(|w| self.bytes.extend(w.to_le_bytes()));
        self.bytes.extend(last.as_bytes());
        self.bytes.push(0);
        let made = self.object(1, &[before, text, 0]);
        self.names.insert(name.to_owned(), made);
        made
    }

    /// Its type: a predicate's is `Prop`; a theorem's is its conclusion, applied to all that it speaks of.
    fn constant(&mut self, name: &str, like: &Constant, kind: u8) {
        let ty = match (&like.conclusion, like.kind) {
            (Some(conclusion), Kind::Axiom | Kind::Theorem) => {
                let head = self.name(conclusion);
                let mut term = self.object(4, &[head, NIL]);
                for used in &like.uses {
                    let name = self.name(used);
                    let used = self.object(4, &[name, NIL]);
                    term = self.object(5, &[term, used]);
                }
                term
            }
            _ => self.object(3, &[NIL]),
        };
        let name = self.name(name);
        let common = self.object(0, &[name, NIL, ty]);
        let value = self.object(0, &[common]);
        let made = self.object(kind, &[value]);
        self.constants.push(made);
    }

    fn finish(mut self, imports: &[String]) -> Vec<u8> {
        let imports: Vec<u64> = imports.iter().map(|module| self.name(module)).collect();
        let imports: Vec<u64> = imports.into_iter().map(|name| self.object(0, &[name])).collect();
        let imports = self.array(&imports);
        let (none, constants) = (self.array(&[]), self.constants.clone());
        let constants = self.array(&constants);
        let root = self.object(0, &[imports, none, constants, none, none]);
        self.bytes[88..96].copy_from_slice(&root.to_le_bytes());
        self.bytes
    }
}
