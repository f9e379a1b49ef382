"""Flows written by hand in JAX, compiled by jit; the same parametrisation and names as torch_flows.py.

Weights are (in, out) here. For inference masks are folded in; in a step of training they multiply weights.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from workloads import BOUND, CLIP, LAYERS, Work, inputs

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def versions() -> dict[str, str]:
    return {"jax": jax.__version__}


def layer_order(size: int, layer: int) -> np.ndarray:
    ascending = np.arange(size)
    return ascending[::-1] if layer % 2 else ascending


def made_masks(size: int, hidden: tuple[int, ...], order: np.ndarray) -> list[np.ndarray]:
    variables = np.empty(size, np.float32)
    variables[order] = np.arange(1, size + 1)
    degrees = [variables] + [np.round(np.linspace(1, size - 1, h, dtype=np.float32)) for h in hidden]
    masks = [(b[None, :] >= a[:, None]).astype(np.float32) for a, b in zip(degrees, degrees[1:])]
    return masks + [(np.tile(variables, 2)[None, :] > degrees[-1][:, None]).astype(np.float32)]


def dense(rng: np.random.Generator, widths: tuple[int, ...]) -> list[tuple[jax.Array, jax.Array]]:
    """Weights and biases, uniform as in PyTorch's Linear."""
    layers = []
    for a, b in zip(widths, widths[1:]):
        bound = 1 / math.sqrt(a)
        layers.append(tuple(jnp.asarray(rng.uniform(-bound, bound, s), jnp.float32) for s in ((a, b), (b,))))
    return layers


def autoregressive(work: Work):
    """Masks and unmasked weights of all layers."""
    rng = np.random.default_rng(0)
    masks = [made_masks(work.size, work.hidden, layer_order(work.size, i)) for i in range(LAYERS)]
    return masks, [dense(rng, (work.size, *work.hidden, 2 * work.size)) for _ in range(LAYERS)]


def fold(masks, layers):
    return [[(w * m, b) for (w, b), m in zip(p, ms)] for p, ms in zip(layers, masks)]


def network(layers, x):
    for w, b in layers[:-1]:
        x = jax.nn.relu(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


def affine(layers, x):
    mean, log_scale = jnp.split(network(layers, x), 2, -1)
    log_scale = jnp.clip(log_scale, *CLIP)
    return x * jnp.exp(log_scale) + mean, log_scale.sum(-1)


def base_log_prob(z):
    return -0.5 * (z * z).sum(-1) - z.shape[-1] * HALF_LOG_TWO_PI


def push(flow, z):
    """IAF: noise -> (sample, log density)."""
    log_q = base_log_prob(z)
    for layers in flow:
        z, log_det = affine(layers, z)
        log_q = log_q - log_det
    return z, log_q


def to_noise(flow, y):
    total = 0.0
    for layers in reversed(flow):
        y, log_det = affine(layers, y)
        total = total + log_det
    return y, total


def score(flow, y):
    """MAF: data -> log density."""
    z, log_det = to_noise(flow, y)
    return log_det + base_log_prob(z)


def sample(flow, z):
    """MAF: noise -> sample, a pass for each variable; of the outputs only the two that it needs."""
    size = z.shape[-1]
    for i, layers in enumerate(flow):
        order = jnp.asarray(layer_order(size, i).copy())

        def one(d, x, layers=layers, z=z, order=order):
            j = order[d]
            h = x
            for w, b in layers[:-1]:
                h = jax.nn.relu(h @ w + b)
            w, b = layers[-1]

            def output(row):
                column = jax.lax.dynamic_slice_in_dim(w, row, 1, 1)
                return h @ column + jax.lax.dynamic_slice_in_dim(b, row, 1)

            mean, log_scale = output(j), jnp.clip(output(size + j), *CLIP)
            value = (jax.lax.dynamic_slice_in_dim(z, j, 1, 1) - mean) * jnp.exp(-log_scale)
            return jax.lax.dynamic_update_slice_in_dim(x, value, j, 1)

        z = jax.lax.fori_loop(0, size, one, jnp.zeros_like(z))
    return z


def spline(x, p, bins: int):
    """The spline of torch_flows.py."""

    def padded(v, ends, **options):
        return jnp.pad(v, [(0, 0)] * (v.ndim - 1) + [ends], **options)

    def knots(v):
        v = jnp.cumsum(1e-3 + (1 - 1e-3 * bins) * jax.nn.softmax(v, -1), -1)
        return padded(v, (1, 0)) * (2 * BOUND) - BOUND

    w, h = knots(p[..., :bins]), knots(p[..., bins : 2 * bins])
    slopes = padded(1e-3 + jax.nn.softplus(p[..., 2 * bins :]), (1, 1), constant_values=1.0)
    xc = jnp.clip(x, -BOUND, BOUND)
    k = (xc[..., None] > w[..., 1:-1]).sum(-1, keepdims=True)

    def at(v, i):
        return jnp.take_along_axis(v, i, -1)[..., 0]

    x0, x1, y0, y1 = at(w, k), at(w, k + 1), at(h, k), at(h, k + 1)
    d0, d1 = at(slopes, k), at(slopes, k + 1)
    s, t = (y1 - y0) / (x1 - x0), (xc - x0) / (x1 - x0)
    u = t * (1 - t)
    den = s + (d0 + d1 - 2 * s) * u
    y = y0 + (y1 - y0) * (s * t * t + d0 * u) / den
    log_det = jnp.log(s * s * (d1 * t * t + 2 * s * u + d0 * (1 - t) ** 2)) - 2 * jnp.log(den)
    inside = (x > -BOUND) & (x < BOUND)
    return jnp.where(inside, y, x), jnp.where(inside, log_det, 0.0)


def spline_to_noise(flow, x, bins: int):
    half = x.shape[-1] // 2
    a, b = x[:, :half], x[:, half:]
    total = 0.0
    for layers in flow:
        moved, log_det = spline(b, network(layers, a).reshape(-1, half, 3 * bins - 1), bins)
        total = total + log_det.sum(-1)
        a, b = moved, a
    return jnp.concatenate((a, b), -1), total


def spline_score(flow, x, bins: int):
    z, log_det = spline_to_noise(flow, x, bins)
    return log_det + base_log_prob(z)


def make(work: Work):
    """Parameters, and a function of them and a batch."""
    if work.kind == "spline":
        half = work.size // 2
        rng = np.random.default_rng(0)
        widths = (half, *work.hidden, half * (3 * work.bins - 1))
        return [dense(rng, widths) for _ in range(LAYERS)], lambda p, x: spline_score(p, x, work.bins)
    return fold(*autoregressive(work)), {"push": push, "score": score, "sample": sample}[work.kind]


def variants(work: Work, batch: int):
    from jax_common import inference, step

    if work.kind in ("train", "elbo"):
        masks, layers = autoregressive(work)

        def function(layers, x):
            return (score if work.kind == "train" else push)(fold(masks, layers), x)

        return {"donated": lambda: step(layers, function, work, batch)}
    parameters, function = make(work)
    return inference(parameters, function, inputs(work, batch))
