"""Made faults are named as what they are, and clean films raise no alarm."""

from __future__ import annotations

import pytest

from tests.review.made import Made, clean
from tests.review.table import KINDS, alarms, counted, named

DRAWN, PHOTOGRAPHED = 4, 8


@pytest.fixture(scope="module")
def films() -> list[Made]:
    """A film of nano's world, and one of a photograph under a camera."""
    return [clean(DRAWN), clean(PHOTOGRAPHED)]


def test_clean_films_raise_no_alarm(films: list[Made]) -> None:
    assert [alarms(film) for film in films] == [[], []]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_middle_strength_is_named(kind: str, films: list[Made]) -> None:
    row, words, spoil = KINDS[kind]
    assert all(named(spoil(film, 2), row, words) for film in films)


@pytest.mark.long
def test_films_that_no_bar_was_chosen_on_have_their_faults_named() -> None:
    films = [clean(number) for number in range(1, 30, 2)]
    assert sum(bool(alarms(film)) for film in films) <= 1
    found = {kind: counted(kind, films) for kind in KINDS}
    assert sum(found.values()) >= 0.95 * len(KINDS) * len(films), found
