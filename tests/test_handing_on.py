"""Colours are matched before frames are handed on: what carries on is where the film has been brought."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sora_cli.cancel import Cancellation
from sora_cli.colour.grade import graded, held
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.engines.options import Memory
from sora_cli.events import Recording, Report
from sora_cli.flows.preview import _reasons
from sora_cli.master import finish
from sora_cli.media.read import read_frames
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.data import TakeFields
from sora_cli.plan.takes import latents_go_on
from sora_cli.plan.timeline import assemble
from sora_cli.shoot.camera import Camera
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.handover import meet
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


OWN = {"name": "one", "beats": ["a room", "it darkens", "it darkens", "it darkens"]}


def test_a_chain_that_drifts_begins_again_on_frames_corrected_towards_its_first_take(tmp_path: Path) -> None:
    planned = plan(OWN)
    clips, engine = shot(planned, tmp_path)
    holds = [take.opening.hold if take.opening else None for take in planned.takes]
    assert [hold and hold.above for hold in holds] == [None, None, 1.5, 1.5]
    drifts = [clips[take.name].drift for take in planned.takes]
    assert drifts[:2] == [0.0, 0.0]
    assert min(drifts[2:]) > 1.5, "a tenth of its light is gone after each take"
    second, third = planned.takes[1:3]
    own = read_frames(clips[second.name].path, second.skip + second.play - third.skip, third.skip)
    opening, first = engine.given[third.name].opening, read_frames(clips[planned.takes[0].name].path, 0, 1)
    assert opening is not None
    assert difference(opening[-1] / 255, first[0] / 255) < 0.4 * difference(own[-1] / 255, first[0] / 255)
    steps = np.abs(np.diff(film(planned, clips).mean(axis=(1, 2, 3))))
    assert steps.max() < 2.5, "the film goes over to where the next take begins"


def test_a_chain_that_does_not_drift_goes_on_from_its_frames_as_they_are(tmp_path: Path) -> None:
    planned = plan(OWN, review={"colour": 100})
    clips, engine = shot(planned, tmp_path)
    before, after = planned.takes[2:]
    own = read_frames(clips[before.name].path, before.skip + before.play - after.skip, after.skip)
    assert np.array_equal(engine.given[after.name].opening, own)
    assert 0 < clips[after.name].drift < 50


def test_a_corrected_opening_is_told_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORA_STORE", str(tmp_path))
    planned = plan(OWN)
    shot(planned, tmp_path)
    kept = {take.key: True for take in planned.takes}
    reasons = _reasons(planned, Store(tmp_path), kept)
    assert reasons.keys() == {take.key for take in planned.takes[2:]}
    assert re.match(
        r"began on corrected frames: their colour had drifted by \d+\.\d from scene-1/one/1, more than 1.5",
        reasons[planned.takes[2].key],
    )


def test_chains_longer_than_an_engine_bears_are_told_once() -> None:
    card = catalogue(native_size=(96, 64), fixed_size=True, chain=2)
    after = {"name": "two", "prompt": "on", "from": "previous"}
    remarks = [remark.message for remark in plan_takes(board(OWN, after), card).remarks]
    assert remarks == ["3 takes carry on from each other: engine test is known to hold up for 2"]
    assert not plan_takes(board({**OWN, "beats": ["a room", "it darkens"]}), card).remarks


def test_what_follows_given_frames_meets_them() -> None:
    """The step from what was given to what a model made of it becomes a slope; finer forms are left as they are."""
    given = np.full((5, 64, 96, 3), 100, np.uint8)
    made = np.full((17, 64, 96, 3), 106, np.uint8)
    met = meet(made, 5, given, Fraction(12)).astype(int)[:, 32, 48, 0]
    assert met[:5].tolist() == [106] * 5, "what repeats the given frames is not played, and stays"
    assert np.abs(np.diff([100, *met[5:]])).max() <= 1
    assert met[-1] == 106
    same = np.random.default_rng(1).integers(0, 255, (17, 64, 96, 3), dtype=np.uint8)
    assert np.array_equal(meet(same, 5, same[:5], Fraction(12)), same)
    assert np.array_equal(meet(made, 5, given + 100, Fraction(12)), made), "another picture is no difference to fade"
    assert np.array_equal(meet(made[:5], 5, given, Fraction(12)), made[:5])


def test_what_stands_still_goes_on_from_the_films_own_picture() -> None:
    grain = np.random.default_rng(1).integers(-40, 40, (64, 96, 1))
    given = np.repeat((128 + grain).astype(np.uint8)[None], 5, axis=0).repeat(3, axis=3)
    made = np.full((17, 64, 96, 3), 128, np.uint8)
    made[5:] += 8  # what was given comes back otherwise than it goes on
    made[8:, :, 48:] = 90  # something comes in there
    plain, fine = (meet(made, 5, given, Fraction(12), fine=each).astype(int) for each in (False, True))
    left = [fine[number, :, :40].std() for number in range(5, 17)]
    assert np.abs(plain[5, :, :40] - given[-1, :, :40].astype(int)).mean() > 15, "a soft picture follows a crisp one"
    assert np.abs(fine[5, :, :40] - given[-1, :, :40].astype(int)).mean() < 5
    assert all(one >= other for one, other in pairwise(left)), "and fades"
    assert np.array_equal(fine[8:, :, 56:], plain[8:, :, 56:]), "what moved is not seen twice"
    assert np.array_equal(fine[11:], plain[11:])


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
