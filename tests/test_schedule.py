"""Which take goes to which worker: near what no order can beat, whatever the film."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sora_cli.engines import catalogue
from sora_cli.errors import RequestError
from sora_cli.flows import preview
from sora_cli.plan import cost, plan_takes
from sora_cli.plan.schedule import Forecast, Task, Waiting, forecast, tasks
from sora_cli.shoot.workers import Workers
from sora_cli.storyboard import from_data
from tests.boards import board

LOAD = 40.0


@dataclass(frozen=True)
class Shot:
    key: str
    engine: str
    needs: Sequence[str] = ()
    after: Sequence[str] = ()


def film(count: int, chance: random.Random, *, engines: int, chained: float) -> tuple[list[Shot], dict[str, float]]:
    """Shots of 20 to 200 s; a share of them carries on from the one before."""
    shots: list[Shot] = []
    for number in range(count):
        before = shots[-1] if shots and chance.random() < chained else None
        engine = before.engine if before else f"engine-{chance.randrange(engines)}"
        shots.append(Shot(str(number), engine, (before.key,) if before else ()))
    return shots, {shot.key: chance.uniform(20, 200) for shot in shots}


def chances(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  no secret


def planned(shots: Sequence[Shot], seconds: dict[str, float], workers: int) -> Forecast:
    return forecast(shots, tasks(shots, seconds, dict.fromkeys((shot.engine for shot in shots), LOAD)), workers)


@pytest.mark.parametrize("chained", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("engines", [1, 4, 9])
def test_a_thousand_shots_on_64_devices_end_within_1_15_of_the_bound(engines: int, chained: float) -> None:
    for seed in range(3):
        shots, seconds = film(1000, chances(seed), engines=engines, chained=chained)
        found = planned(shots, seconds, 64)
        assert found.bound - 1e-6 <= found.seconds <= 1.15 * found.bound, (seed, found)


def test_one_worker_needs_the_sum_and_each_engine_once() -> None:
    shots, seconds = film(60, chances(1), engines=3, chained=0.0)
    assert planned(shots, seconds, 1).seconds == pytest.approx(sum(seconds.values()) + 3 * LOAD)


def test_a_chain_is_begun_first() -> None:
    chain = [Shot("0", "e"), *(Shot(str(n), "e", (str(n - 1),)) for n in range(1, 6))]
    shots = [*(Shot(f"alone-{n}", "e") for n in range(6)), *chain]
    assert forecast(shots, tasks(shots, {}), 2).seconds == 6


def test_a_worker_leaves_short_work_to_who_has_the_engine_open() -> None:
    waiting: Waiting[str] = Waiting()
    waiting.add(Task("a", 5, 5, LOAD), "short")
    assert waiting.take("b", Counter("ab")) is None
    assert waiting.take("b", Counter("b")) is not None, "nobody else would ever make it"


def test_a_worker_leaves_what_its_device_cannot_hold_to_a_larger_one_while_there_is_one() -> None:
    waiting: Waiting[str] = Waiting()
    waiting.add(Task("small", 5, 5, LOAD, room=10), "small")
    waiting.add(Task("large", 500, 500, LOAD, room=60), "large")
    taken = waiting.take("", Counter(), 24, 80)
    assert taken is not None
    assert taken[1] == "small", "by its path the large one comes first"
    assert waiting.take("small", Counter(["small"]), 24, 80) is None
    assert waiting.take("small", Counter(["small"]), 24, 24) is not None, "nobody has more: the engine tells"


def test_a_take_says_how_much_of_a_gpu_it_needs_however_it_is_laid_out() -> None:
    found = {}
    for memory in ("auto", "fast"):
        plan = plan_takes(board("a ball", engine="wan2.1-t2v-14b", memory=memory), catalogue.known)
        (found[memory],) = cost.tasks(plan, {take.key: cost.Cost(60.0) for take in plan.takes}).values()
    assert 1 < found["auto"].room < 24 < found["fast"].room


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 4), st.floats(0, 1), st.randoms(use_true_random=False))
def test_every_take_is_made_and_no_forecast_beats_the_bound(
    count: int, workers: int, engines: int, chained: float, chance: random.Random
) -> None:
    shots, seconds = film(count, chance, engines=engines, chained=chained)
    found = planned(shots, seconds, workers)
    assert found.bound <= found.seconds + 1e-6
    assert found.seconds <= sum(seconds.values()) + LOAD * count + 1e-6


def test_ten_thousand_shots_are_forecast_within_a_second() -> None:
    shots, seconds = film(10_000, chances(1), engines=4, chained=0.5)
    began = time.process_time()
    planned(shots, seconds, 64)
    assert time.process_time() - began < 1.5


def test_plan_says_how_long_workers_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORA_STORE", str(tmp_path))
    board = from_data({"shots": [{"prompt": f"a red ball {n}", "duration": "1s"} for n in range(8)]}, folder=tmp_path)
    (two,) = preview.planned(board, workers=Workers(number=2)).forecasts()
    every = preview.planned(board, workers=Workers()).forecasts()
    assert [each.workers for each in every] == [1, 2, 4, 8]
    assert every[1] == two
    assert every[0].seconds > two.seconds > every[3].seconds == pytest.approx(every[3].path)
    assert preview.planned(board, workers=Workers(number=2)).shared().message.startswith("2 workers about ")
    assert preview.planned(board).forecasts() == []


@pytest.mark.parametrize(
    ("option", "written", "variable", "kind"),
    [
        (None, None, "", "local"),
        (None, None, "ray", "ray"),
        (None, "local", "ray", "local"),
        ("local", "ray", "", "local"),
    ],
)
def test_an_option_comes_before_the_storyboard_and_that_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, option: str | None, written: str | None, variable: str, kind: str
) -> None:
    monkeypatch.setenv("SORA_EXECUTOR", variable)
    assert Workers.asked(option).of_film(written).kind == kind
    with pytest.raises(RequestError, match="not made by Ray"):
        Workers.asked(ray_address="here:1").of_film("local")
