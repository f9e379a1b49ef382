"""Runs the peers, each library in a process of its own, and writes their rows into one file.

Use run.sh, which prepares the environment; `run.sh --help` shows the arguments.

    {"versions": {"torch": "2.13.0", ...},
     "rows": [{"work": "W1", "library": "raw", "batch": 1024, "threads": 1, "seconds": median per call,
               "best_seconds": ..., "repetitions": 7, "variant": the fastest way of the library,
               "trials": {variant: seconds}}, ...],
     "failures": [{"work": ..., "library": ..., "batch": ..., "why": "..."}]}

In a failure, `work` and `batch` are null if all of a library is meant; `why` begins with the variant if only
one way failed.
"""

import argparse
import importlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

import measure
import workloads

# Names of the columns, and the modules with versions() and variants(work, batch).
LIBRARIES = {
    "pyro": "pyro_flows",
    "zuko": "zuko_flows",
    "nflows": "nflows_flows",
    "raw": "torch_raw",
    "jit": "torch_jit",
    "compile": "torch_compiled",
    "jax": "jax_flows",
    "flowjax": "flowjax_flows",
    "onnxruntime": "ort_flows",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="times normalizing flows in Python libraries")
    parser.add_argument("--out", required=True, help="the JSON file to write")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--quick", action="store_true", help="batches 1 and 1024 (W4: 1024), short repetitions"
    )
    parser.add_argument("--work", default=",".join(workloads.DEFAULT), help="workloads")
    parser.add_argument("--libs", default=",".join(LIBRARIES), help=f"some of {', '.join(LIBRARIES)}")
    parser.add_argument("--minutes", type=float, default=0, help="the most a library may take; 0: 8, quick 1")
    parser.add_argument("--this-process", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args()
    found.libs = found.libs.split(",")
    for name in found.libs:
        if name not in LIBRARIES:
            parser.error(f"no library {name}; there are {', '.join(LIBRARIES)}")
    found.minutes = found.minutes or (1.0 if found.quick else 8.0)
    return found


def say(text: str):
    print(text, file=sys.stderr, flush=True)


def sentence(error: BaseException) -> str:
    """The kind of an error and its first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:200] if lines else 'no message'}"


class Report:
    """Rows and failures, written to a file after each: a process that dies loses nothing."""

    def __init__(self, path: str):
        self.path = path
        self.content: dict = {"versions": {}, "rows": [], "failures": []}

    def write(self):
        with open(self.path, "w") as file:
            json.dump(self.content, file, indent=1)

    def row(self, **row):
        say(
            f"{row['work']:6}{row['library']:12}{row['batch']:6}  {row['seconds'] * 1e6:12.1f} us"
            f"  {row['batch'] / row['seconds']:12.0f} samples/s  {row['variant']}"
        )
        self.content["rows"].append(row)
        self.write()

    def failure(self, library: str, why: str, work: str | None = None, batch: int | None = None):
        say(f"{work or '':6}{library:12}{batch or '':>6}  {why}")
        self.content["failures"].append({"work": work, "library": library, "batch": batch, "why": why})
        self.write()

    def add(self, other: dict):
        self.content["versions"] |= other["versions"]
        self.content["rows"] += other["rows"]
        self.content["failures"] += other["failures"]
        self.write()


def compare(factories: dict, effort: measure.Effort, failed) -> tuple[dict, str, measure.Call | None]:
    """Builds and tries the variants: their seconds, and the name and call of the fastest. A variant whose
    first result is not that of the first variant has failed."""
    trials: dict[str, float] = {}
    fastest, best, expected = "", None, None
    for name, factory in factories.items():
        try:
            call = factory()
            result = measure.arrays(call())
            expected = expected or result
            if not measure.agree(expected, result):
                failed(f"{name}: its result is not that of {next(iter(factories))}")
                continue
            trials[name] = measure.trial(call, effort.warm_up)
        except Exception as error:  # a variant that fails is a result too
            failed(f"{name}: {sentence(error)}")
            continue
        if best is None or trials[name] < trials[fastest]:
            fastest, best = name, call
    return trials, fastest, best


def measure_library(name: str, options: argparse.Namespace, report: Report):
    """All rows of a library, in this process."""
    try:
        library = importlib.import_module(LIBRARIES[name])
    except ImportError as error:
        report.failure(name, f"is not there: {sentence(error)}")
        return
    report.content["versions"] |= library.versions()
    effort = measure.QUICK if options.quick else measure.FULL
    end = time.monotonic() + 60 * options.minutes
    for work in workloads.select(options.work):
        for batch in work.batches:
            if options.quick and batch not in workloads.QUICK_BATCHES:
                continue

            def failed(why: str, work=work.name, batch=batch):
                report.failure(name, why, work, batch)

            if time.monotonic() > end:
                failed(f"not measured: {options.minutes:g} minutes were over")
                continue
            try:
                ways = library.variants(work, batch)
                if options.quick:  # those that build for minutes
                    ways = {n: way for n, way in ways.items() if n not in getattr(library, "SLOW", ())}
                trials, variant, call = compare(ways, effort, failed)
                if call is None:
                    continue
                times = measure.repeat(call, trials[variant], effort)
            except Exception as error:
                failed(sentence(error))
                continue
            report.row(
                work=work.name,
                library=name,
                batch=batch,
                threads=options.threads,
                seconds=measure.median(times),
                best_seconds=times[0],
                repetitions=len(times),
                variant=variant,
                trials=trials,
            )


def in_processes(options: argparse.Namespace, report: Report):
    """A process for each library; PEERS_PREFIX is a command to put before it."""
    with tempfile.TemporaryDirectory() as folder:
        for name in options.libs:
            part = os.path.join(folder, name + ".json")
            command = shlex.split(os.environ.get("PEERS_PREFIX", ""))
            command += [sys.executable, __file__, "--this-process", "--libs", name, "--out", part]
            command += ["--work", options.work, "--threads", str(options.threads)]
            command += ["--minutes", str(options.minutes)] + ["--quick"] * options.quick
            code = subprocess.run(command, check=False).returncode
            if os.path.exists(part):
                with open(part) as file:
                    report.add(json.load(file))
            if code != 0:
                report.failure(name, f"its process ended with {code}")


def main():
    options = arguments()
    report = Report(options.out)
    report.write()
    if options.this_process:
        for name in options.libs:
            measure_library(name, options, report)
    else:
        in_processes(options, report)


if __name__ == "__main__":
    main()
