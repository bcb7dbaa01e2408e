"""Text that is cut short: where a reader would pause, and never longer than it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sora_cli import texts


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (
            "An old keeper finds a message in a bottle on the beach and reads it",
            "An old keeper finds a message in a bottle",
        ),
        ("The girl in the red scarf walks to the pier of the harbour at dusk", "The girl in the red scarf walks"),
        ("The quick brown fox jumped over the very lazy dog of the baker", "The quick brown fox jumped"),
        ("It rains, and all of the gulls have gone to the other side", "It rains, and all of the gulls have gone"),
        ("two friends", "two friends"),
        ("a lamp.", "a lamp"),
    ],
)
def test_a_phrase_ends_where_one_pauses(text: str, cut: str) -> None:
    assert texts.phrase(text, 50, 10) == cut


@given(st.text(max_size=200), st.integers(4, 60))
def test_what_is_cut_is_a_head_that_fits_and_ends_with_a_word(text: str, letters: int) -> None:
    line = " ".join(text.split())
    head = texts.phrase(line, letters, 8)
    assert len(head) <= letters
    assert line.startswith(head)
    short = texts.shortened(line, letters)
    assert len(short) <= letters
    assert short == line or short.endswith("...")
    assert len(texts._at_word(line, letters)) * 2 >= min(len(line), letters)


def test_names_of_files_are_cut_between_words() -> None:
    assert texts.name("a-cafe-in-koln-where-it-rains", 20) == "a-cafe-in-koln-where"
    assert texts.name("x" * 30, 20) == "x" * 20
