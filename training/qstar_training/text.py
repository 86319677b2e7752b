"""Goals and tactics as tokens: the prompt, and a byte-level BPE tokenizer."""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

# `<pad>` fills batches, `<goal>` begins a prompt, `<tactic>` ends it, `<end>` ends a tactic.
SPECIAL = ["<pad>", "<goal>", "<tactic>", "<end>"]
PAD, GOAL, TACTIC, END = range(4)
# What `qstar` puts around a goal; written into the model's folder, so that both sides say the same.
PROMPT = "<goal>{goal}<tactic>"


def train_tokenizer(texts, size):
    """A byte-level BPE over `texts`; any text can be written with it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load_tokenizer(folder: Path):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def prompt_ids(tokenizer, goal, most):
    """Tokens of a goal's prompt, at most `most`: the oldest hypotheses are cut first, as `qstar` does."""
    lines = goal.split("\n")
    while True:
        ids = [GOAL, *tokenizer.encode("\n".join(lines), add_special_tokens=False).ids, TACTIC]
        if len(ids) <= most:
            return ids
        if lines[0].startswith("⊢"):
            return [GOAL, *ids[-(most - 1):]]
        # A hypothesis may go on in indented lines.
        del lines[0]
        while lines[0].startswith((" ", "\t")):
            del lines[0]
