"""Lines that a model of pictures speaks are heard again: one that says something else is told at its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sora_cli.engines.base import Ability, EngineCard, Footage, Given, Progress, Take
from sora_cli.events import Note, Recording
from sora_cli.flows import film, spoken
from sora_cli.media.stream import Sound
from sora_cli.record import sidecar
from sora_cli.sound.speech import Speaker, VoiceLine
from sora_cli.sound.transcript import said, transcript
from sora_cli.store import Store
from tests.boards import board, catalogue

pytest.importorskip("faster_whisper")

LINE, OTHER = "The harbour is quiet tonight.", "Please bring me seven green apples."


class Speaks:
    """Says the line of its prompt, or, where the prompt has a liar, something else."""

    def __init__(self, card: EngineCard, voices: Path) -> None:
        self.card, self.voices = card, voices

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:  # noqa: ARG002  the seam's own
        progress(1, 1)
        path = Speaker(Store(self.voices)).path(VoiceLine(OTHER if "liar" in take.prompt else LINE, "en-us-1"))
        samples, rate = soundfile.read(path, dtype="float32")
        total = np.zeros((round(take.frames / take.fps * rate), 2), np.float32)
        total[: len(samples)] = samples[: len(total), None]
        return Footage(np.full((take.frames, take.height, take.width, 3), 90, np.uint8), take.fps, Sound(total, rate))

    def close(self) -> None:
        pass


@pytest.fixture
def studio(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    able = frozenset({Ability.TEXT, Ability.SOUND})
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(abilities=able, max_frames=33, sound_rate=48_000))
    voices = tmp_path_factory.getbasetemp() / "voices"
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Speaks(card, voices))
    return tmp_path


def test_a_line_that_is_not_said_is_told_also_when_the_film_is_there(studio: Path) -> None:
    shots = [{"prompt": who, "duration": "2.5s", "dialogue": {"line": LINE}} for who in ("a girl", "a liar")]
    written = board(*shots, output={"size": "192x128"}, look="off")
    for _ in range(2):
        heard = Recording()
        made = film.make(written, studio / "film.mp4", report=heard)
        (told,) = [note.message for note in heard.of(Note) if "not said as written" in note.message]
        assert "shot-2 is heard as" in told
        assert "apples" in told
        assert [remark.message for remark in made.remarks if "not said" in remark.message] == [told]
    assert made.reused
    assert "quiet" in str(sidecar.read(made.path)["heard"])


def test_what_hears_is_missing_and_that_is_told(studio: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sora_cli.sound import transcript as hearing

    hearing._model.cache_clear()
    monkeypatch.setattr(hearing, "find_spec", lambda _name: None)
    heard = Recording()
    shot = {"prompt": "a girl", "duration": "2.5s", "dialogue": {"line": LINE}}
    film.make(board(shot, output={"size": "192x128"}, look="off"), studio / "film.mp4", report=heard)
    (note,) = [note for note in heard.of(Note) if "cannot check whether engines say" in note.message]
    assert note.hint == "pip install 'sora-cli[moderation]'"


def test_shares_of_words() -> None:
    assert said("It's burning, still!", "its burning still") == 1
    assert said("one two three four", "one two") == 0.5
    assert said("one two", "") == 0
    assert spoken.ENOUGH < 1


def test_silence_says_nothing() -> None:
    assert transcript(Sound(np.zeros((48_000, 2), np.float32), 48_000)) == ""
    assert transcript(Sound(np.zeros((0, 2), np.float32), 48_000)) == ""
