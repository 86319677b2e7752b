//! What `/metrics` says, in Prometheus' text format.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// A request's place and how it ended.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    endpoint: &'static str,
    status: u16,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Judged {
    verdict: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Endpoint {
    endpoint: &'static str,
}

/// Counters of a server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    latency: Family<Endpoint, Histogram, fn() -> Histogram>,
    verdicts: Family<Judged, Counter>,
    documents: Counter,
    restarts: Counter,
    running_requests: Gauge,
    queued_requests: Gauge,
    queued_jobs: Gauge,
    workers: Gauge,
    worker_memory: Gauge<f64, AtomicU64>,
}

/// What is read off the pool at the moment of asking.
#[derive(Debug, Clone, Copy, Default)]
pub struct Now {
    pub documents: u64,
    pub restarts: u64,
    pub running_requests: usize,
    pub queued_requests: usize,
    pub queued_jobs: usize,
    pub workers: usize,
    pub memory: u64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let histogram: fn() -> Histogram = || Histogram::new(exponential_buckets(0.005, 2.0, 17));
        let metrics = Metrics {
            registry: Registry::default(),
            requests: Family::default(),
            latency: Family::new_with_constructor(histogram),
            verdicts: Family::default(),
            documents: Counter::default(),
            restarts: Counter::default(),
            running_requests: Gauge::default(),
            queued_requests: Gauge::default(),
            queued_jobs: Gauge::default(),
            workers: Gauge::default(),
            worker_memory: Gauge::default(),
        };
        let mut registry = Registry::with_prefix("qstar");
        registry.register("requests", "Requests answered, by endpoint and status", metrics.requests.clone());
        registry.register("request_seconds", "Time until an answer begins", metrics.latency.clone());
        registry.register("checks", "Snippets judged, by verdict", metrics.verdicts.clone());
        registry.register("documents", "Documents given to Lean", metrics.documents.clone());
        registry.register("worker_restarts", "Workers that died, hung or grew too big", metrics.restarts.clone());
        registry.register("running_requests", "Requests and tool calls at work", metrics.running_requests.clone());
        registry.register("queued_requests", "Requests that wait to be let in", metrics.queued_requests.clone());
        registry.register("queued_jobs", "Jobs that wait for a worker", metrics.queued_jobs.clone());
        registry.register("workers", "Lean processes alive", metrics.workers.clone());
        registry.register("worker_memory_bytes", "Private memory of all workers", metrics.worker_memory.clone());
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, endpoint: &'static str, status: u16, seconds: f64) {
        self.requests.get_or_create(&Answered { endpoint, status }).inc();
        self.latency.get_or_create(&Endpoint { endpoint }).observe(seconds);
    }

    /// A snippet was judged.
    pub fn judged(&self, verdict: &'static str) {
        self.verdicts.get_or_create(&Judged { verdict }).inc();
    }

    /// The page.
    pub fn page(&self, now: Now) -> String {
        // The pool counts for itself: its numbers only grow.
        self.documents.inc_by(now.documents.saturating_sub(self.documents.get()));
        self.restarts.inc_by(now.restarts.saturating_sub(self.restarts.get()));
        self.running_requests.set(i64::try_from(now.running_requests).unwrap_or(i64::MAX));
        self.queued_requests.set(i64::try_from(now.queued_requests).unwrap_or(i64::MAX));
        self.queued_jobs.set(i64::try_from(now.queued_jobs).unwrap_or(i64::MAX));
        self.workers.set(i64::try_from(now.workers).unwrap_or(i64::MAX));
        self.worker_memory.set(now.memory as f64);
        let mut page = String::new();
        // A string takes all that is written.
        let _ = encode(&mut page, &self.registry);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_what_was_counted() {
        let metrics = Metrics::default();
        metrics.answered("/api/check", 200, 0.02);
        metrics.judged("valid");
        let page = metrics.page(Now { documents: 3, workers: 2, ..Now::default() });
        for line in [
            "qstar_requests_total{endpoint=\"/api/check\",status=\"200\"} 1",
            "qstar_checks_total{verdict=\"valid\"} 1",
            "qstar_documents_total 3",
            "qstar_workers 2",
            "qstar_request_seconds_count{endpoint=\"/api/check\"} 1",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }
}
