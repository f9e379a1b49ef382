"""Pyro: AffineAutoregressive (stable=False) with AutoRegressiveNN; SplineCoupling of order "quadratic"."""

import pyro
import pyro.distributions as dist
import pyro.distributions.transforms as T
import torch
from pyro.nn import AutoRegressiveNN, DenseNN
from torch import nn

import torch_common
from torch_flows import layer_order
from workloads import BOUND, LAYERS, Work

pyro.enable_validation(False)


def versions() -> dict[str, str]:
    return {"pyro-ppl": pyro.__version__, "torch": torch.__version__}


def base(size: int):
    return dist.Normal(torch.zeros(size), torch.ones(size)).to_event(1)


def autoregressive(work: Work) -> nn.ModuleList:
    """Layers of alternating order: the network takes the order, so no Permute is needed between them."""
    return nn.ModuleList(
        T.AffineAutoregressive(
            AutoRegressiveNN(work.size, list(work.hidden), permutation=layer_order(work.size, i))
        )
        for i in range(LAYERS)
    )


def make(work: Work):
    if work.kind == "spline":
        return spline(work)
    layers = autoregressive(work)
    if work.kind in ("push", "elbo"):
        return layers, lambda z: push(layers, base(work.size), z)
    transforms = [layer.inv for layer in layers]
    if work.kind == "sample":
        return layers, lambda z: sample(transforms, z)
    return layers, dist.TransformedDistribution(base(work.size), transforms).log_prob


def push(layers, noise, z):
    log_q = noise.log_prob(z)
    for layer in layers:
        y = layer(z)
        log_q = log_q - layer.log_abs_det_jacobian(z, y)
        z = y
    return z, log_q


def sample(transforms, z):
    for transform in transforms:
        z = transform(z)
    return z


def spline(work: Work):
    half = work.size // 2
    outputs = [(work.size - half) * n for n in (work.bins, work.bins, work.bins - 1)]
    flip = torch.arange(work.size).flip(0)
    transforms: list = []
    for i in range(LAYERS):
        network = DenseNN(half, list(work.hidden), outputs)
        transforms.append(
            T.SplineCoupling(
                work.size,
                half,
                network,
                count_bins=work.bins,
                bound=BOUND,
                order="quadratic",
                identity=True,
            )
        )
        if i + 1 < LAYERS:
            transforms.append(T.Permute(flip))
    modules = nn.ModuleList(t for t in transforms if isinstance(t, nn.Module))
    return modules, dist.TransformedDistribution(base(work.size), transforms).log_prob


def variants(work: Work, batch: int):
    return torch_common.variants(make, work, batch)
