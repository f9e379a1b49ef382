"""Flows written by hand in PyTorch: what a careful user gets without a flow library.

For inference masks are folded into dense, transposed weights and orders into the masks. The parametrisation
is that of Pyro's AffineAutoregressive: y = exp(s) x + m with s clamped to [-5, 3]. Layer 0 is next to the
noise, and layers alternate between ascending and descending order.
"""

import math

import torch
from torch import Tensor, nn

from workloads import BOUND, CLIP, LAYERS

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def layer_order(size: int, layer: int) -> Tensor:
    """Element i is the variable that comes i-th in this layer."""
    ascending = torch.arange(size)
    return ascending.flip(0) if layer % 2 else ascending


def made_masks(size: int, hidden: tuple[int, ...], order: Tensor) -> list[Tensor]:
    """Masks (out, in) of a masked network with Pyro's degrees. Outputs: all means, then all log scales."""
    variables = torch.empty(size)
    variables[order] = torch.arange(1, size + 1, dtype=variables.dtype)
    degrees = [variables] + [torch.linspace(1, size - 1, h).round() for h in hidden]
    masks = [(b[:, None] >= a[None, :]).float() for a, b in zip(degrees, degrees[1:])]
    return masks + [(variables.repeat(2)[:, None] > degrees[-1][None, :]).float()]


class Autoregressive(nn.Module):
    """An affine autoregressive layer, x -> exp(s(x)) x + m(x), with its log-determinant."""

    def __init__(self, size: int, hidden: tuple[int, ...], layer: int, trainable: bool = False):
        super().__init__()
        self.order = layer_order(size, layer)
        self.trainable = trainable
        self.weights: list[Tensor] = []  # (out, in), unmasked
        self.biases: list[Tensor] = []
        self.masks = made_masks(size, hidden, self.order)
        widths = (size, *hidden, 2 * size)
        for n_in, n_out in zip(widths, widths[1:]):
            linear = nn.Linear(n_in, n_out)
            self.weights.append(linear.weight.detach())
            self.biases.append(linear.bias.detach())
        self.install()

    def install(self):
        """Makes of weights, biases and masks what the calls use; to be called after a change."""
        for i, (w, b, m) in enumerate(zip(self.weights, self.biases, self.masks)):
            if self.trainable:
                self.register_parameter(f"w{i}", nn.Parameter(w * m))
                self.register_parameter(f"b{i}", nn.Parameter(b.clone()))
                self.register_buffer(f"m{i}", m)
            else:
                self.register_buffer(f"w{i}", (w * m).t().contiguous())
                self.register_buffer(f"b{i}", b.clone())

    def network(self, x: Tensor) -> tuple[Tensor, Tensor]:
        last = len(self.masks) - 1
        for i in range(last + 1):
            w, b = getattr(self, f"w{i}"), getattr(self, f"b{i}")
            if self.trainable:
                x = nn.functional.linear(x, w * getattr(self, f"m{i}"), b)
            else:
                x = torch.addmm(b, x, w)
            if i < last:
                x = x.relu() if self.trainable else x.relu_()
        mean, log_scale = x.chunk(2, -1)
        return mean, log_scale.clamp(*CLIP)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_scale = self.network(x)
        return torch.addcmul(mean, x, log_scale.exp()), log_scale.sum(-1)


def base_log_prob(z: Tensor) -> Tensor:
    return -0.5 * (z * z).sum(-1) - z.shape[-1] * HALF_LOG_TWO_PI


class AutoregressiveFlow(nn.Module):
    """The layers, read as an IAF (`Push`) or as a MAF (`Score`, `Sample`)."""

    def __init__(self, size: int, hidden: tuple[int, ...], trainable: bool = False):
        super().__init__()
        self.layers = nn.ModuleList(Autoregressive(size, hidden, i, trainable) for i in range(LAYERS))


class Push(AutoregressiveFlow):
    """IAF: noise -> (sample, log density of the sample)."""

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        log_q = base_log_prob(z)
        for layer in self.layers:
            z, log_det = layer(z)
            log_q = log_q - log_det
        return z, log_q


class Score(AutoregressiveFlow):
    """MAF: data -> log density. Data meet the last layer first."""

    def to_noise(self, y: Tensor) -> tuple[Tensor, Tensor]:
        total = y.new_zeros(y.shape[0])
        for layer in reversed(self.layers):
            y, log_det = layer(y)
            total = total + log_det
        return y, total

    def forward(self, y: Tensor) -> Tensor:
        z, log_det = self.to_noise(y)
        return log_det + base_log_prob(z)


class Sample(AutoregressiveFlow):
    """MAF: noise -> sample, by a pass through the network for each variable, as the libraries do it. A pass
    computes all hidden units but of the outputs only the two that it needs."""

    def __init__(self, size: int, hidden: tuple[int, ...]):
        super().__init__(size, hidden)
        self.size, self.last = size, len(hidden)
        self.orders = [layer.order.tolist() for layer in self.layers]

    def forward(self, z: Tensor) -> Tensor:
        for layer, order in zip(self.layers, self.orders):
            z = self.invert(layer, order, z)
        return z

    def solve(self, layer: Autoregressive, i: int, h: Tensor, z: Tensor) -> Tensor:
        """Variable i from its noise and the hidden units (or a prefix of them that has all it sees)."""
        w, b = getattr(layer, f"w{self.last}"), getattr(layer, f"b{self.last}")
        n = h.shape[1]
        if n == 0:  # an empty product: no call, and MKL's packed ones do not know it
            out = b[i :: self.size].expand(len(h), 2)
        else:
            out = torch.addmm(b[i :: self.size], h, w[:n, i :: self.size])
        return (z[:, i] - out[:, 0]) * torch.exp(-out[:, 1].clamp(*CLIP))

    def invert(self, layer: Autoregressive, order: list[int], z: Tensor) -> Tensor:
        x = torch.zeros_like(z)
        for i in order:
            h = x
            for k in range(self.last):
                h = torch.addmm(getattr(layer, f"b{k}"), h, getattr(layer, f"w{k}")).relu_()
            x[:, i] = self.solve(layer, i, h, z)
        return x


