"""Commands that look at a storyboard before it is shot: check, plan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Board, BoardOptions, DraftOptions, Json, Only, Outside, Overwrite, Sets, WorkerOptions
from sora_cli.cli.session import pairs
from sora_cli.errors import counted, refusal

if TYPE_CHECKING:
    from sora_cli.flows.check import Opinion
    from sora_cli.flows.preview import PlanView


def check(
    file: Board,
    advice: Annotated[bool, typer.Option("--advice", help="Show minor advice as well.")] = False,
    opinion: Annotated[
        str, typer.Option(metavar="FOLDER|ID|ENGINE", help="Add the opinion of this language model on each prompt.")
    ] = "",
    fix: Annotated[
        bool, typer.Option("--fix", help="Rename misnamed keys, and move what prompts deny to `avoid`, in the file.")
    ] = False,
    sets: Sets = None,
    allow_outside: Outside = False,
    as_json: Json = False,
) -> None:
    """Find everything that is wrong with a storyboard."""
    from sora_cli.flows import check as checking

    done = None
    if fix:
        from sora_cli.flows.fix import fix as fixed

        done = fixed(file, sets=pairs(sets, "--set"), allow_outside=allow_outside)
        console.say(console.plain(done.diff)) if done.diff else None
        mended = [f"{counted(done.renamed, 'mistake')} mended"] if done.renamed else []
        moved = [f"{counted(done.moved, 'denied thing')} moved to `avoid`"] if done.moved else []
        console.say(f"{file}: {', '.join([*mended, *moved]) or 'nothing that --fix can mend'}")
    asked = _opinion(opinion) if opinion else None
    found = checking.check(file, sets=pairs(sets, "--set"), allow_outside=allow_outside, advice=advice, opinion=asked)
    if as_json:
        console.stdout_json(
            {
                **found.as_dict(),
                **({"fixed": {"renamed": done.renamed, "moved": done.moved, "diff": done.diff}} if done else {}),
            }
        )
    console.show_problems(found.problems)
    console.show_problems(found.remarks, style="yellow")
    console.show_problems([each.problem for each in found.advice], style="cyan")
    if found.problems:
        mends = sum(each.mend is not None for each in found.problems) if not fix else 0
        more = f"; --fix mends up to {mends} of them" if mends else ""
        console.say(f"{counted(len(found.problems), 'problem')}{more}", "bold red")
        raise typer.Exit(refusal(found.problems).exit_code)
    console.say(found.praise(), "green")


def _opinion(model: str) -> Opinion:
    """What asks a language model, which is opened first: it may not be here."""
    from sora_cli.engines.language import open_language_model
    from sora_cli.flows.opinions import opinions

    return partial(opinions, model=open_language_model(model), heard=console.stream)


def plan(
    file: Board,
    why: Annotated[bool, typer.Option("--why", help="Say why each take will be shot.")] = False,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Show each take's prompt, what it leaves out, and why.")
    ] = False,
    only: Only = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="PAGE", help="Write a page of the storyboard that any browser opens."),
    ] = None,
    notes: Annotated[
        Path | None, typer.Option("--notes", metavar="FILE", help="Show the notes.json that a page saved.")
    ] = None,
    overwrite: Overwrite = False,
    *,
    reading: BoardOptions,
    drafts: DraftOptions,
    workers: WorkerOptions,
    as_json: Json = False,
) -> None:
    """Show a storyboard's takes: which are kept, which will be shot."""
    from sora_cli.flows import preflight, preview

    if html is not None:
        from sora_cli.flows import pages

        pages.check(html, file, overwrite=overwrite)
    written = _notes(notes)
    board = preflight.load(file, **reading.asked(), executor=workers.executor)
    team = workers.asked(board)
    view = preview.planned(drafts.on(board), draft=drafts.draft, only=only or (), notes=written, workers=team)
    if html is not None:
        from sora_cli.flows import board_page, pages
        from sora_cli.store import open_store

        pages.write(board_page.of_board(view, open_store(), html.parent), html)
        console.say(f"page: {html}", "green")
    show_plan(view, why=why, prompts=prompts, as_json=as_json)


def _notes(path: Path | None) -> Mapping[str, str]:
    if path is None:
        return {}
    from sora_cli.page.notes import read_notes

    return read_notes(path).notes


def show_plan(view: PlanView, *, why: bool = False, prompts: bool = False, as_json: bool) -> None:
    """Show the takes of a plan, and what this machine lacks for them."""
    if as_json:
        console.stdout_json(view.as_dict(prompts=prompts))
    else:
        _show_takes(view, why=why)
    if prompts and not as_json:
        from sora_cli.flows.prompts import lines

        console.stdout(console.plain("\n".join(lines(view.plan))))
    if view.missing:
        error = refusal(view.missing)
        console.show_error(error)
        raise typer.Exit(error.exit_code)


_NUMBERS = ("at", "length", "frames", "seed", "about", "cost")


def _show_takes(view: PlanView, *, why: bool) -> None:
    columns = ["take", "at", "length", "frames", "size", "seed", "from", "state"]
    columns += [*(["about", "cost"] if view.priced else []), *(["why"] if why else [])]
    console.show_table(columns, view.rows(columns), right=_NUMBERS, below=view.noted())
    console.show_problems(view.unplaced(), style="yellow")
    console.show_problems(view.plan.remarks, style="yellow")
    console.say(view.summary())
    if view.workers:
        console.say(view.shared().message)
    console.show_problems(view.needed(), style="cyan")
