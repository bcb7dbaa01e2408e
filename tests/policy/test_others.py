"""Words of commands without a storyboard; checkers that others bring."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from sora_cli.cli.main import main
from sora_cli.media.clip import write_clip
from sora_cli.policy import base, judge, pictures
from sora_cli.policy.base import Unable

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SORA_STORE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def film(path: Path) -> Path:
    write_clip(path, np.zeros((3, 64, 64, 3), np.uint8), Fraction(12), None)
    return path


# -- words of commands -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("stitch a.mp4 b.mp4 -o porn.mp4", "the name of what is made: this reads as sexual content"),
        ("stitch a.mp4 p0rno.mp4 -o out.mp4", "p0rno.mp4: this reads as sexual content"),
        ("stitch a.mp4 b.mp4 -o out.mp4 --author heil-hitler", "the author: this reads as extremism"),
        ("stamp a.mp4 -o out.mp4 --mark child-porn", "the mark: this reads as sexual content with minors"),
        ("grade porn.mp4 --match a.mp4 -o out.mp4", "porn.mp4: this reads as sexual content"),
        ("grade a.mp4 --match b.mp4 --lut-out porn.cube", "the name of what is made: this reads as sexual content"),
        ("generate ball -o porn.mp4", "the film's name: this reads as sexual content"),
    ],
)
def test_words_of_commands_are_held_to_the_policy_before_the_work(
    home: Path, words: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.mp4", "b.mp4", "p0rno.mp4", "porn.mp4"):
        if name in words.partition(" -o ")[0]:
            film(home / name)
    before = sorted(path.name for path in home.iterdir() if path.is_file())
    assert main(words.split()) == 4
    assert what in " ".join(capsys.readouterr().err.split())
    assert sorted(path.name for path in home.iterdir() if path.is_file()) == before


# -- checkers of others ----------------------------------------------------------------------------------------


@pytest.fixture
def bring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, object], None]]:
    """Have a package bring a checker: an entry point whose module holds what is given."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def brought(value: str, maker: object = None) -> None:
        entry = EntryPoint("house", value, "sora.checkers")
        if maker is not None:
            monkeypatch.setattr(EntryPoint, "load", lambda _self: maker)
        monkeypatch.setattr(base, "added", lambda group: [entry] if group == "sora.checkers" else [])
        for cached in (judge.checkers, pictures.checkers):
            cached.cache_clear()

    yield brought
    for cached in (judge.checkers, pictures.checkers):
        cached.cache_clear()
    sys.modules.pop("own_checker", None)


def test_the_example_of_a_checker_is_short() -> None:
    assert len((EXAMPLES / "own_checker.py").read_text(encoding="utf-8").splitlines()) <= 40


def test_a_checker_found_by_its_entry_point_adds_to_ours(
    home: Path, bring: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    bring("own_checker:House")
    (home / "house-names.txt").write_text("Jane Roe  # our neighbour\n")
    for words, code, what in (("Jane Roe waves", 4, "a real person"), ("porn", 4, "sexual"), ("a ball", 0, "")):
        assert main(["policy", "test", "standard", words]) == code
        assert what in capsys.readouterr().err
    assert "house names 1" in judge.state()
    (home / "house-names.txt").unlink()
    assert main(["policy", "test", "strict", "another ball"]) == 4
    assert "house-names.txt cannot be read" in " ".join(capsys.readouterr().err.split())


class Words:
    """Breaks as it is told."""

    version, kind = "1", "words"

    def __init__(self, answer: object) -> None:
        self.name, self.answer = "mine", answer

    def look(self, items: object) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer(items) if callable(self.answer) else self.answer


def _raising() -> object:
    raise RuntimeError("no")


BROKEN: dict[str, Callable[[], object]] = {
    "cannot be made": _raising,
    "is nothing": lambda: None,
    "has no kind": object,
    "is of an unknown kind": lambda: type("Odd", (Words,), {"kind": "word"})(None),
    "says that it cannot": lambda: Words(Unable("its list is gone")),
    "raises": lambda: Words(ValueError("no")),
    "runs out of memory": lambda: Words(MemoryError()),
    "answers nothing": lambda: Words(None),
    "answers for too few": lambda: Words([]),
    "answers for too many": lambda: Words(lambda items: [[] for _ in [*items, "more"]]),
    "answers with words": lambda: Words(lambda items: ["gore" for _ in items]),
    "names an unknown category": lambda: Words(lambda items: [[base.Finding("gor", 1, "mine")] for _ in items]),
    "gives no number": lambda: Words(lambda items: [[base.Finding("gore", float("nan"), "mine")] for _ in items]),
    "gives too large a number": lambda: Words(lambda items: [[base.Finding("gore", 7, "mine")] for _ in items]),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_checker_of_others_that_is_broken_hinders_none_of_ours_and_strict_refuses(
    way: str, bring: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    bring("own_checker:House", BROKEN[way])
    for policy, code in (("standard", 0), ("strict", 4)):
        assert main(["policy", "test", policy, "a ball"]) == code
        assert "could not be checked" in capsys.readouterr().err
    assert main(["policy", "test", "standard", "porn"]) == 4
