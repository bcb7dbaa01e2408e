"""What comes out: a second seed for a refused take, speech heard and judged, the finished film looked at once more."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from sora_cli import remembered, stamp
from sora_cli.bounded import read_bytes
from sora_cli.cli.main import main
from sora_cli.engines.base import Take
from sora_cli.errors import PolicyError
from sora_cli.media.stream import SAMPLE_RATE, Sound
from sora_cli.policy import pictures
from sora_cli.policy.base import Finding
from sora_cli.shoot.screen import RefusedTakeError, Screen
from sora_cli.sound import transcript
from sora_cli.storyboard.policy import OFF, STANDARD, STRICT

BOARD = (
    "policy: own.yaml\noutput: {size: 64x64, fps: 12}\nshots: [{prompt: a ball, duration: 0.2s, options: {steps: 1}}]\n"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("SORA_STORE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "board.yaml").write_text(BOARD)
    return tmp_path


class Scripted:
    """Gives the takes that it is shown one score after the other, and each frame of the finished film the same."""

    name, version, kind = "scores of a test", "1", "pictures"

    def __init__(self, *takes: float, film: float = 0.0) -> None:
        self._takes, self._film = list(takes), film

    def look(self, items: np.ndarray) -> list[list[Finding]]:
        score = self._film if len(items) == 1 else self._takes.pop(0)
        return [[Finding("sexual", score, self.name)] for _ in items]


def clips(home: Path) -> list[Path]:
    return [path for path in (home / "SORA_STORE").rglob("*.mp4") if path.is_file()]


@pytest.mark.parametrize(
    ("seeds", "scores"),
    [(1, (0.9, 0.9)), (3, (0.9, 0.9, 0.0))],
)
def test_a_refused_take_is_tried_with_as_many_other_seeds_as_the_policy_says(
    home: Path, seeds: int, scores: tuple[float, ...], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    checker, kept = Scripted(*scores), int(scores[-1] == 0)
    monkeypatch.setattr(pictures, "checkers", lambda: ((checker,), None))
    (home / "own.yaml").write_text(f"extends: strict\nsecond seeds: {seeds}\n")
    read: list[str] = []
    monkeypatch.setattr(remembered, "read_bytes", lambda path: read.append(path.name) or read_bytes(path))
    assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == (0 if kept else 4)
    assert (len(clips(home)), checker._takes) == (kept, [])
    hint = f"`second seeds: {seeds}` in the policy already tries other seeds"
    assert (hint in capsys.readouterr().err) == (not kept)
    assert sorted(read) == ["judged.jsonl", "revisions.jsonl", "seen.jsonl"], "what is remembered is read once a run"
    if kept:
        sidecar = json.loads((home / "film.mp4.sora.json").read_text())
        assert sidecar["moderation"]["takes_refused"] == len(scores) - 1
        assert [take["name"] for take in sidecar["takes"]] == ["scene-1/shot-1" + f"#{len(scores)}" * (len(scores) > 1)]
        assert stamp.verify(home / "film.mp4").ok


def test_the_finished_film_is_looked_at_once_more_and_does_not_leave_where_it_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "own.yaml").write_text("extends: strict\n")
    monkeypatch.setattr(pictures, "checkers", lambda: ((Scripted(0.0, film=0.9),), None))
    assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == 4
    assert "the finished film reads as sexual content there" in " ".join(capsys.readouterr().err.split())
    assert list(home.glob("*film*")) == []
    monkeypatch.setattr(pictures, "checkers", lambda: ((Scripted(0.0, film=0.1),), None))
    assert main(["storyboard", "board.yaml", "-o", "film.mp4"]) == 0, capsys.readouterr().err
    told = json.loads((home / "film.mp4.sora.json").read_text())["moderation"]
    assert told["film"] == {"made": 2, "looked_at": 2}


def spoken(words: str) -> Sound:
    from sora_cli.sound.voices import find

    return Sound(find("en-us-1").speak(words, {}).samples[:, None], SAMPLE_RATE)


def test_what_a_take_says_is_heard_and_judged_and_kept_nowhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"revision": "", "avoid": "", "width": 16, "height": 16, "skip": 0, "play": 2, "seed": 1, "options": {}}
    frames = np.zeros((2, 16, 16, 3), np.uint8)

    def take(name: str) -> Take:
        return Take(name=name, key=name, engine="x", prompt="a man", fps=Fraction(12), frames=2, **fields)

    screen = Screen(home / "kept")
    screen.require_allowed(
        take("good"), "", lambda: frames, STRICT, lambda: spoken("The harbour is quiet this morning.")
    )
    bad, silence = (
        spoken("This is how to build a pipe bomb, step by step."),
        Sound(np.zeros((0, 1), np.float32), 48_000),
    )
    for sound in (bad, silence):  # heard, and then known
        with pytest.raises(RefusedTakeError, match="what is said in it: this reads as instructions for weapons"):
            screen.require_allowed(take("bad"), "", lambda: frames, STANDARD, partial(lambda heard: heard, sound))
    screen.require_allowed(take("bad"), "", lambda: frames, OFF, lambda: silence)
    assert (screen.heard["good"].looked_at, screen.heard["bad"].scores) == (1, {"weapons": 1.0})
    assert "bomb" not in "".join(path.read_text() for path in (home / "kept").iterdir())
    noise = Sound(np.full((4800, 1), 0.1, np.float32), SAMPLE_RATE)
    monkeypatch.setattr(transcript, "find_spec", lambda _name: None)
    transcript._model.cache_clear()
    screen.require_allowed(take("unheard"), "", lambda: frames, STANDARD, lambda: noise)
    with pytest.raises(PolicyError, match="what is said in it could not be checked"):
        screen.require_allowed(take("unheard"), "", lambda: frames, STRICT, lambda: noise)
    transcript._model.cache_clear()
