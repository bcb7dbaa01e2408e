"""What is written for people: help texts are the program's own, every storyboard parses, links lead somewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import sora_cli
from sora_cli import storyboard
from sora_cli.cli.main import main, program

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS_PAGE = ROOT / "docs" / "cli.md"
END_OF_HEAD = "SORA_GOLDEN=write renews them. -->\n"
app = program()
COMMANDS = [command.name for command in app.registered_commands if command.name]
COMMANDS += [
    " ".join(filter(None, (group.name, name)))
    for group in app.registered_groups if group.name and group.typer_instance
    for name in ("", *(each.name or each.callback.__name__
                       for each in group.typer_instance.registered_commands if each.callback))
]  # fmt: skip


def test_every_commands_help_is_on_its_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("COLUMNS", "100"), ("NO_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)

    def help_of(command: str) -> str:
        assert main([*command.split(), "--help"]) == 0
        return "\n".join(line.rstrip() for line in capsys.readouterr().out.strip().splitlines())

    blocks = "\n\n".join(f"```text\n$ sora {name} --help\n{help_of(name)}\n```" for name in COMMANDS)
    assert " object at 0x" not in blocks
    head, now = COMMANDS_PAGE.read_text(encoding="utf-8").split(END_OF_HEAD, 1)
    if os.environ.get("SORA_GOLDEN") == "write":
        COMMANDS_PAGE.write_text(f"{head}{END_OF_HEAD}\n{blocks}\n", encoding="utf-8")
        return
    assert now.strip() == blocks, "run: SORA_GOLDEN=write pytest tests/test_docs.py"


def boards() -> list[tuple[str, str]]:
    """Every storyboard on a page, and where it stands."""
    return [
        (f"{page.name}-{number}", text)
        for page in PAGES
        for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
    ]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in boards()])
def test_every_storyboard_parses(text: str, tmp_path: Path) -> None:
    for name in re.findall(r"[\w/]+\.(?:png|wav|cube|pdf)\b", text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in re.findall(r"lora: (\w+)", text):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.safetensors").touch()
    if "extends:" in text:  # a policy file: read as the one of a storyboard
        (tmp_path / "house.yaml").write_text(text)
        text = "policy: house.yaml\nshots: [a harbour at dusk]\n"
    path = tmp_path / "board.yaml"
    path.write_text(text)
    storyboard.load(path)


def links() -> list[tuple[Path, str]]:
    texts = {page: page.read_text(encoding="utf-8") for page in PAGES}
    return sorted({(page, link) for page in PAGES for link in re.findall(r"\]\((?!http)([^)#]+)\)", texts[page])})


@pytest.mark.parametrize(("page", "link"), [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in links()])
def test_every_link_leads_somewhere(page: Path, link: str) -> None:
    assert (page.parent / link).exists()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


def test_every_variable_of_the_environment_is_told() -> None:
    told = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    used = {
        name
        for path in (ROOT / "sora_cli").rglob("*.py")
        for name in re.findall(r"\b(?:SORA|C2PA)_(?!NAMES|CLAIM)[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    assert {name for name in used if f"`{name}" not in told} == set()


def test_the_public_names_are_there() -> None:
    for name in sora_cli.__all__:
        assert getattr(sora_cli, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        sora_cli.no_such_name  # noqa: B018  read to see that it is refused
