"""Every error that `sora` shows a person.

::

    SoraError                     exit 1
    |- RequestError               exit 2   what was asked for cannot be
    |  `- StoryboardError                  one or more problems, each with its place in the file
    |- WorkError                  exit 1   the work failed
    |  |- RenderError                      a take could not be made
    |  |  `- DeviceLost                     its device went away: worth another try
    |  |     `- WorkerLost                  the process that made it ended
    |  |- MediaError                       a media file cannot be read or written
    |  |  `- UnusableFile         exit 2   one that was named, found before any work
    |  |- StoreError                       the clips on disk
    |  `- StampError                       a film could not be stamped, or its stamp did not verify
    |- MachineError               exit 3   this machine lacks something
    |  |- EngineMissing
    |  |- OutOfMemory
    |  `- CertificateError
    `- PolicyError                exit 4   refused by the policy
    Interrupted                   exit 128 + signal; no error, so that nobody handles it as one

The message says what is wrong and where; the hint says what to do next. Libraries raise, `console` draws,
`cli.main` turns the class into the exit code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

HINT_PICTURE = "save it as PNG or JPEG first"
HINT_READ = "check that the file is there and that you may read it"
HINT_FOLDER = "name a folder that you may write to"
HINT_WRITE = "check the space on the disk, and that you may write there"


def hint_missing(path: object) -> str:
    """What to do about a file that is not there: an address of the network, whose slashes a path folds, is none."""
    return "save the file here first, and name that" if re.match(r"[a-z]{2,}:/", str(path)) else "check the path"


class SoraError(Exception):
    """An error to show to a person: what is wrong and where (`message`), what to do next (`hint`)."""

    exit_code = 1
    problems: tuple[Problem, ...] = ()
    """What is wrong with a storyboard, each at its place; empty for every other error."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`: `where` is a file, line and column, what was typed, or None.

        Of several problems it is the first, with how many there are, and all `problems` in full.
        """
        if not self.problems:
            return {"code": self.exit_code, "message": self.message, "hint": self.hint, "where": None}
        first = self.problems[0]
        return {
            "code": self.exit_code,
            "message": self._count + first.message,
            "hint": first.hint,
            "where": first.mark.as_dict() if first.mark else None,
            "problems": [problem.as_dict() for problem in self.problems],
        }

    @property
    def line(self) -> str:
        """The error in one line, for a log: what is wrong, and what to do next; the first of several problems."""
        if self.problems:
            return self._count + self.problems[0].head
        return " ".join(self.message.split()) + (f" ({self.hint})" if self.hint else "")

    @property
    def _count(self) -> str:
        return f"{counted(len(self.problems), 'problem')}, first: " if len(self.problems) > 1 else ""


def is_bug(error: BaseException) -> bool:
    """Whether sora itself raised what only a program that is wrong raises: then it is no mistake of the user's."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    room = str(at.tb_frame.f_globals.get("__name__", "")) if at is not None else ""
    return room.startswith("sora_cli.") and isinstance(error, (TypeError, AttributeError, NameError, AssertionError))


class RequestError(SoraError):
    """What was asked for cannot be: a bad option, storyboard or path."""

    exit_code = 2


class WorkError(SoraError):
    """The work failed."""


class RenderError(WorkError):
    """A take could not be made."""


class DeviceLost(RenderError):
    """The device that made a take went away; another try may find it again."""


class WorkerLost(DeviceLost):
    """The process that made a take ended; another one can make it."""


class MediaError(WorkError):
    """A media file cannot be read or written."""


class UnusableFile(MediaError):
    """A file that was named is not there, or cannot be used as what it is named for: found before any work."""

    exit_code = 2


class StoreError(WorkError):
    """The store of clips cannot be read or written."""


class StampError(WorkError):
    """A film could not be stamped, or its stamp did not verify."""


class MachineError(SoraError):
    """This machine lacks something that the request needs."""

    exit_code = 3


class EngineMissing(MachineError):
    """No such engine here."""


class OutOfMemory(MachineError):
    """The device or the host has too little memory for the take."""


class CertificateError(MachineError):
    """A signing certificate or key is missing, unreadable, unsafe or unfit."""


class PolicyError(SoraError):
    """Refused by the policy."""

    exit_code = 4


class Unwritten(OSError):
    """Stdout cannot be written, as where a disk is full: whoever only listens passes it over, as any failed write."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or another signal that asks to stop, was heard; what was being written is whole."""

    def __init__(self, number: int, *, told: bool = False) -> None:
        super().__init__()
        self.exit_code = 128 + number
        """As shells have it: 130 for Ctrl-C, 143 for SIGTERM."""
        self.told = told
        """Whether the command's document tells of it."""


