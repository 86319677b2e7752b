//! A proof that was found, made nicer: shorter, and with what its searching tactics found in their place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Finish, PoolOracle, VERIFY_TIME};
use crate::finish::{self, stable};
use crate::lean::Hole;
use crate::lean::document::indent_into;
use crate::lean::suggestion::suggestions;
use crate::toolchain::Toolchain;
use crate::verify::process;

/// A proof that was found is not held back for longer to be made shorter.
const SHORTENING: Duration = Duration::from_secs(6);

/// Proofs that are nicer than the one found, the nicest first; none when it is nice already, or when nothing is wished.
pub async fn finished(
    toolchain: &Toolchain,
    oracle: &PoolOracle<'_>,
    place: &Arc<Hole>,
    found: &str,
    wish: Finish,
    deadline: Instant,
) -> Vec<String> {
    if wish == Finish::None {
        return Vec::new();
    }
    let until = deadline.min(Instant::now() + SHORTENING);
    let short = match finish::facts::shorten_behind(oracle, place, found, until).await {
        Some(short) => short,
        None => finish::shorten(oracle, place, found, until).await,
    };
    let mut proofs = vec![short.clone()];
    let answers = async |asking: &str| answers(toolchain, oracle, place, asking, deadline).await;
    // What searches each time it is run is slow, and may find nothing in another version.
    if stable::searches(&short) {
        proofs.push(stable::found_instead(&short, &answers(&short).await));
    }
    if wish == Finish::Stable
        && let Some(asking) = proofs.last().and_then(|p| stable::ask_for_stable(p))
    {
        proofs.push(stable::stable(&asking, &answers(&asking).await));
    }
    proofs.reverse();
    proofs.dedup();
    proofs.retain(|p| p != found);
    proofs
}

/// What Lean suggests («Try this») for a proof that asks for it, and the line of the proof (from 0) it belongs to.
async fn answers(
    toolchain: &Toolchain,
    oracle: &PoolOracle<'_>,
    place: &Hole,
    proof: &str,
    deadline: Instant,
) -> Vec<(usize, String)> {
    let mut text = format!("{}\n\n{}", oracle.header, place.before);
    let first = text.matches('\n').count() + 1;
    indent_into(&mut text, proof, place.indent);
    let end = text.matches('\n').count();
    text.push_str(&place.after);
    let time = deadline.saturating_duration_since(Instant::now()).min(VERIFY_TIME);
    let messages = process::run(toolchain, &text, time).await.unwrap_or_default();
    let mine = messages.into_iter().filter(|m| (first..=end).contains(&m.line) && !suggestions(&m.text).is_empty());
    mine.map(|m| (m.line - first, m.text)).collect()
}
