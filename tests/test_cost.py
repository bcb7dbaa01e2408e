"""What making costs: only what is known, before and after; `--max-cost` refuses before the run, or stops in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sora_cli import stamp, storyboard
from sora_cli.cancel import Cancellation
from sora_cli.cli.main import main
from sora_cli.engines.energy import Meter
from sora_cli.errors import RequestError, WorkError
from sora_cli.events import Note, Recording, Silent, TakeKept
from sora_cli.plan import cost, plan_takes
from sora_cli.shoot.budget import Budget
from sora_cli.shoot.studio import Studio
from sora_cli.shoot.workers import Workers
from sora_cli.store import Card, Store, default_folder
from sora_cli.store.card import NO_CARD
from sora_cli.storyboard.model import Prices
from sora_cli.storyboard.prices import prices
from tests.boards import CARD, board
from tests.test_film import Greys, make
from tests.test_film import studio as room

studio = room
"""The room of films in flat greys."""


def rapl(folder: Path, *, joules: float, turn: float = 1000.0) -> Path:
    """A machine's counters as Linux shows them: two processors, and the cores of one, which it holds already."""
    for name in ("intel-rapl:0", "intel-rapl:0:0", "intel-rapl:1", "dtpm"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "energy_uj").write_text(f"{round(joules * 1e6)}\n")
        (folder / name / "max_energy_range_uj").write_text(f"{round(turn * 1e6)}\n")
    return folder


def test_the_processors_counters_are_added_up_and_begin_anew(tmp_path: Path) -> None:
    meter = Meter(rapl(tmp_path, joules=900))
    rapl(tmp_path, joules=950)
    meter.tick()
    rapl(tmp_path, joules=30)
    assert meter.read() == (pytest.approx(2 * 130), "RAPL")


@pytest.mark.parametrize("text", ["", "none", None])
def test_a_counter_that_cannot_be_read_counts_for_nothing(tmp_path: Path, text: str | None) -> None:
    assert Meter(tmp_path / "no such folder").read() == (0.0, "")
    meter = Meter(rapl(tmp_path, joules=900))
    for file in tmp_path.glob("*/energy_uj"):
        file.unlink() if text is None else file.write_text(text)
    assert meter.read() == (0.0, "")


@pytest.mark.parametrize(
    ("at", "measured", "joules", "money"),
    [
        (Prices(), None, None, None),
        (Prices(power=450), None, 450 * 3600, None),
        (Prices(hour=2.5), None, None, 2.5),
        (Prices(electricity=0.3), None, None, None),
        (Prices(electricity=0.3, hour=2.5), None, None, None),
        (Prices(power=450, electricity=0.3, hour=2.5), None, 450 * 3600, 2.5 + 0.45 * 0.3),
        (Prices(power=450, electricity=0.3), 7.2e6, 7.2e6, 0.6),
    ],
)
def test_only_what_is_known_is_told(
    at: Prices, measured: float | None, joules: float | None, money: float | None
) -> None:
    found = cost.priced(3600, at, measured, "RAPL" if measured else "")
    assert found.joules == joules
    assert found.money == (None if money is None else pytest.approx(money))
    known = {"seconds": True, "joules": joules, "energy": joules, "money": money}
    assert found.as_dict().keys() == {name for name, value in known.items() if value}
    assert bool([*found.facts]) == (joules is not None or money is not None)


def test_what_is_not_known_of_one_take_is_not_known_of_all() -> None:
    known = cost.priced(60, Prices(power=100, hour=6))
    both = cost.total([known, known])
    assert both is not None
    assert (both.seconds, both.joules, both.money) == (120, 12_000, pytest.approx(0.2))
    some = cost.total([known, cost.priced(60, Prices())])
    assert some is not None
    assert (some.seconds, some.joules, some.money) == (120, None, None)
    assert cost.total([]) is None


@pytest.mark.parametrize(("text", "power"), [("450 W", 450), ("1.2 kW", 1200), ("450", 450), ("0.3kw", 300)])
def test_the_storyboards_prices_win_over_the_machines(monkeypatch: pytest.MonkeyPatch, text: str, power: float) -> None:
    written = board("a", cost={"power": text, "hour": 2.5}).cost
    assert written == Prices(power=power, hour=2.5)
    monkeypatch.setenv("SORA_COST", "{power: 1 W, electricity: 0.30}")
    assert prices(written) == Prices(power, 0.3, 2.5)
    monkeypatch.setenv("SORA_COST", "electricity: 0,30")
    with pytest.raises(RequestError, match="SORA_COST"):
        prices(written)


