"""zuko: MAF (its scale is softly clipped, within a factor of 1000); coupling with MonotonicRQSTransform."""

from functools import partial

import torch
import zuko
from zuko.distributions import DiagNormal
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.lazy import Flow, UnconditionalDistribution
from zuko.transforms import MonotonicRQSTransform

import torch_common
from workloads import BOUND, LAYERS, Work


def versions() -> dict[str, str]:
    return {"zuko": zuko.__version__, "torch": torch.__version__}


def make(work: Work):
    if work.kind == "spline":
        return spline(work)
    flow = zuko.flows.MAF(work.size, transforms=LAYERS, hidden_features=list(work.hidden))
    if work.kind in ("push", "elbo"):  # read from noise to data, its explicit direction is an IAF's
        return flow, lambda z: push(flow(), z)
    if work.kind == "sample":
        return flow, lambda z: flow().transform.inv(z)
    return flow, lambda x: flow().log_prob(x)


def push(distribution, z):
    x, log_det = distribution.transform.call_and_ladj(z)
    return x, distribution.base.log_prob(z) - log_det


def spline(work: Work):
    first = torch.arange(work.size) < work.size // 2
    transforms = [
        GeneralCouplingTransform(
            work.size,
            mask=~first if i % 2 else first,
            univariate=partial(MonotonicRQSTransform, bound=BOUND),
            shapes=[(work.bins,), (work.bins,), (work.bins - 1,)],
            hidden_features=list(work.hidden),
        )
        for i in range(LAYERS)
    ]
    zeros, ones = torch.zeros(work.size), torch.ones(work.size)
    flow = Flow(transforms, UnconditionalDistribution(DiagNormal, loc=zeros, scale=ones, buffer=True))
    return flow, lambda x: flow().log_prob(x)


def variants(work: Work, batch: int):
    return torch_common.variants(make, work, batch)
