"""The hand-written flows as they are: PyTorch's eager mode."""

import torch

import torch_common
from torch_flows import Push, Sample, Score, SplineFlow, Sweep
from workloads import Work


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}


def make(work: Work, **options):
    """The module of a workload, twice: it is its own function."""
    if work.kind == "spline":
        module = SplineFlow(work.size, work.hidden, work.bins, **options)
    elif work.kind == "sample":
        module = Sample(work.size, work.hidden)
    else:
        kind = Push if work.kind in ("push", "elbo") else Score
        module = kind(work.size, work.hidden, trainable=work.kind in ("train", "elbo"))
    return module, module


def variants(work: Work, batch: int):
    ways = torch_common.variants(make, work, batch)
    x = torch_common.example(work, batch)
    if work.kind == "spline":
        ways["comparisons"] = torch_common.seeded(
            lambda: torch_common.inference(make(work, sorted_search=False)[1], x)
        )
    if work.kind == "sample":
        ways = {"passes": ways["whole"]}
        ways["sweep"] = torch_common.seeded(lambda: torch_common.inference(Sweep(work.size, work.hidden), x))
    return ways
