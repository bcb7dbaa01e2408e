"""The plan: exact frames, exact places, seeds and keys that change when they must and only then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from sora_cli import storyboard
from sora_cli.engines.base import Ability, EngineCard, Take
from sora_cli.engines.cards import known
from sora_cli.errors import EngineMissing, StoryboardError
from sora_cli.plan import Plan, plan_takes, round_half_up
from sora_cli.plan.data import TakeFields
from sora_cli.plan.takes import derive_seed
from tests.boards import CARD, board, catalogue

CARDS = catalogue()


def plan(*shots: object, **film: object) -> Plan:
    return plan_takes(board(*shots, **film), CARDS)


def keys(planned: Plan) -> dict[str, str]:
    return {take.name: take.key for take in planned.takes}


def test_the_machines_engine_is_asked_for_only_where_a_shot_needs_it() -> None:
    def find(name: str | None) -> EngineCard:
        if name is None:
            raise EngineMissing("SORA_ENGINE: there is no engine nope")
        return CARDS(name)

    own = {"prompt": "a", "engine": CARD.name}
    assert plan_takes(board(own, own, engine=None), find).takes
    with pytest.raises(EngineMissing, match="SORA_ENGINE"):
        plan_takes(board(own, "b", engine=None), find)


# -- lengths ---------------------------------------------------------------------------------------------------


RATES = ("12", "24", "25", "30", "23.976", "29.97")


@settings(max_examples=60)
@given(
    st.lists(st.integers(2, 60), min_size=1, max_size=6),
    st.sampled_from(RATES),
)
def test_a_film_is_as_long_as_it_is_written_to_the_frame(tenths: list[int], rate: str) -> None:
    planned = plan(*({"prompt": "a ball", "duration": f"{t}00ms"} for t in tenths), output={"fps": rate})
    fps = planned.fps
    ends = [sum(Fraction(t, 10) for t in tenths[: i + 1]) for i in range(len(tenths))]
    assert planned.frames == round_half_up(ends[-1] * fps)
    assert [shot.start + shot.frames for shot in planned.shots] == [round_half_up(end * fps) for end in ends]


@settings(max_examples=60)
@given(st.lists(st.integers(3, 100), min_size=1, max_size=4), st.sampled_from(RATES))
def test_beats_are_made_of_whole_stretches_that_the_engine_can_make(frames: list[int], rate: str) -> None:
    beats = [{"prompt": "a ball", "duration": f"{count}f"} for count in frames]
    planned = plan({"beats": beats}, output={"fps": rate})
    (shot,) = planned.shots
    for beat, count in zip(shot.beats, frames, strict=True):
        assert beat.frames == count
        takes = [stretch.candidates[0] for stretch in beat.stretches]
        for take in takes:
            assert (take.frames - CARD.frame_offset) % CARD.frame_step == 0
            assert take.skip + take.play <= take.frames <= CARD.max_frames
        plays = [take.play for take in takes]
        assert max(plays) - min(plays) <= 1
        assert (sum(plays) - 1) / CARD.fps <= (count - 1) / planned.fps, "no frame is made that is not shown"


def test_a_transition_overlaps_its_two_shots() -> None:
    four = {"prompt": "a ball", "duration": "4s"}
    planned = plan(four, {**four, "transition": "dissolve 0.5s"})
    assert planned.frames == 7.5 * 12
    assert [shot.overlap for shot in planned.shots] == [0, 6]
    assert planned.shots[1].start == 42


def test_a_first_transition_comes_from_black_and_takes_no_time() -> None:
    planned = plan({"prompt": "a ball", "duration": "2s", "transition": "fade 1s"})
    assert (planned.frames, planned.shots[0].lead, planned.shots[0].overlap) == (24, 12, 0)


def test_a_transition_longer_than_its_shot_is_refused() -> None:
    with pytest.raises(StoryboardError, match="transition is too long"):
        plan("a ball", {"prompt": "a cube", "duration": "1s", "transition": "dissolve 2s"})


def test_of_two_transitions_too_long_together_both_are_told() -> None:
    middle = {"prompt": "a cube", "duration": "2s", "transition": "dissolve 1s"}
    with pytest.raises(
        StoryboardError, match="shot 'shot-2', which has 24 frames, of which its other transition takes 12"
    ):
        plan("a ball", middle, {"prompt": "a star", "duration": "3s", "transition": "dissolve 1.5s"})


def test_a_lone_title_card_takes_its_time() -> None:
    planned = plan({"title": {"text": "The End", "duration": "3s"}}, "a ball")
    assert planned.shots[0].frames == 36
    assert planned.shots[0].beats == ()


# -- continuity ------------------------------------------------------------------------------------------------


def test_beats_continue_and_shots_cut() -> None:
    planned = plan({"beats": ["a ball", "the ball stops"]}, "a cube")
    first, second, third = planned.takes
    assert first.opening is None
    assert third.opening is None
    assert second.opening is not None
    assert second.opening.takes == (first.key,)
    assert second.opening.at == first.skip + first.play - 1
    assert second.opening.count == second.skip == 5


def test_a_long_beat_is_split_into_equal_stretches_that_carry_on() -> None:
    planned = plan({"prompt": "a ball", "duration": "4s"})
    assert [(take.skip, take.play) for take in planned.takes] == [(0, 12), (5, 12), (5, 12), (5, 12)]
    for before, after in zip(planned.takes, planned.takes[1:], strict=False):
        assert after.opening is not None
        assert after.opening.takes == (before.key,)


def test_from_takes_every_form(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "lamp.png")
    lamp = {"name": "lamp", "prompt": "a lamp", "duration": "3s"}
    links = ["previous", "lamp", {"shot": "lamp", "at": "start"}, {"shot": "lamp", "at": "2s"}, "lamp.png", "nothing"]
    planned = plan(lamp, *({"prompt": f"shot {i}", "from": link} for i, link in enumerate(links)), folder=tmp_path)
    lamps = [take for take in planned.takes if "lamp" in take.name]
    made = [shot.beats[0].stretches[0].candidates[0] for shot in planned.shots[1:]]
    previous, end, start, middle, picture, nothing = (take.opening for take in made)
    assert previous is not None
    assert previous.takes == (lamps[-1].key,)
    assert end == previous
    assert start is not None
    assert (start.takes, start.at, start.count) == ((lamps[0].key,), 0, 1)
    second = next(take for i, take in enumerate(lamps) if sum(t.play for t in lamps[: i + 1]) > 24)
    assert middle is not None
    assert middle.takes == (second.key,)
    assert picture is not None
    assert (picture.path, made[4].skip) == (tmp_path / "lamp.png", 0)
    assert nothing is None


def test_a_moment_of_a_shot_is_found_where_its_beats_have_other_rates_or_are_no_whole_frames_long() -> None:
    def rated(name: str | None) -> EngineCard:
        return replace(CARD, name=name or "test", fps=Fraction(24 if name == "quick" else 12), max_frames=49)

    def opened(at: str, *beats: object, fps: int) -> tuple[str, int]:
        one = {"name": "one", "beats": list(beats)}
        planned = plan_takes(board(one, {"prompt": "z", "from": {"shot": "one", "at": at}}, output={"fps": fps}), rated)
        carry = planned.takes[-1].opening
        assert carry is not None
        source = next(take for take in planned.takes if take.key in carry.takes)
        return source.name, carry.at - source.skip

    both = {"prompt": "x", "duration": "2s"}, {"prompt": "y", "duration": "2s", "engine": "quick", "from": "nothing"}
    assert opened("3s", *both, fps=24) == ("scene-1/one/2", 24), "a second into the second beat"
    odd = [{"prompt": f"beat {number}", "duration": "25f", "from": "nothing"} for number in range(8)]
    assert opened("7.3s", *odd, fps=24)[0] == "scene-1/one/8", "each plays 25 of 24 frames a second, and has 13 of 12"


def test_to_puts_the_given_frame_at_the_end_of_what_plays() -> None:
    planned = plan({"name": "a", "prompt": "x", "to": "b", "duration": "1s"}, {"name": "b", "prompt": "y"})
    take = next(take for take in planned.takes if take.closing)
    assert take.skip + take.play == take.frames
    assert planned.takes[0].prompt == "y", "what is carried on from is shot first"


def test_candidates_differ_in_seed_only_and_all_are_carried() -> None:
    planned = plan({"takes": 3, "beats": ["a ball", "the ball stops"]})
    one, two, three, *later = planned.takes
    assert len({take.seed for take in (one, two, three)}) == 3
    assert all(take.opening and take.opening.takes == (one.key, two.key, three.key) for take in later)


def test_an_engine_that_cannot_says_so() -> None:
    deaf = catalogue(abilities=frozenset({Ability.TEXT}))
    late = {"prompt": "x", "from": "previous"}
    written = board({"prompt": "a ball", "avoid": "text"}, {"prompt": "a cube", "to": "shot-1"}, late)
    with pytest.raises(StoryboardError) as caught:
        plan_takes(written, deaf)
    assert len(caught.value.problems) == 2
    remarks = plan_takes(board({"prompt": "a ball", "avoid": "text"}), deaf).remarks
    assert "no negative prompt" in remarks[0].message


def test_an_engine_that_goes_on_from_pictures_must_be_given_them() -> None:
    wants = catalogue(needs=frozenset({Ability.FIRST_FRAMES}))
    with pytest.raises(StoryboardError, match="needs a first frame"):
        plan_takes(board("a ball"), wants)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(StoryboardError, match="no option 'stepz'"):
        plan({"prompt": "a ball", "options": {"stepz": 3}})


# -- keys and seeds --------------------------------------------------------------------------------------------


def test_what_is_wrong_with_options_is_told_of_each_shot_that_has_them(tmp_path: Path) -> None:
    shots = "".join(f"  - {{prompt: a ball, options: {{{key}: 3}}}}\n" for key in ("stepz", "steps", "stepz", "steps"))
    (tmp_path / "four.yaml").write_text(f"shots:\n{shots}")
    with pytest.raises(StoryboardError) as caught:
        plan_takes(storyboard.load(tmp_path / "four.yaml"), CARDS)
    assert [problem.mark.line for problem in caught.value.problems if problem.mark] == [2, 4]


def test_changing_a_beat_changes_it_and_what_hangs_on_it_only() -> None:
    def named(second: str) -> dict[str, str]:
        shots = [{"name": "one", "beats": ["a ball", second, "the end"]}, {"name": "two", "prompt": "a cube"}]
        return keys(plan(*shots))

    before, after = named("it stops"), named("it jumps")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"scene-1/one/2", "scene-1/one/3"}


def test_a_shot_put_in_front_changes_no_key() -> None:
    shots = ["a ball", {"beats": ["a cube", "it falls"]}]
    before, after = (set(keys(plan(*first, *shots, look="off")).values()) for first in ([], ["a star"]))
    assert before < after


def test_a_shot_put_in_front_is_the_new_anchor_of_what_carries_on_from_matched_frames() -> None:
    shots = ["a ball", {"beats": ["a cube", "it falls"]}]
    before, after = set(keys(plan(*shots)).values()), set(keys(plan("a star", *shots)).values())
    assert len(before - after) == 1


def test_same_words_twice_make_two_takes() -> None:
    first, second = plan("a ball", "a ball").takes
    assert first.seed != second.seed


def test_a_written_seed_is_used_as_it_is() -> None:
    assert plan({"prompt": "a ball", "seed": 42}).takes[0].seed == 42
    assert plan("a ball", seed=1).takes[0].seed != plan("a ball", seed=2).takes[0].seed


def test_a_draft_has_the_same_shots_lengths_and_seeds() -> None:
    written = board({"prompt": "a ball", "duration": "4s"}, "a cube")
    final, draft = plan_takes(written, CARDS), plan_takes(written, CARDS, draft=True)
    assert [take.seed for take in final.takes] == [take.seed for take in draft.takes]
    assert final.frames == draft.frames
    assert draft.width < final.width
    assert draft.takes[0].options == {"steps": 2}


def test_only_keeps_named_shots_and_what_they_carry_on_from() -> None:
    shots = [{"name": n, "prompt": n} for n in "abc"] + [{"name": "d", "prompt": "d", "from": "a"}]
    planned = plan_takes(board(*shots), CARDS, only=["c", "d"])
    assert [shot.name for shot in planned.shots] == ["c", "d"]
    assert [shot.start for shot in planned.shots] == [0, 12]
    assert {take.name.split("/")[1] for take in planned.takes} == {"a", "c", "d"}
    assert set(keys(planned).values()) < set(keys(plan(*shots)).values())


def test_seeds_are_32_bits_and_repeat() -> None:
    assert derive_seed(7, "a", 0) == derive_seed(7, "a", 0)
    assert 0 <= derive_seed("x") < 2**32


# -- size and speed --------------------------------------------------------------------------------------------


def test_a_large_film_is_made_at_the_engines_size() -> None:
    take = plan("a ball", output={"size": "1920x1080"}).takes[0]
    assert take.width * take.height <= CARD.max_pixels
    assert take.width % 16 == take.height % 16 == 0
    assert take.width / take.height == pytest.approx(16 / 9, rel=0.1)


def test_planning_cost_grows_linearly() -> None:
    def cost(count: int) -> float:
        chain = [{"name": f"s{i}", "prompt": "a ball", **({"from": "previous"} if i else {})} for i in range(count)]
        written = board(*chain)
        started = time.process_time()
        assert len(plan_takes(written, CARDS).takes) == count
        return time.process_time() - started

    cost(50)
    assert cost(2000) < 30 * max(cost(200), 0.005)


def test_takes_that_a_model_makes_otherwise_now_have_other_keys(tmp_path: Path) -> None:
    """Helios films begin with the given picture itself: clips from before that are not taken for them."""
    (tmp_path / "a.png").write_bytes(b"a picture")
    helios = {template.card.name: template.card for template in known()}["helios-base"]
    shots = ({"name": "one", "prompt": "a ball", "from": "a.png"}, {"prompt": "it rolls", "from": "one"}, "a cube")

    def takes(edition: int) -> Sequence[Take]:
        card = replace(helios, edition=edition)
        return plan_takes(board(*shots, folder=tmp_path), lambda _name: card).takes

    before, now = takes(0), takes(helios.edition)
    assert [one.key == other.key for one, other in zip(before, now, strict=True)] == [False, False, True]
    told = [TakeFields.of(take).to_dict() for take in now]
    assert [take.get("edition") for take in told] == [1, None, None], "what hangs on the first changes with it"


def test_a_lora_under_another_name_or_in_another_folder_makes_the_same_takes(tmp_path: Path) -> None:
    def key(place: str, words: bytes = b"a style", scale: float = 1.0) -> str:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(words)
        options = {"lora": [{"path": place, "scale": scale}]}
        (take,) = plan_takes(board("a ball", options=options, folder=tmp_path), lambda _name: wan).takes
        assert take.options["lora"][0]["path"] == str(tmp_path / place)  # type: ignore[index]
        return take.key

    wan = released("wan2.1-t2v-1.3b")
    assert key("mara.safetensors") == key("loras/moved.safetensors")
    assert len({key("mara.safetensors"), key("mara.safetensors", b"other"), key("mara.safetensors", scale=0.5)}) == 3


# -- what an engine says where nothing is written ---------------------------------------------------------------


def released(name: str) -> EngineCard:
    return next(model.card for model in known() if model.card.name == name)


def test_size_and_rate_are_those_of_the_engine_that_makes_the_shots_wherever_it_is_named() -> None:
    names = ("wan2.1-t2v-1.3b", "ltx-2")
    cards: dict[str | None, EngineCard] = {None: CARD, "nano": CARD, **{name: released(name) for name in names}}

    def made(*shots: object, **film: object) -> tuple[int, int, Fraction]:
        planned = plan_takes(board(*shots, **film), cards.__getitem__)
        return planned.width, planned.height, planned.fps

    wan, ltx = ({"prompt": "a ball", "engine": name} for name in names)
    assert made(wan) == made(wan, wan) == made(wan, ltx) == (832, 480, 16)
    assert made(ltx) == made(ltx, {"title": "The end"}) == made("a ball", engine="ltx-2") == (768, 512, 24)
    assert made(wan, "a ball") == made("a ball") == made(wan, engine="nano") == (*CARD.film_size, CARD.fps)
    assert made(wan, output={"size": "640x480", "fps": 25}) == (640, 480, 25)


def test_what_is_avoided_without_guidance_beyond_what_is_read_or_in_words_unknown_is_told() -> None:
    cards: dict[str | None, EngineCard] = {each.card.name: each.card for each in known()}

    def told(engine: str, avoid: str = "text", **options: object) -> list[str]:
        shot = {"prompt": "a red ball", "avoid": avoid, "options": options}
        planned = plan_takes(board(shot, engine=engine), cards.__getitem__)
        return [remark.message for remark in planned.remarks if not remark.message.startswith("engine nano makes")]

    assert told("wan2.1-t2v-14b") == told("helios-mid") == told("ltx-2") == []
    for engine in ("wan2.1-t2v-14b", "helios-mid"):
        assert told(engine, guidance=1) == ["guidance is 1: `avoid` changes nothing"]
    assert told("ltx-2", guidance=1) == ["guidance is 1: `avoid` changes nothing of the picture"]
    assert told("ltx-2", guidance=1, sound_guidance=1) == ["guidance is 1: `avoid` changes nothing"]
    both = told("wan2.2-t2v-a14b", guidance=1, guidance_low=3)
    assert both[1].endswith("`guidance_low` changes nothing")
    assert told("wan2.2-t2v-a14b", guidance=4, guidance_low=1) == []
    long = told("wan2.1-t2v-14b", "blurred birds, " * 120)
    assert len(long) == 1
    assert long[0].startswith("what is avoided has about")
    assert told("wan2.1-t2v-14b", "blurred birds, " * 20) == []
    assert told("nano", "a blue ball, zeppelins") == ["engine nano does not know: zeppelins"]
