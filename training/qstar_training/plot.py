"""The loss curves as a picture."""

from .train import say


def losses(curves, path):
    try:
        import matplotlib
    except ImportError:
        say("no picture of the losses: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, places = pyplot.subplots(1, len(curves), figsize=(5 * len(curves), 3.5), squeeze=False)
    for place, (name, curve) in zip(places[0], curves.items()):
        epochs = [point["epoch"] for point in curve]
        for part in ("train", "validation"):
            place.plot(epochs, [point[part] for point in curve], label=part, marker="o", markersize=3)
        place.set_title(name)
        place.set_xlabel("epoch")
        place.set_ylabel("loss")
        place.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
