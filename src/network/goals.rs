//! The model that scores goals, by their features.
//!
//! ```text
//! value.onnx  features (rows, most) → value, steps (rows)
//! value.json  which features the model was trained on
//! ```
//!
//! Knows numbers only, as [`super::ranking`] does: what they mean is for those who ask.

use std::path::Path;

use anyhow::{Result, ensure};
use ndarray::Array2;
use ort::environment::Environment;
use ort::session::Session;

use super::onnx::{Running, array, input, open, run, tensor};

/// The word on one goal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GoalScore {
    /// How likely it is to be proved within the budget.
    pub proved: f32,
    /// Steps on the longest branch of its proof, if it has one.
    pub steps: f32,
}

/// See the module.
pub struct GoalModel {
    session: Session,
}

impl GoalModel {
    /// # Errors
    /// Naming the file that is missing or broken.
    pub fn open(environment: &Environment, file: &Path, running: Running) -> Result<GoalModel> {
        let session = open(environment, file, running)?;
        let reads = session.inputs().iter().any(|i| i.name() == "features");
        ensure!(reads, "{} does not read `features`: `python3 -m qstar_training.value` trains one that does", file.display());
        for name in ["value", "steps"] {
            ensure!(session.outputs().iter().any(|o| o.name() == name), "{} has no output `{name}`", file.display());
        }
        Ok(GoalModel { session })
    }

    /// Scores goals by their features.
    ///
    /// # Errors
    /// When the network does not run, or answers for another number of goals.
    pub fn score(&mut self, goals: &[Vec<u32>]) -> Result<Vec<GoalScore>> {
        let rows: Vec<&[u32]> = goals.iter().map(Vec::as_slice).collect();
        let outputs = run(&mut self.session, vec![input("features", tensor(filled(&rows))?)], &["value", "steps"])?;
        let (values, steps) = (array::<f32>(&outputs[0])?, array::<f32>(&outputs[1])?);
        let fits = values.len() == goals.len() && steps.len() == goals.len();
        ensure!(fits, "the value network answers for another number of goals");
        Ok(values.iter().zip(&steps).map(|(&proved, &steps)| GoalScore { proved, steps }).collect())
    }
}

/// Rows of features, filled up with zeros: (rows, longest).
pub(super) fn filled(rows: &[&[u32]]) -> Array2<i64> {
    let longest = rows.iter().map(|r| r.len()).max().unwrap_or(0).max(1);
    let mut ids = Array2::<i64>::zeros((rows.len(), longest));
    for (row, features) in rows.iter().enumerate() {
        features.iter().enumerate().for_each(|(place, &feature)| ids[[row, place]] = i64::from(feature));
    }
    ids
}
