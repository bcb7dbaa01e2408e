"""Every family on the whole road: a storyboard of two shots and three beats becomes a film file.

One test over all: tiny checkpoints of the true classes, loaded as a released one is, planned, shot, cut, finished and
stamped. MiniMax-H3's three workflows are the film's three beats: words alone, a keyframe carried on from, the cast.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.engines.base import Ability, EngineCard, Footage, Given, Progress, Take
from sora_cli.events import Recording
from sora_cli.flows import film
from sora_cli.media.clip import write_clip
from sora_cli.media.read import probe, read_frames, read_sound
from sora_cli.media.stream import SAMPLE_RATE, Frames, Sound
from sora_cli.plan import Plan, plan_takes
from sora_cli.shoot.studio import Studio
from sora_cli.store import Clip, Store
from sora_cli.storyboard.model import Storyboard
from tests.engines import tiny

SPANS = {"minimax-h3": 124, "helios": 33, "helios-mid": 33, "helios-distilled": 33}
"""Frames of a beat that a family makes quickly; 13 for the others."""
CASES = {name: (name, {}) for name in tiny.BUILDERS if name not in (*tiny.STILLS, "lucy")} | {
    "ltx2-two-stage": ("ltx2-distilled", {"two_stage": True})
}
"""A checkpoint, and options beside those that make it quick. Lucy Edit makes no film from words."""
TWINS = ("helios-distilled", "helios-mid", "ltx2-distilled")
"""Their code is that of the others of their family: tried in the long run."""


@dataclass
class Watched:
    """An engine that remembers what its takes were given; and whether its weights are still held by anybody."""

    inner: Any
    given: dict[str, Given] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.card: EngineCard = self.inner.card
        self.weights = weakref.ref(next(self.inner.pipe.transformer.parameters()))

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        self.given[take.name] = given
        footage: Footage = self.inner.generate(take, given, progress)
        return footage

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> list[Watched]:
    """Every engine that is opened; one certificate for all these films."""
    opened: list[Watched] = []
    really = catalogue.open_engine

    def watched(card: EngineCard, **how: Any) -> Watched:
        opened.append(Watched(really(card, **how)))
        return opened[-1]

    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", watched)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "signing"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    return opened


def story(card: EngineCard, folder: Path, more: dict[str, Any]) -> Storyboard:
    """Two shots of two beats and one, with what the engine needs to be given."""
    width, height = tiny.size_of(card)
    if more.get("two_stage"):
        width, height = 128, 64
    for number, name in enumerate(("first", "last", "ball")):
        pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    span = f"{SPANS.get(tiny.name_of(card), 13)}f"
    least = 1 + (card.family == "minimax-h3")
    steps = {key: least for key in ("steps", "stage_steps") if key in card.options.model_fields}
    end = {"to": "last.png"} if Ability.LAST_FRAME in card.needs else {}
    start = {"from": "first.png"} if Ability.FIRST_FRAMES in card.needs else {}
    carried = {} if card.can(Ability.FIRST_FRAMES) else {"from": "nothing"}
    cast: dict[str, dict[str, Any]] = {"ball": {"looks": "a red ball"}}
    if card.can(Ability.REFERENCES):
        cast["ball"]["reference"] = ["ball.png"]
    if card.max_film_references:
        frames = np.random.default_rng(5).integers(0, 256, (24, height, width, 3), dtype=np.uint8)
        noise = np.random.default_rng(6).normal(0, 0.1, (SAMPLE_RATE, 2)).astype(np.float32)
        write_clip(folder / "roll.mp4", frames, Fraction(24), Sound(noise, SAMPLE_RATE))
        write_clip(folder / "squeak.m4a", frames[:1], Fraction(24), Sound(noise, SAMPLE_RATE))
        cast["ball"]["reference"] += ["roll.mp4", "squeak.m4a"]
    return storyboard.from_data(
        {
            "engine": str(card.location), "options": {**steps, **more}, "seed": 3, "cast": cast, "look": "off",
            "output": {"size": f"{width}x{height}", "fps": float(card.fps)},
            "policy": "off", "provenance": {"watermark": "off"},
            "sound": {"loudness": -40},  # so quiet that no peak is held, and samples can be compared
            "shots": [
                {"name": "one", "beats": [
                    {"prompt": "a red ball bounces", "duration": span, **start, **end},
                    {"prompt": "the grass", "duration": span, **carried, **end},
                ]},
                {"name": "two", "prompt": "@ball on the grass", "duration": span, **start, **end},
            ],
        },
        folder=folder, name="story",
    )  # fmt: skip


def played(plan: Plan, store: Store) -> list[tuple[Take, Clip]]:
    """The three takes, and their clips."""
    takes = [stretch.candidates[0] for stretch in plan.stretches]
    clips = [store.find(take.key) for take in takes]
    assert len(takes) == 3
    return [(take, clip) for take, clip in zip(takes, clips, strict=True) if clip is not None]


def moving(frames: Frames) -> NDArray[np.float64]:
    """What of frames is not in all of them, in luma, which ProRes keeps at full size."""
    light = frames @ np.array([0.2126, 0.7152, 0.0722])
    return light - light.mean(axis=0)


def likeness(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The cosine between two pictures or sounds: 1 where they differ in strength alone."""
    a, b = one.ravel().astype(np.float64), other.ravel().astype(np.float64)
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def shown(take: Take, clip: Clip) -> Frames:
    return read_frames(clip.path, take.skip, take.play)


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.long) if case in TWINS else case for case in sorted(CASES)]
)
def test_a_film_of_two_shots_and_three_beats(
    case: str, tiny_card: Callable[[str], EngineCard], engines: list[Watched], tmp_path: Path
) -> None:
    name, more = CASES[case]
    card = tiny_card(name)
    board = story(card, tmp_path, more)
    made = film.make(board, tmp_path / "film.mov", report=Recording(), deliver="prores")
    plan = plan_takes(board, catalogue.card)
    before, after, other = made_clips = played(plan, Store(tmp_path / "store"))

    # Right size, frame count and rate, of the film and of each of its clips.
    facts = probe(made.path)
    assert (facts.width, facts.height) == (plan.width, plan.height)
    assert facts.frames == 3 * SPANS.get(name, 13)
    assert facts.fps == card.fps
    for take, clip in made_clips:
        assert (clip.frames, clip.width, clip.height, clip.fps) == (take.frames, take.width, take.height, card.fps)
        assert clip.sound == card.can(Ability.SOUND)
        assert (clip.tail is not None) == card.tails
    pictures, wanted = read_frames(made.path, 0, facts.frames), np.concatenate([shown(*each) for each in made_clips])
    assert likeness(moving(pictures), moving(wanted)) > 0.9, "each frame of the film is that of its clip, in order"

    # Opening frames are the last played ones of the beat before, bit for bit; the cast is there where it can be.
    (engine,) = engines
    held = engine.given[after[0].name]
    if card.can(Ability.FIRST_FRAMES):
        assert after[0].opening is not None
        assert held.opening is not None
        assert np.array_equal(held.opening, shown(*before)[-after[0].opening.count :])
        assert after[0].skip >= after[0].opening.count, "what repeats is not played twice"
        assert (held.tail is not None) == card.tails, "latents go on without being decoded"
    assert (engine.given[before[0].name].opening is None) == (Ability.FIRST_FRAMES not in card.needs)
    wanted_references = card.can(Ability.REFERENCES) + 2 * bool(card.max_film_references)
    assert len(engine.given[other[0].name].references) == wanted_references

    sound_is_in_sync(made_clips, made.path, card)

    # The engine is closed by now, and holds no memory though somebody holds the engine.
    gc.collect()
    assert engine.weights() is None

    # The same seed makes the same frames.
    with Studio(Store(tmp_path / "again")) as studio:
        again = studio.shoot(plan, Recording())
    assert [again[stretch.name].pixels for stretch in plan.stretches] == [clip.pixels for _, clip in made_clips]