class Sweep(Sample):
    """MAF: noise -> sample, each hidden unit computed once: as soon as the variables that it sees are known.
    No library does this; it shows what PyTorch's calls would give to one that did."""

    def __init__(self, size: int, hidden: tuple[int, ...]):
        super().__init__(size, hidden)
        # Degrees ascend along the hidden units: those that see no more than d variables are a prefix.
        degrees = [torch.linspace(1, size - 1, h).round() for h in hidden]
        self.complete = [[int((g <= d).sum()) for d in range(size)] for g in degrees]

    def invert(self, layer: Autoregressive, order: list[int], z: Tensor) -> Tensor:
        x = torch.zeros_like(z)
        units = [z.new_empty(z.shape[0], len(getattr(layer, f"b{k}"))) for k in range(self.last)]
        for d, i in enumerate(order):
            h = x
            for k in range(self.last):
                start, end = self.complete[k][d - 1] if d else 0, self.complete[k][d]
                if end > start:
                    w, b = getattr(layer, f"w{k}"), getattr(layer, f"b{k}")
                    new = torch.addmm(b[start:end], h, w[: h.shape[1], start:end])
                    units[k][:, start:end] = new.relu_()
                h = units[k][:, :end]
            x[:, i] = self.solve(layer, i, h, z)
        return x


def spline(x: Tensor, p: Tensor, bins: int, sorted_search: bool) -> tuple[Tensor, Tensor]:
    """Rational-quadratic spline of Durkan et al. 2019, with nflows' least widths, heights and slopes (1e-3)
    and slope 1 at the ends. `p`: (..., 3 bins - 1), widths, heights, slopes."""

    def knots(v: Tensor) -> Tensor:
        v = torch.cumsum(1e-3 + (1 - 1e-3 * bins) * torch.softmax(v, -1), -1)
        return nn.functional.pad(v, (1, 0)) * (2 * BOUND) - BOUND

    w, h = knots(p[..., :bins]), knots(p[..., bins : 2 * bins])
    slopes = nn.functional.pad(1e-3 + nn.functional.softplus(p[..., 2 * bins :]), (1, 1), value=1.0)
    inside = (x > -BOUND) & (x < BOUND)
    xc = x.clamp(-BOUND, BOUND)
    if sorted_search:
        k = torch.searchsorted(w[..., 1:-1].contiguous(), xc.unsqueeze(-1))
    else:  # the same by comparisons, which ONNX knows
        k = (xc.unsqueeze(-1) > w[..., 1:-1]).sum(-1, keepdim=True)
    x0, x1 = w.gather(-1, k).squeeze(-1), w.gather(-1, k + 1).squeeze(-1)
    y0, y1 = h.gather(-1, k).squeeze(-1), h.gather(-1, k + 1).squeeze(-1)
    d0, d1 = slopes.gather(-1, k).squeeze(-1), slopes.gather(-1, k + 1).squeeze(-1)
    s, t = (y1 - y0) / (x1 - x0), (xc - x0) / (x1 - x0)
    u = t * (1 - t)
    den = s + (d0 + d1 - 2 * s) * u
    y = y0 + (y1 - y0) * (s * t * t + d0 * u) / den
    slope = s * s * (d1 * t * t + 2 * s * u + d0 * (1 - t) * (1 - t))
    log_det = torch.log(slope) - 2 * torch.log(den)
    return torch.where(inside, y, x), torch.where(inside, log_det, torch.zeros_like(log_det))


class SplineFlow(nn.Module):
    """Spline couplings: data -> log density. The halves take turns, and the first stays as it is."""

    def __init__(self, size: int, hidden: tuple[int, ...], bins: int, sorted_search: bool = True):
        super().__init__()
        self.half, self.bins, self.sorted_search = size // 2, bins, sorted_search
        widths = (self.half, *hidden, (size - self.half) * (3 * bins - 1))
        self.networks = nn.ModuleList()
        for _ in range(LAYERS):
            parts: list[nn.Module] = []
            for n_in, n_out in zip(widths, widths[1:]):
                parts += [nn.Linear(n_in, n_out), nn.ReLU(inplace=True)]
            self.networks.append(nn.Sequential(*parts[:-1]))

    def to_noise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        a, b = x[:, : self.half], x[:, self.half :]
        total = x.new_zeros(x.shape[0])
        for network in self.networks:
            p = network(a).view(-1, self.half, 3 * self.bins - 1)
            moved, log_det = spline(b, p, self.bins, self.sorted_search)
            total = total + log_det.sum(-1)
            a, b = moved, a
        return torch.cat((a, b), -1), total

    def forward(self, x: Tensor) -> Tensor:
        z, log_det = self.to_noise(x)
        return log_det + base_log_prob(z)
