"""The command that words prompts: direct."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct
from msgspec.structs import asdict

from sora_cli.bounded import is_file
from sora_cli.cli import console
from sora_cli.cli.options import Json, Outside, Overwrite, Sets
from sora_cli.cli.session import interruptible, pairs
from sora_cli.errors import RequestError, counted
from sora_cli.spelling import YAML
from sora_cli.texts import as_typed

if TYPE_CHECKING:
    from sora_cli.flows.direct import Directed, DirectOptions, Imagined


class WriterOptions(Struct, frozen=True):
    """Who words the prompts, and how."""

    model: Annotated[
        str, typer.Option(metavar="FOLDER|ID|ENGINE", help="Write with this language model. Default: by rules.")
    ] = ""
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draw words with this seed. Default: take the likeliest words.")
    ] = None
    tokens: Annotated[
        int,
        typer.Option(
            min=0,
            max=100_000,
            help="Stop each answer after this many tokens. 0: 512 for a prompt, 4096 for a storyboard.",
        ),
    ] = 0


def direct(
    words: Annotated[list[str], typer.Argument(metavar="BOARD|IDEA", help="A storyboard, or an idea in words.")],
    *,
    writer: WriterOptions,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="NEW", help="Write the new storyboard here. Default: BOARD.directed.yaml."
        ),
    ] = None,
    sets: Sets = None,
    allow_outside: Outside = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Write each model's prompts into a storyboard, or make one."""
    from sora_cli.flows import direct as flow

    options = flow.DirectOptions(
        **asdict(writer), sets=pairs(sets, "--set"), allow_outside=allow_outside, overwrite=overwrite
    )
    line = " ".join(words)
    board = Path(line)
    is_board = is_file(board) or _named(line)
    if len(words) > 1 and not is_file(board) and all(map(_named, words)):
        raise RequestError("sora direct takes one storyboard at a time", hint=f"sora direct {as_typed(Path(words[0]))}")
    _check(options, is_board=is_board)
    with interruptible():
        if is_board:
            _show(flow.direct(board, output, options, console.stream), options, as_json=as_json)
        else:
            _show_new(flow.imagine(line, output, options, console.stream), as_json=as_json)


def _named(word: str) -> bool:
    return Path(word).suffix.lower() in YAML


def _check(options: DirectOptions, *, is_board: bool) -> None:
    """Refuse options that would change nothing."""
    if not options.model and (options.seed is not None or options.tokens):
        raise RequestError("--seed and --tokens need a language model", hint="add --model FOLDER or ID")
    if not is_board and (options.sets or options.allow_outside):
        raise RequestError(
            "--set and --allow-outside are for storyboards, not for an idea",
            hint="remove these options, or name a storyboard",
        )


def _show_new(made: Imagined, *, as_json: bool) -> None:
    if as_json:
        console.stdout_json(made.as_dict())
    else:
        console.stdout(str(made.path))
    held = ", ".join(counted(getattr(made, f"{noun}s"), noun) for noun in ("scene", "shot", "beat"))
    console.say(f"{held}; next: sora check {as_typed(made.path)}", "green")


def _show(made: Directed, options: DirectOptions, *, as_json: bool) -> None:
    if as_json:
        console.stdout_json({**made.as_dict(), "model": options.model or None, "seed": options.seed})
    else:
        console.show_diff(made.diff)
    for remark in made.remarks():
        console.say(remark, "yellow")
    count = sum(not beat.stays for beat in made.beats)
    done = f"{count} of {counted(len(made.beats), 'prompt')} written out"
    console.say(f"{made.path}: {done}; next: sora plan {as_typed(made.path)}", "green")
