"""`python -m qstar_training DATA OUT`: tables of `qstar export` in, a folder of networks for `qstar` out."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

import torch

from . import data, export, plot, text
from .model import Policy, Shape, Value
from .process import end_with_parent
from .train import calibrate, fit, policy_loss, say, value_loss, write_json


def arguments():
    parser = argparse.ArgumentParser(prog="qstar_training", description=__doc__)
    parser.add_argument("data", type=Path, help="the folder that `qstar export` wrote (JSON lines)")
    parser.add_argument("out", type=Path, help="the folder of the networks; a killed training goes on there")
    parser.add_argument("--minutes", type=float, default=6, help="for the policy; the value gets a third (default 6)")
    parser.add_argument("--epochs", type=int, default=100, help="at most (default 100)")
    parser.add_argument("--patience", type=int, default=15, help="epochs without a better held-out loss before it ends (default 15)")
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--context", type=int, default=320, help="tokens of a prompt with its tactic (default 320)")
    parser.add_argument("--value-layers", type=int, default=2)
    parser.add_argument("--value-width", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=1500, help="tokens in a batch (default 1500)")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate (default 0.001)")
    parser.add_argument("--least-weight", type=float, default=0.5, help="policy examples that weigh less are left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: all")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--int8", action="store_true", help="quantise: a quarter of the size")
    parser.add_argument("--tied", action="store_true", help="end when standard input is closed: when who started this has gone")
    return parser.parse_args()


def main():
    options = arguments()
    if options.tied:
        end_with_parent()
    if options.int8 and not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        sys.exit("--int8 wants the packages onnx and onnxruntime: pip install onnx onnxruntime")
    torch.set_num_threads(options.threads or os.cpu_count() or 1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    if not (options.data / "policy.train.jsonl").exists():
        sys.exit(f"{options.data} has no policy.train.jsonl; `qstar export RECORDS --out {options.data}` makes it")
    kept = options.out / "tokenizer.json"
    if not kept.exists():
        goals = [row["goal"] for row in data.rows(options.data, "value", "train")]
        steps = [row[field] for row in data.rows(options.data, "policy", "train") for field in ("goal", "tactic")]
        text.train_tokenizer(goals + steps, options.vocab).save(str(kept))
    tokenizer = text.load_tokenizer(options.out)
    policy_data = {s: data.policy_examples(options.data, s, tokenizer, options.context, options.least_weight) for s in ("train", "validation")}
    value_data = {s: data.value_examples(options.data, s, tokenizer, options.context) for s in ("train", "validation")}
    for name, sets in (("policy", policy_data), ("value", value_data)):
        say(f"{name}: {len(sets['train'])} examples, {len(sets['validation'])} held out")
        if not sets["train"]:
            sys.exit(f"there is no {name} example to learn from: search more theorems first")
    vocab = tokenizer.get_vocab_size()
    policy = Policy(Shape(vocab, options.width, options.layers, options.heads, options.context))
    value = Value(Shape(vocab, options.value_width, options.value_layers, options.value_width // 32, options.context))
    say(f"policy: {count(policy):,} parameters; value: {count(value):,}; {options.device}")
    curves = {"policy": fit("policy", policy, policy_data["train"], policy_data["validation"], policy_loss, options.out, options)}
    options.minutes /= 3
    curves["value"] = fit("value", value, value_data["train"], value_data["validation"], value_loss, options.out, options)
    calibrate(value, value_data["validation"], options.device, options.tokens)
    write_json(options.out / "curves.json", curves)
    plot.losses(curves, options.out / "losses.png")
    about = {"policy_parameters": count(policy), "value_parameters": count(value), "policy_examples": len(policy_data["train"]),
             "value_examples": len(value_data["train"])}
    export.write_folder(policy, value, tokenizer, options.out, about, options.int8)


def count(model):
    return sum(p.numel() for p in model.parameters())


main()
