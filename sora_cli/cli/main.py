"""`main(argv)` runs a command line and gives its exit code; every error is drawn here."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from itertools import pairwise
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from msgspec import Struct
from msgspec.structs import replace

from sora_cli import __version__
from sora_cli.cli import console, usage
from sora_cli.cli.options import spread
from sora_cli.errors import DeviceLost, RequestError, SoraError, Unwritten
from sora_cli.texts import shortened

if TYPE_CHECKING:
    from sora_cli.events import Event


def _version(show: bool) -> None:
    if show:
        console.stdout(f"sora {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("-V", "--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


ROOMS = {
    "generate": "make",
    "storyboard": "make",
    "stills": "make",
    "play": "play",
    "batch": "make",
    "check": "look",
    "plan": "look",
    "direct": "direct",
    "train": "train",
    "extend": "change",
    "edit": "change",
    "stitch": "films",
    "grade": "films",
    "stamp": "films",
    "verify": "films",
    "reproduce": "films",
    "index": "search",
    "search": "search",
    "review": "review",
    "takes": "review",
    "voices": "machine",
    "doctor": "machine",
    "new": "start",
    "import": "handover",
    "export": "handover",
    "conform": "handover",
    "serve": "serving",
    "schema": "start",
}
"""The module of each command, in the order of the help."""
GROUPS = {"models": ("machine", "library"), "store": ("machine", "shelf"), "policy": ("policy", "rules")}
"""The module of each group of commands, and its name there."""


def program(asked: str = "") -> typer.Typer:
    """The commands; of one that is asked for that one alone: to load and build them all takes a tenth of `check`."""
    app = typer.Typer(
        name="sora",
        help="Turn a YAML storyboard into a stamped film, on your own machine.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    wanted = {asked} if asked in {*ROOMS, *GROUPS} else {*ROOMS, *GROUPS}
    for name, room in ROOMS.items():
        if name in wanted:
            command = _found(room, f"{name}_" if iskeyword(name) else name)
            app.command(name)(spread(cast("Callable[..., None]", command)))
    for name, (room, group) in GROUPS.items():
        if name in wanted:
            app.add_typer(cast("typer.Typer", _found(room, group)), name=name)
    return app


def _found(room: str, name: str) -> object:
    return getattr(import_module(f"sora_cli.cli.{room}"), name)


@cache
def _parser(asked: str) -> Callable[..., object]:
    """What parses a command line that begins with a word; built once a process."""
    return typer.main.get_command(program(asked))


def main(argv: Sequence[str] | None = None, *, again: Callable[[], None] | None = None) -> int:
    """Run a command line; every error is drawn here and turned into its exit code.

    `again` is called when a device was lost, which only a new process finds again; it may not return.
    """
    # pydantic would look through every installed package for plugins: a tenth of what `sora check` takes.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    words = usage.meant(sys.argv[1:] if argv is None else argv)
    answer = _Answer("--json" in words, "--events" in words and words[0] != "schema")
    try:
        _require_somewhere()
        ended = _parser(words[0] if words else "")(args=words, prog_name="sora", standalone_mode=False)
        code = ended if isinstance(ended, int) else 0
    except SystemExit as stop:
        answer = replace(answer, as_json=answer.as_json and not getattr(stop, "told", False))
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except typer.TyperException as error:
        if not words:  # the help: no command was asked for
            console.say(error.format_message())
            return 2
        refused = _refused(error, words)
        _log(refused, words, getattr(error, "ctx", None))
        return _told(refused, answer)
    except SoraError as error:
        if isinstance(error, DeviceLost) and again is not None:
            console.show_error(error)
            again()
            answer.failed(error)
            return error.exit_code
        return _told(error, answer)
    except OSError as error:
        return _of_files(error, answer)
    except Exception as error:  # a bug: it is raised again, after what --json and --events have asked for
        _bug(error, answer)
        raise
    if code > 128:  # a signal, as shells count
        answer.stopped(code)
    return code


def _require_somewhere() -> None:
    """Refuse a working folder that was removed: without one no relative name means anything.

    Raises:
        RequestError: it was.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        hint = "go to one that is there: cd FOLDER"
        raise RequestError("the folder that you are in was removed", hint=hint) from None


class _Answer(Struct, frozen=True):
    """What programs hear of the end on stdout, as they asked. Where nobody reads that, stderr has it all the same."""

    as_json: bool
    events: bool

    def failed(self, error: SoraError) -> None:
        """The run failed."""
        if self.events:
            from sora_cli.events import Failed

            self._line(Failed.of(error))
        if self.as_json:
            self._document(error.as_dict())

    def stopped(self, code: int) -> None:
        """A signal stopped the run."""
        if self.events:
            from sora_cli.events import Stopped

            self._line(Stopped(code))
        if self.as_json:
            told = {"code": code, "message": "interrupted", "hint": "run the same command again to resume"}
            self._document({**told, "where": None})

    def _line(self, event: Event) -> None:
        from sora_cli.events import BEGAN, JsonLines

        with suppress(OSError, ValueError):
            JsonLines(sys.stdout, BEGAN)(event)

    def _document(self, error: Mapping[str, object]) -> None:
        with suppress(OSError):
            console.stdout_json({"error": error})


def _of_files(error: OSError, answer: _Answer) -> int:
    """Tell of a name that no file can have, or that leads where we may not look: of any file, in any command.

    Raises:
        OSError: it is another one, a bug.
    """
    if isinstance(error, BrokenPipeError):  # the reader of our output is gone (`sora plan | head`)
        sys.stderr.close()
        return 1
    if isinstance(error, Unwritten):
        hint = "make room where you send it, or send it elsewhere"
        lost = SoraError(f"what sora has to say cannot be written: {error.strerror}", hint=hint)
        console.show_error(lost)
        return lost.exit_code
    hints = {errno.ENAMETOOLONG: "name a shorter one", errno.EACCES: "look who may read and write it, and its folders"}
    if error.errno in hints and error.filename is not None:
        name = shortened(os.fsdecode(error.filename), 60)
        return _told(RequestError(f"{name}: {error.strerror}", hint=hints[error.errno]), answer)
    _bug(error, answer)
    raise error


def _bug(error: Exception, answer: _Answer) -> None:
    """Tell programs of a bug."""
    answer.failed(SoraError(f"{type(error).__name__}: {error}", hint="this is a bug in sora: please report it"))


def _told(error: SoraError, answer: _Answer) -> int:
    """Print an error, for programs too; return its exit code."""
    answer.failed(error)
    console.show_error(error)
    return error.exit_code


def _log(error: SoraError, words: Sequence[str], context: typer.Context | None) -> None:
    """Write down what is wrong with a command line, where it names a log: its command has not opened that yet."""
    named = [after for word, after in pairwise(words) if word == "--log"]
    named += [word.partition("=")[2] for word in words if word.startswith("--log=")]
    if named and named[0] and "--log" in _options(context):
        from sora_cli.cli.progress import Log

        with suppress(SoraError), Log(Path(named[0])):
            raise error


def _options(context: typer.Context | None) -> list[str]:
    return [name for param in context.command.params for name in param.opts] if context else []


def _refused(error: typer.TyperException, words: Sequence[str]) -> RequestError:
    """What Typer cannot read of a command line, with what to type instead."""
    context: typer.Context | None = getattr(error, "ctx", None)
    known = _options(context)
    option = getattr(error, "option_name", "") if "No such option" in error.message else ""
    message = error.message if option else error.format_message()
    command = context.command_path.partition(" ")[2] if context else ""
    return usage.refused(message, command=command, known=known, words=words, option=option)
