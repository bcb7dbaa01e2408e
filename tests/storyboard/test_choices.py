"""`choices`: how they are written, what is wrong with a story, its passages and its paths."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sora_cli.errors import RequestError
from sora_cli.flows import play
from sora_cli.storyboard import read_text
from sora_cli.storyboard.model import Choice, Shot, Storyboard
from sora_cli.storyboard.story import paths, story_of


def shots(*lines: str) -> str:
    return "shots:\n" + "".join(f"  - {{prompt: a, {line}}}\n" for line in lines)


def told(*lines: str) -> list[tuple[int, str]]:
    found = read_text(shots(*lines), folder=Path(), name="b").problems
    return [(each.mark.line if each.mark else 0, each.message) for each in found]


def board(*lines: str) -> Storyboard:
    read = read_text(shots(*lines), folder=Path(), name="b")
    assert read.problems == ()
    assert read.board is not None
    return read.board


FORK = "name: fork, choices: [{say: Follow, go: lamp}, {say: Stay, go: pier, after: 8s}]"
STORY = (FORK, "name: lamp, choices: [{say: Back, go: fork}, {say: On, go: dawn}]", "name: pier, choices: dawn",
         "name: dawn")  # fmt: skip


def test_choices_are_read() -> None:
    fork, lamp, pier, dawn = board(*STORY).shots
    assert [(each.say, each.go, each.after) for each in fork.choices or ()] == [
        ("Follow", "lamp", None),
        ("Stay", "pier", Fraction(8)),
    ]
    assert [each.go for each in lamp.choices or ()] == ["fork", "dawn"]
    assert [(each.say, each.go) for each in pier.choices or ()] == [("", "dawn")]
    assert dawn.choices is None


def test_end_ends_the_story_where_no_shot_is_called_so() -> None:
    ended = board("choices: {say: Go home, go: end}")
    assert [(each.say, each.go) for each in ended.shots[0].choices or ()] == [("Go home", "")]
    called = board("choices: {go: end}", "name: end")
    assert [each.go for each in called.shots[0].choices or ()] == ["end"]


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ((FORK, "name: lamp", "name: pier"), 3, "a dead end: `lamp`"),
        (("name: a, choices: c", "name: b", "name: c"), 3, "no path leads to `b`"),
        (("name: a", "name: b, choices: a"), 2, "a path without an end: from `a`"),
        (("name: a, choices: bb", "name: b"), 2, "there is no shot called `bb`"),
        (("name: a, choices: [{say: x, go: b}, {go: b}]", "name: b"), 2, "nobody can take this choice"),
        (("name: a, choices: [{go: b, after: 1s}, {go: b, after: 2s}]", "name: b"), 2, "a second choice"),
        (("name: a, choices: [{say: x}]",), 2, "`go` is missing here"),
        (("name: a, choices: []",), 2, "must be a list of something"),
        (("name: a, choices: [{go: end, when: 3s}]",), 2, "unknown key `when`"),
        (("name: a, choices: [" + "{say: x, go: end}, " * 10 + "]",), 2, "at most 9 choices"),
    ],
)
def test_what_is_wrong_with_a_story_is_told_at_its_line(lines: tuple[str, ...], line: int, words: str) -> None:
    assert [(number, words in message) for number, message in told(*lines)] == [(line, True)]


def test_a_merge_by_going_on_is_no_dead_end() -> None:
    assert told(FORK, "name: lamp, choices: dawn", "name: pier", "name: dawn") == []


def test_a_loop_back_to_a_shot_that_others_lead_into_is_none_either() -> None:
    assert told("name: a", "name: b", "name: c, choices: [{say: Again, go: b}, {say: On, go: d}]", "name: d") == []


def test_passages_are_cut_where_something_is_chosen_or_led_to() -> None:
    story = story_of(board("name: a", "name: b", "name: c, choices: [{say: Again, go: b}, {say: On, go: d}]",
                           "name: d", "name: e").shots)  # fmt: skip
    assert {name: each.shots for name, each in story.items()} == {"a": ("a",), "b": ("b", "c"), "d": ("d", "e")}
    assert [[choice.go for choice in each.choices] for each in story.values()] == [["b"], ["b", "d"], []]
    assert [each.asks for each in story.values()] == [False, True, False]


def test_all_paths_take_no_choice_twice() -> None:
    found, whole = paths(story_of(board(*STORY).shots), 1000)
    assert whole
    assert found == [
        ("fork", "lamp", "fork", "pier", "dawn"),
        ("fork", "lamp", "dawn"),
        ("fork", "pier", "dawn"),
    ]


def test_a_path_is_named_by_its_choices() -> None:
    story = board(*STORY)
    assert play.chosen(story, ["lamp", "dawn"]) == ("fork", "lamp", "dawn")
    assert play.chosen(story, ["stay"]) == ("fork", "pier", "dawn")
    assert play.chosen(story, ["fork", "lamp", "Back", "pier", "dawn"]) == ("fork", "lamp", "fork", "pier", "dawn")


@pytest.mark.parametrize(
    ("names", "words", "hint"),
    [
        (["moon"], "--path moon: no such choice at the end of fork", "lamp, pier"),
        (["lamp"], "--path stops at the end of lamp", "fork, dawn"),
        (["pier", "dawn", "lamp"], "the story ends after dawn, before lamp", ""),
    ],
)
def test_a_path_that_the_story_has_not_is_refused(names: list[str], words: str, hint: str) -> None:
    with pytest.raises(RequestError) as refused:
        play.chosen(board(*STORY), names)
    assert words in refused.value.message
    assert hint in refused.value.hint


def test_too_many_paths_are_refused_at_once() -> None:
    lines = [f"name: s{at}, choices: [{{say: a, go: s{at + 1}}}, {{say: b, go: s{at + 2}}}]" for at in range(40)]
    with pytest.raises(RequestError, match="more than 100 paths"):
        play.every(board(*lines, "name: s40, choices: end", "name: s41"))


@given(st.lists(st.lists(st.integers(0, 6), max_size=3), min_size=7, max_size=7))
def test_each_shot_is_in_one_passage_and_each_path_follows_choices_to_an_end(ways: list[list[int]]) -> None:
    made = [
        Shot(loc=(), name=str(at), named=True, beats=(), choices=tuple(Choice("x", str(go)) for go in goes) or None)
        for at, goes in enumerate(ways)
    ]
    story = story_of(made)
    assert [name for each in story.values() for name in each.shots] == [shot.name for shot in made]
    found, _ = paths(story, 300)
    assert len(found) == len(set(found))
    for path in found:
        assert path[0] == "0"
        assert all(then in [each.go for each in story[now].choices] for now, then in pairwise(path))
        assert not story[path[-1]].choices
