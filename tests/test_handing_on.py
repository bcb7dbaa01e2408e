"""Colours are matched before frames are handed on: what carries on is where the film has been brought."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sora_cli.cancel import Cancellation
from sora_cli.colour.grade import graded, held
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.engines.options import Memory
from sora_cli.events import Recording, Report
from sora_cli.master import finish
from sora_cli.media.read import read_frames
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.data import TakeFields
from sora_cli.plan.takes import latents_go_on
from sora_cli.plan.timeline import assemble
from sora_cli.shoot.camera import Camera
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.shoot import shoot
from sora_cli.store import Clip, Store
from tests.boards import board, catalogue
from tests.master.painted import difference, paint

SMALL = catalogue(native_size=(96, 64), fixed_size=True)
ANCHOR = {"name": "one", "prompt": "a room"}
CHAIN = {"name": "two", "beats": ["a room", "it darkens", "it darkens"]}


class Drifting:
    """An engine whose frames go on from what it is given, darker and darker; its second shot begins dark."""

    def __init__(self, card: EngineCard) -> None:
        self.card = card
        self.given: dict[str, Given] = {}

    def generate(self, take: Take, given: Given, _progress: Progress) -> Footage:
        self.given[take.name] = given
        opening = given.opening
        start = paint("room", 0, 64, 96) * 255 * (0.8 if "two" in take.name else 1.0)
        base = start if opening is None else opening[-1].astype(float)
        frames = [base * (1 if opening is None else 0.99 ** max(0, k + 1 - take.skip)) for k in range(take.frames)]
        made = np.rint(np.stack(frames)).astype(np.uint8)
        if opening is not None:
            made[: len(opening)] = opening
        return Footage(made, take.fps)

    def close(self) -> None:
        pass


def plan(*shots: Any, **film: Any) -> Plan:
    return plan_takes(board(*shots, output={"size": "96x64", "fps": 12}, **film), SMALL)


def shot(planned: Plan, folder: Path) -> tuple[dict[str, Clip], Drifting]:
    store, engine = Store(folder), Drifting(next(iter(planned.cards.values())))

    def opened(_card: EngineCard, _report: Report, _memory: Memory) -> Drifting:
        return engine

    camera = Camera(opened, store, Cancellation())
    executor = LocalExecutor(camera, camera.close)
    clips = shoot(planned, executor, store, Recording())
    executor.close()
    return {stretch.name: clips[stretch.keys[0]] for stretch in planned.stretches}, engine


def film(planned: Plan, clips: dict[str, Clip]) -> np.ndarray:
    master = finish(assemble(planned, clips), pixels="gbrp")
    return np.stack([frame.to_ndarray(format="rgb24") for frame in master.pictures()]).astype(float)


def test_the_frames_handed_on_are_the_matched_ones(tmp_path: Path) -> None:
    planned = plan(ANCHOR, CHAIN)
    clips, engine = shot(planned, tmp_path)
    one, first, second, _ = planned.takes
    own = read_frames(clips[first.name].path, first.skip + first.play - second.skip, second.skip)
    change = held(clips[first.name].path, clips[one.name].path, 1.0)
    opening = engine.given[second.name].opening
    assert opening is not None
    assert np.array_equal(opening, graded(own, change))
    anchor = paint("room", 0, 64, 96)
    assert difference(opening[-1] / 255, anchor) < 0.3 * difference(own[-1] / 255, anchor)


@pytest.mark.parametrize("later", [CHAIN, {**CHAIN, "beats": ["a room"]}])
def test_nothing_jumps_where_takes_meet(tmp_path: Path, later: dict[str, Any]) -> None:
    after = {"name": "two again", "prompt": "on it goes", "from": "previous"}
    planned = plan(ANCHOR, later, after)
    shown = film(planned, shot(planned, tmp_path)[0])
    steps = np.abs(np.diff(shown.mean(axis=(1, 2, 3))))[13:]  # behind the cut after the anchor
    assert steps.max() < 2.5  # of 255; one step of the drift is about 1.2


def test_a_chain_stays_near_its_anchor(tmp_path: Path) -> None:
    anchor = paint("room", 0, 64, 96)
    ends = []
    for match in ("scene", "off"):
        planned = plan(ANCHOR, CHAIN, look=match)
        ends.append(difference(film(planned, shot(planned, tmp_path)[0])[-1] / 255, anchor))
    assert ends[0] < 0.35 * ends[1]


def test_the_anchors_key_is_in_the_key_of_what_carries_on_from_matched_frames() -> None:
    def keys(first: str, match: str) -> list[str]:
        return [take.key for take in plan({**ANCHOR, "prompt": first}, CHAIN, look=match).takes]

    before, after = keys("a room", "scene"), keys("a hall", "scene")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, False, False]
    before, after = keys("a room", "off"), keys("a hall", "off")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True, True]


def test_the_anchor_is_shot_before_and_its_own_frames_go_on_as_they_are() -> None:
    planned = plan({**CHAIN, "name": "one"}, CHAIN)
    anchor, own, _, _, later, _ = planned.takes
    assert own.opening is not None
    assert own.opening.hold is None
    assert later.opening is not None
    assert later.opening.hold is not None
    assert later.opening.hold.takes == (anchor.key,)
    assert anchor.key in later.needs


def test_an_anchor_that_hangs_on_the_shot_is_no_anchor_for_it() -> None:
    planned = plan({**ANCHOR, "from": "two"}, CHAIN)
    assert all(take.opening is None or take.opening.hold is None for take in planned.takes if "two/" in take.name)


def test_engines_that_hand_latents_on_are_given_them_as_they_are() -> None:
    card = catalogue(native_size=(96, 64), fixed_size=True, tails=True)
    takes = plan_takes(board(ANCHOR, CHAIN), card).takes
    assert all(take.opening is None or "colour" not in TakeFields.of(take).to_dict()["from"] for take in takes)


def test_what_the_grid_adds_is_dropped_at_the_front_where_the_end_is_handed_on() -> None:
    second = {"prompt": "a ball", "duration": "12f"}
    shot = {"beats": [{"prompt": "a ball", "duration": "10f"}, second]}
    first, after = plan_takes(board(shot), catalogue(tails=True)).takes
    assert (first.frames, first.skip, first.play) == (13, 3, 10)
    assert latents_go_on(catalogue(tails=True)(None), after, first)
    first, after = plan_takes(board(shot), catalogue()).takes
    assert (first.skip, latents_go_on(catalogue()(None), after, first)) == (0, False)


def test_latents_go_to_their_own_engine_only() -> None:
    shot = {"beats": [{"prompt": "a ball", "duration": "13f"}, {"prompt": "a ball", "engine": "other"}]}
    first, after = plan_takes(board(shot), catalogue(tails=True)).takes
    assert not latents_go_on(catalogue(tails=True)("other"), after, first)