@pytest.mark.parametrize("wrong", ["{power: much}", "{power: 0 W}", "{power: 5 k}", "{hour: -1}", "{hours: 1}", "5"])
def test_wrong_prices_are_told_at_their_place(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"shots: [a]\ncost: {wrong}\n")
    problem = storyboard.read(path).problems[0]
    assert problem.mark is not None
    assert problem.mark.line == 2


def test_a_plan_says_about_what_it_will_cost_and_without_prices_the_time_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    path = tmp_path / "film.yaml"
    path.write_text("engine: nano\nshots: [a red ball, a blue cube]\n")
    assert main(["plan", str(path)]) == 0
    said = capsys.readouterr()
    assert "cost" not in said.out
    assert "kWh" not in said.err
    assert "prices" not in said.err
    path.write_text(f"cost: {{power: 500 W, electricity: 0.30, hour: 36}}\n{path.read_text()}")
    assert main(["plan", str(path)]) == 0
    assert "kWh (power x time)" in capsys.readouterr().err
    assert main(["plan", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    each = told["takes"][0]["cost"]
    assert each["joules"] == pytest.approx(500 * each["seconds"], rel=0.01)
    assert each["money"] == pytest.approx(each["seconds"] * (0.01 + 500 / 3.6e6 * 0.3), rel=0.01)
    assert told["cost"]["money"] == pytest.approx(sum(take["cost"]["money"] for take in told["takes"]), rel=0.01)


SECOND = {"hour": 3600}
"""A price of 1 a second."""


def test_a_film_says_what_it_has_cost_and_its_credential_does_not(studio: Path) -> None:
    shots = ({"prompt": "black", "duration": "0.5s"}, {"prompt": "dark", "duration": "0.5s"})
    made = make(studio, *shots, cost={**SECOND, "power": 100})
    told = json.loads(made.sidecar.read_text())
    each = [take["cost"] for take in told["takes"]]
    assert [take["energy"] for take in each] == ["power x time"] * 2
    assert told["cost"]["money"] == pytest.approx(sum(take["money"] for take in each), abs=0.01)
    assert told["cost"]["joules"] == pytest.approx(100 * told["cost"]["seconds"], abs=0.2)
    assert "at your prices" in made.facts(lambda seconds: f"{seconds:.1f} s")["cost"]
    assert "cost" not in told["recipe"]["storyboard"]
    assert "cost" not in json.dumps(stamp.verify(made.path).recipe)
    free = make(studio, {"prompt": "white", "duration": "0.5s"}, name="free.mp4")
    assert "cost" not in free.facts(str)
    assert json.loads(free.sidecar.read_text())["cost"].keys() == {"seconds"}


def test_measured_energy_is_told_as_such(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counters = rapl(studio / "powercap", joules=100)
    monkeypatch.setattr("sora_cli.engines.energy.POWERCAP", counters)
    shoot: Callable[..., object] = Greys.generate

    def drawing(*given: object) -> object:
        rapl(counters, joules=150)
        return shoot(*given)

    monkeypatch.setattr(Greys, "generate", drawing)
    made = make(studio, {"prompt": "black", "duration": "0.5s"}, cost={"power": "1 W", "electricity": 36})
    told = json.loads(made.sidecar.read_text())["takes"][0]["cost"]
    assert (told["joules"], told["energy"], told["money"]) == (100.0, "RAPL", pytest.approx(100 / 3.6e6 * 36))


def card(began: float, seconds: float, machine: str = "a", metered: str = "") -> Card:
    return NO_CARD.model_copy(
        update={"seconds": seconds, "ended": began + seconds, "machine": machine, "metered": metered, "joules": 60.0}
    )


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30), st.sampled_from("ab")), min_size=1, max_size=12))
def test_clips_cost_the_time_in_which_their_machines_were_at_work(made: list[tuple[int, int, str]]) -> None:
    costs = cost.of_clips({str(key): card(*each) for key, each in enumerate(made)}, Prices(power=10, hour=3600))
    busy = {(where, at) for began, seconds, where in made for at in range(began, began + seconds)}
    both = cost.total(costs.values())
    assert both is not None
    assert both.money == pytest.approx(len(busy), rel=1e-4)
    assert both.joules == pytest.approx(10 * len(busy), rel=1e-4)
    assert both.seconds == sum(seconds for _, seconds, _ in made)


