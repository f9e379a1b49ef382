"""ONNX Runtime, through its Python package, on the graphs of the hand-written PyTorch flows."""

import os
import tempfile
import warnings

import numpy as np
import onnxruntime
import torch

import torch_raw
from torch_flows import Sweep
from workloads import Work, inputs

CHUNK = 1024
warnings.filterwarnings("ignore")  # of the exporter


def versions() -> dict[str, str]:
    return {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__}


def export(work: Work, path: str, batch: int, sweep: bool = False):
    """Writes the graph. Its batch is dynamic, but not for samples: writes into columns keep a size."""
    torch.manual_seed(0)
    if work.kind == "spline":
        module, _ = torch_raw.make(work, sorted_search=False)
    elif sweep:
        module = Sweep(work.size, work.hidden)
    else:
        module, _ = torch_raw.make(work)
    outputs = ["y", "log_q"] if work.kind == "push" else ["y"]
    dynamic = {name: {0: "batch"} for name in ["x", *outputs]}
    with torch.no_grad():
        torch.onnx.export(
            module.eval(),
            (torch.randn(min(batch, CHUNK), work.size),),
            path,
            input_names=["x"],
            output_names=outputs,
            dynamic_axes=None if work.kind == "sample" else dynamic,
            opset_version=17,
            dynamo=False,
        )


def session(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(work: Work, batch: int, sweep: bool = False):
    """A function of a numpy batch."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "flow.onnx")
        export(work, path, batch, sweep)
        loaded = session(path)
    return lambda x: loaded.run(None, {"x": x})


def bound(work: Work, x: np.ndarray):
    """A call on memory that is bound beforehand: nothing is converted or copied."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "flow.onnx")
        export(work, path, len(x))
        loaded = session(path)
    binding = loaded.io_binding()
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
    shapes = {"y": x.shape if work.kind in ("push", "sample") else x.shape[:1], "log_q": x.shape[:1]}
    results = []
    for output in loaded.get_outputs():
        value = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shapes[output.name], np.float32))
        binding.bind_ortvalue_output(output.name, value)
        results.append(value)

    def call():
        loaded.run_with_iobinding(binding)
        return results

    return call


def variants(work: Work, batch: int):
    if work.kind in ("train", "elbo"):
        raise NotImplementedError("inference only")
    x = inputs(work, batch)

    def whole(sweep: bool = False):
        f = run(work, batch, sweep)
        return lambda: f(x)

    if work.kind == "sample":
        return {"passes": lambda: whole(False), "sweep": lambda: whole(True)}

    def chunks():
        f = run(work, CHUNK)
        return lambda: [np.concatenate(v) for v in zip(*(f(part) for part in np.split(x, batch // CHUNK)))]

    ways = {"run": whole, "bound": lambda: bound(work, x)}
    if batch > 2 * CHUNK:
        ways["chunks"] = chunks
    return ways
