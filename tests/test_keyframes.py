"""Keyframes in the plan: stills are takes of one frame, which their shots begin and end on."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sora_cli import storyboard
from sora_cli.engines import cards
from sora_cli.engines.base import Ability, EngineCard, Take
from sora_cli.errors import StoryboardError
from sora_cli.flows import preflight
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.keyframes import animatic
from sora_cli.plan.survey import survey
from sora_cli.plan.timeline import assemble
from sora_cli.policy import inputs
from sora_cli.policy.board import texts_of
from sora_cli.record import recipe
from sora_cli.store import Clip, Store
from sora_cli.storyboard.keyframes import StillChoice, beside
from tests import boards

KNOWN = {template.card.name: template.card for template in cards.known()}


def find(name: str | None) -> EngineCard:
    """The test card, which takes first and last frames and makes no stills; and the models that are known."""
    return KNOWN.get(name or "") or boards.catalogue()(name)


def planned(*shots: Any, draft: bool = False, stills: dict[str, StillChoice] | None = None, **film: Any) -> Plan:
    board = boards.board(*shots, **{"keyframes": {"engine": "flux-2-klein"}, **film})
    return plan_takes(replace(board, stills=stills) if stills else board, find, draft=draft)


def stills(plan: Plan) -> list[Take]:
    return [still.stretch.candidates[0] for each in plan.stills.values() for still in each]


def problems(*shots: Any, **film: Any) -> list[str]:
    with pytest.raises(StoryboardError) as caught:
        plan_takes(boards.board(*shots, **film), find)
    return [problem.message for problem in caught.value.problems]


# -- what is planned ---------------------------------------------------------------------------------------------------


def test_a_still_is_a_take_of_one_frame_that_its_shot_begins_on() -> None:
    plan = planned({"name": "arrival", "prompt": "a ball rolls", "duration": 2})
    still, first, second = plan.takes
    assert (still.frames, still.play, still.skip, still.engine) == (1, 1, 0, "flux-2-klein")
    assert first.opening is not None
    assert (first.opening.takes, first.opening.at, first.opening.count, first.skip) == ((still.key,), 0, 1, 0)
    assert second.opening is not None
    assert second.opening.takes == (first.key,), "the second stretch carries on from the first"
    assert second.closing is None


def test_guidance_that_a_distilled_model_of_pictures_passes_over_is_told_and_its_base_is_guided() -> None:
    def told(engine: str, **options: object) -> list[str]:
        plan = planned("a ball", keyframes={"engine": engine, "options": options})
        return [each.message for each in plan.remarks if "guidance" in each.message]

    assert told("flux-2-klein", guidance=4) == [
        "engine flux-2-klein is guided by its weights alone: `guidance` changes nothing"
    ]
    assert told("flux-2-klein", guidance=1) == told("flux-2-klein-base", guidance=6) == told("z-image") == []
    chosen = {name: KNOWN[name].options() for name in ("flux-2-klein", "flux-2-klein-base", "z-image-turbo", "z-image")}
    assert [getattr(each, "guidance", 0) for each in chosen.values()] == [1, 4, 1, 4]
    assert [getattr(each, "steps", 0) for each in chosen.values()] == [4, 50, 8, 50]


def test_first_and_last_and_none() -> None:
    plan = planned(
        {"name": "both", "keyframe": {"first": "a door", "last": "an open door"}, "prompt": "the door opens"},
        {"name": "none", "keyframe": "off", "prompt": "rain"},
        {"name": "after", "from": "both", "prompt": "wind"},
        {"title": "The end"},
    )
    first, last = stills(plan)
    take = next(take for take in plan.takes if take.name.endswith("both"))
    assert (first.prompt, last.prompt) == ("A door.", "An open door.")
    assert take.opening is not None
    assert take.closing is not None
    assert (take.opening.takes, take.closing.takes) == ((first.key,), (last.key,))
    assert len(plan.takes) == 5


def test_a_still_is_told_what_is_seen_and_not_what_moves() -> None:
    shot = {
        "prompt": "@mara runs",
        "camera": "slow pan left",
        "pace": "slow motion",
        "framing": "wide",
        "sound": "steps",
    }
    film = {"cast": {"mara": {"looks": "a fox"}}, "setting": "a harbour", "light": "dusk", "style": "ink"}
    plan = planned(shot, **film, keyframes={"engine": "qwen-image"})
    (still,) = stills(plan)
    assert all(words in still.prompt.lower() for words in ("a fox runs", "a harbour", "dusk", "wide", "ink"))
    assert not any(words in still.prompt.lower() for words in ("pan", "motion", "steps", "camera"))
    assert {left.key for left in plan.prompts[still.key].left_out} == {"camera", "pace"}
    assert all("stills" in remark.message for remark in plan.remarks), "its shot is told of camera and pace"


def test_words_that_are_sent_of_a_beat_are_not_its_stills() -> None:
    still, take = planned({"prompt": "a ball", "sent": "A ball that rolls to the left"}).takes
    assert (still.prompt, take.prompt) == ("A ball.", "A ball that rolls to the left")


def test_words_of_its_own_bring_the_references_of_whom_they_name(tmp_path: Path) -> None:
    for name in ("mara.png", "otto.png"):
        (tmp_path / name).write_bytes(b"x")
    cast = {"mara": {"looks": "a fox", "reference": "mara.png"}, "otto": {"looks": "an owl", "reference": "otto.png"}}
    shot = {"prompt": "@mara runs", "keyframe": "@otto on a wall"}
    still, take = planned(shot, cast=cast, folder=tmp_path).takes
    assert still.prompt == "An owl on a wall."
    assert [each.path.name for each in still.references] == ["otto.png"]
    assert [each.path.name for each in take.references] == ["mara.png"]


def test_a_draft_has_the_same_stills() -> None:
    shot = {"prompt": "a ball", "duration": 1}
    assert stills(planned(shot))[0].key == stills(planned(shot, draft=True))[0].key


@pytest.mark.parametrize("name", [name for name, card in KNOWN.items() if not card.makes_video])
@pytest.mark.parametrize("film", [(256, 160), (160, 256), (1920, 1080), (7680, 800), (64, 64)])
def test_stills_of_small_films_are_made_larger_and_of_large_ones_as_large_as_may_be(
    name: str, film: tuple[int, int]
) -> None:
    card = KNOWN[name]
    width, height = card.size_for(film, {})
    assert width % card.size_step == height % card.size_step == 0
    assert card.min_pixels <= width * height <= card.max_pixels
    assert 0.85 < (width / height) / (film[0] / film[1]) < 1.15


def test_another_number_is_another_seed_and_another_take_of_the_shot() -> None:
    shot = {"name": "a", "prompt": "a ball"}
    one, two = planned(shot), planned(shot, stills={"a": StillChoice(2)})
    assert stills(one)[0].seed != stills(two)[0].seed
    assert one.takes[-1].key != two.takes[-1].key


def test_nano_makes_its_own_stills_and_others_name_a_model() -> None:
    plan = planned({"prompt": "a red ball", "engine": "nano", "keyframe": "on"}, keyframes="off")
    assert [(take.engine, take.frames) for take in plan.takes] == [("nano", 1), ("nano", 17)]


# -- what is refused, at its line --------------------------------------------------------------------------------------


def test_what_cannot_be_is_refused() -> None:
    ball = {"prompt": "a ball"}
    assert problems({**ball, "keyframe": "on"}) == ["engine test makes video, not stills"]
    assert problems(ball, keyframes={"engine": "wan2.1-t2v-1.3b"}) == ["engine wan2.1-t2v-1.3b makes video, not stills"]
    assert problems({**ball, "engine": "sana"}) == ["engine sana makes stills, not video"]
    blind = "engine wan2.1-t2v-1.3b cannot begin on a given frame: it cannot use a still"
    assert problems({**ball, "engine": "wan2.1-t2v-1.3b"}, keyframes={"engine": "sana"}) == [blind]
    endless = {**ball, "engine": "wan2.2-ti2v-5b", "keyframe": {"last": "a wall"}}
    last = "engine wan2.2-ti2v-5b cannot end on a given frame: it cannot use a still"
    assert problems(endless, keyframes={"engine": "sana"}) == [last]
    odd = problems(ball, keyframes={"engine": "sana", "options": {"nonsense": 1}})
    assert odd == ["engine sana has no option 'nonsense'"]


WRONG = """\
keyframes: {engine: wan2.1-t2v-1.3b}
shots:
  - a ball
  - {prompt: a cube, keyframe: a cube, engine: wan2.1-t2v-1.3b}
  - {prompt: a cone, engine: sana, keyframe: off}
