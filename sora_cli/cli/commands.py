"""The commands: one short function each. `main(argv)` gives the exit code.

Commands are prefixes of one line of flow (`film`): `check` and `plan` stop early, `storyboard` runs it all, and
`generate` is a storyboard of one shot made from its options.

Long, for one reason: Typer has one importer, and every command is here. Each does its work in three lines.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sora_cli import __version__
from sora_cli.cli import complete, console, usage
from sora_cli.cli.session import interruptible, pairs, signer, working
from sora_cli.errors import DeviceLost, RequestError, SoraError, counted, refusal

if TYPE_CHECKING:  # each command imports what it needs, so that `--help` and the like start at once
    from sora_cli.flows.batch import Outcome
    from sora_cli.flows.edit import Made
    from sora_cli.flows.preview import PlanView
    from sora_cli.record.sidecar import Film
    from sora_cli.storyboard.model import Provenance

app = typer.Typer(
    name="sora",
    help="A YAML storyboard becomes a stamped film, on your own machine.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(argv: Sequence[str] | None = None, *, again: Callable[[], None] | None = None) -> int:
    """Run a command line; every error is drawn here and turned into its exit code.

    `again` is called when a device was lost, which only a new process finds again; it may not return.
    """
    # pydantic would look through every installed package for plugins: a tenth of what `sora check` takes.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    words = usage.meant(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        code = int(_asked(words)(args=words, prog_name="sora", standalone_mode=False) or 0)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except typer.TyperException as error:
        if not words:  # the help: no command was asked for
            console.say(error.format_message())
            return 2
        return _told(_refused(error, words), as_json=as_json)
    except SoraError as error:
        code = _told(error, as_json=as_json)
        if isinstance(error, DeviceLost) and again is not None:
            again()
        return code
    except BrokenPipeError:
        # Whoever read our output has seen enough (`sora plan | head`).
        sys.stderr.close()
        return 1
    except Exception as error:
        if as_json:
            bug = f"{type(error).__name__}: {error}"
            console.stdout_json({"error": SoraError(bug, hint="this is a bug in sora: please report it").as_dict()})
        raise
    if code > 128 and as_json:  # a signal, as shells count
        stopped = {"code": code, "message": "interrupted", "hint": "run the same command again: it resumes"}
        console.stdout_json({"error": {**stopped, "where": None}})
    return code


def _told(error: SoraError, *, as_json: bool) -> int:
    """Draw an error, for a program too where it asked for a document; its exit code."""
    if as_json:
        console.stdout_json({"error": error.as_dict()})
    console.show_error(error)
    return error.exit_code


def _refused(error: typer.TyperException, words: Sequence[str]) -> RequestError:
    """What Typer cannot read of a command line, with what to type instead."""
    context: typer.Context | None = getattr(error, "ctx", None)
    known = [name for param in context.command.params for name in param.opts] if context else []
    option = getattr(error, "option_name", "") if "No such option" in error.message else ""
    message = error.message if option else error.format_message()
    command = context.command_path.partition(" ")[2] if context else ""
    return usage.refused(message, command=command, known=known, words=words, option=option)


def _asked(words: Sequence[str]) -> typer.Typer:
    """The app with the one command that `words` begin with: to build all of them costs `check` a tenth of its time."""
    one = copy(app)
    one.registered_commands = [
        command for command in app.registered_commands if getattr(command.callback, "__name__", "") in words[:1]
    ]
    one.registered_groups = [group for group in app.registered_groups if group.name in words[:1]]
    return one if one.registered_commands or one.registered_groups else app


def _version(show: bool) -> None:
    if show:
        console.stdout(f"sora {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("-V", "--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _show_film(made: Film, *, as_json: bool) -> None:
    if as_json:
        console.stdout_json(made.as_dict())
    title = f"{made.path} is up to date" if made.reused else f"{made.path}"
    console.show_summary(title, made.facts(console.duration))


# -- options that several commands share ---------------------------------------------------------------------

Board = Annotated[Path, typer.Argument(metavar="FILE", help="The storyboard, a YAML file.")]
Out = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILM", help="Where the film goes: a file, or a folder for it.")
]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Also replace files that are not this film's own; never what it is made from."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Events = Annotated[bool, typer.Option("--events", help="Print one JSON object a line on stdout while working.")]
LogFile = Annotated[Path | None, typer.Option("--log", metavar="FILE", help="Append what is said to this file.")]
MaxTime = Annotated[
    str | None, typer.Option("--max-time", metavar="TIME", help="Stop after 90s, 30m or 8h; keep what is made.")
]
MaxDisk = Annotated[
    str | None, typer.Option("--max-disk", metavar="SIZE", help="Stop before the store is larger than 500MB, 20GB.")
]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a variable of the storyboard.")]


def _shots(context: typer.Context, incomplete: str) -> list[str]:
    # `args` holds the file where the line ends at the option that is completed.
    return complete.shots(context.params.get("file") or next(iter(context.args), None), incomplete)


Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="SHOT", autocompletion=_shots, help="Shoot this shot alone; repeatable."),
]
Draft = Annotated[bool, typer.Option("--draft", help="Few steps and a small size; same shots, lengths and seeds.")]
Outside = Annotated[bool, typer.Option("--allow-outside", help="Let the storyboard name files outside its folder.")]


Deliver = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        autocompletion=complete.deliveries,
        help="Kind of film file: web, prores, archive, av1, gif, webp or frames (PNGs); else as -o ends, or web.",
    ),
]
SignCert = Annotated[Path | None, typer.Option("--sign-cert", metavar="PEM", help="Sign with this certificate chain.")]
SignKey = Annotated[Path | None, typer.Option("--sign-key", metavar="PEM", help="The file of its private key.")]
MemoryMode = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="MODE",
        autocompletion=complete.memory_modes,
        help="How models are fitted to the GPU: auto, fast or low.",
    ),
]
ModelName = Annotated[
    str,
    typer.Argument(metavar="ID", autocompletion=complete.engines, help="A name that `sora models` lists, or a hub id."),
]
NewFilm = Annotated[
    str, typer.Option("-o", "--output", metavar="FILM", help="Where the film goes: a file, or a folder for it.")
]
Author = Annotated[str, typer.Option(help="Who made it; goes into its credential.")]
Mark = Annotated[str, typer.Option("--mark", metavar="TEXT", help="The words of the moving visible mark.")]
Strength = Annotated[float, typer.Option(min=0, max=1, help="How strongly colours are matched.")]


# -- making ----------------------------------------------------------------------------------------------------


@app.command()
def generate(
    prompt: Annotated[list[str], typer.Argument(metavar="PROMPT...", help="What happens, in quotes or not.")],
    output: Out = None,
    image: Annotated[Path | None, typer.Option(help="Start from this picture (or the end of this film).")] = None,
    to_image: Annotated[Path | None, typer.Option(help="End on this picture.")] = None,
    reference: Annotated[
        list[Path] | None, typer.Option(metavar="PICTURE", help="Who or what should be seen; may be given again.")
    ] = None,
    duration: Annotated[str | None, typer.Option("-d", "--duration", help="4s, 1500ms, 0:20, 48f or seconds.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT, or 720p.")] = None,
    aspect: Annotated[str | None, typer.Option(metavar="SHAPE", help="16:9, 9:16 or 1:1; keeps the height.")] = None,
    fps: Annotated[str | None, typer.Option(metavar="RATE", help="Frames a second.")] = None,
    takes: Annotated[str | None, typer.Option(metavar="COUNT", help="Seeds to try; the best is kept.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same clip.")] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            "--model",
            autocompletion=complete.engines,
            help="A name that `sora models` lists, a hub id or a folder.",
        ),
    ] = None,
    style: Annotated[str | None, typer.Option(help="Look and technique.")] = None,
    avoid: Annotated[str | None, typer.Option("--avoid", "--negative", help="What should not be seen.")] = None,
    camera: Annotated[str | None, typer.Option(help="How the camera moves.")] = None,
    steps: Annotated[str | None, typer.Option(metavar="COUNT", help="Sampling steps of the engine.")] = None,
    option: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the engine.")] = None,
    draft: Draft = False,
    memory: MemoryMode = None,
    deliver: Deliver = None,
    overwrite: Overwrite = False,
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    max_time: MaxTime = None,
    max_disk: MaxDisk = None,
    as_json: Json = False,
) -> None:
    """Make one clip from a prompt."""
    from sora_cli.flows import film

    words = " ".join(prompt)
    options = {**({"steps": steps} if steps else {}), **pairs(option, "--option")}
    shot: dict[str, Any] = {
        "prompt": words, "from": image and str(image), "to": to_image and str(to_image),
        "reference": reference and [str(path) for path in reference], "duration": duration, "seed": seed,
        "engine": engine, "style": style, "avoid": avoid, "camera": camera,
        "takes": takes, "options": options or None,
    }  # fmt: skip
    written = {key: value for key, value in shot.items() if value is not None}
    sizes = {key: value for key, value in (("size", size), ("aspect", aspect), ("fps", fps)) if value is not None}
    data = {"title": words, "shots": [written], "memory": memory, "output": sizes or None}
    with working(events=events, log=log, max_time=max_time, max_disk=max_disk) as (report, studio):
        board = film.one_shot(data)
        out, kind = film.target(output, partial(film.free_name, words), deliver)
        made = film.make(
            board, out, report=report, studio=studio, draft=draft, deliver=kind, signer=signer(sign_cert, sign_key),
            overwrite=overwrite,
        )  # fmt: skip
    _show_film(made, as_json=as_json)


@app.command()
def storyboard(
    file: Board,
    output: Out = None,
    only: Only = None,
    sets: Sets = None,
    draft: Draft = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be shot; make nothing.")] = False,
    allow_outside: Outside = False,
    memory: MemoryMode = None,
    deliver: Deliver = None,
    overwrite: Overwrite = False,
    luts: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each shot's colour match there, as .cube files.")
    ] = None,
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    max_time: MaxTime = None,
    max_disk: MaxDisk = None,
    as_json: Json = False,
) -> None:
    """Make the film of a storyboard; run again, it goes on where it was."""
    from sora_cli.flows import film, preflight, preview

    if dry_run:
        board = preflight.load(file, sets=pairs(sets, "--set"), allow_outside=allow_outside, memory=memory)
        _show_plan(preview.planned(board, draft=draft, only=only or ()), why=False, as_json=as_json)
        return
    with working(events=events, log=log, max_time=max_time, max_disk=max_disk) as (report, studio):
        board = preflight.load(file, sets=pairs(sets, "--set"), allow_outside=allow_outside, memory=memory)
        out, kind = film.target(output, partial(film.default_name, board), deliver)
        who = signer(sign_cert, sign_key)
        if luts is not None:
            film.check_luts(board, luts, only=only or (), overwrite=overwrite)
        made = film.make(
            board, out, report=report, studio=studio, draft=draft, only=only or (), deliver=kind, signer=who,
            overwrite=overwrite,
        )  # fmt: skip
        if luts is not None:
            film.write_luts(board, luts, studio=studio, draft=draft, only=only or (), overwrite=overwrite)
    _show_film(made, as_json=as_json)


@app.command()
def batch(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES...", help="Storyboards; or a CSV list, one row a film.")
    ],
    folder: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the films go.")] = Path(),
    sets: Sets = None,
    draft: Draft = False,
    keep_going: Annotated[bool, typer.Option("--keep-going", help="Make the other films when one fails.")] = False,
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="Films at once: one is shot, those before it are finished meanwhile.")
    ] = 1,
    allow_outside: Outside = False,
    deliver: Deliver = None,
    overwrite: Overwrite = False,
    events: Events = False,
    log: LogFile = None,
    max_time: MaxTime = None,
    max_disk: MaxDisk = None,
    as_json: Json = False,
) -> None:
    """Make many films in one go: storyboards, or one storyboard with a CSV row of variables for each film."""
    from sora_cli.flows import batch as films

    with working(events=events, log=log, max_time=max_time, max_disk=max_disk) as (report, studio):
        asked = films.entries(files, report)
        way = films.Way(
            folder=folder, sets=pairs(sets, "--set"), draft=draft, allow_outside=allow_outside, keep_going=keep_going,
            jobs=jobs, deliver=deliver, overwrite=overwrite,
        )  # fmt: skip
        outcomes = films.run(asked, studio, report, way)
        _show_outcomes(outcomes, as_json=as_json, events=events)
    if any(outcome.exit_code for outcome in outcomes):
        raise typer.Exit(1)


def _show_outcomes(outcomes: Sequence[Outcome], *, as_json: bool, events: bool) -> None:
    from sora_cli.flows.batch import COLUMNS

    if as_json:
        console.stdout_json([asdict(outcome) for outcome in outcomes])
    elif not events:  # a program reads stdout, and has heard how each film ended
        console.show_table(COLUMNS, [outcome.row for outcome in outcomes], right=("length", "took"))
    counts = Counter(outcome.state for outcome in outcomes)
    failed = counts["failed"] + counts["not tried"]
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    console.say(f"{counted(len(outcomes), 'film')}: {words}", "bold red" if failed else "bold green")


# -- looking ---------------------------------------------------------------------------------------------------


@app.command()
def check(file: Board, sets: Sets = None, allow_outside: Outside = False, as_json: Json = False) -> None:
    """Find what is wrong with a storyboard, all at once."""
    from sora_cli.flows import preview

    found = preview.check(file, sets=pairs(sets, "--set"), allow_outside=allow_outside)
    if as_json:
        console.stdout_json(found.as_dict())
    console.show_problems(found.problems)
    console.show_problems(found.remarks, style="yellow")
    if found.problems:
        console.say(counted(len(found.problems), "problem"), "bold red")
        raise typer.Exit(refusal(found.problems).exit_code)
    console.say(found.praise(), "green")


@app.command()
def plan(
    file: Board,
    why: Annotated[bool, typer.Option("--why", help="Say why each take will be shot.")] = False,
    only: Only = None,
    sets: Sets = None,
    draft: Draft = False,
    allow_outside: Outside = False,
    memory: MemoryMode = None,
    as_json: Json = False,
) -> None:
    """Show the takes of a storyboard: what is kept, what will be shot, and why."""
    from sora_cli.flows import preflight, preview

    board = preflight.load(file, sets=pairs(sets, "--set"), allow_outside=allow_outside, memory=memory)
    _show_plan(preview.planned(board, draft=draft, only=only or ()), why=why, as_json=as_json)


def _show_plan(view: PlanView, *, why: bool, as_json: bool) -> None:
    if as_json:
        console.stdout_json(view.as_dict())
        return
    columns = ["take", "at", "length", "frames", "size", "seed", "from", "state", *(["why"] if why else [])]
    console.show_table(columns, view.rows(columns), right=("at", "length", "frames", "seed"))
    console.show_problems(view.plan.remarks, style="yellow")
    console.say(view.summary())
    console.show_problems(view.needed(), style="cyan")


# -- films that are there already --------------------------------------------------------------------------------


@app.command()
def stitch(
    clips: Annotated[list[Path], typer.Argument(metavar="CLIPS...", help="Films, in order.")],
    output: NewFilm,
    transition: Annotated[str, typer.Option(help="How each comes in: cut, dissolve 0.5s, fade 1s, wipe left.")] = "cut",
    match: Annotated[
        str, typer.Option(help="Hold colours to: film (the first clip), previous, a picture, a film or a .cube file.")
    ] = "off",
    strength: Strength = 1.0,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the film; the first clip's where not given.")] = "",
    fps: Annotated[str, typer.Option(help="Frames a second; the first clip's where not given.")] = "",
    fit: Annotated[
        str, typer.Option(help="Clips of another shape: fill (crop), fit (bars), pad (bars, never larger).")
    ] = "fill",
    author: Author = "",
    mark: Mark = "",
    deliver: Deliver = None,
    overwrite: Overwrite = False,
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    as_json: Json = False,
) -> None:
    """Put films one after the other, as one stamped film."""
    from sora_cli.flows import edit
    from sora_cli.storyboard.model import FITS

    with working(events=events, log=log) as (report, studio):
        if fit not in FITS:
            raise RequestError(f"--fit {fit}: no such way", hint=f"write {', '.join(FITS)}")
        out, kind = edit.target(output, "stitched", deliver)
        who = signer(sign_cert, sign_key)
        way = edit.Way(report, studio.halt, _owner(author, mark), who, kind, overwrite)
        made = edit.stitch(
            clips, out, way, transition=transition, match=match, strength=strength, size=size, fps=fps,
            fit=fit,
        )  # fmt: skip
    _show_made(made, as_json=as_json)


@app.command()
def grade(
    clip: Annotated[Path, typer.Argument(metavar="CLIP", help="The film whose colours are changed.")],
    match: Annotated[str, typer.Option(metavar="REFERENCE", help="A picture, a film or a .cube file.")],
    output: Out = None,
    strength: Strength = 1.0,
    lut_out: Annotated[
        Path | None, typer.Option("--lut-out", metavar="FILE", help="Write the change as a .cube file.")
    ] = None,
    author: Author = "",
    mark: Mark = "",
    deliver: Deliver = None,
    overwrite: Overwrite = False,
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    as_json: Json = False,
) -> None:
    """Hold a film's colours to those of a picture or another film."""
    from sora_cli.flows import edit

    with working(events=events, log=log) as (report, studio):
        out, kind = edit.target(output, clip.stem, deliver) if output else (None, "web")
        who = signer(sign_cert, sign_key)
        way = edit.Way(report, studio.halt, _owner(author, mark), who, kind, overwrite)
        made = edit.grade(clip, out, way, match=match, strength=strength, lut=lut_out)
    _show_made(made, as_json=as_json)


