"""Checks what the peers compute; prints a line for each check and exits non-zero if one fails.

    python check.py        (PYTHON of run.sh's environment; about a minute)

Libraries of PyTorch and of JAX are checked in two processes, and meet in files of weights.
"""

import importlib
import math
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np

import measure
from workloads import WORKS, Work, inputs

SMALL = {
    "push": Work("small", "push", 6, (24, 24), (4,)),
    "score": Work("small", "score", 6, (24, 24), (4,)),
    "sample": Work("small", "sample", 6, (24, 24), (4,)),
    "spline": Work("small", "spline", 6, (24, 24), (4,), bins=8),
}
TRAINED = Work("small", "train", 6, (24, 24), (4,))


def close(a, b, tolerance: float = 1e-4, where: str = ""):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance, err_msg=where)


def run_checks(checks) -> bool:
    good = True
    for check in checks:
        try:
            check()
            print(f"ok      {check.__doc__}", flush=True)
        except ImportError as error:
            print(f"absent  {check.__doc__}: {error}", flush=True)
        except Exception:
            good = False
            print(f"FAILED  {check.__doc__}\n{traceback.format_exc()}", flush=True)
    return good


# --- PyTorch ---------------------------------------------------------------------------------------
def torch_jacobians(function, x):
    """d function / dx of each sample, (batch, out, in)."""
    import torch

    one = torch.func.jacrev(lambda v: function(v[None])[0])
    return torch.stack([one(v) for v in x])


def structure():
    """hand-written torch: each output depends on itself and on variables before it only"""
    import torch

    from torch_flows import Push

    flow = Push(6, (24, 24))
    x = torch.randn(4, 6)
    for layer in flow.layers:
        j = torch_jacobians(lambda v: layer(v)[0], x)[:, layer.order][:, :, layer.order]
        assert j.triu(1).abs().max() == 0, "an output sees a variable that comes after it"
        assert j.tril(-1).abs().max() > 1e-4, "an output sees nothing"


def determinants():
    """hand-written torch: log-determinants against autograd"""
    import torch

    from torch_flows import Push, Score, SplineFlow, base_log_prob

    x = torch.randn(4, 6)
    flow = Push(6, (24, 24))
    y, log_q = flow(x)
    log_det = torch.linalg.slogdet(torch_jacobians(lambda v: flow(v)[0], x))[1]
    close(log_q.detach(), (base_log_prob(x) - log_det).detach())
    for flow in (Score(6, (24, 24)), SplineFlow(6, (24, 24), 8)):
        z, _ = flow.to_noise(x)
        log_det = torch.linalg.slogdet(torch_jacobians(lambda v, f=flow: f.to_noise(v)[0], x))[1]
        close(flow(x).detach(), (base_log_prob(z) + log_det).detach())


def inverses():
    """hand-written torch: sampling inverts scoring, by passes and by the sweep"""
    import torch

    from torch_flows import Sample, Score, Sweep

    for size, hidden in ((6, (24, 24)), (5, (3,)), (64, (128, 128))):
        score, z = Score(size, hidden), torch.randn(7, size)
        for kind in (Sample, Sweep):
            sampler = kind(size, hidden)
            sampler.load_state_dict(score.state_dict())
            with torch.inference_mode():
                close(score.to_noise(sampler(z))[0], z)


def searches():
    """hand-written torch: both searches for the bin give the same spline"""
    import torch

    from torch_flows import spline

    p, x = torch.randn(50, 3, 23), 2 * torch.randn(50, 3)
    for a, b in zip(spline(x, p, 8, True), spline(x, p, 8, False)):
        close(a, b)


def folding():
    """hand-written torch: folded weights and weights that are trained give the same"""
    import torch

    import torch_raw

    x = torch.randn(4, 6)
    values = []
    for work in (SMALL["score"], TRAINED):
        torch.manual_seed(0)
        values.append(torch_raw.make(work)[1](x).detach())
    close(*values)


def pyro_agrees():
    """Pyro equals hand-written torch on W1 and W3, weights and masks the same (export_weights.py)"""
    import export_weights
    from torch_flows import Push, Score

    for kind, work in ((Push, WORKS["W1"]), (Score, WORKS["W3"])):
        import torch

        flow = kind(work.size, work.hidden)
        export_weights.perturb(flow, 5)
        export_weights.outputs(flow, work, torch.randn(64, work.size))


