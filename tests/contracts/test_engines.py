"""What every engine family promises, held over tiny checkpoints of the true classes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sora_cli.engines import catalogue
from sora_cli.engines.base import Ability, Engine, EngineCard, Given, Take
from sora_cli.errors import RenderError
from sora_cli.media.stream import Frames
from tests.engines import tiny

QUICK: dict[str, Any] = {"steps": 2}


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
    return Given(**{**needed, **more})


def pictures(take: Take, count: int, seed: int = 0) -> Frames:
    shape = (count, take.height, take.width, 3)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(params=sorted(tiny.BUILDERS), scope="module")
def engine(request: pytest.FixtureRequest, tiny_card: Callable[[str], EngineCard]) -> Iterator[Engine]:
    opened = catalogue.open_engine(tiny_card(request.param))
    yield opened
    opened.close()


def test_it_makes_the_frames_and_size_of_the_take_and_the_same_again(engine: Engine) -> None:
    take, heard = take_for(engine.card), list[tuple[int, int]]()
    footage = engine.generate(take, given_for(take, engine.card), lambda step, of: heard.append((step, of)))
    assert footage.frames.shape == (take.frames, take.height, take.width, 3)
    assert footage.frames.dtype == np.uint8
    assert footage.fps == take.fps
    assert heard[-1][0] == heard[-1][1]
    assert [step for step, _ in heard] == sorted(step for step, _ in heard)
    again = engine.generate(take, given_for(take, engine.card), silence)
    assert np.array_equal(footage.frames, again.frames)
    if footage.sound is not None and again.sound is not None:
        assert np.array_equal(footage.sound.samples, again.sound.samples)


def test_seed_prompt_and_options_change_the_frames(engine: Engine) -> None:
    take = take_for(engine.card)
    given = given_for(take, engine.card)
    frames = engine.generate(take, given, silence).frames
    assert not np.array_equal(frames, engine.generate(replace(take, seed=4), given, silence).frames)
    assert not np.array_equal(frames, engine.generate(replace(take, prompt="the grass"), given, silence).frames)


def test_opening_frames_change_the_take_and_do_not_change_its_length(engine: Engine) -> None:
    card, take = engine.card, take_for(engine.card)
    if not card.can(Ability.FIRST_FRAMES):
        pytest.skip("cannot be given first frames")
    free = engine.generate(take, given_for(take, engine.card), silence).frames
    for count in sorted({1, card.overlap}):
        given = given_for(take, card, opening=pictures(take, count, 7))
        held = engine.generate(take, given, silence).frames
        assert held.shape == free.shape
        assert not np.array_equal(held, free)


def test_a_last_frame_alone_and_with_opening_frames(engine: Engine) -> None:
    take = take_for(engine.card)
    if not engine.card.can(Ability.LAST_FRAME):
        pytest.skip("cannot be given a last frame")
    opening = pictures(take, 1)
    first = engine.generate(take, given_for(take, engine.card, opening=opening), silence).frames
    both = engine.generate(take, Given(opening=opening, closing=pictures(take, 1, 1)), silence).frames
    assert both.shape == first.shape
    assert not np.array_equal(both, first)


def test_references_of_their_own_size(engine: Engine) -> None:
    take = take_for(engine.card)
    if not engine.card.can(Ability.REFERENCES):
        pytest.skip("takes no references")
    picture = np.random.default_rng(1).integers(0, 256, (1, 72, 40, 3), dtype=np.uint8)
    free = engine.generate(take, given_for(take, engine.card), silence).frames
    held = engine.generate(take, Given(references=(picture,)), silence).frames
    assert held.shape == free.shape
    assert not np.array_equal(held, free)


def test_given_frames_of_another_size_are_refused(engine: Engine) -> None:
    take = take_for(engine.card)
    with pytest.raises(RenderError, match="opening frames are 8x8"):
        engine.generate(take, given_for(take, engine.card, opening=np.zeros((1, 8, 8, 3), np.uint8)), silence)


def test_what_progress_raises_comes_through_and_the_engine_goes_on(engine: Engine) -> None:
    class StopHereError(Exception):
        pass

    def stop(_step: int, _of: int) -> None:
        raise StopHereError

    take = take_for(engine.card)
    with pytest.raises(StopHereError):
        engine.generate(take, given_for(take, engine.card), stop)
    assert engine.generate(take, given_for(take, engine.card), silence).frames.shape[0] == take.frames


def test_sound_lasts_as_long_as_the_frames(engine: Engine) -> None:
    take = take_for(engine.card)
    footage = engine.generate(take, given_for(take, engine.card), silence)
    if not engine.card.can(Ability.SOUND):
        assert footage.sound is None
        return
    assert footage.sound is not None
    assert footage.sound.rate == engine.card.sound_rate
    assert footage.sound.samples.dtype == np.float32
    assert np.abs(footage.sound.samples).max() <= 1.0
    wanted = Fraction(take.frames) / take.fps * footage.sound.rate
    assert len(footage.sound.samples) == round(wanted)


def test_nothing_is_printed(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    engine.generate(take_for(engine.card), given_for(take_for(engine.card), engine.card), silence)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", sorted(tiny.BUILDERS))
def test_close_gives_the_memory_back(name: str, tiny_card: Callable[[str], EngineCard]) -> None:
    engine: Any = catalogue.open_engine(tiny_card(name))
    engine.generate(take_for(engine.card), given_for(take_for(engine.card), engine.card), silence)
    weights = weakref.ref(next(engine.pipe.transformer.parameters()))
    engine.close()
    gc.collect()
    assert weights() is None
