"""What happens while working, told as small values to whoever listens.

A library never prints: it calls `report(event)`. `console` draws the events for a person, `JsonLines` writes them
for a program, `Recording` keeps them for a test.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from typing import Literal, Protocol, TextIO

from msgspec import Struct, field
from msgspec.structs import asdict

from sora_cli.errors import Problem, SoraError

BEGAN = time.monotonic()
"""About when the program began, by a clock that nobody sets."""


class Event(Struct, frozen=True):
    """Something that happened."""


class Planned(Event, frozen=True):
    """The work is known: how many takes, how many of them the store holds already, how long the film is."""

    takes: int
    kept: int
    frames: int
    seconds: float


class Worked(Event, frozen=True, kw_only=True):
    """Something that a worker did. `worker` is its device and node, empty where this process does the work itself."""

    worker: str = ""


class EngineLoading(Worked, frozen=True):
    """An engine's weights are being read."""

    engine: str


class TakeStarted(Worked, frozen=True):
    """A take is being made."""

    take: str
    key: str


class Step(Worked, frozen=True):
    """One sampling step of a take is done: `step` of `of`."""

    take: str
    key: str
    step: int
    of: int


class TakeKept(Worked, frozen=True):
    """A take is in the store: made now (`seconds` of work) or found there (`reused`)."""

    take: str
    key: str
    path: str
    seconds: float
    reused: bool = False


class TakeElsewhere(Event, frozen=True):
    """Another process is making the take; it is waited for, and made here if that process dies."""

    take: str
    key: str


class TakeRetried(Event, frozen=True):
    """The device or worker of a take went away; the take is tried again, now for the time `attempt` of `of`."""

    take: str
    key: str
    reason: str
    attempt: int
    of: int


class TakeFailed(Event, frozen=True):
    """A take could not be made."""

    take: str
    key: str
    reason: str
    hint: str = ""


class TakeSkipped(Event, frozen=True):
    """A take was not tried, because of another one that failed."""

    take: str
    key: str
    because: str


class TakeSpared(Event, frozen=True):
    """A take was not needed, because another one of its beat is good."""

    take: str
    key: str
    because: str


Stage = Literal["plan", "shoot", "finish", "write", "stamp", "look", "prepare", "train"]
"""The stages of the line; `write` and `stamp` are parts of `finish`. Then those of `sora train`."""


class StageStarted(Event, frozen=True):
    """A stage of the line begins. `total` is its length, 0 if unknown: of `write` in frames, of `stamp` in takes.

    Of `look` in files, of `prepare` in examples, of `train` in steps.
    """

    stage: Stage
    total: int = 0


class StageStep(Event, frozen=True):
    """A stage has done `done` of its `total`."""

    stage: Stage
    done: int


class StageDone(Event, frozen=True):
    """A stage ended after `seconds`."""

    stage: Stage
    seconds: float


class Note(Event, frozen=True):
    """Something a person should know that stops nothing."""

    message: str
    hint: str = ""

    @classmethod
    def of(cls, remark: Problem) -> Note:
        """A remark on a storyboard, with its place."""
        return cls(remark.head, remark.hint)


class Released(Event, frozen=True):
    """The film has its name: it was made now, or was there and up to date (`reused`)."""

    film: str
    sidecar: str
    sheet: str
    frames: int
    seconds: float
    reused: bool = False


class FilmStarted(Event, frozen=True):
    """A batch turns to its film `number` of `of`; `source` is where it was asked for."""

    film: str
    source: str
    number: int
    of: int


class FilmEnded(Event, frozen=True):
    """A film of a batch is made, up to date, failed or not tried (`state`), after `seconds`."""

    film: str
    state: str
    seconds: float
    reason: str = ""


class Failed(Event, frozen=True):
    """The last line of a run that failed: why, and its exit `code`. Films of a batch have `film_ended`, each."""

    message: str
    hint: str
    code: int

    @classmethod
    def of(cls, error: SoraError) -> Failed:
        """What an error says; of several problems, the first and how many there are."""
        return cls(error.line if error.problems else error.message, error.hint, error.exit_code)


class Stopped(Event, frozen=True):
    """The last line of a run that a signal stopped: its exit `code`, 128 and the signal's number."""

    code: int


class About(Event, frozen=True):
    """An event of one film of a batch. In JSON it is that event, with the film's path as `film`."""

    film: str
    event: Event


class Report(Protocol):
    """Who hears what happens. Called from any thread."""

    def __call__(self, event: Event) -> None:
        """Hear one event; never raise."""


class Silent:
    """Hears nothing."""

    def __call__(self, event: Event) -> None:
        """Drop the event."""


