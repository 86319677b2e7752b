"""The process of a training: what all of them are told, and how they begin."""

import os
import threading

import torch


def add_arguments(parser):
    """What every training takes beside its own."""
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: all")
    parser.add_argument("--tied", action="store_true", help="end when standard input is closed: when who started this has gone")


def begin(options):
    """The first thing that a training does."""
    if options.tied:
        end_with_parent()
    torch.set_num_threads(options.threads or os.cpu_count() or 1)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)


def end_with_parent():
    """Waits for the end of standard input on a thread; checkpoints are whole at any moment."""
    def wait():
        # Not through `sys.stdin`: its lock, held here for ever, would be in the way of an orderly end.
        while os.read(0, 64):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
