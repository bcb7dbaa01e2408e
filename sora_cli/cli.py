"""The commands: one short function each. `main(argv)` gives the exit code.

Commands are prefixes of one line of flow (`film`): `check` and `plan` stop early, `storyboard` runs it all, and
`generate` is a storyboard of one shot made from its options.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sora_cli import __version__, cli_tools, console
from sora_cli.cli_options import (
    Board,
    Deliver,
    Draft,
    Events,
    Json,
    LogFile,
    MaxDisk,
    MaxTime,
    Only,
    Out,
    Outside,
    Sets,
    SignCert,
    SignKey,
    pairs,
    signer,
    working,
)
from sora_cli.errors import DeviceLost, SoraError

if TYPE_CHECKING:  # each command imports what it needs, so that `--help` and the like start at once
    from sora_cli.batch import Outcome
    from sora_cli.explain import PlanView
    from sora_cli.sidecar import Film

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
    try:
        app(args=list(argv) if argv is not None else None, prog_name="sora")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except SoraError as error:
        console.show_error(error)
        if isinstance(error, DeviceLost) and again is not None:
            again()
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output has seen enough (`sora plan | head`).
        sys.stderr.close()
        return 1
    return 0


def _version(show: bool) -> None:
    if show:
        console.stdout(f"sora {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _show_film(made: Film, *, as_json: bool) -> None:
    if as_json:
        console.stdout_json(made.as_dict())
    title = f"{made.path} is up to date" if made.reused else f"{made.path}"
    console.show_summary(title, made.facts(console.duration))


# -- making ----------------------------------------------------------------------------------------------------


@app.command()
def generate(
    prompt: Annotated[str, typer.Argument(help="What happens.")],
    output: Out = None,
    image: Annotated[Path | None, typer.Option(help="Start from this picture (or the end of this film).")] = None,
    to_image: Annotated[Path | None, typer.Option(help="End on this picture.")] = None,
    duration: Annotated[str | None, typer.Option(help="4s, 1500ms, 48f or seconds.")] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same clip.")] = None,
    engine: Annotated[str | None, typer.Option(help="A name that `sora models` lists, a hub id or a folder.")] = None,
    style: Annotated[str | None, typer.Option(help="Look and technique.")] = None,
    avoid: Annotated[str | None, typer.Option(help="What should not be seen.")] = None,
    camera: Annotated[str | None, typer.Option(help="How the camera moves.")] = None,
    option: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="An option of the engine.")] = None,
    draft: Draft = False,
    deliver: Deliver = "web",
    sign_cert: SignCert = None,
    sign_key: SignKey = None,
    events: Events = False,
    log: LogFile = None,
    max_time: MaxTime = None,
    max_disk: MaxDisk = None,
    as_json: Json = False,
) -> None:
    """Make one clip from a prompt."""
    from sora_cli import film

    shot: dict[str, Any] = {
        "prompt": prompt, "from": image and str(image), "to": to_image and str(to_image), "duration": duration,
        "seed": seed, "engine": engine, "style": style, "avoid": avoid, "camera": camera,
        "options": pairs(option, "--option") or None,
    }  # fmt: skip
    written = {key: value for key, value in shot.items() if value is not None}
    data = {"title": prompt, "shots": [written], **({"output": {"size": size}} if size else {})}
    board = film.one_shot(data)
    out, who = output or film.free_name(prompt, deliver), signer(sign_cert, sign_key)
    with working(events=events, log=log, max_time=max_time, max_disk=max_disk) as (report, studio):
        made = film.make(board, out, report=report, studio=studio, draft=draft, deliver=deliver, signer=who)
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
    deliver: Deliver = "web",
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
    from sora_cli import explain, film

    board = film.read(file, sets=pairs(sets, "--set"), allow_outside=allow_outside)
    if dry_run:
        _show_plan(explain.planned(board, draft=draft, only=only or ()), why=False, as_json=as_json)
        return
    out, who = output or film.default_name(board, deliver), signer(sign_cert, sign_key)
    with working(events=events, log=log, max_time=max_time, max_disk=max_disk) as (report, studio):
        made = film.make(
            board, out, report=report, studio=studio, draft=draft, only=only or (), deliver=deliver, signer=who
        )
        if luts is not None:
            film.write_luts(board, luts, studio=studio, draft=draft, only=only or ())
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
    events: Events = False,
    log: LogFile = None,
    max_time: MaxTime = None,
    max_disk: MaxDisk = None,
    as_json: Json = False,
) -> None:
    """Make many films in one go: storyboards, or one storyboard with a CSV row of variables for each film."""
    from sora_cli import batch as films

    asked = films.entries(files)
    way = films.Way(
        folder=folder, sets=pairs(sets, "--set"), draft=draft, allow_outside=allow_outside, keep_going=keep_going,
        jobs=jobs,
    )  # fmt: skip
    with working(events=events, log=log, max_time=max_time, max_disk=max_disk) as (report, studio):
        outcomes = films.run(asked, studio, report, way)
        _show_outcomes(outcomes, as_json=as_json)
    if any(outcome.exit_code for outcome in outcomes):
        raise typer.Exit(1)


def _show_outcomes(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    from sora_cli.batch import COLUMNS

    if as_json:
        console.stdout_json([asdict(outcome) for outcome in outcomes])
    else:
        console.show_table(COLUMNS, [outcome.row for outcome in outcomes], right=("length", "took"))
    counts = Counter(outcome.state for outcome in outcomes)
    failed = counts["failed"] + counts["not tried"]
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    console.say(f"{len(outcomes)} films: {words}", "bold red" if failed else "bold green")


# -- looking ---------------------------------------------------------------------------------------------------


@app.command()
def check(file: Board, sets: Sets = None, allow_outside: Outside = False, as_json: Json = False) -> None:
    """Find what is wrong with a storyboard, all at once."""
    from sora_cli import explain

    found = explain.check(file, sets=pairs(sets, "--set"), allow_outside=allow_outside)
    if as_json:
        console.stdout_json(found.as_dict())
    console.show_problems(found.problems)
    console.show_problems(found.remarks, style="yellow")
    if found.problems:
        console.say(f"{len(found.problems)} problem{'s' if len(found.problems) > 1 else ''}", "bold red")
        raise typer.Exit(2)
    console.say(found.praise(), "green")


@app.command()
def plan(
    file: Board,
    why: Annotated[bool, typer.Option("--why", help="Say why each take will be shot.")] = False,
    only: Only = None,
    sets: Sets = None,
    draft: Draft = False,
    allow_outside: Outside = False,
    as_json: Json = False,
) -> None:
    """Show the takes of a storyboard: what is kept, what will be shot, and why."""
    from sora_cli import explain, film

    board = film.read(file, sets=pairs(sets, "--set"), allow_outside=allow_outside)
    _show_plan(explain.planned(board, draft=draft, only=only or ()), why=why, as_json=as_json)


def _show_plan(view: PlanView, *, why: bool, as_json: bool) -> None:
    if as_json:
        console.stdout_json(view.as_dict())
        return
    columns = ["take", "at", "length", "frames", "size", "seed", "from", "state", *(["why"] if why else [])]
    console.show_table(columns, view.rows(columns), right=("at", "length", "frames", "seed"))
    console.show_problems(view.plan.remarks, style="yellow")
    console.say(view.summary())


app.command()(cli_tools.verify)
app.command()(cli_tools.stamp)
app.command()(cli_tools.stitch)
app.command()(cli_tools.grade)
app.command()(cli_tools.reproduce)


@app.command()
def models(as_json: Json = False) -> None:
    """List the engines: what they can do, what they need, what is here."""
    from sora_cli.engines import catalogue

    rows = catalogue.listing()
    if as_json:
        console.stdout_json(rows)
        return
    columns = list(rows[0])
    console.show_table(columns, [[str(row[column]) for column in columns] for row in rows])


# -- the store -------------------------------------------------------------------------------------------------

shelf = typer.Typer(help="Look after the clips that are kept.", rich_markup_mode=None, invoke_without_command=True)
app.add_typer(shelf, name="store")


@shelf.callback()
def store(context: typer.Context, as_json: Json = False) -> None:
    """Show what the store of clips holds, and what films need of it."""
    if context.invoked_subcommand is not None:
        return
    from sora_cli import housekeeping
    from sora_cli.store import Store, default_folder

    use = housekeeping.survey(Store(default_folder()))
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
    from sora_cli import housekeeping
    from sora_cli.store import Store, default_folder, megabytes

    store = Store(default_folder())
    done = housekeeping.clean(store, keep_days=keep_days, forget_missing=forget_missing, dry_run=dry_run)
    if as_json:
        console.stdout_json(done.as_dict())
    verb = "would remove" if dry_run else "removed"
    console.say(f"{verb} {done.clips} clips, {megabytes(done.size)} in all; {done.kept} clips stay", "green")
    for film in done.away:
        console.say(f"note: {film} is not there now, and its folder neither: its clips stay (see --forget-missing)")


# -- starting --------------------------------------------------------------------------------------------------


@app.command()
def new(folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path()) -> None:
    """Write a starter storyboard that teaches the format and renders as it stands."""
    from sora_cli import film

    path = film.write_starter(folder)
    console.stdout(str(path))
    console.say(f"next: sora storyboard {path}")


@app.command()
def schema(
    events: Annotated[bool, typer.Option("--events", help="The schema of a line of --events instead.")] = False,
) -> None:
    """Print the JSON Schema of storyboards, for editors."""
    from sora_cli.report import events_schema
    from sora_cli.storyboard.schema import json_schema

    console.stdout_json(events_schema() if events else json_schema())
