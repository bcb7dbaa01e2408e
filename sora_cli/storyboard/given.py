"""Values with what a person typed: errors of a storyboard that was made of options name the option."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from msgspec import Struct

from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.source import harmless
from sora_cli.texts import shortened

LONGEST = 80
"""Characters that are shown of what was typed."""
_NAME = re.compile(r"--set [^=\s]+|.+?, column [^:]+(?=: )|\S+")


class Given(Struct, frozen=True):
    """A value in plain data, and what somebody typed for it: `--takes 0`."""

    value: object
    typed: str

    def __str__(self) -> str:
        """The value's text."""
        return str(self.value)


def given(option: str, value: object, typed: str = "") -> Given | None:
    """The value of an option, with its name and value as `typed`; None where it was left out."""
    return None if value is None else Given(value, _shown(typed or words(option, value)))


def words(option: str, value: object) -> str:
    """An option and its value, as they are typed."""
    return _shown(f"{option} {shlex.quote(str(value))}")


def unvalued(typed: str) -> str:
    """What was typed, without its value: of `--style red` the option, of a cell its place."""
    named = _NAME.match(typed)
    return named[0] if named else ""


def _shown(typed: str) -> str:
    return shortened(harmless(typed), LONGEST)


class Cell(str):
    """The value of a variable that stands in a list, at a `place` there: a row and a column."""

    __slots__ = ("place",)
    place: str

    @classmethod
    def at(cls, place: str, value: str) -> Cell:
        """The value at a place."""
        cell = cls(value)
        cell.place = place
        return cell


def variable(name: str, value: str) -> tuple[str, str]:
    """Where somebody set a variable, and what was typed there: `--set takes=0`, or a cell of a list."""
    if isinstance(value, Cell):
        return value.place, _shown(f"{value.place}: {value}")
    return f"--set {name}", _shown(f"--set {name}={shlex.quote(value)}")


def bare(data: object) -> object:
    """Plain data without what was typed."""
    match data:
        case Given():
            return data.value
        case Mapping():
            return {key: bare(each) for key, each in data.items()}
        case list() | tuple():
            return [bare(each) for each in data]
    return data


def typed_in(data: object, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """What was typed for values in plain data, by where they stand."""
    match data:
        case Given():
            yield loc, data.typed
        case Mapping():
            for key, each in data.items():
                yield from typed_in(each, (*loc, str(key)))
        case list() | tuple():
            for number, each in enumerate(data):
                yield from typed_in(each, (*loc, number))
