//! Batches that are with the oracle, and the order in which their verdicts are taken up.
//!
//! Knows nothing of what is in a batch.

use futures::stream::{FuturesOrdered, FuturesUnordered, StreamExt};

/// Answers on their way.
pub enum Flights<F: Future> {
    /// One worker judges batch by batch. A batch that needs no Lean (its verdicts are remembered, or all are refused) would
    /// overtake, or not, by chance: it waits, so that the same input gives the same graph.
    InOrder(FuturesOrdered<F>),
    /// Several workers: what is quick does not wait for what is slow.
    AsTheyCome(FuturesUnordered<F>),
}

impl<F: Future> Flights<F> {
    /// For a search that has so many batches on their way. Two are one worker's, the second asked ahead; where two workers have one
    /// each, they keep the order as well.
    pub fn new(parallel: usize) -> Flights<F> {
        if parallel <= 2 { Flights::InOrder(FuturesOrdered::new()) } else { Flights::AsTheyCome(FuturesUnordered::new()) }
    }

    pub fn push(&mut self, answer: F) {
        match self {
            Flights::InOrder(flights) => flights.push_back(answer),
            Flights::AsTheyCome(flights) => flights.push(answer),
        }
    }

    /// Those whose answers were not taken up yet.
    pub fn len(&self) -> usize {
        match self {
            Flights::InOrder(flights) => flights.len(),
            Flights::AsTheyCome(flights) => flights.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next answer; `None` when nothing is on its way.
    pub async fn next(&mut self) -> Option<F::Output> {
        match self {
            Flights::InOrder(flights) => flights.next().await,
            Flights::AsTheyCome(flights) => flights.next().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn order(parallel: usize) -> Vec<u64> {
        let mut flights = Flights::new(parallel);
        for pause in [40, 0] {
            flights.push(async move {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                pause
            });
        }
        let mut came = Vec::new();
        while let Some(pause) = flights.next().await {
            came.push(pause);
        }
        assert!(flights.is_empty());
        came
    }

    #[tokio::test]
    async fn one_worker_answers_in_order_several_as_they_can() {
        assert_eq!(order(2).await, [40, 0]);
        assert_eq!(order(3).await, [0, 40]);
    }
}