def sound_is_in_sync(clips: list[tuple[Take, Clip]], path: Path, card: EngineCard) -> None:
    """The film's sound is that of its clips, each sample in its place, but where two cross over."""
    if not card.can(Ability.SOUND):
        assert probe(path).channels == 0
        return
    heard = read_sound(path)
    total = sum(take.play for take, _ in clips)
    assert len(heard) == round(Fraction(total) / card.fps * SAMPLE_RATE)
    at = 0
    for take, clip in clips:
        start, length = (round(Fraction(count) / card.fps * SAMPLE_RATE) for count in (at, take.play))
        first = round(Fraction(take.skip) / card.fps * SAMPLE_RATE)
        inner = slice(SAMPLE_RATE // 10, length - SAMPLE_RATE // 4)
        own = read_sound(clip.path)[first : first + length]
        assert own[inner].any()
        assert likeness(own[inner], heard[start : start + length][inner]) > 0.999
        at += take.play


def test_a_film_that_is_there_is_changed_by_an_instruction(
    tiny_card: Callable[[str], EngineCard], tmp_path: Path, engines: list[Watched]
) -> None:
    card = tiny_card("lucy")
    width, height = tiny.size_of(card)
    frames = np.random.default_rng(5).integers(0, 256, (24, height, width, 3), dtype=np.uint8)
    write_clip(tmp_path / "a.mp4", frames, Fraction(24))
    words = ["edit", str(tmp_path / "a.mp4"), "the", "red", "ball", "bounces", "--instruct", "--steps", "1"]
    stretch = ["--engine", str(card.location), "--from", "0.25s", "--to", "0.75s", "--seed", "3"]
    assert main([*words, *stretch, "-o", str(tmp_path / "b.mkv")]) == 0
    ((name, given),) = engines[0].given.items()
    assert given.video is not None, name
    assert np.abs(given.video[:12].astype(int) - read_frames(tmp_path / "a.mp4", 6, 12)).mean() < 1
    was, now = (read_frames(tmp_path / path, 0, 24).astype(int) for path in ("a.mp4", "b.mkv"))
    apart = np.abs(was - now).mean(axis=(1, 2, 3))
    assert apart[6:18].min() > 5 * max(apart[:6].max(), apart[18:].max()), "only the stretch is made anew"
