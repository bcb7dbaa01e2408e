"""Commands that tell what a policy decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sora_cli.cli import console
from sora_cli.cli.options import Json
from sora_cli.errors import refusal

rules = typer.Typer(help="Show what a policy refuses, and test prompts.", rich_markup_mode=None, no_args_is_help=True)


@rules.command()
def show(
    board: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A storyboard. Without it: the default policy.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the policy in force: what is allowed, noted or refused, and where."""
    from sora_cli.flows import moderation

    found = moderation.policy_of(board)
    if as_json:
        console.stdout_json(moderation.as_dict(found))
        return
    facts = moderation.facts(found)
    console.show_facts(facts.pop("policy"), facts)
    console.show_table(moderation.COLUMNS, moderation.rows(found))


@rules.command("test")
def try_words(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="standard, strict, off or a policy file.")],
    words: Annotated[str, typer.Argument(metavar="WORDS", help="A prompt.")],
    as_json: Json = False,
) -> None:
    """Test a prompt against a policy; exit with 4 if it is refused."""
    from sora_cli.flows import moderation

    found = moderation.tried(moderation.named(policy), words)
    if as_json:
        told = {
            "refused": [each.as_dict() for each in found.refused],
            "notes": [each.as_dict() for each in found.notes],
        }
        console.stdout_json({"ok": not found.refused, **told})
    console.show_problems(found.refused)
    console.show_problems(found.notes, style="yellow")
    if found.refused:
        raise typer.Exit(refusal(found.refused).exit_code)
    console.say("it passes", "green")
