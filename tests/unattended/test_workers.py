"""Several workers on one machine: the same clips under the same keys, whatever happens to the workers."""

from __future__ import annotations

import contextlib
import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import field
from msgspec.structs import replace

from sora_cli.errors import RequestError, SoraError, WorkerLost
from sora_cli.events import Event, Recording, Silent, Step, TakeKept, TakeRetried
from sora_cli.flows import batch, film, ordered, preflight
from sora_cli.plan import plan_takes
from sora_cli.plan.schedule import Task
from sora_cli.shoot.executors.crew import Crew
from sora_cli.shoot.hire import devices
from sora_cli.shoot.studio import Studio
from sora_cli.shoot.workers import Workers
from sora_cli.store import Store
from tests.boards import board
from tests.unattended import buckets
from tests.unattended.conftest import ROOT, Machine
from tests.unattended.drawing import CARD

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")

BOARD = """\
title: Shared
shots:
  - {name: one, beats: [{prompt: a ball falls, duration: 1s}, {prompt: it stops, duration: 1s}]}
  - {name: two, prompt: a cube, duration: 1s, takes: 2}
  - {name: three, prompt: a star, duration: 1s}
  - {name: four, prompt: a cone, duration: 1s, engine: drawing-2}
"""
WORDS = ("storyboard", "shared.yaml", "-o", "shared.mp4", "--overwrite")


