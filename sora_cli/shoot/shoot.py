"""Plan -> clips: skip what the store holds, submit each take when what it waits for is done.

Failure is local: a take that cannot be made takes down only what hangs on it; the rest is shot, and told at the end.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from graphlib import TopologicalSorter
from queue import Empty, SimpleQueue
from typing import Protocol

from msgspec.structs import replace

from sora_cli.cancel import Cancellation
from sora_cli.engines.base import Carry, EngineCard, Take
from sora_cli.engines.options import Memory
from sora_cli.engines.prefetch import read_ahead
from sora_cli.errors import DeviceLost, MachineError, PolicyError, RenderError, SoraError, StoreError, WorkerLost
from sora_cli.events import Report, TakeElsewhere, TakeFailed, TakeKept, TakeRetried, TakeSkipped, TakeSpared
from sora_cli.lock import PATIENCE
from sora_cli.plan.schedule import Task
from sora_cli.plan.takes import latents_go_on
from sora_cli.review.bars import is_good
from sora_cli.shoot.camera import Elsewhere, Job, Stopped
from sora_cli.shoot.executors.base import Executor
from sora_cli.shoot.screen import RefusedTakeError
from sora_cli.store import Clip, Store
from sora_cli.storyboard.policy import Policy

TRIES = 2
"""How often a take is tried whose device goes away."""
WORKER_TRIES = 4
"""How often a take is tried whose worker goes away: it may have been another one's fault."""


def best(clips: Mapping[str, Clip], keys: Iterable[str], *, until_good: bool = False) -> Clip:
    """Choose the clip that plays from a beat's takes: the best, or the first good one where that was asked for."""
    made = [clips[key] for key in keys if key in clips]
    good = next((clip for clip in made if until_good and clip.good), None)
    return good or max(made, key=lambda clip: clip.score)


def _spare_ones(takes: Iterable[Take]) -> bool:
    """Whether some are made only while those before them fall short."""
    return any(take.after and not take.stands_in for take in takes)


def _of_take(take: Take, error: SoraError) -> SoraError:
    """The error with its take's name: engines need not name it."""
    if not isinstance(error, RenderError) or error.message.startswith(f"{take.name}: "):
        return error
    named = RenderError(f"{take.name}: {error.message}", hint=error.hint)
    named.__cause__ = error
    return named


class Work(Protocol):
    """What `shoot` needs of a plan."""

    @property
    def takes(self) -> Sequence[Take]:
        """Every take, each after those it needs."""
        ...

    @property
    def cards(self) -> Mapping[str, EngineCard]:
        """The engines' cards, by the name that takes carry."""
        ...

    @property
    def memory(self) -> Memory:
        """How the engines are fitted to the device."""
        ...

    @property
    def rules(self) -> Policy:
        """What frames are held to."""
        ...

    @property
    def bars(self) -> Mapping[str, float]:
        """What says of a take that it is good, as far as the author says."""
        ...


def shoot(
    plan: Work,
    executor: Executor[Job, Clip],
    store: Store,
    report: Report,
    cancel: Cancellation | None = None,
    *,
    tasks: Mapping[str, Task] | None = None,
) -> dict[str, Clip]:
    """Every take's clip, by key: from the store where it is there, made where it is not.

    A take that another process is making is waited for, while others are made; or made here, when the other one dies.
    `tasks` says what counts of each take where several workers share them.

    Raises:
        RenderError: some takes failed; all others are in the store.
        StoreError: the store cannot be used.
        Interrupted, WorkError: `cancel` asked to stop; what was made is in the store.
    """
    return _Shooting(plan, executor, store, report, cancel or Cancellation(), tasks=tasks or {}).run()


