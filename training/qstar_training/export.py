"""Networks as ONNX, in the layout of Hugging Face's exports, with figures to check them by."""

import inspect

import torch

from .model import positions
from .text import END, GOAL, PAD, PROMPT
from .train import say, write, write_json

OPSET = 17


class Cached(torch.nn.Module):
    """The policy with its cache as a flat list, as ONNX wants it."""

    def __init__(self, policy):
        super().__init__()
        self.policy = policy

    def forward(self, input_ids, attention_mask, position_ids, *flat):
        past = [(flat[2 * i], flat[2 * i + 1]) for i in range(len(flat) // 2)]
        logits, present = self.policy(input_ids, attention_mask, position_ids, past)
        return (logits, *(tensor for pair in present for tensor in pair))


def to_onnx(module, inputs, path, **names):
    """Writes a module of the CPU. From PyTorch 2.9 on another exporter is the default, which wants its axes told otherwise."""
    traced = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(module, inputs, str(path), opset_version=OPSET, do_constant_folding=True, **names, **traced)


def export_policy(policy, folder):
    shape = policy.shape
    cache = [torch.zeros(2, shape.heads, 3, shape.width // shape.heads) for _ in range(2 * shape.layers)]
    ids = torch.tensor([[GOAL, 7, 8], [GOAL, 9, 10]])
    mask = torch.ones(2, 6, dtype=torch.long)
    places = torch.tensor([[3, 4, 5], [3, 4, 5]])
    old = [f"past_key_values.{i}.{kind}" for i in range(shape.layers) for kind in ("key", "value")]
    new = [f"present.{i}.{kind}" for i in range(shape.layers) for kind in ("key", "value")]
    axes = {name: {0: "batch", 1: "new"} for name in ("input_ids", "position_ids", "logits")}
    axes["attention_mask"] = {0: "batch", 1: "all"}
    axes.update({name: {0: "batch", 2: "old"} for name in old})
    axes.update({name: {0: "batch", 2: "all"} for name in new})
    write(folder / "model.onnx", lambda path: to_onnx(
        Cached(policy), (ids, mask, places, *cache), path, input_names=["input_ids", "attention_mask", "position_ids", *old],
        output_names=["logits", *new], dynamic_axes=axes))


def quantise(folder):
    """Weights of matrix products as 8-bit integers, activations by need; the fp32 file stays beside as `model.fp32.onnx`."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    full, small = folder / "model.fp32.onnx", folder / "model.onnx"
    small.replace(full)
    write(small, lambda path: quantize_dynamic(str(full), str(path), weight_type=QuantType.QInt8, per_channel=True,
                                               op_types_to_quantize=["MatMul", "Gemm"]))


def write_folder(policy, tokenizer, folder, about, int8):
    """All that `qstar` needs to run the policy, and `parity.json`: what PyTorch computes for a few prompts."""
    shape = policy.shape
    export_policy(policy, folder)
    if int8:
        quantise(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "config.json", {
        "architectures": ["QstarPolicy"], "model_type": "qstar", "vocab_size": shape.vocab, "hidden_size": shape.width,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.heads,
        "head_dim": shape.width // shape.heads, "max_position_embeddings": shape.context, "eos_token_id": END, "pad_token_id": PAD})
    write_json(folder / "generation_config.json", {"eos_token_id": END, "pad_token_id": PAD})
    write_json(folder / "qstar.json", {"prompt": PROMPT, "about": about})
    prompts = ["⊢ 1 + 1 = 2", "n : Nat\nh : n > 0\n⊢ n ≠ 0", "p q : Prop\nh : p ∧ q\n⊢ q ∧ p"]
    cases = []
    # The exporter puts its wrappers, and all inside, back to training.
    policy.eval()
    with torch.no_grad():
        for goal in prompts:
            ids = tokenizer.encode(PROMPT.replace("{goal}", goal), add_special_tokens=False).ids
            one = torch.tensor([ids])
            mask = torch.ones_like(one)
            logits, _ = policy(one, mask, positions(mask))
            cases.append({"goal": goal, "ids": ids, "logits": [round(x, 5) for x in logits[0, -1].tolist()]})
    write_json(folder / "parity.json", {"cases": cases})
    say(f"networks are in {folder}")
