"""Each embedded sound is consistent with its card, and with no other's; what only pretends to be a sound is not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from sora_cli.sound.foley.base import SoundMatch
from sora_cli.sound.foley.blocks import make
from sora_cli.sound.foley.recipes import RECIPES
from sora_cli.sound.foley.synthesis import Synthesis

from .cards import CARDS, SECONDS, faults
from .ears import RATE, Figures, listen

LIBRARY = Synthesis()
SEEDS = range(100, 101)  # tuned on seeds 0 to 7; the long test takes twenty
MANY = range(200, 220)
REVERSIBLE = {
    "rain-light", "rain-heavy", "rain-leaves", "rain-roof", "wind", "wind-trees", "surf", "stream", "fire", "forest",
    "crickets", "cicadas", "city", "room-tone", "rolling", "whoosh", "creak", "steps-gravel", "steps-snow", "engine",
    "helicopter", "car-pass",
}  # fmt: skip
"""Textures that go on alike, and movements that come and go: they sound the same backwards."""


def sound(name: str, seed: int) -> np.ndarray:
    lasting = RECIPES[name].bed is not None
    seconds = SECONDS.get(name, 10.0) if lasting else None
    return make(LIBRARY, SoundMatch(name, name, LIBRARY.name, lasting), seconds, seed).astype(np.float64)


@cache
def heard(name: str, seed: int) -> Figures:
    return listen(sound(name, seed))


def test_every_sound_has_a_card() -> None:
    assert set(CARDS) == set(RECIPES)


@pytest.mark.parametrize("name", CARDS)
def test_a_sound_is_consistent_with_its_card_and_no_other(name: str) -> None:
    for seed in SEEDS:
        taken = [card for card in CARDS if not faults(CARDS[card], heard(name, seed))]
        assert taken == [name], (seed, faults(CARDS[name], heard(name, seed)))


@pytest.mark.long
def test_twenty_takes_of_each_sound() -> None:
    own = {n: sum(not faults(CARDS[n], heard(n, s)) for s in MANY) for n in CARDS}
    taken = [(c, n, s) for c in CARDS for n in CARDS if n != c for s in MANY if not faults(CARDS[c], heard(n, s))]
    print({name: passed for name, passed in own.items() if passed < len(MANY)}, taken)  # noqa: T201
    assert sum(passed == len(MANY) for passed in own.values()) >= 30
    assert min(own.values()) >= 0.8 * len(MANY)
    assert len(taken) <= 0.001 * len(CARDS) ** 2 * len(MANY)


@pytest.mark.parametrize("name", CARDS)
def test_what_only_pretends_fails_the_card(name: str) -> None:
    rng, wave = np.random.default_rng(9), sound(name, SEEDS[0]).mean(axis=1)
    blocks = wave[: len(wave) // 960 * 960].reshape(-1, 960)
    part = wave[: 2 * RATE]
    part = np.pad(part, (0, max(0, RATE // 2 - len(part))))  # an event comes again every half second
    pretenders = {
        "shuffled": blocks[_shuffled(rng, len(blocks))].ravel(),
        "loop": np.tile(part, max(2, -(-len(wave) // len(part)))),
    }
    if name not in REVERSIBLE:
        pretenders["reversed"] = wave[::-1]
    passed = [kind for kind, fake in pretenders.items() if not faults(CARDS[name], listen(fake))]
    assert not passed


def _shuffled(rng: np.random.Generator, count: int) -> np.ndarray:
    """An order at random; of a few blocks the backward one, since chance may leave them as they were."""
    return rng.permutation(count) if count > 8 else np.arange(count)[::-1]


def test_white_noise_fails_every_card() -> None:
    noise = listen(np.random.default_rng(4).standard_normal(10 * RATE))
    assert [name for name, card in CARDS.items() if not faults(card, noise)] == []
