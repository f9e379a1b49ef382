"""The hand-written flows through torch.compile. It needs a C++ compiler."""

import warnings
from functools import partial

import torch
import torch._inductor.config as inductor
from torch._inductor import aoti_compile_and_package, aoti_load_package

import torch_common
import torch_raw
from workloads import Work

versions = torch_raw.versions
torch._dynamo.config.recompile_limit = 64
inductor.autotune_num_choices_displayed = 0  # quiet

OPTIONS = {
    "default": {},
    "max-autotune, freezing, wrapper in C++": {"max_autotune": True, "freezing": True, "cpp_wrapper": True},
}


SLOW = ("max-autotune, freezing, wrapper in C++", "ahead of time")  # to build; left out of quick runs


def compiled(module, options: dict):
    """A shape of its own for each batch, nothing dynamic. Freezing makes constants of the weights."""
    inductor.freezing = options.get("freezing", False)
    rest = {k: v for k, v in options.items() if k != "freezing"}
    return torch.compile(module.eval(), dynamic=False, fullgraph=True, options=rest)


def ahead_of_time(module, x):
    """Exported and compiled into a library: a call passes no guards of Python. It takes long to build, so
    only single events, where it tells, get it."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module.eval(), (x,))
        options = {"freezing": True, "max_autotune": True}
        loaded = aoti_load_package(aoti_compile_and_package(program, inductor_configs=options))
    return torch_common.inference(loaded, x)


def variants(work: Work, batch: int):
    if work.kind in ("train", "elbo"):

        def make(work: Work):
            module, _ = torch_raw.make(work)
            inductor.freezing = False
            return module, torch.compile(module, dynamic=False)

        return torch_common.variants(make, work, batch)

    if work.kind == "sample":
        raise NotImplementedError("not compiled: the unrolled steps of a sample take more than four minutes")
    x = torch_common.example(work, batch)

    def call(options: dict):
        torch._dynamo.reset()
        function = compiled(torch_raw.make(work)[0], options)
        if batch > 2 * torch_common.CHUNK:
            function = torch_common.in_chunks(function)
        return torch_common.inference(function, x)

    ways = {name: torch_common.seeded(partial(call, options)) for name, options in OPTIONS.items()}
    if batch == 1:
        ways["ahead of time"] = torch_common.seeded(lambda: ahead_of_time(torch_raw.make(work)[0], x))
    return ways
