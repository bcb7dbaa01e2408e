"""Speed and motion: lengths on screen are those written, and every film frame shows the clip's time that it should."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sora_cli.engines.base import Ability
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.timeline import Cue, CutShot, assemble
from sora_cli.store import Clip
from tests.boards import CARD, board, catalogue


def plan(*shots: Any, **film: Any) -> Plan:
    return plan_takes(board(*shots, **film), catalogue())


def cut(planned: Plan) -> tuple[CutShot, ...]:
    clips = {
        stretch.name: Clip(
            key=take.key, path=Path("none"), sha256="", frames=take.frames, width=192, height=128, fps=take.fps
        )
        for stretch in planned.stretches for take in stretch.candidates
    }  # fmt: skip
    return assemble(planned, clips).shots


@pytest.mark.parametrize("fps", [12, 24, 25, "23.976", "29.97"])
@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1, 1.5, 4])
def test_a_shot_is_as_long_on_screen_as_it_is_written(speed: float, fps: object) -> None:
    planned = plan({"prompt": "a ball", "duration": "3s", "speed": speed}, "a cube", output={"fps": fps})
    slow, other = cut(planned)
    assert slow.frames == other.start == round(3 * planned.fps)
    takes = [stretch.candidates[0] for stretch in planned.shots[0].stretches]
    needed = 3 * Fraction(str(speed)) * CARD.fps
    assert abs(sum(take.play for take in takes) - needed) <= 1 + float(needed / slow.frames)
    at = before = 0
    for piece, take in zip(slow.pieces, takes, strict=True):
        for number, frame in enumerate(piece.frames):
            place = at * Fraction(str(speed)) * CARD.fps / planned.fps - before
            assert take.skip + int(place) == frame < take.skip + take.play
            if piece.step is not None:
                assert place == frame - piece.frames[0] + (piece.after + number * piece.step) % 1 + int(
                    piece.frames[0] - take.skip
                )
            at += 1
        before += take.play
    assert at == slow.frames


def test_slow_motion_is_smooth_and_fast_motion_leaves_frames_out() -> None:
    slow, fast, plain = cut(plan(*({"prompt": "a", "duration": "1s", "speed": speed} for speed in (0.5, 2, 1))))
    assert [shot.pieces[0].step for shot in (slow, fast, plain)] == [Fraction(1, 2), None, None]
    assert slow.pieces[0].frames == (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5)
    assert fast.pieces[0].frames[:4] == (0, 2, 4, 6)


def test_the_last_frame_of_slow_motion_has_one_to_move_towards() -> None:
    planned = plan({"prompt": "a", "duration": "12f", "speed": 0.5})
    assert planned.takes[0].play == 7


@pytest.mark.parametrize(("motion", "step"), [("hold", None), ("interpolate", Fraction(1, 2))])
def test_motion_between_the_engines_frames_is_an_option(motion: str, step: Fraction | None) -> None:
    (shot,) = cut(plan({"prompt": "a", "duration": "1s"}, output={"fps": 24, "motion": motion}))
    assert (shot.frames, shot.pieces[0].step) == (24, step)


def test_times_in_a_shot_are_those_on_screen() -> None:
    slow = {"name": "slow", "prompt": "a", "duration": "2s", "speed": 0.5}
    planned = plan(slow, {"prompt": "b", "from": {"shot": "slow", "at": "1s"}})
    opening = planned.shots[1].beats[0].stretches[0].candidates[0].opening
    assert opening is not None
    assert opening.at == 6


def test_a_sound_goes_on_over_the_beats_it_was_written_for(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).touch()
    shots: list[Any] = [
        {"sound": "a.wav", "beats": ["one", "two", {"prompt": "three", "sound": "off"}]},
        {"beats": [{"prompt": word, "sound": "b.wav"} for word in ("one", "two")], "transition": "fade 0.5s"},
    ]  # fmt: skip
    card = catalogue(abilities=CARD.abilities | {Ability.SOUND})
    first, second = cut(plan_takes(board(*shots, folder=tmp_path), card))
    assert first.cues == (Cue(tmp_path / "a.wav", 0, 24),)
    assert [piece.silent for piece in first.pieces] == [False, False, True]
    at = second.start
    assert second.cues == (Cue(tmp_path / "b.wav", at, at + 12), Cue(tmp_path / "b.wav", at + 12, at + 24))


def test_what_repeats_the_piece_before_is_known() -> None:
    beats = {"name": "one", "beats": [{"prompt": "a", "duration": "12f"}, {"prompt": "b", "duration": "60f"}]}
    first, *others = cut(plan(beats))[0].pieces
    assert first.repeats == 0
    assert [piece.repeats for piece in others] == [5] * len(others)
    assert len(others) > 1, "a long beat's stretches repeat each other"

    after: list[dict[str, Any]] = [
        {"prompt": "c", "from": "previous"},
        {"prompt": "c"},
        {"prompt": "c", "from": {"shot": "one", "at": "1s"}},
        {"prompt": "c", "from": "previous", "speed": 0.5},
    ]
    joined, new, earlier, slow = (cut(plan(beats, shot))[1].pieces[0].repeats for shot in after)
    assert (joined, new, earlier, slow) == (5, 0, 0, 0)


def test_a_title_card_lasts_as_long_as_its_shot_and_what_is_not_seen_is_told() -> None:
    plan = plan_takes(
        board(
            {"title": {"text": "a", "duration": "0.5s"}, "duration": "1s"},
            {"title": {"text": "b", "duration": "1.5s"}},
            {"title": {"text": "c", "duration": "5s"}, "duration": "1s"},
            {"title": "d", "duration": "1s", "transition": "dissolve 1ms"},
        ),
        catalogue(),
    )
    assert [shot.frames / plan.fps for shot in plan.shots] == [1, Fraction(3, 2), 1, 1]
    told = [remark.message for remark in plan.remarks]
    assert [("the title ends with its shot" in each, "it is a cut" in each) for each in told] == [
        (True, False),
        (False, True),
    ]
