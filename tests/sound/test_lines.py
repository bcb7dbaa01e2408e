"""Lines fall where they are written: to the sample, at every rate."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sora_cli.sound.lines import LENGTH, PAUSE, PlacedLine, in_beat, length, sample, talking_over
from sora_cli.sound.speech import Said
from sora_cli.storyboard.sound import DialogueLine

RATE = 48_000


def said(seconds: Fraction | float) -> Said:
    return Said("", round(seconds * RATE))


def line(**more: object) -> DialogueLine:
    return DialogueLine(**{"cast": "mara", "line": "It burns.", **more})  # type: ignore[arg-type]


def test_lines_follow_each_other_with_pauses_and_keep_their_own_times() -> None:
    lines = [(line(), said(1)), (line(), said(2)), (line(at=Fraction(7)), said(1)), (line(pause=Fraction(0)), said(1))]
    offsets = [each.offset for each in in_beat(lines)]
    assert offsets == [LENGTH.lead, LENGTH.lead + 1 + PAUSE, 7, 8]
    assert length(in_beat(lines), Fraction(2)) == 11


def test_a_lines_own_pause_comes_before_it_even_when_it_is_the_first() -> None:
    assert in_beat([(line(pause=Fraction(3, 2)), said(1))])[0].offset == Fraction(3, 2)
    assert in_beat([(line(), said(1))], Fraction(2))[0].offset == 2


RATES = (Fraction(24), Fraction(25), Fraction(30000, 1001), Fraction(12))


@pytest.mark.parametrize("fps", RATES)
@given(frame=st.integers(0, 20_000), milliseconds=st.integers(0, 60_000))
def test_a_line_is_within_half_a_sample_of_its_time(fps: Fraction, frame: int, milliseconds: int) -> None:
    offset = Fraction(milliseconds, 1000)
    assert abs(Fraction(sample(frame, fps, offset), RATE) - frame / fps - offset) <= Fraction(1, 2 * RATE)


def placed(cast: str, start: int, seconds: float) -> PlacedLine:
    return PlacedLine(line=line(cast=cast), said=said(seconds), start=start, shot="s", depth=12)


def test_one_character_cannot_say_two_things_at_once() -> None:
    lines = [placed("mara", 0, 3), placed("tom", RATE, 1), placed("mara", 2 * RATE, 1), placed("mara", 3 * RATE, 1)]
    assert [(a.start, b.start) for a, b in talking_over(lines)] == [(0, 2 * RATE)]
    assert not list(talking_over([placed("mara", 0, 1), placed("mara", RATE, 1)]))
    # A long line is talked over by everything beneath it, also after a short one.
    lines = [placed("mara", 0, 9), placed("mara", RATE, 1), placed("mara", 4 * RATE, 1)]
    assert len(list(talking_over(lines))) == 2