def told(run: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """What a run tells, while it does."""
    assert run.stdout is not None
    for line in run.stdout:
        yield json.loads(line)


def workers_of(process: int) -> list[int]:
    """The processes of a run that hold a camera: what multiprocessing spawned, without its tracker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if int(path.read_text().rpartition(")")[2].split()[1]) == process:
                found += [int(path.parent.name)] if b"spawn_main" in path.with_name("cmdline").read_bytes() else []
    return sorted(found)


class Killing(Recording):
    """Kills the worker that tells the first step, and notes what is told: workers tell things at the same time."""

    telling: Any = field(default_factory=threading.Lock)

    def __call__(self, event: Event) -> None:
        with self.telling:
            if isinstance(event, Step) and not self.of(Step):
                os.kill(workers_of(os.getpid())[int(event.worker[-1])], signal.SIGKILL)
            super().__call__(event)


def test_a_killed_worker_s_take_is_made_by_another_and_clips_are_those_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SORA_DRAW_STEP", "0.1")
    monkeypatch.setenv("SORA_DRAW_LOG", str(tmp_path / "drawn.log"))
    script, ran = tmp_path / "film.py", tmp_path / "ran-again"
    script.write_text(f"open({str(ran)!r}, 'w')\n")  # a program that makes films at its top, as a short one does
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)
    monkeypatch.setattr(multiprocessing.current_process(), "daemon", True)  # of a Pool, which may start no processes
    plan = plan_takes(
        board({"beats": ["a ball", "it stops"]}, {"prompt": "a cube", "takes": 2}, "a star", "a cone"), lambda _: CARD
    )
    with Studio(Store(tmp_path / "one"), workers=Workers(number=1)) as studio:
        alone = studio.shoot(plan, Silent())
    heard = Killing()
    with Studio(Store(tmp_path / "two"), workers=Workers(number=2)) as studio:
        shared = studio.shoot(plan, heard)
    assert {name: clip.sha256 for name, clip in shared.items()} == {name: clip.sha256 for name, clip in alone.items()}
    (retried,) = heard.of(TakeRetried)
    assert isinstance(retried, TakeRetried)
    assert "was ended by SIGKILL" in retried.reason
    assert {event.worker for event in heard.events if isinstance(event, Step)} <= {"cpu 0", "cpu 1"}
    assert len(heard.of(TakeKept)) == len(plan.takes)
    drawn = Counter(line.split()[0] for line in (tmp_path / "drawn.log").read_text().splitlines())
    assert set(drawn.values()) == {2}, "once alone, once shared"
    assert workers_of(os.getpid()) == [], "their devices are given back"
    assert not ran.exists(), "workers ran the user's program anew"


class Doubling:
    """A worker that is quick."""

    def __init__(self, room: float = math.inf) -> None:
        self.room = room

    def run(self, job: int) -> int:
        return 2 * job

    def stop(self) -> None:
        pass

    def close(self, patience: float | None = None) -> None:
        pass


def test_a_worker_that_waits_for_a_device_holds_no_take_back_nor_the_end() -> None:
    asked, left = threading.Event(), threading.Event()

    def no_device() -> Doubling:
        asked.set()
        left.wait()
        raise WorkerLost("the cluster has no room")

    class Later(Doubling):
        def run(self, job: int) -> int:
            assert asked.wait(60)
            return super().run(job)

    crew: Crew[int, int] = Crew([no_device, Later], lambda _: Task("drawing", 1, 1), left.set)
    made = [crew.submit(number) for number in range(5)]
    assert [each.result(60) for each in made] == [0, 2, 4, 6, 8]
    crew.close()
    assert left.is_set()


def test_a_job_that_nobody_wants_any_more_is_not_run() -> None:
    began, on, ran = threading.Event(), threading.Event(), list[int]()

    class Slow(Doubling):
        def run(self, job: int) -> int:
            ran.append(job)
            began.set()
            assert on.wait(60)
            return super().run(job)

    crew: Crew[int, int] = Crew([Slow], lambda _: Task("drawing", 1, 1))
    made = [crew.submit(number) for number in range(3)]
    assert began.wait(60)
    assert [each.cancel() for each in made] == [False, True, True]
    last = crew.submit(3)
    on.set()
    assert (made[0].result(60), last.result(60)) == (0, 6)
    crew.close()
    assert ran == [0, 3]


def test_what_a_small_gpu_cannot_hold_is_made_on_a_large_one_and_by_a_small_one_when_that_is_gone() -> None:
    made: list[tuple[float, int]] = []
    needs = Task("small", 1, 1), Task("large", 1, 1, room=60)

    class Noting(Doubling):
        def run(self, job: int) -> int:
            made.append((self.room, job))
            return super().run(job)

    def gone() -> Noting:
        raise WorkerLost("its node is gone")

    for large in (partial(Noting, 80), gone):
        crew: Crew[int, int] = Crew([partial(Noting, 24), large], lambda job: needs[job % 2])
        assert [each.result(60) for each in [crew.submit(job) for job in range(6)]] == [0, 2, 4, 6, 8, 10]
        crew.close()
    assert {room for room, job in made[:6] if job % 2} == {80}
    assert {room for room, _ in made[6:]} == {24}


def test_where_no_worker_starts_the_error_says_why() -> None:
    def no_device() -> Doubling:
        raise OSError("too many open files")

    crew: Crew[int, int] = Crew([no_device] * 2, lambda _: Task("drawing", 1, 1))
    with pytest.raises(WorkerLost, match=r"no worker is left.*; the last: no process can be started: too many open"):
        crew.submit(1).result(60)
    crew.close()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_one_that_leads_them_and_leave_whole_clips(machine: Machine, number: int) -> None:
    machine.write("shared.yaml", BOARD)
    with machine.start(*WORDS, "--events", "--workers", "2", environment={"SORA_DRAW_STEP": "0.2"}) as run:
        next(event for event in told(run) if event["event"] == "step")
        here = workers_of(run.pid)
        os.kill(run.pid, number)
        assert run.wait(60) == (130 if number == signal.SIGINT else -number)
    for _ in range(100):
        if not any(Path(f"/proc/{process}").exists() for process in here):
            break
        time.sleep(0.1)
    assert here
    assert not any(Path(f"/proc/{process}").exists() for process in here)
    done = machine.run(*WORDS)
    assert done.returncode == 0, done.stderr
    assert max(machine.drawn().values()) == 1, "a clip was made twice"


def test_each_worker_has_a_device_and_on_the_processor_a_share_of_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sora_cli.shoot.hire.cores", lambda: 16)
    monkeypatch.setattr("sora_cli.shoot.hire.gpus", list)
    assert [(name, bound["OMP_NUM_THREADS"]) for name, bound in devices(3)] == [(f"cpu {n}", "5") for n in range(3)]
    assert devices(0) == devices(1) == []
    monkeypatch.setattr("sora_cli.shoot.hire.gpus", lambda: ["2", "GPU-5f"])
    assert [bound["CUDA_VISIBLE_DEVICES"] for _, bound in devices(0)] == ["2", "GPU-5f"]
    assert [bound["CUDA_VISIBLE_DEVICES"] for _, bound in devices(3)] == ["2", "GPU-5f", "2"]
    assert len({name for name, _ in devices(3)}) == 3
    assert devices(1) == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SORA_WORKERS": "two"}, "SORA_WORKERS is two"),
        ({"SORA_WORKERS": "0"}, "SORA_WORKERS is 0"),
        ({"SORA_EXECUTOR": "slurm"}, "no executor is called slurm"),
    ],
)
def test_what_the_environment_asks_is_checked(
    environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RequestError, match=message):
        Workers.asked()
    assert Workers.asked("local", 3) == Workers("local", 3), "an option wins"


def test_what_an_option_says_of_who_makes_takes_is_known_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster's GPUs are not looked for on this machine; and a program without options is given what a command is."""
    monkeypatch.setattr("sora_cli.flows.lacks.lacking", lambda *_: None)
    monkeypatch.setattr("sora_cli.engines.devices.gpus", list)
    file = tmp_path / "board.yaml"
    file.write_text("memory: {gpus: 2}\nexecutor: ray\nshots: [a red ball]\n")
    entry, options = batch.Entry(str(file), file, {}), batch.BatchOptions(folder=tmp_path)
    preflight.require_ready(preflight.plan_of(preflight.load(file, sets={})))
    with pytest.raises(SoraError, match="gpus: 0 GPUs can be used here"):
        preflight.require_ready(preflight.plan_of(preflight.load(file, sets={}, executor="local")))
    file.rename(tmp_path / ordered.BOARD)
    with pytest.raises(SoraError, match="gpus: 0 GPUs can be used here"):  # a server says who makes what is sent in
        ordered.check(tmp_path, ordered.OrderLimits())
    file.write_text("memory: {gpus: 2}\nshots: [a red ball]\n")
    asked = preflight.load(file, sets={}, executor="ray")
    preflight.require_ready(preflight.plan_of(asked))
    with Studio(Store(tmp_path / "store")) as studio:
        with pytest.raises(SoraError, match="gpus: 0 GPUs can be used here"):
            batch.run([entry], studio, Silent(), options)
        with monkeypatch.context() as patched:
            patched.setattr(film, "make", lambda board, *_, **__: pytest.fail(f"made by {board.executor}"))
            with pytest.raises(pytest.fail.Exception, match="made by ray"):
                batch.run([entry], studio, Silent(), replace(options, executor="ray"))

    def opened(_store: Store, *, workers: Workers) -> None:
        raise SoraError(f"{workers.of_film(asked.executor)}")

    monkeypatch.setattr(film, "Studio", opened)
    monkeypatch.setenv("SORA_WORKERS", "3")
    with pytest.raises(SoraError, match=r"kind='ray', number=3"):
        film.make(asked, tmp_path / "film.mp4", report=Silent())


@pytest.mark.long
def test_two_machines_share_a_bucket_and_a_killed_one_s_takes_are_made_by_the_other(machine: Machine) -> None:
    """Two runs of one film with folders of their own here, as two machines have them; one is killed in a step."""
    machine.write("shared.yaml", BOARD)
    one, other = ({"XDG_CACHE_HOME": str(machine.folder / name)} for name in ("one", "other"))
    words = ("storyboard", "shared.yaml", "--events", "-o")
    with buckets.s3() as environment:
        machine.environment |= {**environment, "SORA_DRAW_STEP": "0.3"}
        with machine.start(*words, "one.mp4", environment=one) as killed:
            next(event for event in told(killed) if event["event"] == "step")
            with machine.start(*words, "other.mp4", environment=other, stderr=None) as run:
                next(event for event in told(run) if event["event"] == "take_elsewhere")
                killed.kill()
                events = list(told(run))
                assert run.wait(300) == 0
    assert events[-1]["event"] == "released"
    assert set(machine.drawn().values()) == {1}


def test_each_film_of_a_batch_is_made_where_its_storyboard_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hired, closed = list[str](), list[str]()

    def hire(workers: Workers, *_: object, **__: object) -> Any:
        hired.append(workers.kind)
        return SimpleNamespace(close=lambda _patience: closed.append(workers.kind))

    monkeypatch.setattr("sora_cli.shoot.hire.executor", hire)
    monkeypatch.setattr("sora_cli.shoot.shoot.shoot", lambda *_, **__: {})
    monkeypatch.setattr("sora_cli.plan.cost.tasks", lambda *_: {})
    plan = plan_takes(board("a ball"), lambda _: CARD)
    with Studio(Store(tmp_path), workers=Workers()) as studio:
        for kind in ("local", None, "ray", "ray", "local"):
            studio.shoot(replace(plan, board=replace(plan.board, executor=kind)), Silent())
    assert hired == ["local", "ray", "local"]
    assert closed == hired
