"""What is defined and used nowhere is told, at its line; what is used in any way is not."""

from __future__ import annotations

import pytest

from sora_cli.storyboard.given import Cell
from tests.storyboard.boards import board

SHOT = "shots: [{prompt: '@mara waits', duration: 3s, dialogue: {cast: tom, line: Hello Zoe}}]\n"
CAST = "cast: {mara: a woman, tom: a man}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"vars: {{hero: red}}\n{CAST}{SHOT}", ["the variable `hero` is used nowhere"]),
        (
            f"{CAST[:-2]}, joe: a boy}}\n{SHOT}",
            ["joe is in no shot: nothing shows @joe, and joe speaks no line"],
        ),
        (f"say: {{Anna: AH-na, zoe: ZO}}\n{CAST}{SHOT}", ["`Anna` stands in no line: this pronunciation is not heard"]),
        ("subtitles: srt\nshots: [a ball]\n", ["nobody speaks in this film, so there are no subtitles"]),
        (f"subtitles: srt\n{CAST}{SHOT}", []),
        ("subtitles: off\nshots: [a ball]\n", []),
        ("vars: {hero: red, other: '${hero}'}\nshots: ['a ${other} ball']\n", []),
        ("vars: {who: '@mara'}\ncast: {mara: a woman}\nshots: ['${who} waits']\n", []),
        ("cast: {mara: a woman}\nshots: [{prompt: a ball, keyframe: '@mara waits'}]\n", []),
        ("cast: {mara: a woman}\nshots: [Mara waits]\n", []),
    ],
)
def test_what_is_used_nowhere_is_told(text: str, told: list[str]) -> None:
    assert [remark.message for remark in board(text).remarks] == told
    assert all(remark.mark is not None and remark.mark.line == 1 for remark in board(text).remarks)


def test_a_variable_of_no_use_that_somebody_sets_is_told_and_one_of_a_list_is_not() -> None:
    text = "vars: {hero: red}\nshots: [a ball]\n"
    assert [each.message for each in board(text, sets={"hero": "blue"}).remarks] == [
        "the variable `hero` is used nowhere"
    ]
    assert board(text, sets={"hero": Cell.at("list.csv row 1, column hero", "blue")}).remarks == ()
