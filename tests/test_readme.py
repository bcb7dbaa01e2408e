"""The README: its help texts are the program's own, its storyboard parses, its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.cli.commands import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
HEAD = "<!-- The help texts below"
COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]
COMMANDS += [
    " ".join(filter(None, (group.name, name)))
    for group in app.registered_groups if group.name and group.typer_instance
    for name in ("", *(each.callback.__name__ for each in group.typer_instance.registered_commands if each.callback))
]  # fmt: skip


def help_of(command: str) -> str:
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    program = [sys.executable, "-m", "sora_cli", *command.split(), "--help"]
    text = subprocess.run(program, capture_output=True, text=True, check=True, env=environment).stdout
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def test_every_commands_help_stands_in_the_readme() -> None:
    blocks = "\n\n".join(f"```text\n$ sora {name} --help\n{help_of(name)}\n```" for name in COMMANDS)
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(HEAD, 1)
    comment, rest = rest.split("-->\n", 1)
    now, tail = rest.split("\n## ", 1)
    if os.environ.get("SORA_GOLDEN") == "write":
        README.write_text(f"{head}{HEAD}{comment}-->\n\n{blocks}\n\n## {tail}", encoding="utf-8")
        return
    assert now.strip() == blocks, "run: SORA_GOLDEN=write pytest tests/test_readme.py"


def test_its_storyboards_parse(tmp_path: Path) -> None:
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)):
        (tmp_path / "refs").mkdir(exist_ok=True)
        for name in ("refs/hero.png", "score.wav"):
            (tmp_path / name).touch()
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        storyboard.load(path)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8")))))
def test_its_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
