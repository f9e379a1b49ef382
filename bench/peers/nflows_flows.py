"""nflows: MaskedAffineAutoregressiveTransform (its scale is a softplus); rational-quadratic coupling."""

from importlib.metadata import version

import torch
from nflows.distributions.normal import StandardNormal
from nflows.flows.base import Flow
from nflows.transforms.autoregressive import MaskedAffineAutoregressiveTransform
from nflows.transforms.base import CompositeTransform
from nflows.transforms.coupling import PiecewiseRationalQuadraticCouplingTransform
from nflows.transforms.permutations import ReversePermutation
from torch import nn

import torch_common
from workloads import BOUND, LAYERS, Work


def versions() -> dict[str, str]:
    return {"nflows": version("nflows"), "torch": torch.__version__}


def make(work: Work):
    if work.kind == "spline":
        flow = spline(work)
        return flow, flow.log_prob
    flow = autoregressive(work)
    if work.kind in ("push", "elbo"):
        return flow, lambda z: push(flow, z)
    if work.kind == "sample":
        return flow, lambda z: flow._transform.inverse(z)[0]
    return flow, flow.log_prob


def push(flow: Flow, z):
    x, log_det = flow._transform(z)
    return x, flow._distribution.log_prob(z) - log_det


def autoregressive(work: Work) -> Flow:
    """Its network has equal widths, and one hidden layer before the first of its blocks."""
    assert len(set(work.hidden)) == 1
    transforms: list = []
    for i in range(LAYERS):
        transforms.append(
            MaskedAffineAutoregressiveTransform(
                work.size, work.hidden[0], num_blocks=len(work.hidden) - 1, use_residual_blocks=False
            )
        )
        if i + 1 < LAYERS:
            transforms.append(ReversePermutation(work.size))
    return Flow(CompositeTransform(transforms), StandardNormal([work.size]))


class Dense(nn.Module):
    """A plain network in the place of nflows' residual ones, for the same work as in the other libraries."""

    def __init__(self, n_in: int, n_out: int, hidden: tuple[int, ...]):
        super().__init__()
        widths = (n_in, *hidden)
        parts: list[nn.Module] = []
        for a, b in zip(widths, widths[1:]):
            parts += [nn.Linear(a, b), nn.ReLU()]
        self.net = nn.Sequential(*parts, nn.Linear(widths[-1], n_out))

    def forward(self, x, context=None):
        return self.net(x)


def spline(work: Work) -> Flow:
    first = (torch.arange(work.size) < work.size // 2).long()
    transforms = [
        PiecewiseRationalQuadraticCouplingTransform(
            first if i % 2 else 1 - first,  # 1: transformed
            lambda n_in, n_out: Dense(n_in, n_out, work.hidden),
            num_bins=work.bins,
            tails="linear",
            tail_bound=BOUND,
        )
        for i in range(LAYERS)
    ]
    return Flow(CompositeTransform(transforms), StandardNormal([work.size]))


def variants(work: Work, batch: int):
    return torch_common.variants(make, work, batch)
