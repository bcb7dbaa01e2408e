"""Options that commands share, each written once; and groups of them, which a command takes as one value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict, TypeVar

import typer
from msgspec import Struct
from msgspec.structs import fields, replace

from sora_cli.cli import complete
from sora_cli.errors import RequestError

if TYPE_CHECKING:
    from sora_cli.shoot.workers import Workers
    from sora_cli.stamp import Signer
    from sora_cli.storyboard.model import Provenance, Storyboard

Command = TypeVar("Command", bound=Callable[..., None])

Board = Annotated[Path, typer.Argument(metavar="FILE", help="The storyboard, a YAML file.")]
_FILM = typer.Option("-o", "--output", metavar="FILM", help="Write the film here: a file, or a folder for it.")
Out = Annotated[str | None, _FILM]
NewFilm = Annotated[str, _FILM]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a variable of the storyboard.")]
Draft = Annotated[
    bool, typer.Option("--draft", help="Render fast and small: few steps; same shots, lengths and seeds.")
]
FROM_DRAFT = 0.5
"""The noise level from which takes go on from a draft: its composition stays, and its details are made anew."""


class DraftOptions(Struct, frozen=True):
    """A draft, or a film that goes on from one."""

    draft: Draft = False
    from_draft: Annotated[
        bool, typer.Option("--from-draft", help="Go on from the draft's takes, as --draft made them.")
    ] = False
    strength: Annotated[
        float | None,
        typer.Option(
            metavar="LEVEL",
            help=f"With --from-draft: lay this much noise over the draft, over 0 to 1. Default: {FROM_DRAFT}.",
        ),
    ] = None

    def on(self, board: Storyboard) -> Storyboard:
        """The storyboard, whose film goes on from its draft where that is asked for."""
        if self.from_draft and self.draft:
            raise RequestError("--draft and --from-draft exclude each other", hint="make the draft first")
        if self.strength is None:
            return replace(board, from_draft=FROM_DRAFT) if self.from_draft else board
        if not self.from_draft:
            raise RequestError("--strength is for --from-draft", hint="add --from-draft, or leave it out")
        if not 0 < self.strength <= 1:
            raise RequestError(f"--strength {self.strength:g}: it must be over 0, and at most 1", hint="try 0.5")
        return replace(board, from_draft=self.strength)


Outside = Annotated[bool, typer.Option("--allow-outside", help="Let the storyboard name files outside its folder.")]
Strength = Annotated[float, typer.Option(min=0, max=1, help="Match colours this strongly: 0 is not at all, 1 fully.")]
MemoryMode = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="MODE",
        autocompletion=complete.memory_modes,
        help="Fit models to the GPU: auto, fast or low.",
    ),
]


class Reading(TypedDict):
    """How `preflight.load` reads a storyboard."""

    sets: Mapping[str, str]
    allow_outside: bool
    memory: str | None


class BoardOptions(Struct, frozen=True):
    """How a storyboard is read."""

    sets: Sets = None
    allow_outside: Outside = False
    memory: MemoryMode = None

    def asked(self) -> Reading:
        """As the reader wants it."""
        from sora_cli.cli.session import pairs

        return {"sets": pairs(self.sets, "--set"), "allow_outside": self.allow_outside, "memory": self.memory}


ModelName = Annotated[
    str,
    typer.Argument(metavar="ID", autocompletion=complete.engines, help="A name that `sora models` lists, or a hub id."),
]


def _shots(context: typer.Context, incomplete: str) -> list[str]:
    # `args` holds the file where the line ends at the option that is completed.
    return complete.shots(context.params.get("file") or next(iter(context.args), None), incomplete)


Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="SHOT", autocompletion=_shots, help="Shoot only this shot; repeatable."),
]
Deliver = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        autocompletion=complete.deliveries,
        help="Write this kind: web, prores, archive, av1, gif, webp or frames (PNGs). Default: as -o ends, or web.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace other files too, but never the film's sources.")]
MaxTime = Annotated[
    str | None,
    typer.Option("--max-time", metavar="TIME", help="Stop after this time: 90s, 30m, 8h. What is made is kept."),
]


EngineName = Annotated[
    str | None,
    typer.Option(
        "--engine",
        "--model",
        metavar="ID",
        autocompletion=complete.engines,
        help="Use this engine: a name that `sora models` lists, a hub id or a folder.",
    ),
]
Takes = Annotated[str | None, typer.Option(metavar="COUNT", help="Try this many seeds; the best is kept.")]
Avoid = Annotated[
    str | None, typer.Option("--avoid", "--negative", metavar="WORDS", help="Keep this out of the picture.")
]
Steps = Annotated[str | None, typer.Option(metavar="COUNT", help="Sample in this many steps.")]
EngineOption = Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Set an option of the engine.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be shot; make nothing.")]
Length = Annotated[
    str | None,
    typer.Option("-d", "--duration", metavar="TIME", help="Make it this long: 4s, 1500ms, 0:20, 48f or seconds."),
]


def refuse_idle(need: str, **given: object) -> None:
    """Refuse options that would change nothing without another one. Raises RequestError."""
    named = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if named:
        verb, them = ("need", "them") if named[1:] else ("needs", "it")
        raise RequestError(f"{' and '.join(named)} {verb} {need}", hint=f"add {need}, or leave {them} out")


class ReleaseOptions(Struct, frozen=True):
    """How a film goes out: its kind, what it may replace, and who signs it."""

    deliver: Deliver = None
    overwrite: Overwrite = False
    sign_cert: Annotated[
        Path | None, typer.Option("--sign-cert", metavar="PEM", help="Sign with this certificate chain.")
    ] = None
    sign_key: Annotated[Path | None, typer.Option("--sign-key", metavar="PEM", help="Sign with this private key.")] = (
        None
    )

    def signer(self) -> Signer | None:
        """The signer that the options name; None where they name none, and the environment decides."""
        if self.sign_cert is None and self.sign_key is None:
            return None
        from sora_cli.stamp import find_signer

        return find_signer(self.sign_cert, self.sign_key)


class StoryOptions(ReleaseOptions, frozen=True):
    """The same of a storyboard, which may have choices."""

    deliver: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete.deliveries,
            help="Write this kind: web, prores, archive, av1, gif, webp, frames (PNGs), or interactive (of a "
            "storyboard with choices). Default: as -o ends, or web.",
        ),
    ] = None


class MediaOptions(ReleaseOptions, frozen=True):
    """The same of clips for editing."""

    deliver: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write clips as prores or archive. Default: prores.")
    ] = None


class ExtraOptions(Struct, frozen=True):
    """What goes with the film for readers and editors."""

    subtitles: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Add subtitles: track, burn, srt, vtt or off. Default: as FILE says."),
    ] = None

    luts: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each shot's colour match there, as .cube files.")
    ] = None
    stems: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write dialogue, effects, ambience and music there, as WAV.")
    ] = None

    def refuse_folders(self) -> None:
        """Refuse folders that go with one film, where there are several. Raises RequestError."""
        named = [f"--{name}" for name in ("luts", "stems") if getattr(self, name) is not None]
        if named:
            message = f"{' and '.join(named)}: a story by choice is several films"
            raise RequestError(message, hint="make them with a film of it: sora play, or without --deliver interactive")


class OwnerOptions(Struct, frozen=True):
    """Who made a film, and the words of its mark."""

    author: Annotated[str, typer.Option(help="Name the film's author in its credential.")] = ""
    mark: Annotated[str, typer.Option("--mark", metavar="TEXT", help="Write these words in the visible mark.")] = ""

    def provenance(self) -> Provenance:
        """As a storyboard would have it."""
        from sora_cli.storyboard.model import Provenance, Watermark

        return Provenance(self.author, Watermark(text=self.mark) if self.mark else Watermark())


class ReportOptions(Struct, frozen=True):
    """Who else is told of the work: a program on stdout, a log."""

    events: Annotated[bool, typer.Option("--events", help="Print one JSON object a line on stdout while working.")] = (
        False
    )
    log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Append all messages to this file.")] = None
    as_json: Json = False


class LimitOptions(Struct, frozen=True):
    """When the work stops; what is made is kept."""

    max_time: MaxTime = None
    max_disk: Annotated[
        str | None, typer.Option("--max-disk", metavar="SIZE", help="Stop before the store outgrows this: 500MB, 20GB.")
    ] = None
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost",
            metavar="MONEY",
            min=0,
            help="Stop before takes cost more than this, at the prices in `cost:`.",
        ),
    ] = None


class WorkerOptions(Struct, frozen=True):
    """Where takes are made."""

    executor: Annotated[
        str | None, typer.Option("--executor", metavar="NAME", help="Make takes here (local) or on a cluster (ray).")
    ] = None
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="COUNT", min=1, max=1024, help="Use this many workers. Default: one a GPU."),
    ] = None
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", metavar="ADDRESS", help="Join this Ray cluster, HOST:PORT or auto.")
    ] = None

    def team(self) -> Workers:
        """As the studio has it; the environment decides what the options leave open."""
        from sora_cli.shoot.workers import Workers

        return Workers.asked(self.executor, self.workers, self.ray_address)

    def asked(self, board: Storyboard) -> Workers | None:
        """The same for a film, where options, its storyboard or the environment ask for something."""
        team = self.team().of_film(board.executor)
        return team if self.executor or team.kind != "local" or team.number else None


def spread(command: Command) -> Command:
    """Make options of a command's groups: a parameter whose type is a Struct becomes its fields.

    Typer makes an option of each parameter of a function; Python's own `__signature__` says which those are.
    """
    signature = inspect.signature(command, eval_str=True)
    kinds = ((name, parameter.annotation) for name, parameter in signature.parameters.items())
    groups = {name: kind for name, kind in kinds if isinstance(kind, type) and issubclass(kind, Struct)}
    named = {name: group.__struct_fields__ for name, group in groups.items()}
    parameters = [one for name, each in signature.parameters.items() for one in _options(each, groups.get(name))]

    @wraps(command)
    def run(**values: object) -> None:
        made = {name: group(**{key: values.pop(key) for key in named[name]}) for name, group in groups.items()}
        command(**values, **made)

    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run  # type: ignore[return-value]  # the same command, as Typer is to see it


def _options(parameter: inspect.Parameter, group: type[Struct] | None) -> list[inspect.Parameter]:
    """A parameter as it stands, or the fields of its group."""
    by_name = inspect.Parameter.KEYWORD_ONLY
    if group is None:
        return [parameter.replace(kind=by_name)]
    return [
        inspect.Parameter(
            each.name, by_name, default=inspect.Parameter.empty if each.required else each.default, annotation=each.type
        )
        for each in fields(group)
    ]
