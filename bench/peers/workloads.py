"""The workloads: what each computes, its sizes and batches. Nothing here knows a library."""

from dataclasses import dataclass

import numpy as np

LAYERS = 5
CLIP = (-5.0, 3.0)  # bounds of the log scale of affine layers
BOUND = 3.0  # splines act on [-BOUND, BOUND] and are the identity outside

ALL = (1, 64, 1024, 65536)


@dataclass(frozen=True)
class Work:
    """One workload. `kind` says what a call does:

    push    noise -> (sample, its log density), the explicit direction of an IAF
    score   data -> log density, the explicit direction of a MAF
    sample  noise -> sample of a MAF, its implicit direction
    train   a step of Adam on the mean negative log density of a MAF
    spline  data -> log density of rational-quadratic spline couplings
    elbo    a step of Adam on the ELBO of an IAF guide, with fresh noise
    """

    name: str
    kind: str
    size: int
    hidden: tuple[int, ...]
    batches: tuple[int, ...]
    bins: int = 0


WORKS = {
    w.name: w
    for w in (
        Work("W1", "push", 8, (64,), ALL),
        Work("W2", "push", 64, (512, 512), ALL),
        Work("W3", "score", 64, (512, 512), ALL),
        Work("W3s", "sample", 64, (512, 512), (1, 64, 1024)),
        Work("W4", "train", 64, (512, 512), (256, 1024)),
        Work("W5", "spline", 16, (128, 128), ALL, bins=8),
        Work("W6d2", "elbo", 2, (64,), (64, 1024)),
        Work("W6d10", "elbo", 10, (64,), (64, 1024)),
    )
}
DEFAULT = tuple(WORKS)
QUICK_BATCHES = (1, 1024)


def select(names: str) -> list[Work]:
    """Workloads by their names with commas between; W6 means both of its sizes."""
    found: list[Work] = []
    for name in names.split(","):
        matches = [w for w in WORKS.values() if w.name == name or (name == "W6" and w.kind == "elbo")]
        if not matches:
            raise SystemExit(f"no workload {name}; there are {', '.join(WORKS)}")
        found += matches
    return found


def inputs(work: Work, batch: int) -> np.ndarray:
    """Standard normal noise or data, (batch, size): the same for every library."""
    return np.random.default_rng(1).standard_normal((batch, work.size), dtype=np.float32)
