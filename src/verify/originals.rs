//! What is to be proved, compiled once: many candidates are often judged against the same original.
//!
//! A compiled original is what a fresh Lean made of its text, so it serves every candidate as well as one made for it alone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::OnceCell;

use super::Rejection;
use super::process::{Compiled, compile};
use crate::lean::syntax::{imports, tokens};
use crate::toolchain::Toolchain;

/// Originals that are kept.
const KEPT: usize = 8;
/// Longest text of one that is kept, in bytes: what is compiled from it is some ten times as large.
const LONGEST: usize = 200_000;

type Cell = Arc<OnceCell<Arc<Compiled>>>;

/// The last originals, of one toolchain. Who asks for one that is being compiled waits for it.
#[derive(Debug, Default)]
pub struct Originals(Mutex<VecDeque<(String, Cell)>>);

impl Originals {
    /// What Lean makes of `text`.
    ///
    /// # Errors
    /// As [`compile`]; a failure is not kept.
    pub(super) async fn compiled(
        &self,
        toolchain: &Toolchain,
        text: &str,
        timeout: Duration,
    ) -> Result<Arc<Compiled>, Rejection> {
        let made = async || compile(toolchain, text, timeout).await.map(Arc::new);
        self.cell(text).get_or_try_init(made).await.cloned()
    }

    /// The place of an original, the newest last.
    fn cell(&self, text: &str) -> Cell {
        let mut kept = match self.0.lock() {
            Ok(kept) if text.len() <= LONGEST && is_of_toolchain(text) => kept,
            _ => return Cell::default(),
        };
        let known = kept.iter().position(|(t, _)| t == text).and_then(|at| kept.remove(at));
        let (text, cell) = known.unwrap_or_else(|| (text.to_owned(), Cell::default()));
        kept.push_back((text, cell.clone()));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        cell
    }
}

/// Whether a text imports modules of the toolchain alone: a project's may be built anew between two candidates, and mean something
/// else then.
fn is_of_toolchain(text: &str) -> bool {
    let head = imports(text);
    let words = head.split_whitespace().filter(|w| !["import", "public", "meta", "all", "module", "prelude"].contains(w));
    // Of what cannot be cut in words the imports are not known.
    tokens(text).is_ok()
        && words.map(|module| module.split('.').next()).all(|root| ["Init", "Std", "Lean"].map(Some).contains(&root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_place_and_the_oldest_go() {
        let originals = Originals::default();
        let first = originals.cell("a");
        assert!(Arc::ptr_eq(&first, &originals.cell("a")) && !Arc::ptr_eq(&first, &originals.cell("b")));
        (0..KEPT).for_each(|i| drop(originals.cell(&i.to_string())));
        assert!(!Arc::ptr_eq(&first, &originals.cell("a")));
        assert_eq!(originals.0.lock().unwrap().len(), KEPT);
        for other in [
            "x".repeat(LONGEST + 1),
            "import Mine.Basic\n".into(),
            "import Std\npublic import Mine\n".into(),
            "import Std /- ".into(),
        ] {
            assert!(!Arc::ptr_eq(&originals.cell(&other), &originals.cell(&other)), "{other}");
        }
        let std = "import Std.Data.HashMap\ntheorem t : 1 = 1 := sorry";
        assert!(Arc::ptr_eq(&originals.cell(std), &originals.cell(std)));
    }
}