@pytest.mark.parametrize(("metered", "joules"), [("RAPL", 30), ("NVML", 60)])
def test_what_processors_drew_is_shared_by_takes_made_at_once_and_a_gpus_is_not(metered: str, joules: float) -> None:
    both = {"x": card(0, 10, metered=metered), "y": card(0, 10, metered=metered)}
    assert [each.joules for each in cost.of_clips(both, Prices()).values()] == [joules] * 2


@pytest.mark.parametrize("seconds", [0.001, 0.017, 4000.0])
def test_a_clip_made_alone_costs_all_of_its_time_however_short(seconds: float) -> None:
    alone = {"x": card(1_764_540_123.457, seconds, metered="RAPL")}
    assert cost.of_clips(alone, Prices())["x"].joules == 60


def test_clips_of_which_it_is_not_known_when_they_were_made_share_nothing() -> None:
    both = {"x": card(0, 10, machine=""), "y": card(0, 10, machine="")}
    assert [each.money for each in cost.of_clips(both, Prices(hour=3600)).values()] == [10, 10]


def test_takes_of_several_workers_are_expected_to_share_what_their_machine_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sora_cli.engines.estimate._seconds", lambda *_: 10.0)
    plan = plan_takes(board("a", "b", "c", cost=SECOND), lambda _: CARD)
    for workers, money in ((Workers("local", 2), 20), (Workers("local", 3), 10), (Workers("ray", 3), 30)):
        about = cost.total(cost.expected(plan, Store(tmp_path), plan.takes, workers.beside).values())
        assert about is not None
        assert (about.seconds, about.money) == (30, pytest.approx(money))


# -- a limit ---------------------------------------------------------------------------------------------------------


def test_a_film_that_will_cost_more_is_refused_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_takes(board("a", "b", cost=SECOND), lambda _: CARD)
    monkeypatch.setattr("sora_cli.engines.estimate._seconds", lambda *_: 10.0)
    with pytest.raises(RequestError, match=r"cost about 20\.00, and --max-cost leaves 5\.00"):
        Budget(6, spent=1).check(plan, Store(tmp_path), Silent())
    Budget(30).check(plan, Store(tmp_path), Silent())
    with pytest.raises(RequestError, match="nothing says what making costs"):
        Budget(6).check(replace(plan, board=board("a", "b")), Store(tmp_path), Silent())


def test_what_is_not_known_before_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sora_cli.engines.estimate._seconds", lambda *_: 0.0)
    heard = Recording()
    Budget(1).check(plan_takes(board("a", cost=SECOND), lambda _: CARD), Store(tmp_path), heard)
    assert heard.of(Note)


def test_the_work_stops_between_takes_when_too_much_is_spent_and_goes_on_later(
    studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sora_cli.flows import film

    monkeypatch.setattr("sora_cli.engines.estimate._seconds", lambda *_: 0.0)
    shots = [{"prompt": grey, "duration": "0.5s"} for grey in ("black", "dark", "white")]
    asked = board(*shots, cost={"hour": 1e6}, look="off", output={"size": "192x128"})
    how = {"out": studio / "film.mp4"}
    heard = Recording()
    with (
        pytest.raises(WorkError, match="more than --max-cost"),
        Studio(Store(default_folder()), Cancellation(), Budget(1e-4)) as stopped,
    ):
        film.make(asked, report=heard, studio=stopped, **how)
    kept = [event for event in heard.events if isinstance(event, TakeKept)]
    assert 0 < len(kept) < 3
    with Studio(Store(default_folder()), Cancellation(), Budget(1e9)) as again:
        assert film.make(asked, report=Silent(), studio=again, **how).frames == 18


def test_a_limit_that_is_passed_with_the_last_take_stops_nothing(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sora_cli.flows import film

    monkeypatch.setattr("sora_cli.engines.estimate._seconds", lambda *_: 0.0)
    asked = board({"prompt": "black", "duration": "0.5s"}, cost={"hour": 1e6}, output={"size": "192x128"})
    with Studio(Store(default_folder()), Cancellation(), Budget(1e-4)) as room:
        assert film.make(asked, studio / "film.mp4", report=Silent(), studio=room).path.exists()


def test_a_limit_that_cannot_be_held_is_told(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sora_cli.flows import film

    monkeypatch.setattr("sora_cli.engines.energy.POWERCAP", studio / "none")
    asked = board("black", "dark", cost={"electricity": 0.3}, output={"size": "192x128"})
    with (
        pytest.raises(WorkError, match="--max-cost cannot be held"),
        Studio(Store(default_folder()), Cancellation(), Budget(5)) as room,
    ):
        film.make(asked, studio / "film.mp4", report=Silent(), studio=room)
