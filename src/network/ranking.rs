//! The ranker's three models: one encodes goals, one encodes candidates, one foretells a verdict from the two.
//!
//! ```text
//! ranker_goal.onnx       features (rows, most) → encoded (rows, width)
//! ranker_candidate.onnx  features (rows, most) → encoded (rows, width)
//! ranker.onnx            goal (1, width), candidate (rows, width), fit (rows, figures) → verdict (rows, 5), helps, seconds (rows)
//! ranker.json            which features the models were trained on
//! ```
//!
//! A goal is encoded once; encodings of candidates are kept, since the same moves come again at most goals. Knows numbers
//! only: what they mean is the policy's affair.

use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use lru::LruCache;
use ndarray::{Array2, ArrayView1, Axis, Ix1, Ix2};
use ort::environment::Environment;
use ort::session::Session;

use super::goals::filled;
use super::onnx::{Running, array, input, open, run, tensor};
use super::service::Question;

/// Encoded candidates that are kept; each takes less than a kilobyte.
const KEPT: NonZeroUsize = NonZeroUsize::new(16384).expect("not zero");
/// Candidates encoded together: those of like length, so that little is padded.
const TOGETHER: usize = 64;
/// Verdicts that are told apart.
pub const VERDICTS: usize = 5;

/// A goal and its candidates, as features.
#[derive(Debug, Clone, Default)]
pub struct Pairing {
    pub goal: Vec<u32>,
    pub candidates: Vec<Candidate>,
}

/// A candidate as features, and figures of how it fits the goal.
#[derive(Debug, Clone, Default)]
pub struct Candidate {
    pub features: Vec<u32>,
    pub fit: Vec<f32>,
}

impl Question for Pairing {
    fn length(&self) -> usize {
        self.goal.len()
    }
}

/// What is foretold of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Foretold {
    /// Chances of each verdict: closed, helped, progress, failed, timed out.
    pub verdict: [f32; VERDICTS],
    /// Chance that it closes the goal or helps to, calibrated.
    pub helps: f32,
    pub seconds: f32,
}

/// See the module.
pub struct RankingModel {
    goal: Session,
    candidate: Session,
    head: Session,
    encoded: LruCache<Vec<u32>, Vec<f32>>,
}

impl RankingModel {
    /// # Errors
    /// Naming the file that is missing or broken.
    pub fn open(environment: &Environment, folder: &Path, running: Running) -> Result<RankingModel> {
        let model = |name: &str, outputs: &[&str]| -> Result<Session> {
            let file = folder.join(name);
            ensure!(file.is_file(), "{} is missing", file.display());
            let session = open(environment, &file, running)?;
            for wanted in outputs {
                let known = session.outputs().iter().any(|o| o.name() == *wanted);
                ensure!(known, "{} has no output `{wanted}`", file.display());
            }
            Ok(session)
        };
        Ok(RankingModel {
            goal: model("ranker_goal.onnx", &["encoded"])?,
            candidate: model("ranker_candidate.onnx", &["encoded"])?,
            head: model("ranker.onnx", &["verdict", "helps", "seconds"])?,
            encoded: LruCache::new(KEPT),
        })
    }

    /// What is foretold of each candidate of each goal.
    ///
    /// # Errors
    /// When a model does not run, or answers for another number of rows.
    pub fn foretell(&mut self, pairings: &[Pairing]) -> Result<Vec<Vec<Foretold>>> {
        let goals: Vec<&[u32]> = pairings.iter().map(|p| p.goal.as_slice()).collect();
        let goals = encode(&mut self.goal, &goals)?;
        self.encode_new(pairings)?;
        pairings.iter().zip(goals.outer_iter()).map(|(pairing, goal)| self.judge(goal, &pairing.candidates)).collect()
    }

    /// Encodes the candidates that are not known yet.
    fn encode_new(&mut self, pairings: &[Pairing]) -> Result<()> {
        let all = pairings.iter().flat_map(|p| &p.candidates).map(|c| &c.features);
        let mut new: Vec<&Vec<u32>> = all.filter(|f| self.encoded.get(*f).is_none()).collect();
        new.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        new.dedup();
        for group in new.chunks(TOGETHER) {
            let rows: Vec<&[u32]> = group.iter().map(|f| f.as_slice()).collect();
            let encoded = encode(&mut self.candidate, &rows)?;
            for (features, row) in group.iter().zip(encoded.outer_iter()) {
                self.encoded.put((*features).clone(), row.to_vec());
            }
        }
        Ok(())
    }

    fn judge(&mut self, goal: ArrayView1<f32>, candidates: &[Candidate]) -> Result<Vec<Foretold>> {
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let (width, figures) = (goal.len(), candidates[0].fit.len());
        let mut encoded = Vec::with_capacity(candidates.len() * width);
        let mut fit = Vec::with_capacity(candidates.len() * figures);
        for candidate in candidates {
            match self.encoded.get(&candidate.features) {
                Some(row) => encoded.extend_from_slice(row),
                // More candidates than are kept.
                None => encoded.extend(encode(&mut self.candidate, &[&candidate.features])?),
            }
            fit.extend_from_slice(&candidate.fit);
        }
        let rows = candidates.len();
        let shape = "the ranker's models do not fit each other";
        let inputs = vec![
            input("goal", tensor(goal.insert_axis(Axis(0)).to_owned())?),
            input("candidate", tensor(Array2::from_shape_vec((rows, width), encoded).context(shape)?)?),
            input("fit", tensor(Array2::from_shape_vec((rows, figures), fit).context(shape)?)?),
        ];
        let outputs = run(&mut self.head, inputs, &["verdict", "helps", "seconds"])?;
        let verdicts = array::<f32>(&outputs[0])?.into_dimensionality::<Ix2>().context("`verdict` has not two axes")?;
        let helps = array::<f32>(&outputs[1])?.into_dimensionality::<Ix1>().context("`helps` has not one axis")?;
        let seconds = array::<f32>(&outputs[2])?.into_dimensionality::<Ix1>().context("`seconds` has not one axis")?;
        let fits = verdicts.dim() == (rows, VERDICTS) && helps.len() == rows && seconds.len() == rows;
        ensure!(fits, "ranker.onnx answers for another number of candidates or of verdicts");
        let one = |row: usize| Foretold {
            verdict: std::array::from_fn(|v| verdicts[[row, v]]),
            helps: helps[row],
            seconds: seconds[row],
        };
        Ok((0..rows).map(one).collect())
    }
}

/// Encodes rows of features.
fn encode(session: &mut Session, rows: &[&[u32]]) -> Result<Array2<f32>> {
    let outputs = run(session, vec![input("features", tensor(filled(rows))?)], &["encoded"])?;
    let encoded = array::<f32>(&outputs[0])?.into_dimensionality::<Ix2>().context("`encoded` has not two axes")?;
    ensure!(encoded.nrows() == rows.len(), "a tower of the ranker answers for another number of rows");
    Ok(encoded.to_owned())
}
