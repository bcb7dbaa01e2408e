"""Commands for this machine: its engines, what works here, the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Json, ModelName, Overwrite, refuse_idle
from sora_cli.cli.session import interruptible
from sora_cli.errors import counted
from sora_cli.plain import as_data

library = typer.Typer(help="List the engines, and get more.", rich_markup_mode=None, invoke_without_command=True)


@library.callback()
def models(context: typer.Context, as_json: Json = False) -> None:
    """List the engines: what they can do, what they need, which are installed."""
    if context.invoked_subcommand is not None:
        return
    from sora_cli.engines import hub

    found = hub.models()
    for fault in hub.faults(found):
        console.say(fault, "yellow")
    if as_json:
        console.stdout_json(hub.summary(found))
        return
    rows = [model.row() for model in found]
    console.show_table(list(rows[0]), [list(row.values()) for row in rows])


@library.command()
def show(name: ModelName, as_json: Json = False) -> None:
    """Show everything about an engine: limits, options, licence."""
    from sora_cli.engines import hub

    model = hub.show(name)
    if as_json:
        console.stdout_json(model.facts())
    else:
        console.stdout(console.plain(hub.described(model)))


@library.command()
def pull(
    name: ModelName,
    revision: Annotated[str | None, typer.Option(help="Download this branch, tag or commit.")] = None,
    as_json: Json = False,
) -> None:
    """Download an engine's weights; an interrupted download resumes."""
    from sora_cli.cli import progress
    from sora_cli.engines import hub

    with interruptible(), progress.Download(name) as bar:
        card = hub.pull(name, revision=revision, fetched=bar)
    if as_json:
        console.stdout_json({"name": name, "revision": card.revision, "location": str(card.location)})
    console.say(f"{name} is here, revision {card.revision}; next: sora generate PROMPT --engine {name}", "green")


def voices(
    play_to: Annotated[
        Path | None, typer.Option("--play-to", metavar="FILE", help="Write a sample of every voice to this .wav file.")
    ] = None,
    say: Annotated[str, typer.Option(metavar="TEXT", help="Say these words in the sample.")] = "",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """List the voices, or write a sample of each."""
    from sora_cli.flows import voices as here

    if play_to is None:
        refuse_idle("--play-to FILE", say=say)
    found = here.listed()
    if play_to is not None:
        with interruptible():
            here.play_to(play_to, say or here.SAMPLE, overwrite=overwrite)
        console.say(f"{play_to}: {counted(len(found), 'voice')}", "green")
    if as_json:
        console.stdout_json([as_data(card) for card in found])
    elif play_to is None:
        rows = [here.row(card) for card in found]
        console.show_table(list(rows[0]), [list(row.values()) for row in rows], right=("pitch",))


def doctor(as_json: Json = False) -> None:
    """Check this machine, and say what to type for what is missing."""
    from sora_cli.flows import preview

    checks = preview.doctor()
    if as_json:
        console.stdout_json([as_data(check) for check in checks])
    else:
        console.show_checks(checks)
    if any(check.ok is False for check in checks):
        raise typer.Exit(3)


shelf = typer.Typer(help="Show the store of clips, and clean it.", rich_markup_mode=None, invoke_without_command=True)


@shelf.callback()
def store(context: typer.Context, as_json: Json = False) -> None:
    """Show how much the store of clips holds, and how much of it films need."""
    if context.invoked_subcommand is not None:
        return
    from sora_cli.flows import prune
    from sora_cli.store import open_store

    use = prune.survey(open_store())
    if as_json:
        console.stdout_json(use.as_dict())
    else:
        console.show_facts(str(use.folder), use.facts())


@shelf.command()
def clean(
    keep_days: Annotated[float, typer.Option(min=0, help="Keep clips that were used within this many days.")] = 7,
    forget_missing: Annotated[
        bool, typer.Option("--forget-missing", help="Also remove clips of films whose folder is missing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed; remove nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove clips that no existing film uses."""
    from sora_cli.flows import prune
    from sora_cli.store import megabytes, open_store

    store = open_store()
    done = prune.clean(store, keep_days=keep_days, forget_missing=forget_missing, dry_run=dry_run)
    if as_json:
        console.stdout_json(done.as_dict())
    verb = "would remove" if dry_run else "removed"
    console.say(f"{verb} {counted(done.clips, 'clip')}, {megabytes(done.size)} in all; kept: {done.kept}", "green")
    for film in done.away:
        console.say(f"note: {film} and its folder are missing: its clips stay (--forget-missing removes them)")


@shelf.command()
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed; remove nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what interrupted writers left: half-written files, uploads without a card, old leases."""
    from sora_cli.store import megabytes, open_store

    store = open_store()
    files, size = store.prune(dry_run=dry_run)
    if as_json:
        console.stdout_json({"files": files, "size": size})
    verb = "would remove" if dry_run else "removed"
    console.say(f"{verb} {counted(files, 'file')}, {megabytes(size)}, from {store.address or store.folder}", "green")
