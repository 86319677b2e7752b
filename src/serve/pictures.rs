//! The newest searches, kept for clients that want to see them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use lru::LruCache;

use crate::report::{Picture, Sketch};
use crate::search::{Event, Sink};
use crate::verify::Certificate;

/// Pictures kept, one of some 100 kB to some MB each.
const KEPT: NonZeroUsize = NonZeroUsize::new(16).expect("not zero");
/// Goals told of a search that found no proof.
const TOLD: usize = 8;

/// Watches one search.
#[derive(Default)]
pub struct Watch {
    sketch: Sketch,
    goals: Mutex<BTreeMap<crate::search::GoalId, (String, bool)>>,
}

impl Sink for Watch {
    fn put(&self, event: &Event) {
        self.sketch.put(event);
        let mut goals = self.goals.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Goal { goal, state, .. } => drop(goals.insert(*goal, (state.clone(), false))),
            Event::Proved { goal, .. } => drop(goals.entry(*goal).and_modify(|g| g.1 = true)),
            _ => {}
        }
    }
}

impl Watch {
    /// Subgoals that are proved, and some that stayed open; the shortest first.
    pub fn subgoals(&self) -> (Vec<String>, Vec<String>) {
        let goals = self.goals.lock().unwrap_or_else(PoisonError::into_inner);
        let some = |wanted: bool| {
            let mut states: Vec<String> =
                goals.values().skip(1).filter(|(_, proved)| *proved == wanted).map(|(state, _)| state.clone()).collect();
            states.sort_by_key(String::len);
            states.truncate(TOLD);
            states
        };
        (some(true), some(false))
    }
}

/// Pictures by the names of their searches.
pub struct Pictures {
    kept: Mutex<(u64, LruCache<String, Picture>)>,
}

impl Default for Pictures {
    fn default() -> Pictures {
        Pictures { kept: Mutex::new((0, LruCache::new(KEPT))) }
    }
}

impl Pictures {
    /// Keeps a search that is over; its name.
    pub fn keep(&self, watch: Watch, certificate: Option<Certificate>) -> String {
        let picture = watch.sketch.finish().with_certificate(certificate);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0 += 1;
        let name = format!("search-{}", kept.0);
        kept.1.put(name.clone(), picture);
        name
    }

    /// The page of a search, as HTML; `None` when it is not kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn page(&self, name: &str) -> Option<Result<String>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.1.get(name).map(Picture::page)
    }
}