@app.command()
def stamp(
    film: Annotated[Path, typer.Argument(metavar="FILE", help="A film, ours or not; it stays as it is.")],
    output: NewFilm,
    author: Author = "",
    mark: Mark = "",
    deliver: Deliver = None,
    overwrite: Overwrite = False,
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    as_json: Json = False,
) -> None:
    """Put the visible mark and a signed credential on a film."""
    from sora_cli.flows import edit

    with working(events=events, log=log) as (report, studio):
        out, kind = edit.target(output, film.stem, deliver)
        who = signer(sign_cert, sign_key)
        way = edit.Way(report, studio.halt, _owner(author, mark), who, kind, overwrite)
        made = edit.mark(film, out, way)
    _show_made(made, as_json=as_json)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(metavar="FILM", help="A film, ours or not.")],
    anchor: Annotated[
        list[Path] | None, typer.Option(metavar="PEM", help="A root certificate to trust; repeatable.")
    ] = None,
    revoked: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A list of revoked certificates; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what a film's credential proves: who made it, from what, and what was changed since."""
    from sora_cli import stamp

    verdict = stamp.verify(path, anchors=anchor or (), revoked=revoked or ())
    if as_json:
        console.stdout_json(verdict.as_dict())
    else:
        console.stdout(console.plain("\n".join(console.verdict_lines(verdict.as_dict()))))
    if not verdict.ok:
        raise typer.Exit(1)


