//! What guides an attempt, and what the attempts of a run share.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::policy::Policy;
use crate::policy::author::Author;
use crate::problem::Problem;
use crate::recall::Recall;
use crate::search::{Budget, Lemmas, Operators, Sink, StrategyKind};
use crate::toolchain::Toolchain;
use crate::value::Value;
use crate::verify::queue::Queue;
use crate::verify::{Certificate, Rejection, verify};

/// What guides an attempt.
pub struct Guide<'a> {
    pub policy: &'a dyn Policy,
    pub value: &'a dyn Value,
    pub budget: Budget,
    pub parallel: usize,
    pub cancel: CancellationToken,
    /// Takes every event of the search.
    pub sink: Option<&'a dyn Sink>,
    /// Remembers what is proved.
    pub recall: Option<&'a Recall>,
    pub strategy: StrategyKind,
    pub operators: Operators,
    /// Proofs shared by the searches of a run; `None`: each for itself.
    pub lemmas: Option<Arc<Lemmas>>,
    pub finish: Finish,
    /// Who writes whole proofs beside the search.
    pub author: Option<&'a dyn Author>,
    /// Proofs with gaps to begin with.
    pub sketches: Vec<String>,
    /// What it shares with other searches of the run; `None`: it is alone.
    pub company: Option<&'a Company>,
    /// Whether Lean is asked, too, if the statement says what it should.
    pub inspect: bool,
}

/// The right to use the workers, until it is dropped.
pub type Turn = OwnedSemaphorePermit;

/// What the searches of a run share. They take turns with Lean's workers: one whose proof is being verified lets the next go
/// on. And their proofs are verified together.
pub struct Company {
    turns: Arc<Semaphore>,
    verifier: Queue,
}

impl Company {
    /// So many searches at a time.
    pub fn new(toolchain: Arc<Toolchain>, turns: usize) -> Company {
        let turns = Arc::new(Semaphore::new(turns));
        Company { verifier: Queue::new(toolchain, turns.clone()), turns }
    }
}

/// What is done with a proof that was found, before it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Finish {
    /// It stays as the search found it.
    #[default]
    None,
    /// It is made shorter while Lean accepts it.
    Shorten,
    /// And calls that search by themselves (`simp`, `grind`) are replaced by what they used.
    Stable,
}

impl<'a> Guide<'a> {
    /// A guide with the default budget, for one batch at a time.
    pub fn new(policy: &'a dyn Policy, value: &'a dyn Value) -> Guide<'a> {
        Guide {
            policy,
            value,
            budget: Budget::default(),
            parallel: 1,
            cancel: CancellationToken::new(),
            sink: None,
            recall: None,
            strategy: StrategyKind::default(),
            operators: Operators::default(),
            lemmas: None,
            finish: Finish::None,
            author: None,
            sketches: Vec::new(),
            company: None,
            inspect: false,
        }
    }
}

impl Guide<'_> {
    /// The verifier's word on a proof.
    pub(super) async fn verify(
        &self,
        toolchain: &Toolchain,
        problem: &Problem,
        proof: &str,
        time: Duration,
    ) -> Result<Certificate, Rejection> {
        match self.company {
            Some(company) => company.verifier.verify(problem, proof, time).await,
            None => verify(toolchain, problem, proof, time).await,
        }
    }

    /// Waits until this search may use the workers.
    pub(super) async fn turn(&self) -> Option<Turn> {
        self.company?.turns.clone().acquire_owned().await.ok()
    }
}
