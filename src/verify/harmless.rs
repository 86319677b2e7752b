//! Whether a file could have written to Lean's environment behind the kernel's back.
//!
//! Only code that runs while Lean elaborates could, and only where Lean's own insides are imported: without them a file
//! has notations and macros, which turn syntax into syntax, and nothing that knows an environment. Where they are imported,
//! what the file adds must not mention the monads of elaboration, nor register anything that runs in them, nor run code
//! that leaves no constant. A kernel that did not see the elaboration makes all this needless ([`super::kernel`]).

use std::collections::HashSet;

use anyhow::Result;
use sha2::{Digest, Sha256};

use super::meaning::World;

/// The module that knows what an environment is; a file that does not reach it has no metaprograms.
pub const INSIDES: &str = "Lean.Environment";
/// Ends of the names of extensions whose entries are code that Lean runs in its own monads.
const RUNNING: &[&str] = &[
    "termElabAttribute",
    "tacticElabAttribute",
    "commandElabAttribute",
    "doElemElabAttribute",
    "grindTacElabAttribute",
    "tryTacticElabAttribute",
    "inductiveElabAttr",
    "precheckAttribute",
    "delabAttribute",
    "formatterAttribute",
    "parenthesizerAttribute",
    "simprocExtension",
    "simprocSEvalExtension",
    "simprocDeclExt",
    "bvNormalizeSimprocExt",
    "regularInitAttr",
    "builtinInitAttr",
    "missingDocsExt",
    "unusedVariablesIgnoreFnsExt",
    "librarySuggestionsAttr",
    "librarySuggestionsExt",
    "trySuggestionExtension",
    "userRpcProcedures",
    "codeActionProviderExt",
    "holeCodeActionExt",
    "cmdCodeActionExt",
    "docRoleExt",
    "docCodeBlockExt",
    "docDirectiveExt",
    "docCommandExt",
    "passManagerExt",
];
/// Extensions that give a definition other code than its own: what compiled code computes says nothing of it then.
pub const REPLACING: &[&str] = &["implementedByAttr", "externAttr", "Lean.Compiler.CSimp.ext"];
/// Words that run code which leaves no constant behind. Whatever else a text does, these bytes must be in it.
const WORDS: &[&str] = &[
    "run_tac",
    "run_cmd",
    "run_elab",
    "run_meta",
    "run_conv",
    "#eval",
    "by_elab",
    "eval%",
    "initialize",
    "elab",
    "unsafe",
    "simproc",
    "skipKernelTC",
    "runTac",
    "runCmd",
    "implemented_by",
    "decl_name%",
];
/// Constants of the monads in which elaboration runs, by the beginnings of their names.
const MONADS: &[&str] = &[
    "Lean.Core.CoreM",
    "Lean.CoreM",
    "Lean.Meta.MetaM",
    "Lean.MetaM",
    "Lean.Elab.",
    "Lean.Meta.Simp.Simproc",
    "Lean.Meta.Simp.DSimproc",
    "Lean.Meta.SimpM",
    "Lean.Meta.Simp.SimpM",
    "Lean.Environment",
    "Lean.Kernel.Environment",
    "Lean.addDecl",
];
/// Objects in one entry of an extension.
const MOST_OBJECTS: usize = 200_000;

/// The option that switches the kernel off.
const SKIP: &str = "skipKernelTC";
/// Parts of what computes a text: a macro that uses them can write syntax whose words stand nowhere in the file.
const COMPUTED: &[&str] = &[
    "String.",
    "Char.",
    "HAppend.hAppend",
    "Append.append",
    "List.asString",
    "Nat.repr",
    "ToString.toString",
    "Repr.",
    "repr",
    "Lean.Name.append",
    "Lean.Name.toString",
    "Lean.TSyntax.getString",
    "Lean.TSyntax.getChar",
    "Lean.Syntax.isStrLit?",
    "Lean.Syntax.decode",
    "Lean.Syntax.reprint",
];
/// The extension of macros.
const MACROS: &str = "macroAttribute";

