"""GPUs that make a take together; here they are processes on the processor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sora_cli.cancel import Cancellation
from sora_cli.engines import catalogue
from sora_cli.engines.base import Ability, Engine, EngineCard, Given
from sora_cli.engines.cards.nano import nano_card
from sora_cli.engines.estimate import Machine, estimate
from sora_cli.engines.options import Memory
from sora_cli.errors import MachineError, WorkerLost
from sora_cli.events import Event, Note, Report
from sora_cli.shoot import hire
from sora_cli.shoot.camera import Stopped
from sora_cli.shoot.screen import Screen
from sora_cli.shoot.together import Rank, Together
from sora_cli.shoot.workers import Workers
from sora_cli.store.address import open_store
from tests.conftest import let_torchvision_in
from tests.contracts.test_engines import given_for, pictures, silence, take_for
from tests.engines import fixtures
from tests.pretending import Pretending

tiny_card = fixtures.tiny_card
PLACES = [("one", {"OMP_NUM_THREADS": "1"}), ("two", {"OMP_NUM_THREADS": "1"})]
SHARED = ["wan-vace", "wan", "wan-i2v", "wan-flf", "wan-pair", "wan-i2v-pair", "wan-ti2v", "lucy", "helios",
          "helios-mid", "helios-distilled", "minimax-h3"]  # fmt: skip


class OnProcessor(Rank):
    """A part of a true model's work, where torch finds no accelerator: diffusers divides by how many there are."""

    def opened(self, tell: Report) -> Engine:
        import torch

        let_torchvision_in()
        torch.accelerator.device_count = lambda: 1
        return super().opened(tell)


@pytest.mark.parametrize("name", ["wan-vace", *(pytest.param(each, marks=pytest.mark.long) for each in SHARED[1:])])
def test_two_make_together_what_one_makes_alone(name: str, tiny_card: Callable[[str], EngineCard]) -> None:
    card = tiny_card(name)
    assert card.shares
    take = take_for(card)
    opening = {"opening": pictures(take, max(1, card.overlap))} if card.can(Ability.FIRST_FRAMES) else {}
    given = given_for(take, card, **opening)
    alone = catalogue.open_engine(card)
    wanted = alone.generate(take, given, silence)
    alone.close()
    heard: list[tuple[int, int]] = []
    two = Together(card, Memory(gpus=2), lambda _: None, PLACES, OnProcessor)
    made = two.generate(take, given, lambda *step: heard.append(step))
    two.close()
    assert two.device_name.startswith("2 x cpu")
    assert np.abs(made.frames.astype(int) - wanted.frames).max() <= 1, "to within rounding"
    assert heard[-1] == (len(heard), len(heard)), "one of them tells of the steps"


def test_where_memory_runs_out_on_one_all_are_laid_out_in_the_next_way() -> None:
    card, told = nano_card(), list[Event]()
    two = Together(card, Memory(gpus=2), told.append, PLACES, Pretending)
    take = take_for(card, name="memory")
    assert two.generate(take, Given(), silence).frames.shape == (1, 2, 2, 3)
    assert [each.message for each in told if isinstance(each, Note)] == [
        "memory: out of memory; trying again, 2 GPUs make each take together, decoding in tiles"
    ]
    two.close()


def test_where_one_is_lost_the_take_fails_at_once_and_the_next_one_is_made_by_new_ones() -> None:
    card = nano_card()
    two = Together(card, Memory(gpus=2), lambda _: None, PLACES, Pretending)
    with pytest.raises(WorkerLost, match="two ended with exit code 7"):
        two.generate(take_for(card, name="death"), Given(), silence)

    def stop(_step: int, _of: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        two.generate(take_for(card, name="other"), Given(), stop)
    assert two.generate(take_for(card, name="other"), Given(), silence).frames.shape == (1, 2, 2, 3)
    two.close()


def test_gpus_come_in_groups_and_too_few_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hire.grouped(["0", "1", "2", "3", "4"], 2) == [("0", "1"), ("2", "3")]
    monkeypatch.setattr(hire, "gpus", lambda: ["0", "1", "2"])
    store, screen = open_store(), Screen()
    for number, wanted in ((0, "memory.gpus: 4 GPUs"), (2, "2 workers of 4 GPUs each")):
        with pytest.raises(MachineError, match=f"{wanted}: there are 3 here"):
            hire.executor(Workers("local", number), store, Cancellation(), screen, together=4)


def test_two_gpus_need_less_of_each_and_half_of_the_time() -> None:
    card = next(known.card for known in catalogue.released() if known.card.name == "wan2.1-t2v-14b")
    here = Machine(device_gb=80, host_gb=256, tflops=500)
    one, two = (estimate(card, (1280, 720, 81), {}, memory=Memory(gpus=n), machine=here) for n in (1, 2))
    assert two.activations_gb == pytest.approx(one.activations_gb / 2)
    assert (two.weights_gb, two.decode_gb) == (one.weights_gb, one.decode_gb), "each has all of these"
    assert two.seconds == pytest.approx(one.seconds / 2, rel=0.1), "all but the decoding is shared"
    assert two.layout.startswith("2 GPUs make each take together")
    nano = estimate(nano_card(), (384, 256, 17), {}, memory=Memory(gpus=2), machine=here)
    assert "GPUs" not in nano.layout, "it cannot be shared"


@pytest.mark.parametrize("more", [{"cache": 0.1}, {"compile": True}])
def test_what_works_on_one_gpu_alone_is_refused_on_several(more: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="works on one GPU alone"):
        Memory.model_validate({"gpus": 2, **more})
