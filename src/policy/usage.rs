//! What a served model cost: counted by a meter, bounded by limits.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Tokens, requests and seconds of one search or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Requests sent, those that were repeated included.
    pub requests: u64,
    /// Questions answered from the disk.
    pub cached: u64,
    /// Questions that got no answer.
    pub failed: u64,
    /// Tokens read and written by the model.
    pub prompt_tokens: u64,
    pub answer_tokens: u64,
    /// Waited for answers, added up over requests at the same time.
    pub seconds: f64,
}

impl Usage {
    pub fn is_empty(&self) -> bool {
        *self == Usage::default()
    }

    /// Read and written.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens + self.answer_tokens
    }

    /// The sum of two.
    pub fn plus(self, other: Usage) -> Usage {
        Usage {
            requests: self.requests + other.requests,
            cached: self.cached + other.cached,
            failed: self.failed + other.failed,
            prompt_tokens: self.prompt_tokens + other.prompt_tokens,
            answer_tokens: self.answer_tokens + other.answer_tokens,
            seconds: self.seconds + other.seconds,
        }
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(
            f,
            "{} requests, {} from the disk, {} tokens read, {} written, {:.1} s",
            self.requests, self.cached, self.prompt_tokens, self.answer_tokens, self.seconds
        )?;
        if self.failed > 0 {
            write!(f, ", {} without an answer", self.failed)?;
        }
        Ok(())
    }
}

/// What one search may spend on a served model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

impl Limits {
    /// Whether nothing may be asked any more.
    pub fn reached(&self, usage: &Usage) -> bool {
        self.tokens.is_some_and(|most| usage.tokens() >= most) || self.requests.is_some_and(|most| usage.requests >= most)
    }
}

/// Counts what one search spends.
#[derive(Debug, Default)]
pub struct Meter {
    limits: Limits,
    used: Mutex<Usage>,
}

impl Meter {
    pub fn new(limits: Limits) -> Meter {
        Meter { limits, used: Mutex::default() }
    }

    pub fn usage(&self) -> Usage {
        *self.lock()
    }

    /// Whether the limits are reached.
    pub fn is_spent(&self) -> bool {
        self.limits.reached(&self.lock())
    }

    /// Counts a request that is about to be sent; `false`: the limits do not allow it.
    pub fn begin(&self) -> bool {
        let mut used = self.lock();
        let allowed = !self.limits.reached(&used);
        used.requests += u64::from(allowed);
        allowed
    }

    /// Counts what a request brought.
    pub fn end(&self, prompt_tokens: u64, answer_tokens: u64, took: Duration) {
        let mut used = self.lock();
        used.prompt_tokens += prompt_tokens;
        used.answer_tokens += answer_tokens;
        used.seconds += took.as_secs_f64();
    }

    /// Counts an answer from the disk.
    pub fn cached(&self) {
        self.lock().cached += 1;
    }

    /// Counts a question without an answer.
    pub fn failed(&self) {
        self.lock().failed += 1;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Usage> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_stops_at_its_limits() {
        let meter = Meter::new(Limits { tokens: Some(100), requests: Some(3) });
        assert!(meter.begin());
        meter.end(60, 39, Duration::from_secs(1));
        assert!(meter.begin());
        meter.end(1, 0, Duration::from_secs(1));
        assert!(!meter.begin() && meter.is_spent());
        assert_eq!((meter.usage().requests, meter.usage().tokens()), (2, 100));
        let meter = Meter::new(Limits { tokens: None, requests: Some(1) });
        assert!(meter.begin() && !meter.begin());
    }
}
