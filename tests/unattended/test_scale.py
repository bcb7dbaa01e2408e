"""Long nights: nothing to do is quick, planning grows with the storyboard, memory does not grow with the batch."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.plan import plan_takes
from sora_cli.record import sidecar
from tests.unattended.conftest import Machine
from tests.unattended.drawing import CARD


def shots(count: int, seconds: float = 0.5) -> str:
    lines = [f"  - {{name: s{n}, prompt: a red ball {n}, duration: {seconds}s}}\n" for n in range(count)]
    return "title: Long\nshots:\n" + "".join(lines)


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.long)])
def test_a_rerun_with_nothing_to_do_ends_within_two_seconds(machine: Machine, count: int) -> None:
    machine.write("long.yaml", shots(count, 0.25))
    words = ("storyboard", "long.yaml", "-o", "long.mp4")
    assert machine.run(*words).returncode == 0
    machine.forks = None  # whose children are not counted
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = machine.run(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "up to date" in done.stderr
    # The processor's time, so that a busy machine does not fail the test; the rest is for a slow disk.
    assert after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime < 2


def cost(folder: Path, count: int) -> float:
    """Seconds to read and plan a storyboard of so many shots, every second one carrying on from the one before."""
    path = folder / f"{count}.yaml"
    path.write_text(shots(count).replace("1, duration", "1, from: previous, duration"))
    began = time.process_time()
    plan = plan_takes(storyboard.load(path), lambda _name: CARD)
    sidecar.film_key(plan, "signer")
    return time.process_time() - began


@pytest.mark.long
def test_the_cost_of_planning_grows_with_the_storyboard(tmp_path: Path) -> None:
    hundred, thousand, ten_thousand = (min(cost(tmp_path, n) for _ in range(2)) for n in (100, 1000, 10_000))
    assert thousand < 20 * hundred
    assert ten_thousand < 20 * thousand


@pytest.mark.long
def test_ten_thousand_shots_are_planned_in_seconds_and_little_memory(machine: Machine) -> None:
    """The first time the policy reads each prompt, most of the time with its encoder; from then on it knows them."""
    machine.write("long.yaml", shots(10_000))
    machine.environment["XDG_CACHE_HOME"] = str(machine.folder / "cache")
    measured = (
        "import time; from pathlib import Path; from sora_cli.flows import preflight, preview;"
        " from sora_cli.shoot.workers import Workers; from tests.memory import peak;"
        " view = preview.planned(preflight.load(Path('long.yaml'), sets={}), workers=Workers(number=64));"
        " assert len(view.plan.takes) == 10_000; print(time.process_time(), peak())"
    )
    for most in (30, 10):  # 15 s and 5 s on a quiet machine
        done = subprocess.run(
            [sys.executable, "-c", measured], cwd=machine.folder, env=machine.environment, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        seconds, kilobytes = (float(word) for word in done.stdout.split())
        assert seconds < most
        assert kilobytes < 300_000


def soak(machine: Machine, films: int, measured_after: int, *words: str) -> tuple[float, float]:
    """Memory (kB, resident) of one batch after its first films, and at its end: of as many films each, the least.

    A look may fall on a film that is finished while the next is shot, on a busy machine most of them do; what is never
    given back is in the least as well.
    """
    for number in range(films):
        machine.write(
            f"b{number}.yaml", f"title: Film {number}\nshots:\n  - {{prompt: a ball {number}, duration: 1s}}\n"
            f"  - {{prompt: a cube {number}, duration: 1s, transition: dissolve 0.25s}}\n",
        )  # fmt: skip
    sizes = []
    names = [f"b{number}.yaml" for number in range(films)]
    with machine.start("batch", *names, "-o", "films", "--events", "--draft", *words, stderr=None) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{") and json.loads(line)["event"] == "film_ended":
                status = Path(f"/proc/{process.pid}/status").read_text()
                sizes.append(int(status.split("VmRSS:")[1].split()[0]))
            if len(sizes) == films:
                break
        process.stdout.read()
    assert process.returncode == 0
    return min(sizes[measured_after : 2 * measured_after]), min(sizes[-measured_after:])


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_memory_of_eight_films(machine: Machine) -> None:
    early, late = soak(machine, 8, 3)
    assert late < 1.1 * early


@pytest.mark.long
@pytest.mark.parametrize("engine", ["drawing", "nano"])
def test_memory_of_a_hundred_films(machine: Machine, engine: str) -> None:
    machine.environment["SORA_ENGINE"] = engine
    early, late = soak(machine, 100, 10)
    assert late < 1.1 * early, f"{early} kB after the first ten films, {late} kB at the end"


def peak(machine: Machine, shots: int) -> int:
    """Peak memory (kB, resident) of a run that makes a film with sound of 36 takes of 10 s, again and again.

    The sound is made for it; it is asked for at a level that needs no limiter, which takes time.
    """
    written = "".join(f"  - {{prompt: a red ball {n % 36}, seed: 3, duration: 10s}}\n" for n in range(shots))
    machine.write("film.yaml", f"engine: drawing-long\nsound: {{ambience: rain, loudness: -30}}\nshots:\n{written}")
    run = machine.launch("film", "storyboard", "film.yaml", "-o", "film.mp4", "--overwrite")
    _, status, used = os.wait4(run.pid, 0)
    if isinstance(run, subprocess.Popen):
        run.returncode = os.waitstatus_to_exitcode(status)  # else it warns that it runs still
    assert status == 0, (machine.folder / "film.err").read_text()
    assert len(list(machine.drawn())) == 36
    return used.ru_maxrss


@pytest.mark.long
def test_an_hour_is_finished_in_the_memory_of_six_minutes(machine: Machine) -> None:
    machine.environment["XDG_CACHE_HOME"] = str(machine.folder / "cache")
    peak(machine, 37)  # which makes the takes, reads the words, and finds out what rain is
    (machine.folder / "film.mp4").unlink()
    short, hour = peak(machine, 36), peak(machine, 360)
    assert hour <= 1.1 * short, f"{short} kB for 6 minutes, {hour} kB for 60"
