//! The verifier's word on a pair of files, or on a certificate.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Verdict, apart};
use crate::serve::desk::{Desk, Outfit};
use crate::verify::{Standing, candidate, recheck};

/// What is to be verified: a pair, or a certificate.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct VerifyAsk {
    /// The file with its `sorry`s.
    #[serde(default)]
    pub original: Option<String>,
    /// The same file with proofs.
    #[serde(default)]
    pub candidate: Option<String>,
    /// A certificate that `prove` gave, instead of a pair.
    #[serde(default)]
    pub certificate: Option<serde_json::Value>,
    /// Seconds that Lean may take [default: 300].
    #[serde(default)]
    pub time: Option<f64>,
}

/// The verifier's word.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Verified {
    /// `accepted` when every theorem is.
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// One for each theorem of the original that ends in `sorry`.
    pub theorems: Vec<TheoremVerdict>,
    /// For a certificate: made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<serde_json::Value>,
    /// The Lean that judged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub toolchain: String,
}

/// The verdict on one theorem.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TheoremVerdict {
    pub name: String,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Verified {
    fn none(verdict: Verdict, reason: impl Into<String>) -> Verified {
        let reason = Some(reason.into());
        Verified { verdict, reason, theorems: Vec::new(), certificate: None, toolchain: String::new() }
    }
}

/// Judges a pair or a certificate in fresh Lean processes.
pub async fn verify(desk: &Arc<Desk>, client: &str, ask: VerifyAsk) -> Verified {
    let time = desk.time(ask.time, 300.0);
    match (ask.original, ask.candidate, ask.certificate) {
        (Some(original), Some(candidate), None) => {
            let judge = async move |outfit: Arc<Outfit>, _, _| pair(&outfit, &original, &candidate, time).await;
            apart(desk, client, judge).await.unwrap_or_else(|reason| Verified::none(Verdict::CouldNotCheck, reason))
        }
        (None, None, Some(certificate)) => {
            let judge = async move |outfit: Arc<Outfit>, _, _| again(&outfit, certificate, time).await;
            apart(desk, client, judge).await.unwrap_or_else(|reason| Verified::none(Verdict::CouldNotCheck, reason))
        }
        _ => Verified::none(Verdict::CouldNotCheck, "give `original` and `candidate`, or `certificate` alone"),
    }
}

async fn pair(outfit: &Outfit, original: &str, candidate: &str, time: Duration) -> Verified {
    let judged = match candidate::verify_file(&outfit.toolchain, &outfit.originals, original, candidate, time, None).await {
        Ok(judged) => judged,
        Err(error) => return Verified::none(Verdict::CouldNotCheck, format!("{error:#}")),
    };
    let theorems: Vec<TheoremVerdict> = judged
        .into_iter()
        .map(|j| {
            let verdict = match j.verdict {
                Standing::Accepted => Verdict::Accepted,
                Standing::Refused => Verdict::Refused,
                Standing::Unchecked => Verdict::CouldNotCheck,
            };
            TheoremVerdict { name: j.name, verdict, reason: j.reason }
        })
        .collect();
    let worst = [Verdict::Refused, Verdict::CouldNotCheck].into_iter().find(|w| theorems.iter().any(|t| t.verdict == *w));
    let reason = theorems.iter().find_map(|t| Some(format!("{}: {}", t.name, t.reason.as_ref()?)));
    let toolchain = outfit.toolchain.version.clone();
    Verified { verdict: worst.unwrap_or(Verdict::Accepted), reason, theorems, certificate: None, toolchain }
}

async fn again(outfit: &Outfit, certificate: serde_json::Value, time: Duration) -> Verified {
    // The one reader of certificates reads files.
    let kept = tempfile::NamedTempFile::new().and_then(|file| {
        std::fs::write(file.path(), certificate.to_string())?;
        Ok(file)
    });
    let file = match kept {
        Ok(file) => file,
        Err(error) => return Verified::none(Verdict::CouldNotCheck, format!("no room for it: {error}")),
    };
    let name = certificate["name"].as_str().unwrap_or_default().to_owned();
    let (verdict, reason, certificate) = match recheck(&outfit.toolchain, file.path(), time).await {
        Ok(Ok(made)) => (Verdict::Accepted, None, serde_json::to_value(made).ok()),
        Ok(Err(e)) if e.is_unchecked() => (Verdict::CouldNotCheck, Some(e.to_string()), None),
        Ok(Err(e)) => (Verdict::Refused, Some(e.to_string()), None),
        Err(e) => return Verified::none(Verdict::Refused, e.root_cause().to_string()),
    };
    let theorems = vec![TheoremVerdict { name, verdict, reason: reason.clone() }];
    Verified { verdict, reason, theorems, certificate, toolchain: outfit.toolchain.version.clone() }
}
