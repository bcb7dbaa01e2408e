"""`sora export`: every cut on its frame, every name kept, in each format, by its own readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sora_cli.cancel import Cancellation
from sora_cli.engines.base import EngineCard, Footage, Given, Progress, Take
from sora_cli.events import Recording
from sora_cli.flows.export import Asked, Exported, export
from sora_cli.media.read import probe, read_frames
from sora_cli.shoot.studio import Studio
from sora_cli.store import Store, default_folder
from tests.boards import catalogue


class Counter:
    """Flat frames that count: frame `i` of a take is grey `40 + 4 i`."""

    def __init__(self, card: EngineCard) -> None:
        self.card = card

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:  # noqa: ARG002  the seam's own
        progress(1, 1)
        greys = 40 + 4 * np.arange(take.frames, dtype=np.uint8)[:, None, None, None]
        return Footage(np.broadcast_to(greys, (take.frames, take.height, take.width, 3)).copy(), take.fps)

    def close(self) -> None:
        pass


BOARD = """\
title: Four Shots
seed: 1
output: {{size: 192x128, fps: {fps}}}
look: off
scenes:
  - name: harbour
    shots:
      - name: arrival
        beats:
          - {{prompt: a ball rolls, duration: 8f}}
          - {{prompt: "it stops & <waits>", duration: 6f}}
      - {{name: lamp, prompt: the lamp turns, duration: 12f, transition: dissolve 4f, title: Meanwhile}}
  - name: sea
    shots:
      - {{name: wave, prompt: a wave breaks, duration: 12f, transition: fade 5f}}
      - {{name: gull, prompt: a gull sleeps, duration: 10f, transition: wipe right 4f}}
      - {{name: end, title: The End, duration: 6f}}
"""
STARTS = (0, 10, 17, 25, 35)
LENGTHS = (14, 12, 12, 10, 6)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(
        "sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True, fps=Fraction(24))
    )
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Counter(card))
    return tmp_path


def exported(folder: Path, to: str, fps: str = "24", *, out: str = "out", report: Any = None, **more: Any) -> Exported:
    board = folder / "board.yaml"
    board.write_text(BOARD.format(fps=fps))
    with Studio(Store(default_folder()), Cancellation()) as studio:
        return export(board, folder / out, Asked(to=to, **more), studio=studio, report=report or Recording())


def test_probe(folder: Path) -> None:
    made = exported(folder, "otio")
    print(made)
    for clip in made.clips:
        print(probe(clip).frames, read_frames(clip, 0, probe(clip).frames).mean(axis=(1, 2, 3)).round(1))
    print((folder / "out" / "sora-export.json").read_text())
    print(made.path.read_text()[:3000])
    assert 0
