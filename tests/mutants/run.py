#!/usr/bin/env python3
"""Are the tests able to fail? Plants the faults of faults.txt one at a time and runs the nearest tests.

    tests/mutants/run.py --list                   # the faults, and whether their texts are still there
    tests/mutants/run.py --only kernels/          # those whose file or description has this text
    tests/mutants/run.py --jobs 2 --write         # all of them, and the table in docs/mutants.md

Works on copies of include/ and tests/, never on the checkout. A fault is planted, the first of its test files
is compiled (one translation unit, -O1) and run until a test fails; then, while none does, the next file. A
test file must pass before anything is planted, else it finds nothing.
"""
import argparse
import concurrent.futures
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIST = HERE / "faults.txt"
TABLE = ROOT / "docs" / "mutants.md"
# The parameters are of cmake/development.cmake: g++ does not look for garbage so often; clang ignores them.
FLAGS = ["-std=c++20", "-O1", "-march=x86-64-v3", "-w", "-pthread",
         "--param", "ggc-min-heapsize=1048576", "--param", "ggc-min-expand=1000"]


def place_of(fault, text):
    """Where the fault's old text stands; an error where it is not found, or not once."""
    at, number = -1, fault.get("occurrence")
    count = text.count(fault["old"])
    if count == 0:
        raise ValueError("the old text is not there any more")
    if number is None and count > 1:
        raise ValueError(f"the old text occurs {count} times: give an occurrence")
    if number is not None and not 1 <= number <= count:
        raise ValueError(f"the old text occurs {count} times, not {number}")
    for _ in range(number or 1):
        at = text.index(fault["old"], at + 1)
    return at


def parse(text):
    """The faults of a list: blocks between empty lines, whose form the list itself describes."""
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        if not lines:
            continue
        fault = {"file": (name := lines[0].partition(": "))[0], "what": name[2], "tests": [], "flags": []}
        texts = {"-": [], "+": []}
        for line in lines[1:]:
            key, _, rest = line.partition(" ")
            if key in texts:
                texts[key].append(rest)
            elif key == "tests":
                fault["tests"] = rest.split()
            elif key == "flags":
                fault["flags"] = rest.split()
            elif key == "occurrence":
                fault["occurrence"] = int(rest)
            elif key == "=":
                fault["equivalent"] = rest
            else:
                sys.exit(f"{LIST}: what is this line of '{lines[0]}': {line}")
        yield fault | {"old": "\n".join(texts["-"]), "new": "\n".join(texts["+"])}


def read_faults():
    faults = list(parse(LIST.read_text()))
    wrong, seen = [], set()
    for fault in faults:
        name = f"{fault['file']}: {fault['what']}"
        try:
            if not fault["old"]:
                raise ValueError("there is no old text")
            if name in seen:
                raise ValueError("described twice")
            if fault["old"] == fault["new"]:
                raise ValueError("changes nothing")
            if not 1 <= len(fault["tests"]) <= 3:
                raise ValueError("expected one to three test files")
            for test in fault["tests"]:
                if not (ROOT / "tests" / f"{test}.cpp").exists():
                    raise ValueError(f"there is no tests/{test}.cpp")
            place_of(fault, (ROOT / "include/bijou" / fault["file"]).read_text())
        except (ValueError, OSError) as error:
            wrong.append(f"{name}: {error}")
        seen.add(name)
    folders = {p.name for p in (ROOT / "include/bijou").iterdir() if p.is_dir()}
    for folder in sorted(folders - {f["file"].split("/")[0] for f in faults}):
        wrong.append(f"no fault is planted in include/bijou/{folder}")
    return faults, wrong


