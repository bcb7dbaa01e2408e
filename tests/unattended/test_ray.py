"""Workers on a Ray cluster: what is lost is made elsewhere; without Ray the error says what to install."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from sora_cli.errors import MachineError, StoreError
from sora_cli.events import Event, Recording, TakeKept, TakeRetried, TakeStarted
from sora_cli.plan import Plan, plan_takes
from sora_cli.shoot.hire import CameraRunner
from sora_cli.shoot.studio import Studio
from sora_cli.shoot.workers import Workers
from sora_cli.store import Store
from tests.boards import board
from tests.unattended.conftest import ROOT
from tests.unattended.drawing import CARD


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


class Losing(Recording):
    """Kills a worker when five takes are kept, and takes a node away when fifteen are."""

    def __init__(self, remove: object) -> None:
        super().__init__()
        self.remove = remove
        self.killed = self.removed = False

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        if isinstance(event, TakeStarted) and len(self.of(TakeKept)) >= 5 and not self.killed:
            self.killed = True
            os.kill(int(event.worker.rpartition(" ")[2]), signal.SIGKILL)
        if len(self.of(TakeKept)) >= 15 and not self.removed:
            self.removed = True
            assert callable(self.remove)
            self.remove()


@pytest.mark.long
def test_a_lost_worker_and_a_lost_node_lose_no_take_and_make_none_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("SORA_DRAW_STEP", "0.05")
    monkeypatch.setenv("SORA_DRAW_LOG", str(tmp_path / "drawn.log"))
    node = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        other = cluster.add_node(num_cpus=2, object_store_memory=100 << 20)
        heard = Losing(lambda: cluster.remove_node(other, allow_graceful=False))
        takes = plan(40)
        with Studio(Store(tmp_path / "store"), workers=Workers("ray", 3, cluster.address)) as studio:
            clips = studio.shoot(takes, heard)
    finally:
        cluster.shutdown()
    assert len(clips) == 40
    assert len(heard.of(TakeKept)) == 40
    assert heard.of(TakeRetried)
    assert len({event.worker for event in heard.events if isinstance(event, TakeStarted)}) > 3, "lost ones are replaced"
    assert heard.removed
    drawn = Counter(line.split()[0] for line in (tmp_path / "drawn.log").read_text().splitlines())
    assert sorted(drawn) == sorted(take.key for take in takes.takes)
    assert sum(drawn.values()) <= 42, "but for takes that were made when their worker was lost"
    assert not list((tmp_path / "store").glob(".seen-*"))
