//! Writing tactics with a language model: beam search and sampling, over many goals at once.
//!
//! Knows a model only as something that says, for each row of a batch, how likely each next token is. Beam search keeps
//! the likeliest beginnings (Lowerre 1976); sampling draws from the nucleus (Holtzman et al. 2020, «The Curious Case of
//! Neural Text Degeneration»), and what it draws twice is one tactic.

use std::collections::HashMap;

use anyhow::Result;
use fastrand::Rng;
use ndarray::{Array2, ArrayView1};

/// A model that continues texts, row by row.
pub trait Writer {
    /// Reads prompts: logits of each one's next token, shape (prompts, vocabulary). Row i is prompt i from now on.
    ///
    /// # Errors
    /// When the model does not run.
    fn begin(&mut self, prompts: &[Vec<u32>]) -> Result<Array2<f32>>;
    /// New row i continues old row `rows[i]` with `tokens[i]`: logits of the tokens after that.
    ///
    /// # Errors
    /// When the model does not run.
    fn next(&mut self, rows: &[usize], tokens: &[u32]) -> Result<Array2<f32>>;
}

/// How tactics are chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decoding {
    /// The `width` likeliest, nearly.
    Beam { width: usize },
    /// `count` draws at a temperature from the likeliest tokens that have `top_p` of the probability together.
    Sample { count: usize, temperature: f32, top_p: f32, seed: u64 },
}

/// A tactic and the logarithm of its probability (natural, at temperature 1, the end included).
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub ids: Vec<u32>,
    pub log_prob: f32,
}

/// Tactics for each prompt, likeliest first, none twice. What has no end after `most` tokens is dropped.
///
/// # Errors
/// When the model does not run.
pub fn write(
    writer: &mut dyn Writer,
    prompts: &[Vec<u32>],
    decoding: Decoding,
    ends: &[u32],
    most: usize,
) -> Result<Vec<Vec<Written>>> {
    match decoding {
        Decoding::Beam { width } => beam(writer, prompts, width.max(1), ends, most),
        Decoding::Sample { count, temperature, top_p, seed } => {
            let mut draw = Draw { rng: Rng::with_seed(seed), temperature, top_p };
            sample(writer, prompts, count.max(1), &mut draw, ends, most)
        }
    }
}

/// A text that has no end yet: its goal, and its row in the model.
struct Open {
    goal: usize,
    row: usize,
    ids: Vec<u32>,
    log_prob: f32,
}

fn beam(writer: &mut dyn Writer, prompts: &[Vec<u32>], width: usize, ends: &[u32], most: usize) -> Result<Vec<Vec<Written>>> {
    let mut done: Vec<Vec<Written>> = vec![Vec::new(); prompts.len()];
    let mut logits = writer.begin(prompts)?;
    let mut open: Vec<Open> = (0..prompts.len()).map(|goal| Open { goal, row: goal, ids: Vec::new(), log_prob: 0.0 }).collect();
    for _ in 0..most {
        // For each goal the best continuations of its open texts.
        let mut candidates: Vec<Vec<(f32, usize, u32)>> = vec![Vec::new(); prompts.len()];
        for (place, text) in open.iter().enumerate() {
            let each = best(&log_softmax(logits.row(place)), width + ends.len());
            candidates[text.goal].extend(each.into_iter().map(|(token, p)| (text.log_prob + p, place, token)));
        }
        let mut next: Vec<Open> = Vec::new();
        for (goal, mut list) in candidates.into_iter().enumerate() {
            list.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut kept = 0;
            for (log_prob, place, token) in list {
                // What is written can only become less likely: behind `width` better ends nothing can come in.
                let better = done[goal].iter().filter(|w| w.log_prob >= log_prob).count();
                if kept == width || better >= width {
                    break;
                }
                if ends.contains(&token) {
                    done[goal].push(Written { ids: open[place].ids.clone(), log_prob });
                } else {
                    let mut ids = open[place].ids.clone();
                    ids.push(token);
                    next.push(Open { goal, row: place, ids, log_prob });
                    kept += 1;
                }
            }
        }
        if next.is_empty() {
            break;
        }
        let rows: Vec<usize> = next.iter().map(|o| o.row).collect();
        let tokens: Vec<u32> = next.iter().filter_map(|o| o.ids.last().copied()).collect();
        logits = writer.next(&rows, &tokens)?;
        open = next;
    }
    for list in &mut done {
        list.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
        list.truncate(width);
    }
    Ok(done)
}

struct Draw {
    rng: Rng,
    temperature: f32,
    top_p: f32,
}

impl Draw {
    /// A token, and its log-probability as the model has it.
    fn draw(&mut self, logits: ArrayView1<f32>) -> (u32, f32) {
        let plain = log_softmax(logits);
        if self.temperature <= 0.0 {
            return best(&plain, 1)[0];
        }
        let heated = log_softmax(logits.mapv(|l| l / self.temperature).view());
        // The nucleus of most distributions is small.
        let mut nucleus = best(&heated, 64.min(heated.len()));
        let (mut mass, mut size) = (0.0, 0);
        while size < nucleus.len() && (size == 0 || mass < self.top_p) {
            mass += nucleus[size].1.exp();
            size += 1;
        }
        nucleus.truncate(size);
        let mut point = self.rng.f32() * mass;
        let chosen = nucleus.iter().find(|(_, p)| {
            point -= p.exp();
            point <= 0.0
        });
        let token = chosen.or(nucleus.last()).map_or(0, |(token, _)| *token);
        (token, plain[token as usize])
    }
}

