"""Voices over a true class that makes pictures and sound: of the lines, only what is laid is heard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sora_cli.engines.base import EngineCard
from sora_cli.events import Recording
from sora_cli.flows import film
from sora_cli.media.read import read_sound
from tests.boards import board

Cards = Callable[[str], EngineCard]
RATE = 48_000


def test_a_recording_is_heard_instead_of_the_sound_of_its_model(
    tiny_card: Cards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE // 5) / RATE)
    soundfile.write(tmp_path / "line.wav", tone, RATE)
    line = {"line": "Nobody came.", "file": "line.wav", "at": "0.2s"}
    shot = {"prompt": "a", "duration": "0.6s", "dialogue": line}
    shots = [{**shot, "voice": "mine"}, shot]
    engine = str(tiny_card("ltx2-distilled").location)
    written = board(*shots, engine=engine, output={"size": "96x64", "fps": 24}, look="off", folder=tmp_path)
    sound = read_sound(film.make(written, tmp_path / "film.mp4", report=Recording()).path)[:, 0]

    def loud(begin: float, end: float) -> float:
        return float(np.sqrt(np.mean(sound[round(begin * RATE) : round(end * RATE)] ** 2)))

    assert loud(0, 0.15) < 1e-3 < loud(0.65, 0.75)
    assert loud(0.25, 0.35) > 0.01
    assert loud(0.45, 0.55) < 1e-3