class _Shooting:
    """One run through a plan's takes."""

    def __init__(
        self,
        plan: Work,
        executor: Executor[Job, Clip],
        store: Store,
        report: Report,
        cancel: Cancellation,
        *,
        tasks: Mapping[str, Task],
    ) -> None:
        self._takes = {take.key: take for take in plan.takes}
        self._cards = plan.cards
        self._memory = plan.memory
        self._rules = plan.rules
        self._bars = plan.bars
        self._executor = executor
        self._store = store
        self._report = report
        self._cancel = cancel
        self._tasks = tasks
        self._clips: dict[str, Clip] = {}
        self._failed: dict[str, str] = {}
        self._errors: list[SoraError] = []
        self._running: dict[Future[Clip], Take] = {}
        self._done: SimpleQueue[Future[Clip]] = SimpleQueue()
        self._elsewhere: dict[str, Take] = {}
        self._asked = 0.0
        self._told: set[str] = set()
        self._tries: Counter[str] = Counter()
        self._engine = ""
        self._begun: set[str] = set()
        self._enough = threading.Event()

    def run(self) -> dict[str, Clip]:
        """Walk the takes as they become ready."""
        try:
            return self._walk()
        finally:
            self._enough.set()
            for future in self._running:  # where it ends early, those that wait are not made before the next film
                future.cancel()

    def _walk(self) -> dict[str, Clip]:
        order = TopologicalSorter({key: (*take.needs, *take.after) for key, take in self._takes.items()})
        order.prepare()
        while order.is_active():
            self._cancel.check()
            for take in self._ready(order.get_ready()):
                if self._settled(take):
                    order.done(take.key)
                else:
                    self._submit(take)
            for key in self._finished():
                order.done(key)
        self._tell_failures()
        return self._clips

    def _ready(self, keys: Iterable[str]) -> list[Take]:
        """Takes of the engine that is open come first: loading another may take longer than a take."""
        takes = [self._takes[key] for key in keys]
        return sorted(takes, key=lambda take: (take.engine != self._engine, take.engine))

    def _settled(self, take: Take) -> bool:
        """Whether there is nothing to make: the take is in the store, or what it hangs on failed."""
        because = next((self._failed[key] for key in take.needs if key in self._failed), None)
        if because is not None:
            self._failed[take.key] = because
            self._report(TakeSkipped(take.name, take.key, because))
            return True
        if enough := next((key for key in take.after if self._suffices(take, key)), None):
            self._report(TakeSpared(take.name, take.key, self._takes[enough].name))
            return True
        clip = self._store.find(take.key)
        if clip is not None:
            self._made(clip)
            self._report(TakeKept(take.name, take.key, str(clip.path), clip.seconds, reused=True))
        return clip is not None

    def _suffices(self, take: Take, key: str) -> bool:
        """Whether the clip of an earlier take, where there is one, makes this take needless."""
        return key in self._clips and (take.stands_in or self._clips[key].good)

    def _refused(self, take: Take, error: SoraError) -> bool:
        """Whether the policy refused the take and another seed is still to be tried; then that is told."""
        left = [each for each in self._takes.values() if each.stands_in and take.key in each.after]
        if not left or not isinstance(error, RefusedTakeError):
            return False
        reason = error.message.removeprefix(f"{take.name}: ")
        self._report(TakeRetried(take.name, take.key, reason, len(left[0].after) + 1, len(left[-1].after) + 1))
        return True

    def _made(self, clip: Clip) -> None:
        """Note a clip that is there, good or not by the author's own bars."""
        self._clips[clip.key] = replace(clip, good=is_good(clip, self._bars))

    def _submit(self, take: Take) -> None:
        self._engine = take.engine
        opening, closing = self._source(take.opening), self._source(take.closing)
        hold = take.opening.hold if take.opening else None
        anchor = self._best(hold.takes) if hold and hold.takes else hold.path if hold else None
        card = self._cards[take.engine]
        latents = opening is not None and latents_go_on(card, take, self._takes[opening.key])
        job = Job(
            take,
            card,
            self._report,
            opening,
            closing,
            self._memory,
            anchor,
            latents,
            self._rules,
            self._tasks.get(take.key),
            self._best(take.start.takes) if take.start and take.start.takes else None,
            tuple(self._best(each.takes) for each in take.change.excerpts) if take.change else (),
        )
        future = self._executor.submit(job)
        self._running[future] = take
        future.add_done_callback(self._done.put)
        self._read_ahead()

    def _read_ahead(self) -> None:
        """When an engine begins, read the weights of the one that comes next."""
        if len(self._cards) < 2 or self._engine in self._begun:
            return
        self._begun.add(self._engine)
        ahead = {take.engine for take in self._takes.values() if take.key not in self._clips} - self._begun
        if ahead:
            card = self._cards[min(ahead)]
            threading.Thread(target=read_ahead, args=(card, self._enough), daemon=True).start()

    def _source(self, carry: Carry | None) -> Clip | None:
        return self._best(carry.takes) if carry is not None and carry.takes else None

    def _best(self, keys: tuple[str, ...]) -> Clip:
        return best(self._clips, keys, until_good=_spare_ones(self._takes[key] for key in keys))

    def _finished(self) -> list[str]:
        """Wait a moment; the keys of the takes that are settled now. What somebody else makes is asked for again."""
        if not self._running and self._elsewhere:
            time.sleep(PATIENCE)
        if self._elsewhere and time.monotonic() - self._asked >= PATIENCE:  # an idle worker would ask without pause
            self._asked = time.monotonic()
            for take in [self._elsewhere.pop(key) for key in list(self._elsewhere)]:
                self._submit(take)
        return [take.key for future in self._ended_now() if self._ended(take := self._running.pop(future), future)]

    def _ended_now(self) -> Iterator[Future[Clip]]:
        """The jobs that end within a moment. They tell so themselves: to ask each would cost as many as are queued."""
        try:
            yield self._done.get(timeout=PATIENCE if self._running else 0)
            while True:
                yield self._done.get_nowait()
        except Empty:
            return

    def _ended(self, take: Take, future: Future[Clip]) -> bool:
        """Whether the take is settled, made or failed."""
        try:
            self._made(future.result())
        except StoreError:
            raise  # every other take would meet the same disk
        except Stopped:
            self._cancel.check()
            raise
        except Elsewhere:
            if take.key not in self._told:
                self._told.add(take.key)
                self._report(TakeElsewhere(take.name, take.key))
            self._elsewhere[take.key] = take
            return False
        except DeviceLost as error:
            return not self._tried_again(take, error)
        except SoraError as error:
            if not self._refused(take, error):
                self._fail(take, error)
        return True

    def _fail(self, take: Take, error: SoraError) -> None:
        self._failed[take.key] = take.name
        reason = error.message.removeprefix(f"{take.name}: ")  # which is told with it
        self._errors.append(_of_take(take, error))
        self._report(TakeFailed(take.name, take.key, reason, error.hint))

    def _tried_again(self, take: Take, error: DeviceLost) -> bool:
        """Whether a take whose device or worker went away is tried once more; else it failed."""
        self._tries[take.key] += 1
        of = WORKER_TRIES if isinstance(error, WorkerLost) else TRIES
        if self._tries[take.key] < of:
            self._report(TakeRetried(take.name, take.key, error.message, self._tries[take.key] + 1, of))
            self._submit(take)
            return True
        if not isinstance(error, WorkerLost):
            raise error  # every other take would meet the same device
        self._fail(take, RenderError(f"{take.name}: {error.message}", hint="its worker went away each time"))
        return False

    def _tell_failures(self) -> None:
        if not self._errors:
            return
        first = self._errors[0]
        if len(self._failed) == 1 or all(isinstance(error, MachineError | PolicyError) for error in self._errors):
            raise first
        names = ", ".join(self._takes[key].name for key in self._failed)
        message = f"{len(self._failed)} takes could not be made: {names}; first: {first.message}"
        raise RenderError(message, hint=first.hint or "the others are kept: run the same command again")
