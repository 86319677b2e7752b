//! What a served model answered: the shapes of OpenAI's two doors and of Ollama's own.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::formats::Prompt;

/// Bytes of one text in an answer.
const MOST_TEXT: usize = 512 << 10;

/// One answer of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub text: String,
    /// Logarithm of its probability, where the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_prob: Option<f64>,
    /// It ended because it was too long.
    #[serde(default)]
    pub cut: bool,
}

/// What a server answered.
pub struct Answer {
    pub samples: Vec<Sample>,
    pub prompt_tokens: u64,
    pub answer_tokens: u64,
}

/// An answer of `/v1/completions`, `/v1/chat/completions` or Ollama's `/api/generate`.
#[derive(Deserialize)]
struct Raw {
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
    response: Option<String>,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
}

#[derive(Deserialize)]
struct Choice {
    text: Option<String>,
    message: Option<Content>,
    logprobs: Option<Value>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// `None` when it is no answer.
pub fn read(body: &[u8], prompt: &Prompt) -> Option<Answer> {
    let raw: Raw = serde_json::from_slice(body).ok()?;
    let samples: Vec<Sample> = match (raw.choices, raw.response) {
        (Some(choices), _) => choices.into_iter().map(Choice::sample).collect(),
        (None, Some(text)) => {
            vec![Sample { text: short(text), log_prob: None, cut: raw.done_reason.as_deref() == Some("length") }]
        }
        (None, None) => return None,
    };
    let (read, written) = raw.usage.map_or((raw.prompt_eval_count, raw.eval_count), |u| (u.prompt_tokens, u.completion_tokens));
    // A token has some four bytes; a server that does not count is counted so.
    let guess = |bytes: usize| bytes.div_ceil(4) as u64;
    let asked = match prompt {
        Prompt::Text(text) => text.len(),
        Prompt::Chat(messages) => messages.iter().map(|m| m.content.len()).sum(),
    };
    Some(Answer {
        prompt_tokens: read.unwrap_or_else(|| guess(asked)),
        answer_tokens: written.unwrap_or_else(|| guess(samples.iter().map(|s| s.text.len()).sum())),
        samples,
    })
}

impl Choice {
    fn sample(self) -> Sample {
        let text = self.text.or(self.message.and_then(|m| m.content)).unwrap_or_default();
        let log_prob = self.logprobs.as_ref().and_then(sum);
        Sample { text: short(text), log_prob, cut: self.finish_reason.as_deref() == Some("length") }
    }
}

/// The sum of the tokens' logarithms, in either of the two shapes.
fn sum(logprobs: &Value) -> Option<f64> {
    let each: Vec<f64> = match (logprobs["token_logprobs"].as_array(), logprobs["content"].as_array()) {
        (Some(list), _) => list.iter().filter_map(Value::as_f64).collect(),
        (None, Some(list)) => list.iter().filter_map(|token| token["logprob"].as_f64()).collect(),
        (None, None) => return None,
    };
    let sum: f64 = each.iter().sum();
    (!each.is_empty() && sum.is_finite() && sum <= 1e-6).then_some(sum.min(0.0))
}

fn short(mut text: String) -> String {
    if text.len() > MOST_TEXT {
        let end = (0..=MOST_TEXT).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(body: &str) -> Option<Vec<Sample>> {
        read(body.as_bytes(), &Prompt::Text(String::new())).map(|a| a.samples)
    }

    #[test]
    fn both_doors_and_ollamas_are_understood() {
        let text = r#"{"choices":[{"text":"a","logprobs":{"token_logprobs":[null,-1.0,-0.5]},"finish_reason":"length"},{"text":"b"}]}"#;
        let found = samples(text).unwrap();
        assert_eq!(found[0], Sample { text: "a".into(), log_prob: Some(-1.5), cut: true });
        assert_eq!(found[1], Sample { text: "b".into(), log_prob: None, cut: false });
        let chat = r#"{"choices":[{"message":{"role":"assistant","content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.25}]}}]}"#;
        assert_eq!(samples(chat).unwrap(), [Sample { text: "a".into(), log_prob: Some(-0.25), cut: false }]);
        let empty = r#"{"choices":[{"message":{"content":null}}],"usage":null}"#;
        assert_eq!(samples(empty).unwrap()[0].text, "");
        assert_eq!(samples(r#"{"response":"a","done_reason":"length"}"#).unwrap()[0].text, "a");
        for garbage in ["", "{}", "[]", "null", r#"{"choices":3}"#, r#"{"error":{"message":"x"}}"#] {
            assert!(samples(garbage).is_none(), "{garbage}");
        }
    }

    #[test]
    fn probabilities_that_are_none_are_left_out() {
        for wrong in [r#"{"token_logprobs":[3.0]}"#, r#"{"token_logprobs":[]}"#, r#"{"content":[{}]}"#, "7"] {
            assert_eq!(sum(&serde_json::from_str(wrong).unwrap()), None, "{wrong}");
        }
    }
}
