"""The same decoding with Python's onnxruntime, for `cargo bench --bench inference`: greedy, with a cache of keys and values.

    python bench_inference.py MODEL TOKENS THREADS PROMPTS.json BATCH...

PROMPTS.json: a list of lists of tokens. Prints a JSON line {"batch", "seconds"} for each batch size, the best of three.
    python bench_inference.py --quantise FULL.onnx INT8.onnx
"""

import json
import sys
import time

import numpy as np


def decode(session, prompts, tokens, caches):
    longest = max(map(len, prompts))
    ids = np.zeros((len(prompts), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt):] = prompt
        mask[row, longest - len(prompt):] = 1
    positions = np.maximum(mask.cumsum(1) - 1, 0)
    past = {name: np.zeros((len(prompts), shape[1], 0, shape[3]), np.float32) for name, shape in caches.items()}
    outputs = ["logits", *(name.replace("past_key_values", "present") for name in past)]
    written = []
    for step in range(tokens):
        logits, *present = session.run(outputs, {"input_ids": ids, "attention_mask": mask, "position_ids": positions, **past})
        ids = logits[:, -1].argmax(-1)[:, None]
        written.append(ids)
        positions = mask.sum(1, keepdims=True)
        mask = np.concatenate([mask, np.ones((len(prompts), 1), np.int64)], 1)
        past = dict(zip(past, present))
    return np.concatenate(written, 1)


def main():
    if sys.argv[1] == "--quantise":
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(sys.argv[2], sys.argv[3], weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm"])
        return
    import onnxruntime

    model, tokens, threads, prompts, *batches = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(model, options)
    caches = {i.name: i.shape for i in session.get_inputs() if i.name.startswith("past_key_values")}
    with open(prompts) as file:
        goals = json.load(file)
    for batch in map(int, batches):
        rows = [goals[i % len(goals)] for i in range(batch)]
        decode(session, rows, int(tokens), caches)
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            written = decode(session, rows, int(tokens), caches)
            best = min(best, time.perf_counter() - start)
        print(json.dumps({"batch": batch, "seconds": best, "first": written[0].tolist()}), flush=True)


main()
