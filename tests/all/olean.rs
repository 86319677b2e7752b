//! The reader of compiled modules beside Lean itself: the constants in the types of a sample of the library's constants, in the
//! order in which Lean prints them. `QSTAR_SAMPLE` says how many are compared.

use crate::common;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use qstar::library::olean::whole::{Term, Whole};
use regex::Regex;

/// Compared unless `QSTAR_SAMPLE` says otherwise.
const SAMPLE: usize = 300;

fn modules(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            modules(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "olean") {
            found.push(entry);
        }
    }
}

/// Names of constants and of binders in a term, in the order of its text.
fn walk(module: &mut Whole<'_>, at: usize, constants: &mut Vec<String>, binders: &mut HashSet<String>) {
    match module.term(at).unwrap() {
        Term::Constant(name, _) => constants.push(name),
        Term::Apply(function, argument) => {
            walk(module, function, constants, binders);
            walk(module, argument, constants, binders);
        }
        Term::Lambda(name, ty, body) | Term::Pi(name, ty, body) => {
            binders.insert(name);
            walk(module, ty, constants, binders);
            walk(module, body, constants, binders);
        }
        Term::Let(name, ty, value, body) => {
            binders.insert(name);
            for part in [ty, value, body] {
                walk(module, part, constants, binders);
            }
        }
        Term::Metadata(inner) | Term::Project(_, _, inner) => walk(module, inner, constants, binders),
        Term::Bound(_) | Term::Free(_) | Term::Sort(_) | Term::Number(_) | Term::Text(_) => {}
    }
}

/// Lean prints the type of neighbouring binders once (`{j i : Nat}`): neighbouring repetitions count once on both sides.
fn levelled(words: &[&str]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for word in words {
        kept.push((*word).to_owned());
        while let Some(half) =
            (1..=kept.len() / 2).find(|&n| kept[kept.len() - n..] == kept[kept.len() - 2 * n..kept.len() - n])
        {
            kept.truncate(kept.len() - half);
        }
    }
    kept
}

#[tokio::test]
async fn types_are_what_lean_prints() {
    let toolchain = common::toolchain();
    let wanted = std::env::var("QSTAR_SAMPLE").ok().and_then(|n| n.parse().ok()).unwrap_or(SAMPLE);
    let library = toolchain.library_folders().remove(0);
    let mut files = Vec::new();
    modules(&library.join("Init"), &mut files);
    modules(&library.join("Std"), &mut files);
    files.sort();
    let plain = Regex::new(r"^[A-Za-z][A-Za-z0-9_'.]*$").unwrap();
    let (mut all, mut names) = (Vec::new(), HashSet::new());
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let mut module = Whole::parse(&[&bytes]).unwrap_or_else(|e| panic!("{}: {e:#}", file.display()));
        let mut here: Vec<(String, usize)> = module.constants().iter().map(|(name, info)| (name.clone(), info.ty)).collect();
        here.sort();
        names.extend(here.iter().map(|(name, _)| name.clone()));
        let readable = |name: &str| plain.is_match(name) && !name.split('.').any(|p| p.starts_with('_'));
        // Every module gives some.
        for (name, ty) in here.into_iter().filter(|(name, _)| readable(name)).step_by(97) {
            let (mut constants, mut binders) = (Vec::new(), HashSet::new());
            walk(&mut module, ty, &mut constants, &mut binders);
            all.push((name, constants, binders));
        }
    }
    // A binder that is called like a constant cannot be told from it in print.
    all.retain(|(_, constants, binders)| binders.is_disjoint(&names) && constants.iter().all(|c| plain.is_match(c)));
    let step = (all.len() / wanted).max(1);
    let sample: Vec<_> = all.into_iter().step_by(step).take(wanted).collect();
    assert!(sample.len() >= wanted * 9 / 10, "{}", sample.len());

    let mut text =
        String::from("import Std\nset_option pp.all true\nset_option pp.maxSteps 1000000\nset_option pp.deepTerms true\n");
    sample.iter().for_each(|(name, ..)| text.push_str(&format!("#check @{name}\n")));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Types.lean");
    std::fs::write(&file, &text).unwrap();
    let output = toolchain.check_command(&file, None).output().await.unwrap();
    let universes = Regex::new(r"\.\{[^}]*\}").unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        let place = message["pos"]["line"].as_u64().unwrap() as usize;
        let (Some((name, ours, _)), Some("information")) = (sample.get(place.wrapping_sub(5)), message["severity"].as_str())
        else {
            continue;
        };
        let said = universes.replace_all(message["data"].as_str().unwrap(), "").into_owned();
        let Some((_, ty)) = said.split_once(" : ") else { continue };
        let words = ty.split(|c: char| !(c.is_alphanumeric() || "_.'✝".contains(c)));
        let theirs: Vec<&str> = words.map(|w| w.trim_end_matches('.')).filter(|w| names.contains(*w)).collect();
        compared += 1;
        let ours: Vec<&str> = ours.iter().map(String::as_str).collect();
        if levelled(&theirs) != levelled(&ours) {
            wrong.push(format!("{name}\n  Lean: {theirs:?}\n  here: {ours:?}\n  {ty}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(compared >= sample.len() * 9 / 10, "{compared} of {}", sample.len());
}