class Worker:
    """A copy of the tree, in which one fault after another is planted."""

    def __init__(self, folder, compiler, objects, limit):
        self.folder, self.compiler, self.objects, self.limit = folder, compiler, objects, limit
        for part in ("include", "tests"):
            shutil.copytree(ROOT / part, folder / part)
        self.header = folder / "include/bijou"

    def sources(self, test):
        """A test, and the checks of flows where it uses them: compiled with the fault, too."""
        path = self.folder / "tests" / f"{test}.cpp"
        included = re.findall(r'#include "(?:\.\./flow/)?(check|hostile_values)\.hpp"', path.read_text())
        return [str(path), str(self.folder / "tests/flow/check.cpp")] if included else [str(path)]

    def compile(self, test, flags):
        """An error text, or none."""
        command = [*self.compiler, *FLAGS, *flags, f"-I{self.folder}/include", f"-I{self.folder}/tests",
                   f'-DBIJOU_TEST_DATA="{self.folder}/tests/reference/data"',
                   *self.sources(test), *map(str, self.objects),
                   "-o", str(self.folder / "program")]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            return None
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        return errors[0] if errors else done.stderr[-300:] or "?"

    def refusal(self, test, flags):
        """Why the compiler does not say what a case of tests/compile_fail expects, or none."""
        case = self.folder / "tests" / f"{test}.cpp"
        done = subprocess.run([*self.compiler, *FLAGS, *flags, f"-I{self.folder}/include", "-fsyntax-only", str(case)],
                              capture_output=True, text=True)
        if done.returncode == 0:
            return "compiles"
        missing = [e for e in re.findall(r"// expect-error: (.+)", case.read_text()) if not re.search(e, done.stderr)]
        return f"does not say {missing[0]}" if missing else None

    def failure(self, test):
        """The test case that fails, or none."""
        (self.folder / "scratch").mkdir(exist_ok=True)
        try:
            done = subprocess.run([str(self.folder / "program"), "~[.]", "--abort"], text=True, errors="replace",
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  cwd=self.folder / "scratch", timeout=self.limit,
                                  env={**os.environ, "TMPDIR": str(self.folder / "scratch")})
        except subprocess.TimeoutExpired:
            return "runs without an end"
        if done.returncode == 0:
            return None
        heading = re.search(r"^-{70,}\n((?:[^-\s].*\n)+)", done.stdout, re.MULTILINE)
        return " ".join(heading.group(1).split()) if heading else f"ends with {done.returncode}"

    def ask(self, test, flags):
        """An error of the compiler, where it has to compile, and what fails; none of each if it passes."""
        if test.startswith("compile_fail/"):
            return None, self.refusal(test, flags)
        error = self.compile(test, flags)
        return error, None if error else self.failure(test)

    def try_out(self, fault, passes):
        path = self.header / fault["file"]
        whole = path.read_text()
        at = place_of(fault, whole)
        for test in fault["tests"]:
            passes(self, test, fault["flags"])
            path.write_text(whole[:at] + fault["new"] + whole[at + len(fault["old"]):])
            try:
                error, case = self.ask(test, fault["flags"])
            finally:
                path.write_text(whole)
            # Of the test, or of a header that refuses what the test holds for right.
            if error and "static assertion failed" in error and (f"/tests/{test}.cpp" in error or ": bijou: " in error):
                return "found", f"{test}: a static assertion"
            if error:
                return "does not compile", error
            if case:
                return "found", f"{test}: {case}"
        return "survived", "in " + ", ".join(fault["tests"])


class NotSound(Exception):
    """A test file that does not pass although nothing is planted."""


class Baseline:
    """Every test file passes before a fault is planted; asked once for each, and its flags."""

    def __init__(self, skip):
        self.skip, self.lock, self.locks, self.failures = skip, threading.Lock(), {}, {}

    def __call__(self, worker, test, flags):
        if self.skip:
            return
        key = test, *flags
        with self.lock:
            mine = self.locks.setdefault(key, threading.Lock())
        with mine:
            if key not in self.failures:
                error, case = worker.ask(test, flags)
                self.failures[key] = error or case
        if self.failures[key]:
            raise NotSound(f"tests/{test}.cpp does not pass as it is: {self.failures[key]}")


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


HEAD = """# Faults that the tests find

A test that cannot fail is no test. [tests/mutants/run.py](../tests/mutants/run.py) plants the faults of
[faults.txt](../tests/mutants/faults.txt) in a copy of `include/bijou`, one at a time, and runs the nearest
tests; `ctest` checks that their texts are still in the tree. The script has written the table below: {found}
faults are found, {equal} change nothing that can be seen{open}.

| file | planted | outcome |
|---|---|---|
"""


def read_table():
    rows = {}
    if TABLE.exists():
        for line in TABLE.read_text().splitlines():
            parts = re.split(r"(?<!\\)\|", line)
            if len(parts) == 5 and parts[1].startswith(" `"):
                rows[parts[1].strip(), parts[2].strip()] = parts[3].strip()
    return rows


