"""flowjax: masked_autoregressive_flow (its scale is softplus + 0.01); coupling_flow with splines."""

from importlib.metadata import version

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import paramax
from flowjax.bijections import RationalQuadraticSpline
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow, masked_autoregressive_flow

from jax_common import inference, step
from workloads import BOUND, LAYERS, Work, inputs


def versions() -> dict[str, str]:
    names = ("flowjax", "equinox", "paramax")
    return {name: version(name) for name in names} | {"jax": jax.__version__}


def flow(work: Work):
    """The distribution. With invert=False its explicit direction is from noise to data, an IAF's."""
    common = dict(
        base_dist=Normal(jnp.zeros(work.size)),
        flow_layers=LAYERS,
        nn_width=work.hidden[0],
        nn_depth=len(work.hidden),
    )
    if work.kind == "spline":
        # `knots` counts inner knots: one less than bins.
        transformer = RationalQuadraticSpline(knots=work.bins - 1, interval=BOUND)
        return coupling_flow(jr.key(0), transformer=transformer, **common)
    return masked_autoregressive_flow(jr.key(0), invert=work.kind not in ("push", "elbo"), **common)


def push(distribution, z):
    x, log_det = jax.vmap(distribution.bijection.transform_and_log_det)(z)
    return x, distribution.base_dist.log_prob(z) - log_det


def score(distribution, x):
    return distribution.log_prob(x)


def sample(distribution, z):
    return jax.vmap(distribution.bijection.transform)(z)


FUNCTIONS = {"push": push, "elbo": push, "score": score, "train": score, "spline": score, "sample": sample}


def variants(work: Work, batch: int):
    function, distribution = FUNCTIONS[work.kind], flow(work)
    if work.kind in ("train", "elbo"):
        frozen = lambda leaf: isinstance(leaf, paramax.NonTrainable)  # noqa: E731
        parameters, rest = eqx.partition(distribution, eqx.is_inexact_array, is_leaf=frozen)

        def trained(parameters, x):
            return function(paramax.unwrap(eqx.combine(parameters, rest)), x)

        return {"donated": lambda: step(parameters, trained, work, batch)}

    # Unwrapped once: masks are folded into the weights before anything is timed.
    arrays, rest = eqx.partition(paramax.unwrap(distribution), eqx.is_array)
    return inference(arrays, lambda arrays, x: function(eqx.combine(arrays, rest), x), inputs(work, batch))