def first_line(error: BaseException) -> str:
    """The first line of an error's text, at most 300 characters; its class where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].strip()[:300]


def first_of(names: Sequence[str], most: int) -> str:
    """The first of some names, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def counted(number: int, noun: str) -> str:
    """`1 take`, `2 takes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Mark(Struct, frozen=True):
    """A place in a text file: `line` and `column` count from 1.

    `text` is the whole line, without its end; who makes a mark replaces each control code and tab in it by one
    character, so that it is harmless to print and the caret lines up.

    `typed` is what somebody typed that is wrong there, such as `--set takes=0`. Where an option alone is wrong, as in
    `sora generate --takes 0`, there is no file: `line` is 0, and `column` is the option's number.
    """

    file: str
    line: int
    column: int
    text: str
    typed: str = ""

    @property
    def place(self) -> str:
        """`FILE:LINE:COLUMN`, or what was typed."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.typed

    def as_dict(self) -> dict[str, str | int]:
        """Plain data, for `--json`: `file`, `line` and `column`, where there is a file; and what was `typed`."""
        typed: dict[str, str | int] = {"typed": self.typed} if self.typed else {}
        return {"file": self.file, "line": self.line, "column": self.column, **typed} if self.line else typed

    def excerpt(self, width: int = 110) -> tuple[str, str]:
        """The line, cropped to about `width` characters around the column, and a line with a caret under it."""
        at = self.column - 1
        first = 0 if len(self.text) <= width else max(0, min(at - width // 2, len(self.text) - width))
        before, after = self.text[first:at], self.text[at : first + width]
        head = "..." if first else ""
        tail = "..." if first + width < len(self.text) else ""
        return head + before + after + tail, " " * (len(head) + _cells(before)) + "^"


def file_order(mark: Mark | None) -> tuple[int, int]:
    """Line and column, to sort by: what has no place comes first."""
    return (mark.line, mark.column) if mark else (0, 0)


def _cells(text: str) -> int:
    """The columns that `text` takes in a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text
    )


class Mend(Struct, frozen=True):
    """A change of a storyboard's text that may mend a problem: `now` for the key or value `was` at character `at`.

    `#` makes a comment of the key and what it holds, up to `end`; `` takes the key alone out; `output: fps` puts it
    under a key of the film's. What `holds` others brings their problems to light. A `whole` one writes `now` for all
    that stands from `at` to `end`.
    """

    at: int
    was: str
    now: str
    end: int
    holds: bool = False
    whole: bool = False


class Problem(Struct, frozen=True):
    """One thing wrong (or worth a remark) in a storyboard.

    `code` is the exit code where nothing else is wrong: 2 for a mistake, 3 for what this machine lacks, 4 for what the
    policy refuses.
    """

    message: str
    hint: str = ""
    mark: Mark | None = None
    code: int = 2
    mend: Mend | None = None

    @property
    def head(self) -> str:
        """`FILE:LINE:COLUMN: message`, with what was typed; the message alone where it has no place."""
        where = self.mark
        if where is None:
            return self.message
        return f"{where.place}: {self.message}" + (f" ({where.typed})" if where.line and where.typed else "")

    def as_dict(self) -> dict[str, str | int]:
        """Plain data, for `--json`."""
        place = self.mark.as_dict() if self.mark else {}
        return {**place, "message": self.message, "hint": self.hint}

    def __str__(self) -> str:
        """`FILE:LINE:COLUMN: message`, the line, a caret, `hint: ...`, as the storyboard format promises."""
        lines = [self.head]
        if self.mark is not None and self.mark.line:
            lines += [f"  {line}" for line in self.mark.excerpt()]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class StoryboardError(RequestError):
    """A storyboard with one or more problems; all of them are told at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def refusal(problems: Sequence[Problem]) -> SoraError:
    """The error that tells all these problems of a storyboard.

    Mistakes come first: a `StoryboardError` where there is one, else a `PolicyError`, else an `EngineMissing`.
    """
    codes = {problem.code for problem in problems}
    if 2 in codes or not codes:
        return StoryboardError(problems)
    kind = PolicyError if 4 in codes else EngineMissing
    if len(problems) == 1 and problems[0].mark is None:
        return kind(problems[0].message, hint=problems[0].hint)
    error = kind("\n".join(str(problem) for problem in problems))
    error.problems = tuple(problems)
    return error
