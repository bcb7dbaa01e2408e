"""What every engine family promises, held over tiny checkpoints of the true classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.engines import catalogue
from sora_cli.engines.base import Ability, Engine, EngineCard, Footage, Given, Take
from sora_cli.engines.changes import Start
from sora_cli.errors import RenderError
from sora_cli.media.stream import Frames, Sound
from tests.engines import tiny

QUICK: dict[str, Any] = {"steps": 2, "stage_steps": 1}


def silence(_step: int, _of: int) -> None:
    """Hear no progress."""


def take_for(card: EngineCard, **changes: Any) -> Take:
    width, height = tiny.size_of(card)
    options = {key: value for key, value in QUICK.items() if key in card.options.model_fields}
    take = Take(
        name="scene/shot/1", key="k", engine=card.name, revision=card.revision, prompt="a red ball bounces",
        avoid="bad" if card.can(Ability.NEGATIVE_PROMPT) else "", width=width, height=height, fps=card.fps,
        frames=tiny.frames_of(card), skip=0, play=1, seed=3, options=options,
    )  # fmt: skip
    return replace(take, **changes)


def given_for(take: Take, card: EngineCard, **more: Any) -> Given:
    """What a take of this engine cannot do without, and `more`."""
    needed: dict[str, Any] = {}
    if Ability.FIRST_FRAMES in card.needs:
        needed["opening"] = pictures(take, 1)
    if Ability.LAST_FRAME in card.needs:
        needed["closing"] = pictures(take, 1, 9)
    if Ability.INSTRUCT in card.needs:
        needed["video"] = pictures(take, take.frames, 8)
    return Given(**{**needed, **more})


def pictures(take: Take, count: int, seed: int = 0) -> Frames:
    shape = (count, take.height, take.width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@dataclass(frozen=True)
class Made:
    """An engine, and a first take that it made."""

    engine: Engine
    card: EngineCard
    take: Take
    given: Given
    footage: Footage
    heard: list[tuple[int, int]]

    def again(self, **changes: Any) -> Frames:
        """The take's frames once more, with changes; `given` is one of them."""
        given = changes.pop("given", self.given)
        return self.engine.generate(replace(self.take, **changes), given, silence).frames


@pytest.fixture(params=sorted(tiny.BUILDERS.keys() - {"qwen-image", "sana"}), scope="module")  # see test_stills.py
def made(request: pytest.FixtureRequest, tiny_card: Callable[[str], EngineCard]) -> Iterator[Made]:
    engine = catalogue.open_engine(tiny_card(request.param))
    take, heard = take_for(engine.card), list[tuple[int, int]]()
    given = given_for(take, engine.card)
    footage = engine.generate(take, given, lambda step, of: heard.append((step, of)))
    yield Made(engine, engine.card, take, given, footage, heard)
    engine.close()


def test_it_makes_the_frames_and_size_of_the_take_and_the_same_again_in_silence(
    made: Made, capfd: pytest.CaptureFixture[str]
) -> None:
    take, footage = made.take, made.footage
    assert footage.frames.shape == (take.frames, take.height, take.width, 3)
    assert footage.frames.dtype == np.uint8
    assert footage.fps == take.fps
    again = made.engine.generate(take, made.given, silence)
    assert np.array_equal(footage.frames, again.frames)
    if footage.sound is not None:
        assert again.sound is not None
        assert np.array_equal(footage.sound.samples, again.sound.samples)
    assert capfd.readouterr() == ("", "")


def test_progress_rises_to_its_end(made: Made) -> None:
    steps = [step for step, _ in made.heard]
    assert steps == list(range(1, len(steps) + 1))
    assert made.heard[-1][0] == made.heard[-1][1]


def test_seed_and_prompt_change_the_frames(made: Made) -> None:
    assert not np.array_equal(made.footage.frames, made.again(seed=4))
    assert not np.array_equal(made.footage.frames, made.again(prompt="the grass"))


def test_opening_frames_change_the_take_and_do_not_change_its_length(made: Made) -> None:
    if not made.card.can(Ability.FIRST_FRAMES):
        assert made.card.max_opening == 0
        return
    for count in sorted({1, made.card.overlap}):
        held = made.again(given=given_for(made.take, made.card, opening=pictures(made.take, count, 7)))
        assert held.shape == made.footage.frames.shape
        assert not np.array_equal(held, made.footage.frames)


def test_a_last_frame_with_an_opening_one(made: Made) -> None:
    if not made.card.can(Ability.LAST_FRAME):
        return
    opening = pictures(made.take, 1)
    first = made.again(given=given_for(made.take, made.card, opening=opening))
    both = made.again(given=Given(opening=opening, closing=pictures(made.take, 1, 1)))
    assert both.shape == first.shape
    assert not np.array_equal(both, first)


