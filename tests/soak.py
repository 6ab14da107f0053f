"""The campaign behind ``make soak``: drawn streams against the slow loops, more each time.

``make soak ARGS="--minutes 10"`` goes on where the last run stopped. ``.soak/progress.json`` holds
the next seed and the counts; a difference is written to ``.soak/differences.txt`` in its smallest
form, and makes the command fail, as long as it stays.
"""

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import brute
import drawn_windows

import rtlab as rt

CHUNK = 250
FIRST = 10_000  # the gate has the seeds before
FRESH = {"next": FIRST, "streams": 0, "seconds": 0, "kinds": {}, "met": {}, "code": {}}


def fingerprint():
    """Name the code that is checked, so that the account tells what was checked by which."""
    found = hashlib.sha256()
    for path in sorted(Path(rt.__file__).parent.glob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:10]


def load(folder):
    """Read how far the campaign got."""
    path = folder / "progress.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else FRESH | {"wrong": []}


def save(folder, progress):
    """Write how far the campaign got, in one go."""
    folder.mkdir(exist_ok=True)
    path = folder / "progress.json.new"
    path.write_text(json.dumps(progress, indent=1) + "\n", encoding="utf-8")
    path.replace(folder / "progress.json")


def count(first):
    """Check a chunk of seeds, in a process of its own."""
    seen, kinds, wrong = brute.seeds(first, CHUNK)
    return first, seen, kinds, [(case["seed"], brute.report(case)) for case in wrong]


def again(folder, progress):
    """Try earlier differences again, and forget those that are no more."""
    progress["wrong"] = [
        seed for seed in progress["wrong"] if brute.check(drawn_windows.case(seed)) is not None
    ]
    if not progress["wrong"]:
        (folder / "differences.txt").unlink(missing_ok=True)


def run(folder, *, streams, minutes, processes):
    """Check streams until so many are done, or so much time has passed; give the account."""
    progress, code, begun = load(folder), fingerprint(), time.monotonic()
    again(folder, progress)
    before, goal = progress["seconds"], progress["streams"] + streams
    waiting, done, ahead = set(), {}, progress["next"]
    with ProcessPoolExecutor(processes) as pool:
        while True:
            spent = time.monotonic() - begun
            while len(waiting) < 2 * processes and spent < 60 * minutes:
                if progress["streams"] + CHUNK * (len(waiting) + len(done)) >= goal:
                    break
                waiting.add(pool.submit(count, ahead))
                ahead += CHUNK
            if not waiting:
                break
            ready = next(as_completed(waiting))
            waiting.remove(ready)
            done[ready.result()[0]] = ready.result()
            while progress["next"] in done:  # in the order of the seeds, so that none is left out
                add(folder, progress, code, done.pop(progress["next"]))
                progress["seconds"] = round(before + time.monotonic() - begun)
                save(folder, progress)
            tell(progress, end="\r")
    save(folder, progress)
    return progress


def add(folder, progress, code, chunk):
    """Add a chunk to the account."""
    _, seen, kinds, wrong = chunk
    progress["next"] += CHUNK
    progress["streams"] += CHUNK
    for name, found in (("kinds", kinds), ("met", seen), ("code", {code: CHUNK})):
        progress[name] = dict(sorted((Counter(progress[name]) + Counter(found)).items()))
    folder.mkdir(exist_ok=True)
    for seed, told in wrong:
        progress["wrong"].append(seed)
        with (folder / "differences.txt").open("a", encoding="utf-8") as file:
            file.write(told + "\n")


def tell(progress, end="\n"):
    """Say how far the campaign got."""
    rate = progress["streams"] / max(progress["seconds"], 1)
    sys.stdout.write(
        f"{progress['streams']:,} streams, {len(progress['wrong'])} differences, "
        f"{rate:.0f} a second, next seed {progress['next']:,}{end}"
    )
    sys.stdout.flush()


def main(words=None):
    """Run the command; give its exit code."""
    asked = argparse.ArgumentParser(prog="make soak", description=__doc__)
    asked.add_argument("--minutes", type=float, default=None, help="for so long")
    asked.add_argument("--streams", type=int, default=None, help="so many more")
    asked.add_argument("--processes", type=int, default=2)
    asked.add_argument("--folder", type=Path, default=Path(".soak"))
    given = asked.parse_args(words)
    if given.minutes is None and given.streams is None:
        given.streams = 10_000
    progress = run(
        given.folder,
        streams=given.streams or 10**12,
        minutes=given.minutes or 10**6,
        processes=given.processes,
    )
    tell(progress)
    for name in ("kinds", "met"):
        sys.stdout.write("".join(f"  {one}: {n:,}\n" for one, n in progress[name].items()))
    if progress["wrong"]:
        sys.stdout.write((given.folder / "differences.txt").read_text(encoding="utf-8"))
    return 1 if progress["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