"""


def test_what_cannot_be_is_told_at_its_line(tmp_path: Path) -> None:
    reading = storyboard.read_text(WRONG, folder=tmp_path, name="board")
    assert reading.board is not None
    found = [(problem.mark.line, problem.message) for problem in survey(reading.board, find).problems if problem.mark]
    assert found == [
        (1, "engine wan2.1-t2v-1.3b makes video, not stills"),
        (4, "engine wan2.1-t2v-1.3b cannot begin on a given frame: it cannot use a still"),
        (5, "engine sana makes stills, not video"),
    ]


@pytest.mark.parametrize(
    ("shot", "said"),
    [
        ({"prompt": "a", "keyframe": "on", "from": "a.png"}, "`keyframe` and `from` both say what the first frame is"),
        ({"prompt": "a", "keyframe": {"last": "b"}, "to": "a.png"},
         "`keyframe` and `to` both say what the last frame is"),
        ({"title": "The end", "keyframe": "on"}, "a title card alone has no pictures, so no `keyframe`"),
        ({"prompt": "a", "keyframe": "@nobody"}, "nobody in the cast is called `nobody`"),
        ({"prompt": "a", "keyframe": {"middle": "b"}}, "unknown key `middle`"),
        ({"prompt": "a", "keyframe": ""}, "this text is empty"),
    ],
)  # fmt: skip
def test_what_is_written_wrong_is_told(shot: dict[str, Any], said: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(StoryboardError) as caught:
        boards.board(shot, folder=tmp_path)
    assert [problem.message.removeprefix("test: ") for problem in caught.value.problems] == [said]


def test_a_still_that_is_not_there_is_no_choice() -> None:
    with pytest.raises(StoryboardError, match="there is no still `lmp`"):
        boards.board({"name": "lamp", "prompt": "a", "keyframe": "on"}, stills={"lmp": 2})


def test_words_and_cast_of_a_still_are_held_to_the_policy(tmp_path: Path) -> None:
    (tmp_path / "release.txt").write_text("yes")
    agreed = {"who": "Jane Doe", "statement": "Show me", "date": "2026-01-01", "file": "release.txt"}
    cast = {"jane": {"looks": "a woman", "consent": agreed}}
    board = boards.board({"prompt": "a ball", "keyframe": "@jane waves"}, cast=cast, style="ink", folder=tmp_path)
    words = [text.words for text in texts_of(board)]
    assert "@jane waves" in words, "by themselves"
    assert any("a woman waves" in each and "ink" in each for each in words), "with what stands around them"
    assert len(inputs.consents(board, dt.date(2026, 11, 28))) == 1


# -- which still is used -----------------------------------------------------------------------------------------------


def test_what_is_not_approved_is_told_and_what_changed_since_counts_as_not_approved() -> None:
    shot = {"name": "a", "prompt": "a ball"}
    key = stills(planned(shot))[0].key
    assert [remark.message for remark in planned(shot).remarks] == [
        "these stills are used as they are: a (number 1, not approved)"
    ]
    assert planned(shot, stills={"a": StillChoice(1, key)}).remarks == ()
    changed = planned({**shot, "prompt": "a cube"}, stills={"a": StillChoice(1, key)})
    assert "a (number 1, changed since it was approved)" in changed.remarks[0].message


def written(folder: Path, text: str) -> Path:
    path = folder / "board.yaml"
    path.write_text(text)
    return path


BOARD = "engine: nano\nshots:\n  - {name: a, prompt: a red ball, keyframe: on}\n"


@pytest.mark.parametrize(
    "told", ["", "{", "[]", '{"stills": 3}', '{"stills": {"a": {"number": 0, "made": {}}}}', '{"stills": {"a": 1}}',
             '{"stills": {"a": {"number": 1, "made": {"x": "k"}}}}'],
)  # fmt: skip
def test_a_note_that_cannot_be_read_is_told(told: str, tmp_path: Path) -> None:
    path = written(tmp_path, BOARD)
    beside(path).write_text(told)
    (problem,) = storyboard.read(path).problems
    assert problem.message.startswith("which stills were chosen cannot be read")


def test_the_storyboard_wins_over_the_note_and_a_recipe_holds_what_was_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, BOARD)
    beside(path).write_text(json.dumps({"stills": {"a": {"number": 3, "approved": "k", "made": {"3": "k"}}}}))
    board = storyboard.load(path)
    assert board.stills == {"a": StillChoice(3, "k", {3: "k"})}
    plan = plan_takes(board, find)
    kept = recipe.write(plan, Store(tmp_path), draft=False, only=(), deliver="web", engine="nano")
    again = plan_takes(recipe.board_of(kept, tmp_path / "again", []), find)
    assert [take.key for take in again.takes] == [take.key for take in plan.takes]
    assert storyboard.load(written(tmp_path, BOARD + "stills: {a: 2}\n")).stills["a"].number == 2


# -- the animatic ------------------------------------------------------------------------------------------------------

LENGTHS = st.one_of(st.floats(0.1, 3).map(lambda seconds: round(seconds, 3)), st.integers(1, 40).map(lambda n: f"{n}f"))
BEATS = st.fixed_dictionaries({"prompt": st.just("a ball"), "duration": LENGTHS})
SHOTS = st.fixed_dictionaries(
    {"beats": st.lists(BEATS, min_size=1, max_size=3)},
    optional={"keyframe": st.sampled_from(["on", "off", {"last": "b"}, {"first": "a", "last": "b"}]),
              "from": st.just("previous"), "speed": st.sampled_from([0.5, 2]), "transition": st.just("dissolve 1f")},
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(SHOTS, min_size=1, max_size=4), st.sampled_from(["12", "24", "30000/1001"]))
def test_an_animatic_is_as_long_as_its_film_shot_by_shot_to_the_frame(shots: list[dict[str, Any]], fps: str) -> None:
    try:
        film = planned(*shots, output={"fps": fps})
    except StoryboardError:
        return  # one that is written wrong
    still = animatic(film)
    clips = {stretch.name: clip(stretch.candidates[0]) for stretch in still.stretches}
    cut = assemble(still, clips)
    assert [(shot.start, shot.frames) for shot in cut.shots] == [(shot.start, shot.frames) for shot in film.shots]
    assert all(place == 0 for shot in cut.shots for piece in shot.pieces for place in piece.frames)
    assert {take.frames for take in still.takes} <= {1}
    assert {take.key for take in still.takes} <= {take.key for take in film.takes}


def clip(take: Take) -> Clip:
    size = {"frames": take.frames, "width": take.width, "height": take.height}
    return Clip(key=take.key, path=Path(), sha256="", fps=take.fps, **size)


def test_an_animatic_shows_the_last_still_in_the_second_half_and_what_a_shot_carries_on_from() -> None:
    film = planned(
        {"name": "both", "prompt": "a", "duration": 1, "keyframe": {"first": "a", "last": "b"}},
        {"name": "on", "prompt": "c", "duration": 1, "from": "both"},
        {"name": "none", "prompt": "c", "duration": 1, "keyframe": "off"},
        output={"fps": 12},
    )
    still = animatic(film)
    cut = assemble(still, {stretch.name: clip(stretch.candidates[0]) for stretch in still.stretches})
    first, last = (take.key for take in stills(film))
    shown = [[(piece.clip.key, len(piece.frames)) for piece in shot.pieces] for shot in cut.shots]
    assert shown == [[(first, 6), (last, 6)], [(last, 12)], []]
    assert cut.shots[2].blank == 12
    assert [remark.message for remark in still.remarks] == ["this shot has no still: it is black in an animatic"]


def test_an_animatic_wants_neither_the_engine_of_its_takes_nor_its_voice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SORA_STORE", str(tmp_path))
    shot = {"prompt": "a man", "keyframe": "on", "duration": 1, "sound": "rain", "engine": "ltx-2"}
    board = boards.board(shot, keyframes={"engine": "nano"})
    plan = preflight.plan_of(board, animatic=True)
    assert [(take.engine, take.frames) for take in plan.takes] == [("nano", 1)]
    assert Fraction(plan.frames) / plan.fps == 1
    assert not plan.cards["nano"].can(Ability.SOUND)
