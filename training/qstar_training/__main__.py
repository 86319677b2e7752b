"""`python -m qstar_training DATA OUT`: learns to write tactics, from the table `policy` of `qstar export`; out comes a folder of
networks for `qstar`. `qstar_training.ranker` and `qstar_training.value` put the other two beside it."""

import argparse
import importlib.util
import sys
from pathlib import Path

import torch

from . import data, export, plot, text
from .model import Policy, Shape
from .process import add_arguments, begin
from .train import fit, policy_loss, say, write_json


def arguments():
    parser = argparse.ArgumentParser(prog="qstar_training", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that `qstar export` wrote (JSON lines)")
    parser.add_argument("out", type=Path, help="the folder of the networks; a killed training goes on there")
    parser.add_argument("--minutes", type=float, default=6, help="at most (default 6)")
    parser.add_argument("--epochs", type=int, default=100, help="at most (default 100)")
    parser.add_argument("--patience", type=int, default=15, help="epochs without a better held-out loss before it ends (default 15)")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--context", type=int, default=320, help="tokens of a prompt with its tactic (default 320)")
    parser.add_argument("--tokens", type=int, default=1500, help="tokens in a batch (default 1500)")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate (default 0.001)")
    parser.add_argument("--least-weight", type=float, default=0.5, help="policy examples that weigh less are left out")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--int8", action="store_true", help="quantise: a quarter of the size")
    add_arguments(parser)
    return parser.parse_args()


def main():
    options = arguments()
    if options.int8 and not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        sys.exit("--int8 wants the packages onnx and onnxruntime: pip install onnx onnxruntime")
    begin(options)
    if not (options.data / "policy.train.jsonl").exists():
        sys.exit(f"{options.data} has no policy.train.jsonl; `qstar export RECORDS --out {options.data}` makes it")
    kept = options.out / "tokenizer.json"
    if not kept.exists():
        texts = [row[field] for row in data.rows(options.data, "policy", "train") for field in ("goal", "tactic")]
        text.train_tokenizer(texts, options.vocab).save(str(kept))
    tokenizer = text.load_tokenizer(options.out)
    examples, held_out = (data.policy_examples(options.data, split, tokenizer, options.context, options.least_weight)
                          for split in ("train", "validation"))
    say(f"policy: {len(examples)} examples, {len(held_out)} held out")
    if not examples:
        sys.exit("there is no step to learn from: search more theorems first")
    policy = Policy(Shape(tokenizer.get_vocab_size(), options.width, options.layers, options.heads, options.context))
    parameters = sum(p.numel() for p in policy.parameters())
    say(f"policy: {parameters:,} parameters; {options.device}")
    curves = {"policy": fit("policy", policy, examples, held_out, policy_loss, options.out, options)}
    write_json(options.out / "curves.json", curves)
    plot.losses(curves, options.out / "losses.png")
    export.write_folder(policy, tokenizer, options.out, {"policy_parameters": parameters, "policy_examples": len(examples)}, options.int8)


main()
