"""Which take goes to which worker next, and how long a film needs with several. Pure: nothing is run here.

An engine takes long to load. So a worker keeps to the engine that it has open while that has work for it, and begins
with the take that most hangs on (longest path first, as in list scheduling: Graham, 1969). It turns to another engine
where the work that waits for that one, shared by the workers who have it open, outlasts its own by more than a load.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Generic, Protocol, TypeVar

from msgspec import Struct, field

Item = TypeVar("Item")


class Task(Struct, frozen=True):
    """What counts of a take when it is given to a worker; seconds are expected ones."""

    engine: str
    seconds: float
    path: float
    """Of the longest chain of takes that begins with it, itself included."""
    load: float = 0.0
    """To load its engine."""
    room: float = 0.0
    """GB of memory that its engine's takes need of a GPU."""


class Linked(Protocol):
    """What is asked of a take."""

    @property
    def key(self) -> str:
        """Its key."""
        ...

    @property
    def engine(self) -> str:
        """The name of its engine."""
        ...

    @property
    def needs(self) -> Sequence[str]:
        """Keys of the takes whose frames it is given."""
        ...

    @property
    def after(self) -> Sequence[str]:
        """Keys of the takes that are tried before it."""
        ...


def tasks(
    takes: Sequence[Linked],
    seconds: Mapping[str, float],
    loads: Mapping[str, float] | None = None,
    rooms: Mapping[str, float] | None = None,
) -> dict[str, Task]:
    """What counts of each take, by its key. `takes` stand after those they need; unknown `seconds` count as 1."""
    behind: defaultdict[str, float] = defaultdict(float)
    found: dict[str, Task] = {}
    for take in reversed(takes):
        own = seconds.get(take.key, 1.0)
        load, room = ((by or {}).get(take.engine, 0.0) for by in (loads, rooms))
        found[take.key] = Task(take.engine, own, own + behind[take.key], load, room)
        for key in _before(take):
            behind[key] = max(behind[key], found[take.key].path)
    return found


def _before(take: Linked) -> tuple[str, ...]:
    return (*take.needs, *take.after)


class _Line(Struct, Generic[Item]):
    """What waits for one engine, the longest path first."""

    seconds: float = 0.0
    load: float = 0.0
    room: float = 0.0
    heap: list[tuple[float, int, Task, Item]] = field(default_factory=list)

    def pressure(self, workers: int) -> float:
        """Seconds until so many workers have made it all."""
        return max(self.path, self.seconds / max(1, workers))

    @property
    def path(self) -> float:
        """The longest one."""
        return -self.heap[0][0]


class Waiting(Generic[Item]):
    """What waits for a worker: adding and taking cost as much as a few engines have names."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line[Item]] = {}
        self._order = count()

    def __len__(self) -> int:
        """How many wait."""
        return sum(len(line.heap) for line in self._lines.values())

    def add(self, task: Task, item: Item) -> None:
        """Let an item wait."""
        line = self._lines.setdefault(task.engine, _Line(load=task.load, room=task.room))
        line.seconds += task.seconds
        heapq.heappush(line.heap, (-task.path, next(self._order), task, item))

    def take(
        self, engine: str, crew: Counter[str], room: float = math.inf, most: float = math.inf
    ) -> tuple[Task, Item] | None:
        """The next one for a worker that has `engine` open; None where it is quicker to leave all to the others.

        A worker that has none open yet takes what there is: the times are only expected ones. `crew` says how many
        workers have each engine open, this one among them. It has `room` GB on its device, the largest of all `most`:
        what needs more than it has is left to others, but for what none of them holds.
        """
        held = [name for name, line in self._lines.items() if not room < line.room <= most]
        pulls = {name: self._pull(name, engine, crew) for name in held}
        # Names break ties, so that the same plan is shot in the same order.
        best = max(pulls, key=lambda name: (pulls[name], name == engine, name), default=None)
        if best is None or (engine and best != engine and crew[best] and pulls[best] <= 0):
            return None
        line = self._lines[best]
        _, _, task, item = heapq.heappop(line.heap)
        line.seconds -= task.seconds
        if not line.heap:
            del self._lines[best]
        return task, item

    def drain(self) -> Iterable[Item]:
        """Everything that waits, which waits no longer."""
        lines, self._lines = self._lines, {}
        return [item for line in lines.values() for *_, item in line.heap]

    def _pull(self, name: str, engine: str, crew: Counter[str]) -> float:
        """How much an engine's work asks for this worker, in seconds."""
        line, workers = self._lines[name], crew[name]
        if name == engine:
            return line.pressure(workers - 1) if workers > 1 else max(line.seconds, line.path)
        own = self._lines.get(engine)
        if own is not None and crew[engine] <= 1:  # nobody else has what it would leave: it is loaded again
            share = sum(each.seconds for each in self._lines.values()) / max(1, crew.total())
            return line.path - line.load - own.load if line.path > share + own.load else -math.inf
        return line.pressure(workers + 1) - line.load


class Forecast(Struct, frozen=True):
    """How long takes need with several workers, and what it cannot go below; in seconds."""

    workers: int
    seconds: float
    path: float
    """Of the longest chain of takes, with the load of an engine."""
    share: float
    """Of each worker, were all work and one load each spread evenly."""

    @property
    def bound(self) -> float:
        """What no order of takes goes below."""
        return max(self.path, self.share)


def forecast(takes: Sequence[Linked], known: Mapping[str, Task], workers: int) -> Forecast:
    """Simulate so many workers on these takes, each of which stands after those it needs."""
    least = min((task.load for task in known.values()), default=0.0)
    path = max((task.path + task.load for task in known.values()), default=0.0)
    busy = min(workers, len(takes))
    share = (sum(task.seconds for task in known.values()) + least * busy) / workers
    return Forecast(workers, _Run(takes, known, workers).seconds(), path, share)


class _Run:
    """A simulated run."""

    def __init__(self, takes: Sequence[Linked], known: Mapping[str, Task], workers: int) -> None:
        self._known = known
        self._open = [""] * workers
        self._crew: Counter[str] = Counter()
        self._idle = list(range(workers))
        self._ends: list[tuple[float, int, str]] = []
        self._waiting: Waiting[str] = Waiting()
        self._left = {take.key: len({key for key in _before(take) if key in known}) for take in takes}
        self._then: defaultdict[str, list[str]] = defaultdict(list)
        for take in takes:
            for key in {key for key in _before(take) if key in known}:
                self._then[key].append(take.key)

    def seconds(self) -> float:
        now = 0.0
        for key, before in self._left.items():
            if not before:
                self._waiting.add(self._known[key], key)
        self._give(now)
        while self._ends:
            now, worker, key = heapq.heappop(self._ends)
            self._idle.append(worker)
            for later in self._then[key]:
                self._left[later] -= 1
                if not self._left[later]:
                    self._waiting.add(self._known[later], later)
            self._give(now)
        return now

    def _give(self, now: float) -> None:
        """Let every idle worker take what it wants."""
        still = []
        for worker in self._idle:
            taken = self._waiting.take(self._open[worker], self._crew) if self._waiting else None
            if taken is None:
                still.append(worker)
                continue
            task, key = taken
            loads = task.engine != self._open[worker]
            if loads:
                self._crew.subtract([self._open[worker]] if self._open[worker] else [])
                self._crew[task.engine] += 1
                self._open[worker] = task.engine
            heapq.heappush(self._ends, (now + task.seconds + (task.load if loads else 0.0), worker, key))
        self._idle = still
