"""Cues are readable, in order, inside the film, and true to the words' times."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sora_cli.errors import RequestError
from sora_cli.flows import subtitles
from sora_cli.media.stream import Subtitle
from sora_cli.sound.subtitles import LINES, LONGEST, WIDTH, cues, timed, written
from sora_cli.sound.voices.base import Word
from tests.boards import board

RATE = 48_000


def words(text: str, seconds_each: float = 0.3) -> list[Word]:
    step = round(seconds_each * RATE)
    return [Word(word, at * step, (at + 1) * step) for at, word in enumerate(text.split())]


TEXT = st.lists(st.text("abcdefghij.,?", min_size=1, max_size=20), min_size=1, max_size=120).map(" ".join)


@settings(max_examples=60)
@given(TEXT, st.integers(0, 10**7))
@example("? ? ?? ??????????? ??????????? ????????????", 0)
@example("? ? ? ????????????a ??????????????a ?????????????", 0)
def test_cues_hold_all_words_in_order_and_can_be_read(text: str, at: int) -> None:
    found = list(cues(words(text), at))
    assert " ".join(" ".join(cue.text.split("\n")) for cue in found).split() == text.split()
    for cue in found:
        assert len(cue.text.split("\n")) <= LINES
        assert all(len(row) <= WIDTH for row in cue.text.split("\n"))
        assert cue.end - cue.start <= LONGEST + 0.31
    assert all(a.end <= b.start for a, b in pairwise(timed(found, 1e6)))


def test_a_cue_begins_with_its_first_word_and_ends_at_a_sentence() -> None:
    text = "The lamp has been burning since the night before last. Nobody knows who climbs up there to fill it again."
    one, two, *rest = cues(words(text), 3 * RATE)
    assert one.start == 3.0
    assert one.text.endswith("last.")
    assert two.text.startswith("Nobody")
    assert one.text.count("\n") == 1
    assert two.start == pytest.approx(3 + 10 * 0.3)
    assert not rest


def test_cues_stay_a_little_but_never_into_the_next_or_past_the_end() -> None:
    shown = timed(
        [
            Subtitle(1.0, 1.2, "One."),
            Subtitle(1.5, 1.6, "Two."),
            Subtitle(9.9, 10.4, "Three."),
            Subtitle(12, 13, "Four."),
        ],
        10.0,
    )
    assert [(cue.start, cue.end) for cue in shown] == [(1.0, 1.5), (1.5, 2.5), (9.9, 10.0)]


def test_who_is_not_seen_is_named_once() -> None:
    text = " ".join(["word"] * 40)
    first, *others = cues(words(text), 0, who="mara")
    assert first.text.startswith("MARA: word")
    assert not any("MARA" in cue.text for cue in others)


def test_files_of_subtitles_say_it_as_it_is() -> None:
    found = [Subtitle(0.5, 61.25, "A <b> & {c}\nnext line"), Subtitle(3661, 3662, "Later.")]
    srt = written(found, "srt")
    assert "1\n00:00:00,500 --> 00:01:01,250\nA <b> & (c)\nnext line\n" in srt
    assert "01:01:01,000 --> 01:01:02,000" in srt
    vtt = written(found, "vtt")
    assert vtt.startswith("WEBVTT")
    assert "A &lt;b&gt; &amp; (c)\nnext line" in vtt


SPEAKS = {"prompt": "a", "dialogue": {"line": "It burns."}}


def test_a_command_line_wins_over_what_the_storyboard_says() -> None:
    written_down = board(SPEAKS, subtitles="track")
    assert subtitles.asked(written_down, None) is written_down
    asked = subtitles.asked(written_down, "srt")
    assert subtitles.beside(Path("film.mp4"), asked) == Path("film.srt")
    assert asked.data["subtitles"] == "srt"  # so that the film can be made again
    assert subtitles.asked(written_down, "off").subtitles == "off"


@pytest.mark.parametrize(
    ("shot", "kind", "words"),
    [(SPEAKS, "srr", "is not a kind of subtitles"), ({"prompt": "a"}, "burn", "nobody speaks")],
)
def test_subtitles_that_cannot_be_are_refused(shot: dict[str, object], kind: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        subtitles.asked(board(shot), kind)


def test_scripts_without_spaces_are_cut_into_cues_and_rows() -> None:
    text = (
        "灯台守は霧の中を冬の最後の船が帰ってくるのを待っています。「もう来ない」と彼は言った。"
        "それでも灯りは毎晩ともされ、海は静かに応えた。長い夜が明けて、港に朝が来た。"
    )
    found = list(cues([Word(text, 0, 12 * RATE)], 0))
    assert "".join(cue.text for cue in found).replace("\n", "") == text
    assert len(found) == 3
    rows = [row for cue in found for row in cue.text.split("\n")]
    assert max(map(len, rows)) <= WIDTH // 2
    assert all(cue.text.endswith("。") and cue.end - cue.start <= LONGEST for cue in found)


def test_a_soft_hyphen_is_seen_only_where_a_row_ends() -> None:
    assert next(cues([Word("Donau\u00addampf\u00adschiff", 0, RATE)], 0)).text == "Donaudampfschiff"


def test_words_of_two_who_speak_at_once_stand_below_each_other() -> None:
    """A track shows one cue at a time: the second one came when the first was over."""
    first, second = Subtitle(0.0, 3.0, "It is still burning."), Subtitle(1.0, 2.6, "No.")
    both = "It is still burning.\nNo."
    assert timed([first, second], 9.0) == [
        Subtitle(0.0, 1.0, first.text),
        Subtitle(1.0, 3.0, both),
    ]
    hardly = timed([first, Subtitle(2.8, 4.0, "No.")], 9.0)
    assert [(each.start, each.end) for each in hardly] == [(0.0, 2.8), (2.8, 4.4)]
