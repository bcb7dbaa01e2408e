"""What commands share: who is told of the work, the studio that does it, and amounts on the command line."""

from __future__ import annotations

import contextlib
import gc
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sora_cli.cli import console
from sora_cli.cli.options import LimitOptions, ReportOptions, WorkerOptions
from sora_cli.errors import Interrupted, RequestError

if TYPE_CHECKING:
    from sora_cli.events import Report
    from sora_cli.shoot.studio import Studio

TIMES = {"s": 1.0, "m": 60.0, "h": 3600.0}
TIMES |= {word: TIMES[word[0]] for unit in ("sec", "second", "min", "minute", "hour") for word in (unit, f"{unit}s")}
SIZES = {"mb": 1e6, "gb": 1e9, "tb": 1e12, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([A-Za-z]+)", re.ASCII)
_AMOUNT = re.compile(rf"\s*(?:{_PART.pattern}\s*)+", re.ASCII)


class Stop(SystemExit):
    """The end of a command that a signal stopped."""

    def __init__(self, why: Interrupted) -> None:
        super().__init__(why.exit_code)
        self.told = why.told


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Report an interruption, and end with its exit code."""
    try:
        yield
    except KeyboardInterrupt as stop:
        console.say("interrupted; run the same command again to resume", "yellow")
        if isinstance(stop, Interrupted):
            raise Stop(stop) from None
        raise SystemExit(130) from None  # 128 + SIGINT, as shells have it


@contextlib.contextmanager
def working(
    reporting: ReportOptions | None = None, limits: LimitOptions | None = None, workers: WorkerOptions | None = None
) -> Iterator[tuple[Report, Studio]]:
    """The report (to a person on stderr, a log, a program on stdout), and the studio that works within limits.

    The first Ctrl-C or SIGTERM lets the current file be finished, and stops the work where more is to do; the second
    ends the process.
    """
    from sora_cli.cancel import Cancellation
    from sora_cli.cli import progress
    from sora_cli.events import BEGAN, JsonLines
    from sora_cli.shoot.budget import Budget
    from sora_cli.shoot.studio import Studio
    from sora_cli.store import open_store

    gc.freeze()  # what was imported stays: to look through it each time takes a third of a run that has nothing to do
    gc.enable()
    reporting, limits = reporting or ReportOptions(), limits or LimitOptions()
    with interruptible(), contextlib.ExitStack() as stack:
        listeners: list[Report] = [JsonLines(sys.stdout, BEGAN)] if reporting.events else []
        if reporting.log is not None:  # first, so that whatever goes wrong is written there
            listeners.append(stack.enter_context(progress.Log(reporting.log)))
        cancel = Cancellation(amount(limits.max_time, TIMES, "--max-time"))
        store = open_store(amount(limits.max_disk, SIZES, "--max-disk"))
        budget = Budget(limits.max_cost) if limits.max_cost is not None else None
        team = (workers or WorkerOptions()).team()
        screen = progress.Display()
        stack.enter_context(cancel.listening(screen.stopping))
        listeners.append(stack.enter_context(screen))
        yield progress.Listeners(*listeners), stack.enter_context(Studio(store, cancel, budget, team))


def require(reporting: ReportOptions, limits: LimitOptions) -> None:
    """Refuse the options that `working` would refuse, where nothing is worked on.

    Raises:
        RequestError: a limit is no amount, or the log's place is not one.
    """
    if reporting.log is not None:
        from sora_cli.cli.progress import require_log

        require_log(reporting.log)
    amount(limits.max_time, TIMES, "--max-time")
    amount(limits.max_disk, SIZES, "--max-disk")


def amount(words: str | None, units: Mapping[str, float], option: str) -> int | None:
    """A number with a unit, like `8h` or `20GB`, or several, like `1h30m`, in seconds or bytes; a part counts as one.

    Raises:
        RequestError: it is not such an amount.
    """
    if words is None:
        return None
    if _AMOUNT.fullmatch(words):
        parts = [(float(number), units.get(unit.lower(), math.nan)) for number, unit in _PART.findall(words)]
        sizes = [unit for _, unit in parts]
        amount = sum(number * unit for number, unit in parts)
        if 0 < amount < math.inf and sizes == sorted(set(sizes), reverse=True):
            return math.ceil(amount)
    number = words.strip() if words.strip().isdecimal() else "1"  # what lacks its unit alone
    known = ", ".join(f"{number}{unit}" for unit in units if len(unit) <= 2)
    raise RequestError(f"{option} {words}: not an amount", hint=f"write one of {known}")


def pairs(words: Sequence[str] | None, option: str) -> dict[str, str]:
    """`KEY=VALUE` words as a dict.

    Raises:
        RequestError: a word is something else.
    """
    pairs = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not (equals and key):
            named, colon, given = word.partition(":")
            like = f"{named.strip()}={given.strip()}" if colon and named and not equals else f"{key or 'KEY'}=VALUE"
            raise RequestError(f"{option} {word}: not KEY=VALUE", hint=f"write {option} {like}")
        pairs[key] = value
    return pairs
