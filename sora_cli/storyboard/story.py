"""A storyboard with choices as a story: its passages, where they lead, what is wrong with that, and its paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from sora_cli.errors import Problem, counted
from sora_cli.storyboard.model import Choice, Shot, Storyboard
from sora_cli.storyboard.nodes import Document
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.source import quoted

Path = tuple[str, ...]
"""The names of passages, in the order in which they play, from the first one of the story to an end."""


class Passage(Struct, frozen=True):
    """Shots that play one after another, with nothing to choose between them; without `choices` the story ends."""

    shots: tuple[str, ...]
    choices: tuple[Choice, ...]

    @property
    def name(self) -> str:
        """The name of its first shot."""
        return self.shots[0]

    @property
    def asks(self) -> bool:
        """Whether somebody chooses at its end; else it goes on, or ends, by itself."""
        return len(self.choices) > 1 or any(choice.say for choice in self.choices)


Story = Mapping[str, Passage]
"""Passages by their names, in the order of the storyboard; the story begins with the first."""


def has_choices(board: Storyboard) -> bool:
    """Whether a storyboard is told by choice."""
    return any(shot.choices is not None for shot in board.shots)


def story_of(shots: Sequence[Shot]) -> Story:
    """The passages of these shots.

    A shot without `choices` goes on to the next one, if there is one; where that begins a branch, it is a dead end.
    """
    dead = set(dead_ends(shots))
    heads = {shots[0].name, *(choice.go for shot in shots for choice in shot.choices or ())}
    heads |= {after.name for shot, after in pairwise(shots) if shot.choices is not None or shot.name in dead}
    runs: list[list[Shot]] = []
    for shot in shots:
        if shot.name in heads:
            runs.append([])
        runs[-1].append(shot)
    story = {}
    for run, after in zip(runs, [*runs[1:], None], strict=True):
        last, passage = run[-1], tuple(shot.name for shot in run)
        on = () if after is None or last.name in dead else (Choice(go=after[0].name),)
        story[passage[0]] = Passage(passage, on if last.choices is None else _leading(last.choices))
    return story


def _leading(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """Choices of a shot; none where it ends the story without asking."""
    return () if all(not choice.go and not choice.say for choice in choices) else choices


def in_a_row(board: Storyboard) -> Iterator[Problem]:
    """A remark that a film of a story plays its shots in a row, where choices are written."""
    first = next((shot for shot in board.shots if shot.choices is not None), None)
    if first is not None:
        message = "choices: a film plays all shots in the order of the file, and asks nobody"
        hint = "`sora storyboard --deliver interactive` makes the story, `sora play` films of its paths"
        yield Problem(message, hint, board.mark((*first.loc, "choices")))


def dead_ends(shots: Sequence[Shot]) -> Iterator[str]:
    """Names of shots that do not say where the story goes, before one that begins a branch.

    A branch begins where a viewer's choice leads to that was written earlier.
    """
    branches: set[str] = set()
    for shot, after in pairwise(shots):
        choices = shot.choices or ()
        branches |= {choice.go for choice in choices if choice.say or len(choices) > 1}
        if shot.choices is None and after.name in branches:
            yield shot.name


def check_story(shots: Sequence[Shot], document: Document, problems: Problems) -> None:
    """Note dead ends, shots that no choice leads to, and where the story can never end."""
    if all(shot.choices is None for shot in shots):
        return
    placed = {shot.name: document.mark(shot.loc) for shot in shots}
    following = {shot.name: after.name for shot, after in pairwise(shots)}
    for name in dead_ends(shots):
        message = f"a dead end: {quoted(name)} does not say where the story goes, and the next shot begins a branch"
        problems.add(message, placed[name], f"write `choices: {following[name]}` to go on, or `choices: end`")
    story = story_of(shots)
    reached = _reached(story)
    for passage in story.values():
        if passage.name not in reached:
            more = f" (and {counted(len(passage.shots) - 1, 'shot')} after it)" if len(passage.shots) > 1 else ""
            message = f"no path leads to {quoted(passage.name)}{more}"
            problems.add(message, placed[passage.name], "let a choice go there, or take it out")
    if endless := [name for name in story if name in reached and name not in _ending(story)]:
        names = ", ".join(map(quoted, endless[:8])) + (", ..." if len(endless) > 8 else "")
        message = f"a path without an end: from {quoted(endless[0])} no choice leads to one ({names})"
        problems.add(message, placed[endless[0]], "let a choice `go: end`, or to a shot that ends")


def _reached(story: Story) -> set[str]:
    """The passages that some path leads to."""
    reached, waiting = set[str](), [next(iter(story))]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [choice.go for choice in story[name].choices if choice.go]
    return reached


def _ending(story: Story) -> set[str]:
    """The passages from which some path leads to an end."""
    before: dict[str, list[str]] = {name: [] for name in story}
    for passage in story.values():
        for choice in passage.choices:
            before.setdefault(choice.go, []).append(passage.name)
    waiting = [passage.name for passage in story.values() if not passage.choices] + before.get("", [])
    ending = set[str]()
    while waiting:
        name = waiting.pop()
        if name not in ending:
            ending.add(name)
            waiting += before[name]
    return ending


def paths(story: Story, steps: int) -> tuple[list[Path], bool]:
    """All paths that take no choice twice, each once; and whether these are all: `steps` passages are tried at most."""
    waiting: list[tuple[Path, frozenset[Path]]] = [((next(iter(story)),), frozenset())]
    found: dict[Path, None] = {}
    for _ in range(steps):
        if not waiting:
            break
        path, taken = waiting.pop()
        choices = story[path[-1]].choices
        if not choices or any(not choice.go for choice in choices):
            found[path] = None
        ways = dict.fromkeys((path[-1], choice.go) for choice in choices if choice.go)
        waiting += [((*path, way[1]), taken | {way}) for way in reversed(ways) if way not in taken]
    return [*found], not waiting
