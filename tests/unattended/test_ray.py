"""Workers on a Ray cluster: what is lost is made elsewhere; without Ray the error says what to install."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sora_cli.errors import MachineError, StoreError
from sora_cli.events import Recording
from sora_cli.plan import Plan, plan_takes
from sora_cli.shoot.executors.ray import RayWorker, _Actor
from sora_cli.shoot.hire import CameraRunner
from sora_cli.shoot.studio import Studio
from sora_cli.shoot.workers import Workers
from sora_cli.store import Store
from tests.boards import board
from tests.unattended.conftest import Machine
from tests.unattended.drawing import CARD
from tests.unattended.test_kill import pixels


def plan(count: int) -> Plan:
    return plan_takes(board(*({"prompt": f"a ball {n}"} for n in range(count))), lambda _: CARD)


def test_without_ray_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MachineError) as error, Studio(Store(tmp_path), workers=Workers("ray")) as studio:
        studio.shoot(plan(1), Recording())
    assert error.value.exit_code == 3
    assert "sora-cli[cluster]" in error.value.hint


def test_a_worker_that_sees_another_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not see the store"):
        CameraRunner(Store(tmp_path), tmp_path / ".seen-elsewhere")


class Here:
    """An actor in this process, which Ray starts in a folder of its own."""

    def __init__(self, actor: object) -> None:
        os.chdir("/")
        self._actor = actor

    def __getattr__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(remote=getattr(self._actor, name))


def test_paths_count_from_the_folder_in_which_the_film_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cd films; sora storyboard film.yaml --executor ray` names `refs/mara.png`; a cluster is started anywhere."""
    (tmp_path / "mara.png").touch()
    monkeypatch.chdir(tmp_path)
    remote = SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda *words: Here(_Actor(*words))))
    ray = SimpleNamespace(remote=lambda _: remote, get=lambda value, **_: value, get_gpu_ids=list)
    ray.exceptions = SimpleNamespace(RayError=OSError)
    monkeypatch.setitem(sys.modules, "ray", ray)

    def made() -> SimpleNamespace:
        return SimpleNamespace(room=1.0 if Path("mara.png").exists() else 0.0)

    assert RayWorker(made, {}, gpus=0).room, "what a storyboard names is found"  # type: ignore[arg-type]  it only opens


SHOTS = "".join(f"  - {{name: s{n}, prompt: a ball {n}, duration: 0.5s}}\n" for n in range(40))
FORTY = f"title: Forty\nseed: 3\nshots:\n{SHOTS}"
WORDS = ("storyboard", "forty.yaml", "-o", "forty.mp4", "--draft")
NODE = {"num_cpus": 2, "object_store_memory": 100 << 20}
ROUNDS = 10


class Nodes:
    """Two nodes of a Ray cluster on this machine; the second one can be lost, and comes back."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        self.cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        self.second = self.cluster.add_node(**NODE)

    def lose(self) -> None:
        self.cluster.remove_node(self.second, allow_graceful=False)

    def again(self) -> None:
        self.second = self.cluster.add_node(**NODE)


@pytest.fixture
def nodes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    pytest.importorskip("ray")
    machine.environment |= {"SORA_DRAW_STEP": "0.02", "OMP_NUM_THREADS": "1"}
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    made = Nodes()
    yield made
    made.cluster.shutdown()


def one_round(machine: Machine, nodes: Nodes, lost: str, chance: random.Random) -> list[dict[str, Any]]:
    """Forty takes by three workers, of whom one is lost, or two with their node, or all with who leads them."""
    words = (*WORDS, "--executor", "ray", "--ray-address", nodes.cluster.address, "--workers", "3")
    run, told, kept = machine.launch("forty", *words), list[dict[str, Any]](), chance.randrange(2, 36)
    while sum(event["event"] == "take_kept" for event in machine.events("forty")) < kept:
        assert run.poll() is None, (machine.folder / "forty.err").read_text()
        time.sleep(0.02)
    time.sleep(chance.uniform(0, 0.1))
    if lost == "worker":
        names = [event["worker"] for event in machine.events("forty") if event.get("worker")]
        os.kill(int(chance.choice(names).rpartition(" ")[2]), signal.SIGKILL)
    elif lost == "node":
        nodes.lose()
    else:
        run.kill()
        run.wait()
        told = machine.events("forty")
        run = machine.launch("forty", *words)
    assert run.wait(600) == 0, (machine.folder / "forty.err").read_text()
    return told + machine.events("forty")


@pytest.mark.long
@pytest.mark.parametrize("lost", ["worker", "node", "driver"])
def test_whatever_is_lost_the_film_is_the_same_and_no_take_is_kept_twice(
    machine: Machine, nodes: Nodes, lost: str
) -> None:
    machine.write("forty.yaml", FORTY)
    assert machine.launch("alone", *WORDS).wait(600) == 0
    alone, chance = pixels(machine.folder / "forty.mp4"), random.Random(lost)  # noqa: S311  no secret
    for number in range(ROUNDS):
        clear(machine)
        told = one_round(machine, nodes, lost, chance)
        kept = Counter(event["key"] for event in told if event["event"] == "take_kept" and not event["reused"])
        assert set(kept.values()) == {1}, "a take was kept twice"
        # A worker may end between drawing and keeping a take, who leads them between keeping and telling it.
        assert 40 - 3 <= len(kept) <= 40
        drawn = machine.drawn()
        assert len(drawn) == 40
        assert sum(drawn.values()) <= 40 + 3
        assert pixels(machine.folder / "forty.mp4") == alone, number
        assert machine.leftovers() == []
        if lost == "node":
            nodes.again()


def clear(machine: Machine) -> None:
    """Forget the film and its clips."""
    for path in [*machine.folder.glob("forty.mp4*"), *machine.store.rglob("*"), machine.folder / "drawn.log"]:
        if path.is_file():
            path.unlink()
