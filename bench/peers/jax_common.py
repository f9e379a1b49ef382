"""What JAX's libraries share: compiled calls that wait for their results, and steps of training."""

import jax
import jax.numpy as jnp
import optax

from workloads import Work, inputs

CHUNK = 1024


def waiting(function, *arguments):
    """Calls return when the result is there; JAX's own return before."""
    return lambda: jax.block_until_ready(function(*arguments))


def inference(parameters, function, x):
    """Weights as arguments of the compiled function, or as constants in it; large batches in chunks too."""
    x = jnp.asarray(x)
    ways = {
        "arguments": lambda: waiting(jax.jit(function), parameters, x),
        "constants": lambda: waiting(jax.jit(lambda x: function(parameters, x)), x),
    }
    if x.shape[0] > 2 * CHUNK:

        def chunked(parameters, x):
            parts = jax.lax.map(lambda part: function(parameters, part), x.reshape(-1, CHUNK, x.shape[-1]))
            return jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), parts)

        ways["chunks"] = lambda: waiting(jax.jit(chunked), parameters, x)
        del ways["constants"]
    return ways


def target_energy(x):
    """Rezende and Mohamed's first two-dimensional energy; a unit Gaussian in the other variables."""
    a, b = x[..., 0], x[..., 1]
    ring = 0.5 * ((jnp.sqrt(a * a + b * b) - 2) / 0.4) ** 2
    sides = jnp.logaddexp(-0.5 * ((a - 2) / 0.6) ** 2, -0.5 * ((a + 2) / 0.6) ** 2)
    return ring - sides + 0.5 * (x[..., 2:] ** 2).sum(-1)


def step(parameters, function, work: Work, batch: int):
    """A step of Adam, compiled as a whole. Parameters and moments are donated: they are updated in place."""
    optimizer = optax.adam(1e-4)

    def loss(parameters, x):
        if work.kind == "train":
            return -function(parameters, x).mean()
        sample, log_q = function(parameters, x)
        return (log_q + target_energy(sample)).mean()

    def update(parameters, state, count, data):
        x = data
        if work.kind == "elbo":
            x = jax.random.normal(jax.random.fold_in(jax.random.PRNGKey(2), count), data.shape)
        value, gradient = jax.value_and_grad(loss)(parameters, x)
        change, state = optimizer.update(gradient, state, parameters)
        return optax.apply_updates(parameters, change), state, count + 1, value

    compiled = jax.jit(update, donate_argnums=(0, 1, 2))
    held = [jax.tree.map(jnp.array, parameters), optimizer.init(parameters), jnp.zeros((), jnp.int32)]
    data = jnp.asarray(inputs(work, batch))

    def call():
        *held[:], value = jax.block_until_ready(compiled(*held, data))
        return value

    return call