/// What keeps the kernel from looking, whatever is imported: the option that switches it off, however it is written.
///
/// # Errors
/// When a file is broken.
pub fn blinding(
    original_text: &str,
    text: &str,
    candidate: &mut World<'_>,
    original: &mut World<'_>,
) -> Result<Option<String>> {
    if let Some(why) = blinding_words(original_text, text) {
        return Ok(Some(why));
    }
    let known = original.names_in_entries(&[MACROS])?;
    let mut added: Vec<String> = candidate.names_in_entries(&[MACROS])?.into_iter().collect();
    added.retain(|n| !known.contains(n) && candidate.own(n).is_some());
    for name in &added {
        let reach = candidate.basis(name)?;
        if let Some(odd) = reach.trusted.iter().find(|c| COMPUTED.iter().any(|word| c.starts_with(word))) {
            return Ok(Some(format!("its macro `{name}` computes text (`{odd}`), which can hide what it writes")));
        }
        // What a literal says is not what the file shows, where it is written with escapes.
        if candidate.texts(name)?.iter().any(|text| text.contains(SKIP) || text.starts_with("debug")) {
            return Ok(Some(format!("its macro `{name}` names an option under `debug`")));
        }
    }
    Ok(None)
}

/// The same for text alone: `set_option` of what begins with `debug`, or of what is no plain name.
pub fn blinding_words(original_text: &str, text: &str) -> Option<String> {
    if text.matches(SKIP).count() > original_text.matches(SKIP).count() {
        return Some(format!("it names the option `{SKIP}`, which switches the kernel off"));
    }
    let escapes = |text: &str| text.matches("\\x").count() + text.matches("\\u").count();
    if text.matches("macro").count() > original_text.matches("macro").count() && escapes(text) > escapes(original_text) {
        return Some("escapes in its strings can hide what its macros write".to_owned());
    }
    let odd = |text: &str| {
        let behind = text.split("set_option").skip(1).map(|rest| rest.trim_start().trim_start_matches('«'));
        behind.filter(|rest| ["debug", "/-", "--", "$", "%"].iter().any(|start| rest.starts_with(start))).count()
    };
    (odd(text) > odd(original_text)).then(|| "it sets an option under `debug`, or one whose name cannot be read".to_owned())
}

/// Words of the text, beyond those of the original, that run code where Lean's insides are imported.
pub fn running_words(original_text: &str, text: &str) -> Option<String> {
    let more = WORDS.iter().find(|word| text.matches(**word).count() > original_text.matches(**word).count());
    more.map(|word| format!("it holds `{word}`, which can run code inside Lean"))
}

/// What speaks against a file, relative to the original: `None` when nothing does.
///
/// # Errors
/// When a file is broken.
pub fn suspect(original: &mut World<'_>, candidate: &mut World<'_>) -> Result<Option<String>> {
    let known_entries: HashSet<[u8; 32]> = entries(original)?.into_iter().map(|(_, hash)| hash).collect();
    let known_names: HashSet<String> = original.file().constants().keys().cloned().collect();
    for (extension, hash) in entries(candidate)? {
        if !known_entries.contains(&hash) {
            return Ok(Some(format!("it registers code that runs inside Lean (`{extension}`)")));
        }
    }
    let added: Vec<String> = candidate.file().constants().keys().filter(|n| !known_names.contains(*n)).cloned().collect();
    for name in added {
        for used in candidate.mentioned(&name)? {
            if MONADS.iter().any(|m| used.starts_with(m)) {
                return Ok(Some(format!("`{name}` is code for Lean's inside (it speaks of `{used}`)")));
            }
        }
    }
    Ok(None)
}

/// Hashes of the entries of extensions that run code.
fn entries(world: &World<'_>) -> Result<Vec<(String, [u8; 32])>> {
    let file = world.file();
    let mut found = Vec::new();
    for extension in file.extensions().filter(|e| RUNNING.iter().any(|r| e.ends_with(r))) {
        for &entry in file.entries(extension) {
            let (mut hash, mut left) = (Sha256::new().chain_update(extension), MOST_OBJECTS);
            file.region().walk(entry, &mut left, &mut |bytes| {
                hash.update((bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            })?;
            found.push((extension.to_owned(), hash.finalize().into()));
        }
    }
    Ok(found)
}