@app.command()
def reproduce(
    path: Annotated[Path, typer.Argument(metavar="FILM", help="A film of sora's, or a clip of the store.")],
    files: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where the pictures, films and sounds are that went in.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a film again from its sidecar or credential; say whether the frames agree, and if not what differs."""
    from sora_cli.flows import reproduce as again

    with working() as (report, studio):
        found = again.reproduce(path, studio.store, report, studio.halt, files)
    if as_json:
        console.stdout_json(found.as_dict())
    else:
        console.show_table(again.COLUMNS, [take.row for take in found.takes], right=("nearness",))
    for what, (then, now) in found.differences.items():
        console.say(f"{what}: {then} then, {now} now", "yellow")
    console.say(found.summary(), "green" if found.agrees else "bold red")
    if not found.agrees:
        raise typer.Exit(1)


def _owner(author: str, mark: str) -> Provenance:
    from sora_cli.storyboard.model import Provenance, Watermark

    return Provenance(author, Watermark(text=mark) if mark else Watermark())


def _show_made(made: Made, *, as_json: bool) -> None:
    if as_json:
        console.stdout_json(made.as_dict())
    console.show_summary(str(made.path or made.lut), made.facts())


# -- the engines -----------------------------------------------------------------------------------------------

library = typer.Typer(help="List the engines, and get more.", rich_markup_mode=None, invoke_without_command=True)
app.add_typer(library, name="models")


@library.callback()
def models(context: typer.Context, as_json: Json = False) -> None:
    """List the engines: what they can do, what they need, what is here."""
    if context.invoked_subcommand is not None:
        return
    from sora_cli.engines import hub

    found = hub.models()
    if as_json:
        console.stdout_json(hub.summary(found))
        return
    rows = [model.row() for model in found]
    console.show_table(list(rows[0]), [list(row.values()) for row in rows])


@library.command()
def show(name: ModelName, as_json: Json = False) -> None:
    """Show all that is known of one engine: limits, options, licence."""
    from sora_cli.engines import hub

    facts = hub.show(name).facts()
    if as_json:
        console.stdout_json(facts)
    else:
        console.stdout(console.plain(hub.described(facts)))


@library.command()
def pull(
    name: ModelName,
    revision: Annotated[str | None, typer.Option(help="A branch, tag or commit of its repository.")] = None,
) -> None:
    """Get an engine's weights from the hub; what was begun before is gone on with."""
    from sora_cli.cli import progress
    from sora_cli.engines import hub

    with interruptible(), progress.Download(name) as bar:
        card = hub.pull(name, revision=revision, fetched=bar)
    console.say(f"{card.name} is here, revision {card.revision}; next: sora generate PROMPT --engine {name}", "green")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what works on this machine, what is missing, and what to type."""
    from sora_cli.flows import preview

    checks = preview.doctor()
    if as_json:
        console.stdout_json([asdict(check) for check in checks])
    else:
        console.show_checks(checks)
    if any(check.ok is False for check in checks):
        raise typer.Exit(3)


# -- the store -------------------------------------------------------------------------------------------------

shelf = typer.Typer(help="Look after the clips that are kept.", rich_markup_mode=None, invoke_without_command=True)
app.add_typer(shelf, name="store")


@shelf.callback()
def store(context: typer.Context, as_json: Json = False) -> None:
    """Show what the store of clips holds, and what films need of it."""
    if context.invoked_subcommand is not None:
        return
    from sora_cli.flows import prune
    from sora_cli.store import Store, default_folder

    use = prune.survey(Store(default_folder()))
    if as_json:
        console.stdout_json(use.as_dict())
    else:
        console.show_facts(str(use.folder), use.facts())


@shelf.command()
def clean(
    keep_days: Annotated[float, typer.Option(min=0, help="Keep clips that were used within so many days.")] = 7,
    forget_missing: Annotated[
        bool, typer.Option("--forget-missing", help="Also clips of films whose folder is not there now.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove clips that no film names; never one that the sidecar of an existing film names."""
    from sora_cli.flows import prune
    from sora_cli.store import Store, default_folder, megabytes

    store = Store(default_folder())
    done = prune.clean(store, keep_days=keep_days, forget_missing=forget_missing, dry_run=dry_run)
    if as_json:
        console.stdout_json(done.as_dict())
    verb = "would remove" if dry_run else "removed"
    console.say(
        f"{verb} {counted(done.clips, 'clip')}, {megabytes(done.size)} in all; kept: {done.kept}",
        "green",
    )
    for film in done.away:
        console.say(f"note: {film} is not there now, and its folder neither: its clips stay (see --forget-missing)")


# -- starting --------------------------------------------------------------------------------------------------


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path()) -> None:
    """Write a starter storyboard that teaches the format and renders as it stands."""
    from sora_cli.flows import film

    path = film.write_starter(folder)
    console.stdout(str(path))
    console.say(f"next: sora storyboard {path}")


@app.command()
def schema(
    events: Annotated[bool, typer.Option("--events", help="The schema of a line of --events instead.")] = False,
) -> None:
    """Print the JSON Schema of storyboards, for editors."""
    from sora_cli.events import events_schema
    from sora_cli.storyboard.schema import json_schema

    console.stdout_json(events_schema() if events else json_schema())
