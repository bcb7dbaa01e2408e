"""Which of a beat's takes plays: the best by what is measured, the first good one, or the one that is picked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sora_cli.cancel import Cancellation
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.errors import StoryboardError
from sora_cli.events import Recording, TakeSpared
from sora_cli.plan import Plan, plan_takes
from sora_cli.review.score import Rating, rate
from sora_cli.shoot.camera import Camera
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.shoot import best, shoot
from sora_cli.store import Clip, Store
from tests.boards import board, catalogue
from tests.review import made
from tests.review.made import FPS, Made, clean
from tests.test_review import panned, place


class Flickering:
    """Draws a camera that moves on; takes whose names are `bad` flicker, the later ones less."""

    def __init__(self, card: EngineCard, bad: Callable[[str], bool], seen: list[str]) -> None:
        self.card = card
        self.bad, self.seen = bad, seen

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        progress(1, 1)
        self.seen.append(take.name)
        frames = panned(0 if given.opening is None else place(given.opening[0]), take.frames).astype(float)
        if self.bad(take.name):
            frames[take.skip :: 2] *= 0.8 if "#" in take.name else 0.7
        return Footage(frames.astype(np.uint8), take.fps)

    def close(self) -> None:
        pass


class Scene:
    """A place to shoot: what was made, in order, and what was told."""

    def __init__(self, folder: Path, bad: Callable[[str], bool]) -> None:
        self.made: list[str] = []
        self.report = Recording()
        self.store = Store(folder)
        self._camera = Camera(lambda card, *_: Flickering(card, bad, self.made), self.store, Cancellation())

    def shoot(self, plan: Plan) -> list[Clip]:
        """The clips that play."""
        executor = LocalExecutor(self._camera, self._camera.close)
        try:
            clips = shoot(plan, executor, self.store, self.report)
        finally:
            executor.close()
        return [best(clips, stretch.choices, until_good=stretch.until_good) for stretch in plan.stretches]


def plan(review: dict[str, float] | None = None, **shot: object) -> Plan:
    shots = [{"prompt": "a", **shot}, {"prompt": "b", "from": "previous"}]
    held = {"review": review} if review else {}
    return plan_takes(board(*shots, look="off", output={"size": "192x128"}, **held), catalogue())


UNTIL = {"up to": 3, "until": "good"}


def test_no_other_take_is_made_where_the_first_is_good(tmp_path: Path) -> None:
    scene, planned = Scene(tmp_path, lambda _: False), plan(takes=UNTIL)
    assert scene.shoot(planned)[0].key == planned.takes[0].key
    assert scene.made == ["scene-1/shot-1", "scene-1/shot-2"]
    assert [(event.take, event.because) for event in scene.report.of(TakeSpared)] == [
        ("scene-1/shot-1#2", "scene-1/shot-1"), ("scene-1/shot-1#3", "scene-1/shot-1"),
    ]  # fmt: skip


def test_others_are_made_until_one_is_good_and_it_is_carried_on(tmp_path: Path) -> None:
    scene, planned = Scene(tmp_path, lambda name: name == "scene-1/shot-1"), plan(takes=UNTIL)
    assert scene.shoot(planned)[0].key == planned.takes[1].key
    assert scene.made == ["scene-1/shot-1", "scene-1/shot-1#2", "scene-1/shot-2"]
    again = Scene(tmp_path, lambda _: True)
    assert again.shoot(planned)[0].key == planned.takes[1].key
    assert again.made == []


def test_the_authors_own_bars_say_what_is_good(tmp_path: Path) -> None:
    loose = {"colour": 100, "flicker": 100, "path": 100, "growth": 100, "tint": 100}
    scene, planned = Scene(tmp_path, lambda name: name == "scene-1/shot-1"), plan(loose, takes=UNTIL)
    assert scene.shoot(planned)[0].key == planned.takes[0].key
    assert scene.made == ["scene-1/shot-1", "scene-1/shot-2"]
    strict = Scene(tmp_path, lambda _: False)
    strict.shoot(plan({"sharpness": 1.9}, takes=UNTIL))
    assert strict.made[:2] == ["scene-1/shot-1#2", "scene-1/shot-1#3"], "the kept take is held to the bars of now"


def test_other_bars_change_the_keys_of_what_hangs_on_them_alone() -> None:
    own = {"flicker": 2, "level": 3}
    default, loose, loud = plan(takes=UNTIL), plan(own, takes=UNTIL), plan({"level": 3}, takes=UNTIL)
    assert default.takes[0].key == loose.takes[0].key
    assert default.takes[-1].key != loose.takes[-1].key
    assert [take.key for take in default.takes] == [take.key for take in loud.takes]


def test_the_best_plays_where_none_is_good(tmp_path: Path) -> None:
    scene, planned = Scene(tmp_path, lambda name: "shot-1" in name), plan(takes=UNTIL)
    assert scene.shoot(planned)[0].key in {take.key for take in planned.takes[1:3]}
    assert len(scene.made) == 4


def test_the_take_that_is_picked_plays_whatever_the_figures_say(tmp_path: Path) -> None:
    scene, planned = Scene(tmp_path, lambda name: name == "scene-1/shot-1#2"), plan(takes=3, pick=2)
    played = scene.shoot(planned)
    picked = next(take for take in planned.takes if take.name == "scene-1/shot-1#2")
    assert played[0].key == picked.key
    assert planned.takes[-1].needs == (picked.key,)
    assert len(scene.made) == 4


def test_how_a_take_is_chosen_changes_only_the_keys_of_what_carries_on() -> None:
    one, three, until, pick = plan(), plan(takes=3), plan(takes=UNTIL), plan(takes=3, pick=1)
    assert len({each.takes[0].key for each in (one, three, until, pick)}) == 1
    assert {take.key for take in three.takes[:3]} == {take.key for take in pick.takes[:3]}
    assert len({each.takes[-1].key for each in (three, until, pick)}) == 3


def test_a_take_that_there_is_not_cannot_be_picked() -> None:
    with pytest.raises(StoryboardError, match="there is no take 3: `takes` is 2"):
        plan(takes=2, pick=3)


@pytest.fixture(scope="module")
def film() -> Made:
    return clean(8)


SPOILT: dict[str, Callable[[Made], Made]] = {
    "jump": lambda film: made.jumped(film, 2),
    "reversed": made.reversed_at,
    "stutter": made.stuttered,
    "darker": lambda film: made.drifted(film, "darker", 2),
    "blur": lambda film: made.blurred(film, 2),
    "flicker": lambda film: made.flickering(film, 2),
    "frozen": lambda film: made.frozen(film, 2),
}


def judged(film: Made, begun: Made, *, joined: bool) -> Rating:
    """Of the first shot from its join on, or of the second after the first frames of its take, as it was `begun`."""
    if joined:
        return rate(film.pictures[film.seam : film.parts[0].end], FPS, film.pictures[: film.seam])
    start = film.parts[1].start
    return rate(film.pictures[start + 4 :], FPS, begun.pictures[start : start + 4])


@pytest.fixture(scope="module")
def right(film: Made) -> dict[bool, Rating]:
    """Of both, without a fault."""
    return {joined: judged(film, film, joined=joined) for joined in (True, False)}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_take_with_a_fault_is_rated_below_one_without_and_is_not_good(
    kind: str, film: Made, right: dict[bool, Rating]
) -> None:
    joined = kind in {"jump", "reversed", "stutter"}
    wrong = judged(SPOILT[kind](film), film, joined=joined)
    assert right[joined].good, right[joined].parts
    assert not wrong.good
    assert wrong.score < right[joined].score
    assert right[joined].score == pytest.approx(sum(right[joined].parts.values()))