def variants_agree():
    """jit, compile and ONNX Runtime: every variant equals eager torch"""
    import torch

    import torch_raw

    for name in ("torch_jit", "torch_compiled", "ort_flows"):
        library = importlib.import_module(name)
        for work in SMALL.values():
            for batch in (1, 4, 3072):
                if work.kind == "sample" and (batch > 4 or name == "torch_compiled"):
                    continue
                torch.manual_seed(0)
                with torch.inference_mode():
                    expected = torch_raw.make(work)[1](torch.from_numpy(inputs(work, batch)))
                for label, factory in library.variants(work, batch).items():
                    torch.manual_seed(0)
                    where = f"{name}, {work.kind}, batch {batch}, {label}"
                    call = factory()  # it owns the memory that its results may lie in
                    for a, b in zip(measure.arrays(expected), measure.arrays(call()), strict=True):
                        assert a.shape == b.shape, f"{where}: shape {b.shape}, not {a.shape}"
                        close(a, b, where=where)


def libraries_invert():
    """Pyro, zuko, nflows: log densities against autograd's determinants, and their own inverses"""
    import torch

    from torch_flows import base_log_prob

    for name in ("pyro_flows", "zuko_flows", "nflows_flows"):
        library = importlib.import_module(name)
        x = torch.from_numpy(inputs(SMALL["push"], 4))
        torch.manual_seed(0)
        _, push = library.make(SMALL["push"])
        y, log_q = push(x)
        log_det = torch.linalg.slogdet(torch_jacobians(lambda v: push(v)[0], x))[1]
        close(log_q.detach(), (base_log_prob(x) - log_det).detach(), 1e-3)
        torch.manual_seed(0)
        _, score = library.make(SMALL["score"])
        torch.manual_seed(0)
        _, sample = library.make(SMALL["sample"])
        with torch.no_grad():
            y = sample(x)
        log_det = torch.linalg.slogdet(torch_jacobians(lambda v: sample(v), x))[1]
        close(score(y.detach()).detach(), (base_log_prob(x) - log_det).detach(), 1e-3)


def nothing_cached():
    """raw, Pyro, zuko, nflows: every call does a whole dense pass; sampling, one for each variable"""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    import torch_common

    for name in ("torch_raw", "pyro_flows", "zuko_flows", "nflows_flows"):
        library = importlib.import_module(name)
        for work in SMALL.values():
            call = torch_common.inference(library.make(work)[1], torch.from_numpy(inputs(work, 4)))
            outputs = 3 * (3 * work.bins - 1) if work.kind == "spline" else 12
            first = 3 if work.kind == "spline" else 6
            one_pass = 5 * 4 * 2 * (first * 24 + 24 * 24 + 24 * outputs)
            for _ in range(3):
                with FlopCounterMode(display=False) as counter:
                    call()
                flops = counter.get_total_flops()
                if (
                    work.kind == "sample"
                ):  # hand-written: two outputs; nflows and zuko: another pass at the end
                    assert 6 * 5 * 4 * 2 * (6 * 24 + 24 * 24 + 24 * 2) <= flops <= 7 * one_pass, (name, flops)
                else:
                    assert flops == one_pass, f"{name}, {work.kind}: {flops} operations, not {one_pass}"


def steps_learn():
    """all on PyTorch: a step of training lowers the loss, and every way of Adam does it alike"""
    import torch

    for name in ("torch_raw", "torch_jit", "torch_compiled", "pyro_flows", "zuko_flows", "nflows_flows"):
        library = importlib.import_module(name)
        losses = []
        for factory in library.variants(TRAINED, 64).values():
            torch.manual_seed(0)
            call = factory()
            losses.append([float(call().detach()) for _ in range(40)])
            assert losses[-1][-1] < losses[-1][0], f"{name}: the loss rose"
        close(losses[0], losses[1], 1e-3)


# --- JAX -------------------------------------------------------------------------------------------
def jax_equals_torch():
    """jax equals hand-written torch: samples, densities, inverses, splines, losses of training"""
    import jax
    import jax.numpy as jnp

    import jax_flows

    held = np.load(os.environ["PEERS_CHECK_FILE"])

    def layers(kind, count):
        return [
            [
                (jnp.asarray(held[f"{kind}.w{i}.{k}"]), jnp.asarray(held[f"{kind}.b{i}.{k}"]))
                for k in range(count)
            ]
            for i in range(5)
        ]

    x = jnp.asarray(held["x"])
    flow = layers("affine", 3)
    for name in ("push", "score", "sample"):
        given = jax.jit(getattr(jax_flows, name))(flow, x)
        for k, value in enumerate(given if name == "push" else (given,)):
            close(value, held[f"{name}.{k}"])
    close(jax.jit(lambda p, x: jax_flows.spline_score(p, x, 8))(layers("spline", 3), x), held["spline.0"])


def jax_masks():
    """jax has the masks of hand-written torch"""
    import jax_flows

    held = np.load(os.environ["PEERS_CHECK_FILE"])
    for size, hidden in ((8, (64,)), (64, (512, 512))):
        for layer in (0, 1):
            masks = jax_flows.made_masks(size, hidden, jax_flows.layer_order(size, layer))
            for k, mask in enumerate(masks):
                assert np.array_equal(mask, held[f"mask.{size}.{layer}.{k}"].T)


