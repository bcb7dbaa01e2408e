"""Music that is shorter than its shots is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sora_cli.cli.main import main

BOARD = "sound: {{music: {}}}\nshots:\n  - {{prompt: a red ball bounces on the grass, duration: 4s}}\n"


def test_music_that_is_over_too_soon_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "SORA_STORE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for seconds in (1.5, 3.5, 6):
        wave = np.sin(np.arange(round(seconds * 48_000)) / 9).astype(np.float32)
        soundfile.write(tmp_path / f"{seconds}.wav", 0.1 * wave, 48_000)
        (tmp_path / "a.yaml").write_text(BOARD.format(f"{seconds}.wav"))
        for _ in range(2):  # the second time it is known
            assert main(["check", str(tmp_path / "a.yaml")]) == 0
            said = "".join(capsys.readouterr())
            assert ("is over after 1.5 s: the 2.5 s behind that have no music" in said) == (seconds == 1.5)
            assert ("no music" in said) == (seconds == 1.5)
