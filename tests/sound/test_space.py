"""Places: dry sound stays where it is, the tail decays in its time, and blocks do not matter."""

from __future__ import annotations

import numpy as np
import pytest

from sora_cli.sound.reverb import heard_in
from sora_cli.sound.space import SPACES, side_of, space_of

RATE = 48_000
CLICK = np.zeros((RATE, 2), np.float32)
CLICK[0] = 1


def heard(name: str, block: int = RATE) -> np.ndarray:
    blocks = [CLICK[at : at + block] for at in range(0, RATE, block)]
    return np.concatenate(list(heard_in(lambda: iter(blocks), name)))


@pytest.mark.parametrize("name", [name for name, space in SPACES.items() if space.tail])
def test_a_tail_decays_by_sixty_decibels_in_the_places_time(name: str) -> None:
    sound, space = heard(name)[:, 0], SPACES[name]
    assert sound[0] == 1
    assert np.abs(sound[1 : int(space.delay * 48) - 1]).max() < 1e-9
    energy = np.cumsum((sound[1:] ** 2)[::-1])[::-1]  # Schroeder's integration
    level = 10 * np.log10(energy / energy[0] + 1e-12)
    drop = np.flatnonzero((level < -5) & (level > -25))
    slope = np.polyfit(drop / RATE, level[drop], 1)[0]
    assert -60 / slope == pytest.approx(space.decay, rel=0.25)
    assert 10 * np.log10(energy[0]) == pytest.approx(-space.below, abs=0.5)


@pytest.mark.parametrize("block", [700, 4096, 30_001])
def test_blocks_do_not_matter(block: int) -> None:
    assert np.abs(heard("room", block) - heard("room")).max() < 1e-6


def test_an_open_place_adds_nothing() -> None:
    assert np.array_equal(heard("open"), CLICK)


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("a small kitchen at night", "room"), ("a train station", "hall"), ("a narrow alley, rain", "street"),
        ("an old Church", "church"), ("a green meadow", "open"), ("", "open"), ("broomsticks in a field", "open"),
    ],
)  # fmt: skip
def test_a_setting_names_its_place(setting: str, name: str) -> None:
    assert space_of(setting) == name


@pytest.mark.parametrize(
    ("prompt", "pan"),
    [
        ("@mara on the left and @tom on the right", -0.5), ("@tom on the left and @mara on the right", 0.5),
        ("On the right stands @mara, @tom waits", 0.5), ("@mara, sitting at screen left, reads", -0.5),
        ("a wall. on the left, Mara reads", -0.5), ("@mara is on the right of frame", 0.5),
        ("@mara stands on the right-hand side", 0.5), ("a tree on the left, @mara reads", 0),
        ("@mara turns to the left", 0), ("@mara stands on the left foot", 0), ("@tomara on the left", 0),
        ("@mara sees a dog on the left", 0), ("@mara on the left. then @mara on the right", 0), ("", 0),
    ],
)  # fmt: skip
def test_a_speaker_is_heard_from_the_side_where_the_words_say_that_they_are(prompt: str, pan: float) -> None:
    assert side_of("mara", prompt) == pan