class Recording(Struct):
    """Keeps every event, for tests."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Keep the event."""
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[object]:
        """The events of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]


def as_json(event: Event) -> dict[str, object]:
    """The event as plain data: its name in snake case under `event`, then its fields."""
    if isinstance(event, About):
        return {**as_json(event.event), "film": event.film}
    return {"event": name_of(type(event)), **asdict(event)}


def name_of(kind: type[Event]) -> str:
    """The name of a class of events in JSON: `TakeKept` is `take_kept`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")


def events_schema() -> dict[str, object]:
    """The JSON Schema of one line of `--events`, made from the classes here."""
    told = (*Event.__subclasses__(), *Worked.__subclasses__())
    kinds = [kind for kind in told if kind not in (Worked, About)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "sora events, version 1",
        "description": "One line of --events. In a batch, `film` says which film it is about.",
        "oneOf": [_line_schema(kind) for kind in kinds],
    }


def _line_schema(kind: type[Event]) -> dict[str, object]:
    from msgspec.json import schema_components

    schema = schema_components([kind])[1][kind.__name__]
    common = {
        "time": {"type": "number", "description": "seconds since the start, which never go back"},
        "eta": {"type": ["number", "null"], "description": "seconds until the last take is made; null: not known"},
        "event": {"const": name_of(kind)},
        "film": {"type": "string"},
    }
    properties = {**common, **schema.get("properties", {})}
    required = ["time", "eta", "event", *schema.get("required", ())]
    return {
        "title": name_of(kind),
        "description": kind.__doc__ or "",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


class JsonLines:
    """Writes one JSON object a line: `time`, `eta`, then the event.

    `time` is in seconds since `began`, else since the listener was made, and never goes back; `eta` is in seconds
    until the last take is made, null while nothing is known.
    """

    def __init__(self, out: TextIO, began: float | None = None) -> None:
        self._out = out
        self._zero = time.monotonic() if began is None else began
        self._pace = Pace()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Write the event as one line, at once."""
        with self._lock:
            now = time.monotonic() - self._zero
            eta = self._pace.hear(event, now)
            line = {"time": round(now, 3), "eta": None if eta is None else round(eta, 1), **as_json(event)}
            self._out.write(json_text(line) + "\n")
            self._out.flush()


def json_text(value: object, indent: int | None = None) -> str:
    """JSON that any terminal may show: what is not printable (control codes, marks that turn text round) is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=str)
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


class Pace:
    """How long the takes of a film will need: those that are left, at the mean time of those made in this run.

    Several workers share them.
    """

    def __init__(self) -> None:
        self._left = -1  # nothing is planned yet
        self._made, self._took = 0, 0.0
        self._began: dict[str, float] = {}
        self._shares: dict[str, float] = {}
        self._workers: set[str] = set()

    def hear(self, event: Event, now: float) -> float | None:
        """Seconds until the last take is made, as of `now`; None while nothing tells."""
        if isinstance(event, About):
            return self.hear(event.event, now)
        if isinstance(event, Planned):
            self._left = event.takes
        elif isinstance(event, TakeStarted):
            self._workers.add(event.worker)
            self._began[event.key] = now
        elif isinstance(event, Step):
            self._shares[event.key] = event.step / max(1, event.of)
        elif isinstance(event, TakeKept | TakeFailed | TakeSkipped | TakeSpared):
            self._left -= 1
            self._shares.pop(event.key, None)
            if isinstance(event, TakeKept) and not event.reused:
                self._made, self._took = self._made + 1, self._took + event.seconds
        return self._ahead(now)

    def _ahead(self, now: float) -> float | None:
        if self._left <= 0:
            return None if self._left < 0 else 0.0
        left, workers = self._left - sum(self._shares.values()), max(1, len(self._workers))
        if self._made:
            return max(0.0, self._took / self._made * left / workers)
        shares = ((key, share) for key, share in self._shares.items() if share and key in self._began)
        paces = [(now - self._began[key]) / share for key, share in shares]
        return min(paces) * left / workers if paces else None


class Clock:
    """Tells the stages of the work as they begin and end, and remembers how long each took."""

    def __init__(self, report: Report) -> None:
        self.stages: dict[str, float] = {}
        self._report = report

    @contextlib.contextmanager
    def stage(self, name: Stage, total: int = 0) -> Iterator[None]:
        """A stage of the line; `total` is its length, where it is known."""
        started = time.monotonic()
        self._report(StageStarted(name, total))
        yield
        self.stages[name] = round(time.monotonic() - started, 3)
        self._report(StageDone(name, self.stages[name]))
