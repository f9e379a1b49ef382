"""Exports W1 and W3 with inputs and expected outputs, so that another implementation can be compared.

    python export_weights.py FOLDER       writes FOLDER/w1.safetensors and FOLDER/w3.safetensors

| array | shape | what |
|---|---|---|
| layers.i.weight.l, .bias.l, .mask.l | (out, in), (out), (out, in) | network of layer i; weights unmasked |
| layers.i.permutation | (D) int64 | element k is the variable that comes k-th |
| z, y | (batch, D) | noise and the sample or data that belongs to it |
| log_q | (batch) | log density of y |

Layers are numbered from the noise to the data. Each is Pyro's AffineAutoregressive: u -> exp(s(u)) u + m(u),
s clamped to [-5, 3], outputs of the network: means of all variables, then log scales. W1 applies them to z,
layer 0 first (an IAF), and y is the result. W3 is a MAF: y is given, scoring applies layer 4 to y, then 3,
and so on, and gives z.

Weights and inputs are float32; outputs are computed from them in float64 by the hand-written flows and by
Pyro, compared, and rounded to float32. Random weights are perturbed: nothing is at its initial value.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

import pyro_flows
from torch_flows import AutoregressiveFlow, Push, Score, base_log_prob
from workloads import WORKS, Work

BATCH = 256


def perturb(flow: AutoregressiveFlow, seed: int):
    """Other weights and biases than a fresh flow has; log scales stay moderate."""
    generator = torch.Generator().manual_seed(seed)
    for layer in flow.layers:
        last = len(layer.masks) - 1
        for k, (w, b, m) in enumerate(zip(layer.weights, layer.biases, layer.masks)):
            fan_in = m.sum(-1, keepdim=True).clamp(min=1)
            gain = 0.3 if k == last else 1.4
            w.copy_(gain * torch.randn(w.shape, generator=generator) / fan_in.sqrt())
            b.copy_(0.1 * torch.randn(b.shape, generator=generator))
        layer.install()


def pyro_layers(flow: AutoregressiveFlow, work: Work):
    """The same layers in Pyro. Its masks are its own: they must be ours."""
    layers = pyro_flows.autoregressive(work)
    for ours, theirs in zip(flow.layers, layers):
        assert torch.equal(theirs.arn.permutation, ours.order)
        for k, linear in enumerate(theirs.arn.layers):
            assert torch.equal(linear.mask.float(), ours.masks[k]), "Pyro's masks are other ones"
            linear.weight.data.copy_(ours.weights[k])
            linear.bias.data.copy_(ours.biases[k])
    return layers


@torch.no_grad()
def outputs(flow: AutoregressiveFlow, work: Work, given: torch.Tensor):
    """z, y and log_q in float64, from the hand-written flow and from Pyro; both must agree."""
    theirs = pyro_layers(flow, work).double()
    flow = flow.double()
    given = given.double()
    noise = pyro_flows.base(work.size).expand([])
    if work.kind == "push":
        z, (y, log_q) = given, flow(given)
        other, other_log_q = pyro_flows.push(theirs, noise, given)
        pair = (y, other)
    else:
        y, (z, log_det) = given, flow.to_noise(given)
        log_q = log_det + base_log_prob(z)
        other, total = given, 0.0
        for layer in reversed(theirs):
            moved = layer(other)
            total = total + layer.log_abs_det_jacobian(other, moved)
            other = moved
        other_log_q = total + noise.log_prob(other)
        pair = (z, other)
    for a, b in (pair, (log_q, other_log_q)):
        torch.testing.assert_close(a, b.double(), rtol=1e-9, atol=1e-9)
    return z, y, log_q


def export(work: Work, path: Path, seed: int):
    flow = (Push if work.kind == "push" else Score)(work.size, work.hidden)
    perturb(flow, seed)
    arrays: dict[str, torch.Tensor] = {}
    for i, layer in enumerate(flow.layers):
        arrays[f"layers.{i}.permutation"] = layer.order.clone()
        for kind in ("weight", "bias", "mask"):
            for k, value in enumerate(getattr(layer, "biases" if kind == "bias" else kind + "s")):
                arrays[f"layers.{i}.{kind}.{k}"] = value.clone()
    given = torch.randn(BATCH, work.size, generator=torch.Generator().manual_seed(seed + 1))
    for name, value in zip(("z", "y", "log_q"), outputs(flow, work, given)):
        arrays[name] = value.float().contiguous()
    if not all(torch.isfinite(v).all() for v in arrays.values()):
        raise SystemExit(f"{work.name}: not all numbers are finite")
    save_file(
        arrays, path, metadata={"work": work.name, "definition": "Pyro AffineAutoregressive, clip (-5, 3)"}
    )
    z, y = (arrays[name].abs().max() for name in ("z", "y"))
    print(f"{path}: {len(arrays)} arrays, |z| <= {z:.3g}, |y| <= {y:.3g}")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    export(WORKS["W1"], folder / "w1.safetensors", 1)
    export(WORKS["W3"], folder / "w3.safetensors", 3)


if __name__ == "__main__":
    main()
