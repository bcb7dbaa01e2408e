"""Voices of programs that you have: espeak-ng (a hundred languages), piper (a file of a voice). Neither is sora's.

They are run as programs, each line by its standard input, and hand back a WAV file. Neither says when its words are
heard: they are spread over the line by their letters.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from sora_cli.errors import MachineError, MediaError, RequestError
from sora_cli.media.stream import Samples
from sora_cli.sound.voices.base import Speech, VoiceCard, nothing_to_say, spread
from sora_cli.texts import shortened

PREFIX = "espeak-ng:"
"""What the name of one of espeak-ng's voices begins with: `espeak-ng:de`, `espeak-ng:fr+f3`."""
INSTALL = {
    "espeak-ng": "install it: apt install espeak-ng, brew install espeak-ng, or winget install eSpeak-NG",
    "piper": "install it: pipx install piper-tts",
}
FORMAT = "1"
"""Part of every revision: raised when the same line would come out otherwise."""
LONGEST = 120.0
"""Seconds that a program may take for a line, and one more for each 50 letters."""


class ProgramVoice:
    """A voice of a program: `command` says a line from its input into the file that is named last."""

    def __init__(self, card: VoiceCard, program: str, command: Sequence[str]) -> None:
        self.card, self._program, self._command = card, program, command

    def unreadable(self, text: str, say: Mapping[str, str]) -> tuple[str, ...]:  # noqa: ARG002  as declared
        """None: these programs read every script, each in its own way."""
        return ()

    def speak(self, text: str, say: Mapping[str, str]) -> Speech:
        """As declared by `Voice`.

        Raises:
            RequestError: a pronunciation is written in phonemes.
        """
        from sora_cli.sound.voices.samples import audible, levelled  # a line that is kept needs none

        if not re.search(r"\w", text):
            raise nothing_to_say(self.card.name, text)
        with tempfile.TemporaryDirectory(prefix="sora-voice-") as folder:
            path = Path(folder) / "line.wav"
            self._run(_respelled(text, say, self.card.name), path)
            samples = audible(*_read(path, self._program))
        if not len(samples):
            message = f"{self._program} says nothing for {shortened(text, 60)!r}"
            raise MachineError(message, hint="does it speak this language?")
        return levelled(Speech(samples, spread(text, len(samples))))

    def _run(self, text: str, path: Path) -> None:
        program = shutil.which(self._program)
        if program is None:
            raise MachineError(
                f"voice {self.card.name} needs {self._program}, which is not here", hint=INSTALL[self._program]
            )
        try:
            subprocess.run(
                [program, *self._command, str(path)],
                input=text.encode(),
                capture_output=True,
                check=True,
                timeout=LONGEST + len(text) / 50,
            )
        except subprocess.CalledProcessError as error:
            told = error.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it says nothing more"]
            raise self._failed(told[0]) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._failed(str(error)) from error

    def _failed(self, why: str) -> MachineError:
        return MachineError(f"{self._program} cannot say this line: {why}", hint=f"does it work alone? {self._program}")


def espeak(name: str) -> ProgramVoice:
    """The voice `espeak-ng:LANGUAGE`, with a variant where one is written.

    Raises:
        RequestError: no language is named.
    """
    language = name.removeprefix(PREFIX)
    if not re.fullmatch(r"[A-Za-z][\w+-]{0,40}", language):
        raise RequestError(f"{name!r} names no language", hint="write espeak-ng:de, or espeak-ng:fr+f3")
    revision = f"espeak-ng {_version()}:{FORMAT}:{language}"
    card = VoiceCard(
        name=name,
        language=language.partition("+")[0],
        manner="by rules, like a robot",
        pitch=0,
        licence="yours to know",
        revision=revision,
    )
    return ProgramVoice(card, "espeak-ng", ["-v", language, "--stdin", "-w"])


def piper(file: Path, content: str) -> ProgramVoice:
    """The voice in a file of piper's, which has its settings beside it (`voice.onnx.json`); `content` is its hash.

    Raises:
        MediaError: it has no settings.
    """
    if not file.with_name(f"{file.name}.json").is_file():
        raise MediaError(
            f"{file} has no settings beside it", hint=f"put {file.name}.json there: it comes with the voice"
        )
    language = re.match(r"[a-z]{2}_[A-Z]{2}", file.stem)
    card = VoiceCard(
        name=file.stem,
        language=language[0].replace("_", "-") if language else "und",
        manner="a file of piper's",
        pitch=0,
        licence="yours to know",
        revision=f"piper:{FORMAT}:{content}",
    )
    return ProgramVoice(card, "piper", ["--model", str(file), "--output_file"])


@cache
def _version() -> str:
    """What espeak-ng says of itself: another version sounds otherwise."""
    program = shutil.which("espeak-ng")
    if program is None:
        return "none"
    try:
        told = subprocess.run([program, "--version"], capture_output=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    found = re.search(rb"\d+(\.\d+)+", told)
    return found[0].decode() if found else "unknown"


def _respelled(text: str, say: Mapping[str, str], voice: str) -> str:
    """The text with words of `say` as they are respelled there."""
    for word, how in say.items():
        pattern = rf"(?<!\w){re.escape(word)}(?!\w)"
        if how.startswith("/") and re.search(pattern, text, re.IGNORECASE):
            raise RequestError(f"voice {voice} takes no phonemes, as for {word!r}", hint="respell it under `say`")
        text = re.sub(pattern, how.replace("-", "").replace("\\", "").lower(), text, flags=re.IGNORECASE)
    return text


def _read(path: Path, program: str) -> tuple[Samples, int]:
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise MachineError(f"{program} wrote no sound: {error}", hint=f"try: {program}") from error
    return samples.mean(axis=1), rate
