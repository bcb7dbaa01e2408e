"""Shooting: every take once, each after what it needs, failure local, an interrupt clean."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.cancel import Cancellation
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.engines.options import Memory
from sora_cli.errors import RenderError, StoreError
from sora_cli.events import Note, Recording, Report, TakeFailed, TakeKept, TakeSkipped
from sora_cli.media.read import read_frames
from sora_cli.plan import Plan, plan_takes
from sora_cli.shoot.camera import Camera, Job
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.shoot import best, shoot
from sora_cli.store import Clip, Store
from tests.boards import board, catalogue

SMALL = catalogue(native_size=(32, 32), fixed_size=True)


class Drawing:
    """An engine that draws: flat frames whose grey is the take's seed, opening with what is given."""

    def __init__(self, card: EngineCard, made: list[str], fails: Callable[[Take], bool] = lambda _take: False) -> None:
        self.card = card
        self.closed = False
        self._made = made
        self._fails = fails

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        progress(1, 2)
        if self._fails(take):
            raise RenderError(f"{take.name}: the model saw red" if "/1" in take.name else "the model saw red")
        frames = np.full((take.frames, take.height, take.width, 3), take.seed % 251, np.uint8)
        if given.opening is not None:
            frames[: len(given.opening)] = given.opening
        progress(2, 2)
        self._made.append(take.name)
        return Footage(frames, take.fps)

    def close(self) -> None:
        self.closed = True


class Set:
    """A place to shoot: a store, a recording, an engine that draws."""

    def __init__(self, folder: Path, fails: Callable[[Take], bool] = lambda _take: False) -> None:
        self.store = Store(folder)
        self.report = Recording()
        self.made: list[str] = []
        self.fails = fails

    def shoot(self, plan: Plan) -> dict[str, Clip]:
        camera = Camera(self._open, self.store, Cancellation())
        executor = LocalExecutor(camera, camera.close)
        try:
            return shoot(plan, executor, self.store, self.report)
        finally:
            executor.close()

    def _open(self, card: EngineCard, _report: Report, _memory: Memory) -> Drawing:
        return Drawing(card, self.made, self.fails)


def plan(*shots: Any, **film: Any) -> Plan:
    return plan_takes(board(*shots, **film), SMALL)


def test_every_take_is_shot_once_and_the_second_run_shoots_none(tmp_path: Path) -> None:
    planned = plan({"beats": ["a ball", "it stops"]}, "a cube")
    place = Set(tmp_path)
    clips = place.shoot(planned)
    assert sorted(place.made) == sorted(take.name for take in planned.takes)
    again = Set(tmp_path)
    assert again.shoot(planned) == clips
    assert again.made == []
    assert all(event.reused for event in again.report.of(TakeKept))


def test_a_beat_opens_with_the_played_frames_before_it(tmp_path: Path) -> None:
    planned = plan({"beats": ["a ball", "it stops"]})
    first, second = planned.takes
    clips = Set(tmp_path).shoot(planned)
    opened = read_frames(clips[second.key].path, 0, second.skip)
    assert (opened == read_frames(clips[first.key].path, first.skip + first.play - second.skip, second.skip)).all()


def test_a_failed_take_takes_down_only_what_hangs_on_it(tmp_path: Path) -> None:
    planned = plan({"name": "one", "beats": ["a ball", "it stops"]}, {"name": "two", "prompt": "a cube"})
    place = Set(tmp_path, fails=lambda take: "one/1" in take.name)
    with pytest.raises(RenderError, match=r"2 takes could not be made: .*; first: scene-1/one/1: "):
        place.shoot(planned)
    assert place.made == ["scene-1/two"]
    assert "one/1" not in place.report.of(TakeFailed)[0].reason, "the take is named once"
    assert [event.take for event in place.report.of(TakeFailed)] == ["scene-1/one/1"]
    assert [event.because for event in place.report.of(TakeSkipped)] == ["scene-1/one/1"]
    with pytest.raises(RenderError, match=r"^scene-1/three: the model saw red"):  # which did not name it
        Set(tmp_path, fails=lambda _: True).shoot(plan({"name": "three", "prompt": "a cone"}))
    mended = Set(tmp_path)
    mended.shoot(planned)
    assert "scene-1/two" not in mended.made


