"""The command line: ``rtlab demo``, ``replay``, ``simulate``, ``check`` and ``lessons``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import rtlab as rt
from rtlab.errors import ParameterError, RtlabError, StreamError

STOPPED = 130  # what shells expect of a program ended by Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.

    Returns
    -------
    int
        0, or 2 if something is wrong with what was asked for (said in one sentence), or 130 after
        Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):  # names in every script, whatever the terminal knows
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except BrokenPipeError:  # whoever reads, as `head` does, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (RtlabError, OSError) as error:
        print(f"rtlab: {error}", file=sys.stderr)
        return STOPPED if isinstance(error, StreamError) else 2  # Ctrl-C before the first row
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rtlab", description="From a stream of purchases to trend, season and leaderboard."
    )
    parser.add_argument("--version", action="version", version=f"rtlab {rt.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser("demo", help="analyse a year of a grocery shop")
    demo.add_argument(
        "--simulated", action="store_true", help="the simulated shop, with its truth"
    )
    _add_run(demo)
    demo.set_defaults(run=_demo)

    replay = commands.add_parser("replay", help="analyse a log of your own")
    replay.add_argument("file", help="CSV (also .gz, .xz), JSON lines or Parquet, in any order")
    for role in ("user", "product", "time", "quantity", "price", "amount"):
        replay.add_argument(f"--{role}", metavar="COLUMN", help=f"the column with the {role}")
    for name, sign, words in (
        ("event-id", "COLUMN", "names an event, so that a redelivered one counts once"),
        ("tz", "ZONE", "of times without one, as Europe/London"),
        ("time-format", "FORMAT", "as for strptime, or s, ms, us, ns"),
        ("encoding", "ENCODING", "utf-8, gb18030, …; guessed if not given"),
        ("delimiter", "SIGN", "between the fields of a CSV"),
        ("unit", "SIGN", "currency sign for money, such as € or £"),
    ):
        replay.add_argument(f"--{name}", metavar=sign, help=words)
    replay.add_argument("--decimal", choices=(".", ","), help="the sign before decimals")
    replay.add_argument("--every", choices=("10min", "1h", "1D"), help="the length of a window")
    replay.add_argument(
        "--keep-unknown-users", action="store_true", help="use purchases of nobody known, too"
    )
    _add_run(replay)
    replay.set_defaults(run=_replay)

    simulate = commands.add_parser("simulate", help="write events of the simulated shop")
    simulate.add_argument("--days", type=int, default=28, metavar="N", help="how long it runs")
    simulate.add_argument(
        "--seed", type=int, default=7, metavar="N", help="the same number gives the same events"
    )
    simulate.add_argument("--events-per-day", type=int, default=700, metavar="N")
    simulate.add_argument("--dirt", action="store_true", help="late, malformed, … rows as well")
    simulate.add_argument(
        "-o", "--out", required=True, metavar="FILE", help="ending in .csv or .parquet"
    )
    simulate.set_defaults(run=_simulate)

    check = commands.add_parser("check", help="tell whether this machine is ready")
    check.set_defaults(run=_check)

    lessons = commands.add_parser("lessons", help="copy the lessons into a folder of yours")
    lessons.add_argument("folder", metavar="DIR")
    lessons.set_defaults(run=_lessons)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--speed", type=float, metavar="X", help="pace: 3600 is an hour a second")
    parser.add_argument("--rows", type=int, metavar="N", help="rows in a batch")
    parser.add_argument("--out", default="rtlab-report", metavar="DIR", help="the report's folder")


def _check_run(asked: argparse.Namespace) -> None:
    """Refuse before anything is read what would fail after all is done."""
    if asked.rows is not None and asked.rows < 1:
        raise ParameterError(
            f"--rows {asked.rows}: a batch needs at least 1 row; try --rows 10000"
        )
    if asked.speed is not None and not 0 < asked.speed < float("inf"):
        raise ParameterError(
            f"--speed {asked.speed:g}: a speed is positive; 3600 is an hour a second"
        )
    try:
        Path(asked.out).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(
            f"--out {asked.out}: {error.strerror}; name a folder that you may write to"
        ) from None


def _demo(asked: argparse.Namespace) -> int:
    from rtlab import demo  # noqa: PLC0415  (each command imports what it needs)

    _check_run(asked)
    how = {"rows": asked.rows, "speed": asked.speed}
    if not asked.simulated:
        return _analyse(*demo.grocery(**how), asked)
    shop, plan, labels = demo.simulated(**how)
    return _analyse(
        shop.events, plan, labels, asked, lambda found: [demo.compare(found, shop, labels.scale)]
    )


def _replay(asked: argparse.Namespace) -> int:
    from rtlab.analysis import plan_for  # noqa: PLC0415
    from rtlab.sources.files import read_events  # noqa: PLC0415
    from rtlab.story import Labels  # noqa: PLC0415

    _check_run(asked)
    named = read_events.__kwdefaults__ or {}  # its parameters are the options of the same names
    log = read_events(asked.file, **{name: getattr(asked, name) for name in named})
    events, plan, notes = plan_for(
        log.frame, tz=log.tz, every=asked.every, rows=asked.rows, speed=asked.speed,
        missing_user="keep" if asked.keep_unknown_users else "reject",
    )  # fmt: skip
    for note in (*log.notes, *notes):
        print(f"· {note}")
    return _analyse(events, plan, Labels(Path(asked.file).name, asked.unit or ""), asked)


def _analyse(
    events: Any,
    plan: Any,
    labels: Any,
    asked: argparse.Namespace,
    more: Callable[[Any], list[Any]] = lambda found: [],  # noqa: ARG005
) -> int:
    """Run the analysis, print what was found, and write the report."""
    from rtlab.analysis import analyse  # noqa: PLC0415
    from rtlab.report import write_report  # noqa: PLC0415
    from rtlab.story import tell  # noqa: PLC0415

    with _stoppable() as hand_over, _Progress(len(events)) as progress:

        def watch(source: Any) -> None:
            hand_over(source)
            source.sink(progress.see)

        found = analyse(events, plan, watch)
    print("Writing the report …", file=sys.stderr)
    report = tell(found, labels)
    report.sections += more(found)
    page = write_report(report, asked.out)
    print(f"\n{report.title}: {report.subtitle}")
    for section in report.sections:
        print(f"\n{section.title}")
        for words in section.words:
            print(f"  {words}")
    for note in report.notes:
        print(f"\n{note}")
    print(f"\nThe report: {page}")
    return STOPPED if found.stopped else 0


@contextmanager
def _stoppable() -> Iterator[Callable[[Any], None]]:
    """Let Ctrl-C end the stream, so that the account so far is given; a second one ends all."""
    sources: list[Any] = []

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("\nStopping; again to stop at once.", file=sys.stderr)
        for source in sources:
            source.stop()

    if threading.current_thread() is not threading.main_thread():
        yield sources.append  # signals reach the main thread only
        return
    before = signal.getsignal(signal.SIGINT)

    def hand_over(source: Any) -> None:
        sources.append(source)
        signal.signal(signal.SIGINT, stop)

    try:
        yield hand_over
    finally:
        signal.signal(signal.SIGINT, before)


class _Progress:
    """A bar on a terminal; nothing where the output goes elsewhere."""

    def __init__(self, whole: int) -> None:
        self.whole, self.seen, self.shown = max(whole, 1), 0, -1
        self.visible = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.visible and self.shown >= 0:
            print(file=sys.stderr)

    def see(self, batch: Any) -> None:
        """Count a batch, and draw when a percent is full."""
        self.seen += len(batch)
        percent = 100 * self.seen // self.whole
        if self.visible and percent != self.shown:
            self.shown = percent
            full = percent * 30 // 100
            bar = "█" * full + "░" * (30 - full)
            print(
                f"\r{bar} {percent:3d} %  {self.seen:,} rows", end="", file=sys.stderr, flush=True
            )


def _simulate(asked: argparse.Namespace) -> int:
    from rtlab.sinks.files import write_csv, write_parquet  # noqa: PLC0415

    write = {".csv": write_csv, ".parquet": write_parquet}.get(Path(asked.out).suffix.lower())
    if write is None:
        raise ParameterError(f"--out {asked.out}: the name ends in .csv or .parquet")
    shop = rt.simulate(
        days=asked.days, seed=asked.seed, events_per_day=asked.events_per_day,
        dirt="all" if asked.dirt else None,
    )  # fmt: skip
    write(shop.events, asked.out)
    print(f"{len(shop.events):,} events of {shop!r} in {asked.out}")
    return 0


def _check(asked: argparse.Namespace) -> int:  # noqa: ARG001
    from rtlab.ready import check  # noqa: PLC0415

    verdicts = check()
    for verdict in verdicts:
        print(f"{verdict} {verdict.version}".rstrip())
    return 0 if all(verdict.ready for verdict in verdicts if verdict.needed) else 2


def _lessons(asked: argparse.Namespace) -> int:
    from rtlab.lessons import hand_out  # noqa: PLC0415

    new, kept = hand_out(asked.folder)
    print(
        f"Lessons and pages copied to {asked.folder}: {len(new)}. Left as they are: {len(kept)}."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
