"""What libraries on PyTorch share: calls without gradients, steps of training, chunks of large batches."""

import os
from collections.abc import Callable

import torch
from torch import Tensor, nn

from workloads import Work, inputs

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
torch.distributions.Distribution.set_default_validate_args(False)

CHUNK = 1024
Function = Callable[[Tensor], object]


def inference(function: Function, x: Tensor) -> Callable[[], object]:
    """A call without gradients. It gets a new tensor object each time: Pyro and torch.distributions keep
    results by the identity of their argument."""

    def call():
        with torch.inference_mode():
            return function(x.detach())

    return call


def example(work: Work, batch: int) -> Tensor:
    return torch.from_numpy(inputs(work, batch))


def in_chunks(function: Function) -> Function:
    """The batch in parts whose activations stay near the core."""

    def chunked(x: Tensor):
        parts = [function(part) for part in x.split(CHUNK)]
        return torch.cat(parts) if torch.is_tensor(parts[0]) else tuple(map(torch.cat, zip(*parts)))

    return chunked


def target_energy(x: Tensor) -> Tensor:
    """Rezende and Mohamed's first two-dimensional energy; a unit Gaussian in the other variables."""
    a, b = x[..., 0], x[..., 1]
    ring = 0.5 * ((torch.sqrt(a * a + b * b) - 2) / 0.4) ** 2
    sides = torch.logaddexp(-0.5 * ((a - 2) / 0.6) ** 2, -0.5 * ((a + 2) / 0.6) ** 2)
    return ring - sides + 0.5 * (x[..., 2:] ** 2).sum(-1)


def step(module: nn.Module, function: Function, work: Work, batch: int, **adam) -> Callable[[], object]:
    """A step of Adam; its loss is returned."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-4, **adam)
    data = example(work, batch)

    def loss() -> Tensor:
        if work.kind == "train":
            return -function(data.detach()).mean()
        sample, log_q = function(torch.randn(batch, work.size))
        return (log_q + target_energy(sample)).mean()

    def call():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        return value

    return call


def seeded(factory: Callable) -> Callable:
    """Every variant of a row gets the same weights."""

    def build():
        torch.manual_seed(0)
        return factory()

    return build


def variants(make: Callable[[Work], tuple[nn.Module, Function]], work: Work, batch: int):
    """The ways to run what `make` gives, a module and its function, of which the fastest counts."""
    if work.kind in ("train", "elbo"):
        return {
            "foreach": seeded(lambda: step(*make(work), work, batch, foreach=True)),
            "fused": seeded(lambda: step(*make(work), work, batch, fused=True)),
        }
    x = example(work, batch)
    ways = {"whole": seeded(lambda: inference(make(work)[1], x))}
    if batch > 2 * CHUNK:
        ways["chunks"] = seeded(lambda: inference(in_chunks(make(work)[1]), x))
    return ways
