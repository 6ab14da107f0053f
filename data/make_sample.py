"""Write the sample again: ``python data/make_sample.py [FOLDER]``; the same bytes everywhere."""  # noqa: INP001  (a script, in no package)

import hashlib
import json
import sys
from pathlib import Path

from rtlab.simulation import simulate


def make_sample(folder: Path) -> None:
    """Write three days of the shop, clean and dirty, its products, and the hashes of all."""
    settings = {"days": 3, "seed": 7, "events_per_day": 300}
    clean, dirty = simulate(**settings), simulate(**settings, dirt="all")
    tables = {
        "events.csv": clean.events,
        "events_dirty.csv": dirty.events,
        "dirt.csv": dirty.truth.dirt,
        "products.csv": clean.products.drop(columns="share"),
        "hourly.csv": clean.hourly().reset_index(),
    }
    hashes = {}
    for name, table in tables.items():
        content = table.to_csv(index=False, lineterminator="\n").encode()
        (folder / name).write_bytes(content)
        hashes[name] = hashlib.sha256(content).hexdigest()
    text = json.dumps({"simulate": settings, "sha256": hashes}, indent=2) + "\n"
    (folder / "manifest.json").write_bytes(text.encode())


if __name__ == "__main__":
    make_sample(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