def test_an_engine_that_stays_open_tells_whoever_waits_for_the_take_that_is_made(tmp_path: Path) -> None:
    """As where memory runs out: it was told to the first film of a batch, or to a closed file of a served order."""
    planned = plan("a ball", "a cube")
    takes, cards = planned.takes, planned.cards
    reports: list[Report] = []

    class Telling(Drawing):
        def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
            reports[0](Note(take.name, ""))
            return super().generate(take, given, progress)

    def opened(card: EngineCard, report: Report, _memory: Memory) -> Drawing:
        reports.append(report)
        return Telling(card, [])

    camera, heard = Camera(opened, Store(tmp_path), Cancellation()), [Recording(), Recording()]
    for take, told in zip(takes, heard, strict=True):
        camera(Job(take, cards[take.engine], told))
    assert len(reports) == 1
    assert [[note.message for note in each.of(Note)] for each in heard] == [[take.name] for take in takes]


def test_the_best_of_several_takes_is_carried_on(tmp_path: Path) -> None:
    planned = plan({"takes": 3, "beats": ["a ball", {"prompt": "it stops"}]})
    stretch = planned.shots[0].beats[0].stretches[0]
    later = planned.shots[0].beats[1].stretches[0].candidates[0]
    clips = Set(tmp_path).shoot(planned)
    carried = best(clips, stretch.keys)
    assert carried.score == max(clips[key].score for key in stretch.keys)
    take = stretch.candidates[0]
    opened = read_frames(clips[later.key].path, 0, later.skip)
    assert (opened == read_frames(carried.path, take.skip + take.play - later.skip, later.skip)).all()


def test_calling_off_stops_at_the_next_step_and_keeps_nothing_half_made(tmp_path: Path) -> None:
    planned = plan("a ball", "a cube")
    report, store = Recording(), Store(tmp_path)
    camera = Camera(lambda card, _report, _memory: Drawing(card, []), store, Cancellation())
    camera.stop()
    executor = LocalExecutor(camera, camera.close)
    with pytest.raises(Exception, match=r"^$"):
        shoot(planned, executor, store, report)
    executor.close()
    assert not list(tmp_path.rglob("*.mp4"))


def test_a_store_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file, where a folder should be")
    with pytest.raises(StoreError):
        Set(tmp_path / "store").shoot(plan("a ball"))


def test_the_camera_closes_one_engine_before_it_opens_another(tmp_path: Path) -> None:
    opened: list[Drawing] = []

    def open_engine(card: EngineCard, _report: Report, _memory: Memory) -> Drawing:
        assert all(engine.closed for engine in opened)
        opened.append(Drawing(card, []))
        return opened[-1]

    planned = plan({"prompt": "a ball", "engine": "one"}, {"prompt": "a cube", "engine": "two"})
    camera = Camera(open_engine, Store(tmp_path), Cancellation())
    executor = LocalExecutor(camera, camera.close)
    shoot(planned, executor, Store(tmp_path), Recording())
    executor.close()
    assert len(opened) == 2
    assert all(engine.closed for engine in opened)


def test_the_next_engines_weights_are_read_while_the_first_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr("sora_cli.shoot.shoot.read_ahead", lambda card, _stop: read.append(card.name))
    Set(tmp_path).shoot(plan({"prompt": "a ball", "engine": "one"}, {"prompt": "a cube", "engine": "two"}, "a star"))
    assert sorted(read) == ["test", "two"]


class Watched(Future[Clip]):
    """A job that counts how often it is looked at."""

    looks = 0

    def __getattribute__(self, name: str) -> Any:
        Watched.looks += 1
        return super().__getattribute__(name)


class Slow:
    """Takes all jobs at once, and ends one whenever it is waited for."""

    def __init__(self, made: Callable[[Job], Clip]) -> None:
        self._made = made
        self._queue: list[tuple[Watched, Job]] = []

    def submit(self, job: Job) -> Future[Clip]:
        future = Watched()
        self._queue.append((future, job))
        return future

    def close(self, patience: float | None = None) -> None:
        """Nothing is held."""

    def end_one(self) -> None:
        future, job = self._queue.pop()
        future.set_result(self._made(job))


def looks(folder: Path, count: int) -> int:
    planned = plan(*[f"a ball {number}" for number in range(count)])
    clip = Clip(key="", path=folder, sha256="", frames=1, width=32, height=32, fps=Fraction(12))
    slow = Slow(lambda job: replace(clip, key=job.take.key))

    class Ending(Cancellation):
        """Is asked once a round, and lets one job end in each."""

        def check(self) -> None:
            if slow._queue:
                slow.end_one()

    Watched.looks = 0
    assert len(shoot(planned, slow, Store(folder), Recording(), Ending())) == count
    return Watched.looks


def test_what_waits_in_the_queue_is_not_asked_whenever_a_take_ends(tmp_path: Path) -> None:
    assert looks(tmp_path, 200) < 12 * looks(tmp_path, 20)