def test_the_lower_the_noise_the_nearer_a_take_stays_to_what_it_begins_with(made: Made) -> None:
    if not made.card.can(Ability.VIDEO):
        return
    starts = [pictures(made.take, made.take.frames, seed) for seed in (5, 6)]

    def apart(level: float) -> float:
        """How far takes of two seeds are from each other that begin with the same frames."""
        given = given_for(made.take, made.card, start=starts[0])
        one, other = (made.again(seed=seed, start=Start(level), given=given).astype(float) for seed in (3, 4))
        return float(np.abs(one - other).mean())

    assert apart(0.001) < apart(0.9) / 2, "untrained autoencoders make little of frames, and much of noise"
    heard: list[tuple[int, int]] = []
    take = replace(made.take, start=Start(0.05))
    began = [
        made.engine.generate(take, given_for(take, made.card, start=start), lambda *step: heard.append(step)).frames
        for start in starts
    ]
    assert not np.array_equal(*began)
    assert heard[-1][0] == heard[-1][1]
    assert made.card.makes_sound or heard[-1][1] < made.heard[-1][1], "sound begins with noise, and needs all steps"
    assert np.array_equal(made.again(), made.footage.frames), "the next take begins with noise alone again"


def test_an_instruction_changes_the_film_that_is_given_and_needs_one(made: Made) -> None:
    if not made.card.can(Ability.INSTRUCT):
        return
    other = given_for(made.take, made.card, video=pictures(made.take, made.take.frames, 11))
    assert not np.array_equal(made.again(given=other), made.footage.frames)
    assert not np.array_equal(made.again(prompt="a bad ball"), made.footage.frames)
    if Ability.INSTRUCT in made.card.needs:
        with pytest.raises(RenderError, match="changes a film, and this take has none"):
            made.again(given=Given())


def test_a_part_is_made_by_what_is_around_it_and_by_where_it_is(made: Made) -> None:
    if not made.card.can(Ability.INPAINT):
        return
    films = [pictures(made.take, made.take.frames, seed) for seed in (11, 12)]
    masks = [np.zeros((made.take.frames, made.take.height, made.take.width), np.float32) for _ in range(2)]
    masks[0][:, :, : made.take.width // 2] = 1
    masks[1][:, :, made.take.width // 2 :] = 1
    each = [(films[0], masks[0]), (films[1], masks[0]), (films[0], masks[1])]
    frames = [made.again(given=given_for(made.take, made.card, video=film, mask=mask)) for film, mask in each]
    assert len({one.tobytes() for one in frames}) == 3


def test_references_of_their_own_size(made: Made) -> None:
    if not made.card.can(Ability.REFERENCES):
        assert made.card.max_references == 0
        return
    for size in ((72, 40), (90, 15)):
        picture = np.random.default_rng(1).integers(0, 256, (1, *size, 3), dtype=np.uint8)
        held = made.again(given=Given(references=(picture,)))
        assert held.shape == made.footage.frames.shape
        assert not np.array_equal(held, made.footage.frames)


def test_films_and_sounds_as_references(made: Made) -> None:
    card = made.card
    if not card.max_film_references:
        return
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (1, 72, 40, 3), dtype=np.uint8)
    sound = Sound(rng.normal(0, 0.1, (card.sound_rate, 2)).astype(np.float32), card.sound_rate)
    film = Footage(rng.integers(0, 256, (30, 40, 72, 3), dtype=np.uint8), Fraction(30))
    given = [(picture,), (picture, sound), (film,), (replace(film, sound=sound),), (film, picture), (picture, film)]
    frames = [made.again(given=Given(references=references)) for references in given]
    assert len({one.tobytes() for one in frames}) == len(given), "each of them, and their order, is heeded"


def test_given_frames_of_another_size_or_too_many_are_refused(made: Made) -> None:
    with pytest.raises(RenderError, match="opening frames are 8x8"):
        made.again(given=given_for(made.take, made.card, opening=np.zeros((1, 8, 8, 3), np.uint8)))
    many = pictures(made.take, made.card.max_opening + 1)
    with pytest.raises(RenderError, match="opening frames given"):
        made.again(given=given_for(made.take, made.card, opening=many))


def test_what_progress_raises_comes_through_and_the_engine_goes_on(made: Made) -> None:
    class StopHereError(Exception):
        pass

    def stop(_step: int, _of: int) -> None:
        raise StopHereError

    with pytest.raises(StopHereError):
        made.engine.generate(made.take, made.given, stop)
    assert np.array_equal(made.again(), made.footage.frames)


def test_sound_lasts_exactly_as_long_as_the_frames(made: Made) -> None:
    sound = made.footage.sound
    if not made.card.can(Ability.SOUND):
        assert sound is None
        return
    assert sound is not None
    assert sound.rate == made.card.sound_rate
    assert sound.samples.dtype == np.float32
    assert np.abs(sound.samples).max() <= 1.0
    assert sound.samples.shape == (round(Fraction(made.take.frames) / made.take.fps * sound.rate), 2)


def test_a_tail_is_kept_where_the_card_says_so(made: Made) -> None:
    assert bool(made.footage.tail) == made.card.tails
    assert all(array.dtype == np.float32 for array in made.footage.tail.values())