def flowjax_determinants():
    """flowjax: log densities against jax.jacobian, in both directions and for the spline"""
    import jax
    import jax.numpy as jnp
    import paramax

    import flowjax_flows

    half_log_two_pi = 0.5 * math.log(2 * math.pi)
    for kind in ("push", "score", "spline"):
        work = SMALL[kind]
        x = jnp.asarray(inputs(work, 4))
        flow = paramax.unwrap(flowjax_flows.flow(work))
        if kind == "push":
            y, log_q = flowjax_flows.push(flow, x)
            z, points, sign = x, x, -1
            jacobian = jax.vmap(jax.jacobian(flow.bijection.transform))(points)
        else:
            log_q = flowjax_flows.score(flow, x)
            z, sign = jax.vmap(flow.bijection.inverse)(x), 1
            jacobian = jax.vmap(jax.jacobian(flow.bijection.inverse))(x)
        base = -0.5 * (z * z).sum(-1) - z.shape[-1] * half_log_two_pi
        close(log_q, base + sign * jnp.linalg.slogdet(jacobian)[1])
    score = paramax.unwrap(flowjax_flows.flow(SMALL["score"]))
    z = jnp.asarray(inputs(SMALL["sample"], 4))
    close(jax.vmap(score.bijection.inverse)(flowjax_flows.sample(score, z)), z)


def jax_variants_agree():
    """jax and flowjax: every variant gives the same; steps of training lower the loss"""
    import jax

    for name in ("jax_flows", "flowjax_flows"):
        library = importlib.import_module(name)
        for work in SMALL.values():
            for batch in (4, 3072):
                if work.kind == "sample" and batch > 4:
                    continue
                results = [factory()() for factory in library.variants(work, batch).values()]
                assert len(results) > 1
                for other in results[1:]:
                    jax.tree.map(close, results[0], other)
        call = library.variants(TRAINED, 64)["donated"]()
        losses = [float(call()) for _ in range(40)]
        assert losses[-1] < losses[0], f"{name}: the loss rose"


def write_for_jax(path: str):
    """Weights and results of hand-written torch, in the layout of jax_flows."""
    import torch

    import torch_flows
    import torch_raw

    torch.manual_seed(7)
    held: dict = {}
    x = torch.randn(16, 6)
    held["x"] = x
    flow = torch_flows.Push(6, (24, 24))
    for i, layer in enumerate(flow.layers):
        for k in range(3):
            held[f"affine.w{i}.{k}"], held[f"affine.b{i}.{k}"] = (
                getattr(layer, f"w{k}"),
                getattr(layer, f"b{k}"),
            )
    with torch.no_grad():
        for name in ("push", "score", "sample"):
            module = torch_raw.make(SMALL[name])[0]
            module.load_state_dict(flow.state_dict())
            given = module(x)
            for k, value in enumerate(given if name == "push" else (given,)):
                held[f"{name}.{k}"] = value
        splines = torch_raw.make(SMALL["spline"])[0]
        held["spline.0"] = splines(x)
        for i, network in enumerate(splines.networks):
            for k, linear in enumerate(m for m in network if isinstance(m, torch.nn.Linear)):
                held[f"spline.w{i}.{k}"], held[f"spline.b{i}.{k}"] = linear.weight.t(), linear.bias
    for size, hidden in ((8, (64,)), (64, (512, 512))):
        for layer in (0, 1):
            masks = torch_flows.made_masks(size, hidden, torch_flows.layer_order(size, layer))
            for k, mask in enumerate(masks):
                held[f"mask.{size}.{layer}.{k}"] = mask
    np.savez(path, **{name: value.detach().numpy() for name, value in held.items()})


TORCH_CHECKS = (
    structure,
    determinants,
    inverses,
    searches,
    folding,
    pyro_agrees,
    variants_agree,
    libraries_invert,
    nothing_cached,
    steps_learn,
)
JAX_CHECKS = (jax_masks, jax_equals_torch, flowjax_determinants, jax_variants_agree)


def main():
    if sys.argv[1:] == ["jax"]:
        sys.exit(not run_checks(JAX_CHECKS))
    good = run_checks(TORCH_CHECKS)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "torch.npz")
        write_for_jax(path)
        command = [sys.executable, __file__, "jax"]
        code = subprocess.run(command, env=os.environ | {"PEERS_CHECK_FILE": path}, check=False).returncode
    good = good and code == 0
    print("all agree" if good else "something disagrees")
    sys.exit(not good)


if __name__ == "__main__":
    main()