fn sample(
    writer: &mut dyn Writer,
    prompts: &[Vec<u32>],
    count: usize,
    draw: &mut Draw,
    ends: &[u32],
    most: usize,
) -> Result<Vec<Vec<Written>>> {
    let mut done: Vec<HashMap<Vec<u32>, f32>> = vec![HashMap::new(); prompts.len()];
    let mut logits = writer.begin(prompts)?;
    let each = |goal| (0..count).map(move |_| Open { goal, row: goal, ids: Vec::new(), log_prob: 0.0 });
    let mut open: Vec<Open> = (0..prompts.len()).flat_map(each).collect();
    for _ in 0..most {
        let mut next = Vec::new();
        for mut text in open {
            let (token, p) = draw.draw(logits.row(text.row));
            text.log_prob += p;
            if ends.contains(&token) {
                done[text.goal].insert(text.ids, text.log_prob);
            } else {
                text.ids.push(token);
                next.push(text);
            }
        }
        if next.is_empty() {
            break;
        }
        let rows: Vec<usize> = next.iter().map(|o| o.row).collect();
        let tokens: Vec<u32> = next.iter().filter_map(|o| o.ids.last().copied()).collect();
        logits = writer.next(&rows, &tokens)?;
        next.iter_mut().enumerate().for_each(|(row, text)| text.row = row);
        open = next;
    }
    let sorted = |found: HashMap<Vec<u32>, f32>| {
        let mut list: Vec<Written> = found.into_iter().map(|(ids, log_prob)| Written { ids, log_prob }).collect();
        list.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob).then_with(|| a.ids.cmp(&b.ids)));
        list
    };
    Ok(done.into_iter().map(sorted).collect())
}

fn log_softmax(logits: ArrayView1<f32>) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|l| (l - highest).exp()).sum();
    logits.iter().map(|l| l - highest - sum.ln()).collect()
}

/// The `most` likeliest tokens, likeliest first.
fn best(log_probs: &[f32], most: usize) -> Vec<(u32, f32)> {
    let mut order: Vec<u32> = (0..log_probs.len() as u32).collect();
    let most = most.min(order.len());
    let by = |a: &u32, b: &u32| log_probs[*b as usize].total_cmp(&log_probs[*a as usize]);
    if most < order.len() {
        order.select_nth_unstable_by(most, by);
        order.truncate(most);
    }
    order.sort_unstable_by(|a, b| by(a, b).then(a.cmp(b)));
    order.into_iter().map(|token| (token, log_probs[token as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model of words over four tokens whose next token hangs on the last one alone; token 0 ends.
    struct Chain {
        rows: Vec<u32>,
    }

    const NEXT: [[f32; 4]; 4] = [[0.25; 4], [0.5, 0.1, 0.3, 0.1], [0.6, 0.2, 0.1, 0.1], [0.9, 0.05, 0.025, 0.025]];

    impl Chain {
        fn logits(&self) -> Array2<f32> {
            Array2::from_shape_fn((self.rows.len(), 4), |(row, token)| NEXT[self.rows[row] as usize][token].ln())
        }
    }

    impl Writer for Chain {
        fn begin(&mut self, prompts: &[Vec<u32>]) -> Result<Array2<f32>> {
            self.rows = prompts.iter().map(|p| *p.last().unwrap()).collect();
            Ok(self.logits())
        }

        fn next(&mut self, rows: &[usize], tokens: &[u32]) -> Result<Array2<f32>> {
            assert!(rows.iter().all(|&r| r < self.rows.len()));
            self.rows = tokens.to_vec();
            Ok(self.logits())
        }
    }

    /// All words up to a length with their probabilities.
    fn words(last: u32, length: usize) -> Vec<(Vec<u32>, f32)> {
        let mut all = vec![(vec![], NEXT[last as usize][0])];
        if length > 0 {
            for token in 1..4u32 {
                let p = NEXT[last as usize][token as usize];
                all.extend(words(token, length - 1).into_iter().map(|(w, q)| ([vec![token], w].concat(), p * q)));
            }
        }
        all
    }

    #[test]
    fn a_wide_beam_finds_the_likeliest_words() {
        for (goal, last) in [(0, 1), (1, 2)] {
            let found = write(&mut Chain { rows: vec![] }, &[vec![1], vec![2]], Decoding::Beam { width: 12 }, &[0], 6).unwrap();
            let mut expected = words(last, 5);
            expected.sort_by(|a, b| b.1.total_cmp(&a.1));
            for (written, (word, p)) in found[goal].iter().zip(&expected).take(6) {
                assert!((written.log_prob.exp() - p).abs() < 1e-5, "{written:?} {word:?} {p}");
            }
        }
    }

    #[test]
    fn samples_are_merged_and_carry_the_models_probability() {
        let decoding = Decoding::Sample { count: 200, temperature: 1.0, top_p: 1.0, seed: 3 };
        let found = write(&mut Chain { rows: vec![] }, &[vec![1]], decoding, &[0], 8).unwrap().remove(0);
        let known: HashMap<Vec<u32>, f32> = words(1, 7).into_iter().collect();
        assert!(found.len() > 5 && found.len() < 150);
        assert!(found.iter().all(|w| (w.log_prob.exp() - known[&w.ids]).abs() < 1e-5));
        assert_eq!(found[0].ids, Vec::<u32>::new(), "the likeliest word is the empty one");
        let again = write(&mut Chain { rows: vec![] }, &[vec![1]], decoding, &[0], 8).unwrap().remove(0);
        assert_eq!(found, again);
    }

    #[test]
    fn what_does_not_end_is_dropped() {
        let found = write(&mut Chain { rows: vec![] }, &[vec![1]], Decoding::Beam { width: 3 }, &[], 4).unwrap();
        assert!(found[0].is_empty());
    }
}
