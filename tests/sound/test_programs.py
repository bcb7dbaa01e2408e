"""Voices of programs that you have. A small program stands in for them here: it writes down what it is given."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from sora_cli.errors import MachineError, MediaError, RequestError, StoryboardError
from sora_cli.flows import audio
from sora_cli.plan import plan_takes
from sora_cli.plan.labelled import language
from sora_cli.sound.speech import Speaker, VoiceLine
from sora_cli.sound.voices.base import Unspeakable
from sora_cli.sound.voices.catalogue import find, of_file
from sora_cli.store import Store, default_folder
from tests.boards import board, catalogue

PROGRAM = """#!{python}
import math, struct, sys, wave
if "--version" in sys.argv:
    print("eSpeak NG text-to-speech: 1.52.0"); sys.exit()
text = sys.stdin.buffer.read().decode()
open({told!r}, "a", encoding="utf-8").write(repr((sys.argv[1:-1], text)) + chr(10))
if "broken" in text:
    sys.exit("no such voice")
with wave.open(sys.argv[-1], "wb") as out:
    out.setnchannels(1); out.setsampwidth(2); out.setframerate(22050)
    quiet, loud = [0] * 2205, [int(9000 * math.sin(at / 9)) for at in range(441 * len(text))]
    out.writeframes(struct.pack(f"<{{len(quiet + loud)}}h", *quiet, *loud))
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has both programs; the file `told` has what they were given."""
    for name in ("espeak-ng", "piper"):
        path = tmp_path / name
        path.write_text(PROGRAM.format(python=sys.executable, told=str(tmp_path / "told")), encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    return tmp_path


def test_a_line_of_another_language_is_said_by_espeak(here: Path) -> None:
    voice = find("espeak-ng:de+f3")
    speech = voice.speak("Grüße, Mara; ja!", {"Mara": "MAH-ra"})
    assert (here / "told").read_text("utf-8") == "(['-v', 'de+f3', '--stdin', '-w'], 'Grüße, mahra; ja!')\n"
    assert len(speech.samples) == pytest.approx(0.02 * 17 * 48_000, rel=0.02)  # without the silence before it
    assert [word.text for word in speech.words] == ["Grüße,", "Mara;", "ja!"]
    assert voice.card.language == "de"
    assert voice.unreadable("Привет 東京", {}) == ()


def test_a_file_of_piper_is_a_voice_with_its_settings(here: Path) -> None:
    file = here / "de_DE-thorsten.onnx"
    file.write_bytes(b"weights")
    with pytest.raises(MediaError, match="has no settings beside it"):
        of_file(file)
    file.with_name("de_DE-thorsten.onnx.json").write_text("{}")
    voice = of_file(file)
    assert voice.card.language == "de-DE"
    voice.speak("Hallo.", {})
    assert "'--model', " in (here / "told").read_text("utf-8")
    before = voice.card.revision
    file.write_bytes(b"other weights")
    assert of_file(file).card.revision != before


def test_a_film_speaks_with_it_and_keeps_what_was_said(here: Path) -> None:
    shot = {"prompt": "a", "duration": "spoken", "dialogue": {"cast": "mara", "line": "Guten Abend."}}
    written = board(shot, cast={"mara": {"looks": "a woman", "voice": "espeak-ng:de"}})
    for _ in range(2):
        plan = plan_takes(written, catalogue())
        assert plan.remarks == ()
        assert audio.prepare(plan, Store(default_folder())).speech
    assert len((here / "told").read_text("utf-8").splitlines()) == 1


def test_without_the_program_lengths_are_estimated_and_the_film_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    shot = {"prompt": "a", "dialogue": {"cast": "mara", "line": "Guten Abend."}}
    plan = plan_takes(board(shot, cast={"mara": {"looks": "a woman", "voice": "espeak-ng:de"}}), catalogue())
    (remark,) = [one for one in plan.remarks if "estimated" in one.message]
    assert "apt install espeak-ng" in remark.hint
    with pytest.raises(MachineError, match="needs espeak-ng, which is not here") as caught:
        audio.prepare(plan, Store(default_folder()))
    assert caught.value.exit_code == 3


def test_what_cannot_be_said_is_told(here: Path) -> None:
    voice = find("espeak-ng:de")
    with pytest.raises(Unspeakable):
        voice.speak("...", {})
    with pytest.raises(MachineError, match="cannot say this line: no such voice"):
        voice.speak("broken", {})
    with pytest.raises(RequestError, match="takes no phonemes, as for 'Mara'"):
        voice.speak("Mara", {"Mara": "/mara/"})
    with pytest.raises(RequestError, match="names no language"):
        find("espeak-ng:--version")
    with pytest.raises(StoryboardError, match="names no language"):
        plan_takes(board({"prompt": "a", "dialogue": {"line": "Hi."}}, narrator={"voice": "espeak-ng:"}), catalogue())
    assert Speaker(Store(here / "store")).key(VoiceLine("Ja.", "espeak-ng:de"))


@pytest.mark.parametrize(
    ("voice", "spoken"),
    [("espeak-ng:de", "German"), ("espeak-ng:fr+f3", "French"), ("es-1", "Spanish"), ("", "English")],
)
def test_a_model_that_speaks_is_told_the_language_of_the_voice(voice: str, spoken: str) -> None:
    assert language("Hallo.", voice) == spoken
