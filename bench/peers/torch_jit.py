"""The hand-written flows as TorchScript: traced, and frozen for inference."""

import warnings

import torch

import torch_common
import torch_raw
from torch_flows import Sweep
from workloads import Work

versions = torch_raw.versions
warnings.filterwarnings("ignore", message=".*torch.jit.*")  # deprecated, and still here


def script(module, x, optimised: bool = False):
    with torch.no_grad():
        traced = torch.jit.trace(module.eval(), x, check_trace=False)
        frozen = torch.jit.freeze(traced)
        return torch.jit.optimize_for_inference(frozen) if optimised else frozen


def variants(work: Work, batch: int):
    x = torch_common.example(work, batch)
    if work.kind in ("train", "elbo"):

        def make(work: Work):
            module, _ = torch_raw.make(work)
            return module, torch.jit.trace(module, x, check_trace=False)

        return torch_common.variants(make, work, batch)

    part = x[: torch_common.CHUNK]
    modules = {"frozen": lambda: torch_raw.make(work)[0]}
    if work.kind == "sample":
        modules = {
            "passes": modules["frozen"],
            "sweep": lambda: Sweep(work.size, work.hidden),
        }
    ways = {}
    for name, make in modules.items():
        for optimised in (False, True):
            label = name + (", optimize_for_inference" if optimised else "")

            def whole(make=make, optimised=optimised):
                return torch_common.inference(script(make(), x, optimised), x)

            def chunks(make=make, optimised=optimised):
                return torch_common.inference(torch_common.in_chunks(script(make(), part, optimised)), x)

            ways[label] = torch_common.seeded(chunks if batch > 2 * torch_common.CHUNK else whole)
    return ways
