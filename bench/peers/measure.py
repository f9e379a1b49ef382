"""How a call is timed: warm, in repetitions of a tenth of a second, the fastest way of each library."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Call = Callable[[], object]


@dataclass
class Effort:
    """How long to measure. A repetition calls until `least` seconds have gone by."""

    repetitions: int = 7
    least: float = 0.1
    warm_up: float = 0.2
    most: float = 6.0  # about the most seconds for one row, if three repetitions fit


FULL = Effort()
QUICK = Effort(repetitions=3, least=0.05, warm_up=0.05, most=1.0)


def seconds(call: Call, times: int) -> float:
    """Mean seconds of a call over so many calls. Calls return when their results are there."""
    start = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - start) / times


def arrays(result) -> list[np.ndarray]:
    """What a call returned, whatever the library, as copies: ONNX Runtime's arrays are views."""
    if isinstance(result, tuple | list):
        return [a for part in result for a in arrays(part)]
    if hasattr(result, "detach"):  # PyTorch
        result = result.detach()
    if hasattr(result, "numpy"):  # PyTorch, ONNX Runtime
        result = result.numpy()
    return [np.array(result)]


def agree(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Equal shapes, and values equal but for rounding through five layers."""
    return [v.shape for v in a] == [v.shape for v in b] and all(
        bool(np.all(np.abs(v - w) <= 1e-3 * (1 + np.abs(v)))) for v, w in zip(a, b)
    )


def trial(call: Call, warm_up: float) -> float:
    """A first estimate, by which variants of a library are compared. The first calls, which compile,
    page memory in and fill caches, are not part of it."""
    call()
    one = seconds(call, 1)
    times = int(warm_up / max(one, 1e-7) / 2)
    if times < 1:
        return one
    seconds(call, times)
    return min(seconds(call, max(times // 4, 1)) for _ in range(4))


def repeat(call: Call, one: float, effort: Effort) -> list[float]:
    """Mean seconds per call of each repetition, ascending; at least three repetitions."""
    times = max(1, int(effort.least / max(one, 1e-7)))
    affordable = int(effort.most / max(one * times, 1e-7))
    repetitions = max(3, min(effort.repetitions, affordable))
    return sorted(seconds(call, times) for _ in range(repetitions))


def median(ascending: list[float]) -> float:
    return ascending[len(ascending) // 2]