def write_table(faults, results):
    old, rows = read_table(), []
    for fault in faults:
        key = f"`{fault['file']}`", cell(fault["what"])
        if "equivalent" in fault:
            outcome = "changes nothing that can be seen: " + cell(fault["equivalent"])
        elif (fault["file"], fault["what"]) in results:
            kind, detail = results[fault["file"], fault["what"]]
            outcome = f"found by {cell(detail)}" if kind == "found" else f"**{kind}** {cell(detail)}".strip()
        else:
            outcome = old.get(key, "**not tried yet**")
        rows.append((*key, outcome))
    rows.sort(key=lambda row: row[0])
    counts = {"found": sum(r[2].startswith("found") for r in rows),
              "equal": sum(r[2].startswith("changes nothing") for r in rows)}
    left = len(rows) - sum(counts.values())
    counts["open"] = f", {left} are open" if left else ""
    TABLE.write_text(HEAD.format(**counts) + "".join(f"| {a} | {b} | {c} |\n" for a, b, c in rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="TEXT", action="append", help="faults whose file or description has it")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="compilers at once")
    parser.add_argument("--list", action="store_true", help="name the faults, plant none")
    parser.add_argument("--write", action="store_true", help="write what is found into docs/mutants.md")
    parser.add_argument("--untried", action="store_true", help="only faults that the table does not call found")
    parser.add_argument("--equivalent", action="store_true", help="plant those too that change nothing")
    parser.add_argument("--no-baseline", action="store_true", help="trust that the tests pass as they are")
    parser.add_argument("--limit", type=float, default=300, metavar="SECONDS", help="for a test program")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "g++"))
    options = parser.parse_args()

    faults, wrong = read_faults()
    if wrong:
        sys.exit("\n".join([f"{LIST}:", *wrong]))
    chosen = [f for f in faults
              if not options.only or any(t in f["file"] or t in f["what"] for t in options.only)]
    if options.untried:
        table = read_table()
        chosen = [f for f in chosen
                  if not table.get((f"`{f['file']}`", cell(f["what"])), "").startswith("found")]
    if options.list:
        for fault in chosen:
            print(f"{fault['file']}: {fault['what']}" + (" (equivalent)" if "equivalent" in fault else ""))
        print(f"{len(chosen)} faults, {sum('equivalent' in f for f in chosen)} of them change nothing")
        return
    if not options.equivalent:
        chosen = [f for f in chosen if "equivalent" not in f]

    results, bad = {}, 0
    with tempfile.TemporaryDirectory(prefix="bijou-mutants-") as scratch:
        folder = Path(scratch)
        compiler = options.compiler.split()
        objects = []
        for source in ("main", "runner", "support/allocation_counter", "support/reference"):
            objects.append(folder / f"{Path(source).name}.o")
            subprocess.run([*compiler, *FLAGS, f"-I{ROOT}/include", f"-I{ROOT}/tests",
                            f'-DBIJOU_TEST_DATA="{ROOT}/tests/reference/data"', "-c",
                            str(ROOT / "tests" / f"{source}.cpp"), "-o", str(objects[-1])], check=True)
        workers = queue.Queue()
        for i in range(options.jobs):
            workers.put(Worker(folder / str(i), compiler, objects, options.limit))
        baseline = Baseline(options.no_baseline)

        def attempt(fault):
            worker = workers.get()
            start = time.monotonic()
            try:
                return fault, *worker.try_out(fault, baseline), time.monotonic() - start
            except NotSound as error:
                return fault, "not tried", str(error), time.monotonic() - start
            finally:
                workers.put(worker)

        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for task in concurrent.futures.as_completed([pool.submit(attempt, f) for f in chosen]):
                fault, kind, detail, seconds = task.result()
                as_said = "equivalent" in fault and kind == "survived"
                bad += kind != "found" and not as_said or kind == "found" and "equivalent" in fault
                results[fault["file"], fault["what"]] = kind, detail
                print(f"{kind:16} {seconds:4.0f} s  {fault['file']}: {fault['what']}"
                      + (f"\n                         {detail}" if detail else ""), flush=True)
                if options.write and kind != "not tried":
                    write_table(faults, results)
    print(f"{len(chosen)} faults planted, {bad} not as expected")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
