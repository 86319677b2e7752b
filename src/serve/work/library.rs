//! Theorems of the installed library, by what they speak of or by name.

use schemars::JsonSchema;
use serde::Serialize;

use super::{TacticsAsk, tactics};
use crate::lean::Goal;
use crate::policy::premises::Premises;
use crate::serve::desk::Desk;

/// A theorem of the library.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Premise {
    pub name: String,
    /// How well it fits, in (0, 1].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// Theorems behind a header's imports that fit a goal, the best first.
///
/// # Errors
/// When there is no Lean, its library cannot be read, or the goal cannot.
pub async fn premises(desk: &Desk, client: &str, goal: &str, header: &str, most: usize) -> Result<Vec<Premise>, String> {
    let goal = if goal.contains('⊢') {
        Goal::parse(goal.trim()).map_err(|e| e.to_string())?
    } else {
        let ask = TacticsAsk {
            goal: goal.to_owned(),
            header: header.to_owned(),
            before: vec!["intros".to_owned()],
            tactics: vec!["skip".to_owned()],
            heartbeats: None,
        };
        let found = tactics(desk, client, ask).await?.pop();
        let state = found.as_ref().and_then(|t| t.goals.first());
        let why = || found.as_ref().and_then(|t| t.reason.clone()).unwrap_or_else(|| "it has no goal".into());
        Goal::parse(state.ok_or_else(why)?).map_err(|e| e.to_string())?
    };
    let found = move |library: &Premises| {
        let fitting = library.retrieve(&goal, most).into_iter();
        fitting.map(|found| Premise { name: found.name.to_owned(), score: Some(found.score) }).collect()
    };
    library(desk, header, found).await
}

/// Theorems of the library whose names have a text in them.
///
/// # Errors
/// When there is no Lean, or its library cannot be read.
pub async fn named(desk: &Desk, part: &str, most: usize) -> Result<Vec<Premise>, String> {
    let part = part.to_owned();
    let found = move |library: &Premises| {
        let named = library.named(&part, most).into_iter();
        named.map(|name| Premise { name: name.to_owned(), score: None }).collect()
    };
    library(desk, "import Std", found).await
}

/// Asks the index behind a header's imports, which may have to be made first.
async fn library<T: Send + 'static>(
    desk: &Desk,
    header: &str,
    ask: impl FnOnce(&Premises) -> T + Send + 'static,
) -> Result<T, String> {
    let (outfit, header) = (desk.outfit().await?, header.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        outfit.policies.library(&header).map(|library| library.map(|library| ask(&library)))
    });
    match read.await {
        Ok(Ok(Some(found))) => Ok(found),
        Ok(Ok(None)) => Err("the index of the library is being made; ask again in a minute".to_owned()),
        Ok(Err(error)) => Err(format!("the library cannot be read: {error:#}")),
        Err(error) => Err(format!("the library cannot be read: {error}")),
    }
}
