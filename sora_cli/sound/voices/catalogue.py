"""The voices that are here: the embedded ones, those of other packages, and a user's files of style vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from sora_cli.bounded import file_hash
from sora_cli.errors import HINT_READ, MachineError, MediaError, RequestError
from sora_cli.packages import added, others
from sora_cli.sound.voices import programs
from sora_cli.sound.voices.base import Voice, VoiceCard
from sora_cli.sound.voices.blends import BLENDS, LICENCE, Blend
from sora_cli.sound.voices.kokoro import FORMAT, MODEL, KokoroVoice
from sora_cli.texts import nearest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "sora.voices"
"""Entry points of packages with voices: each name is a voice's, and loads what gives its `Voice` when it is called."""
_LANGUAGES: Mapping[str, str] = MappingProxyType({"a": "en-US", "b": "en-GB"})
"""What the first letter of a name of Kokoro's says (`af_heart`), of the languages that can be read here."""


def names() -> list[str]:
    """The names of all voices, the embedded ones first."""
    return [*BLENDS, *(name for name in _added() if name not in BLENDS)]


def cards() -> list[VoiceCard]:
    """What is known of every voice.

    Raises:
        MachineError: one of another package cannot be loaded.
    """
    return [find(name).card for name in names()]


def find(name: str) -> Voice:
    """The voice called `name`.

    Raises:
        RequestError: there is none.
        MachineError: it is another package's, and cannot be loaded.
    """
    if name in BLENDS:
        return _blended(name, BLENDS[name])
    if name.startswith(programs.PREFIX):
        return programs.espeak(name)
    if point := _added().get(name):
        return _loaded(point)
    near = nearest(name, names())
    hint = f"did you mean {near}? " if near else ""
    raise RequestError(f"there is no voice {name!r}", hint=f"{hint}`sora voices` lists them")


def of_file(file: Path) -> Voice:
    """The voice in a file of the user's: one of piper's (.onnx), else a style vector of Kokoro's.

    Kokoro's names tell their language (`bf_emma`: British).

    Raises:
        MediaError: it cannot be read.
    """
    try:
        content = file_hash(file)[:16]
    except OSError as error:
        raise MediaError(f"cannot read {file}: {error.strerror}", hint=HINT_READ) from error
    if file.suffix.lower() == ".onnx":
        return programs.piper(file, content)
    language = _LANGUAGES.get(file.stem[:1], "en-US") if file.stem[1:3] in ("f_", "m_") else "en-US"
    card = VoiceCard(
        name=file.stem,
        language=language,
        manner="a file of yours",
        pitch=0,
        licence="yours to know",
        revision=f"{FORMAT}:{MODEL}:{language}:{content}",
    )
    return KokoroVoice(card, {}, file)


def _blended(name: str, blend: Blend) -> Voice:
    shares = ",".join(f"{share:+g}*{style}" for style, share in sorted(blend.shares.items()))
    card = VoiceCard(
        name=name,
        language=blend.language,
        manner=blend.manner,
        pitch=blend.pitch,
        licence=LICENCE,
        revision=f"{FORMAT}:{MODEL}:{blend.language}:{shares}:{blend.speed:g}",
    )
    return KokoroVoice(card, blend.shares, speed=blend.speed)


def _added() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in added(GROUP)}


def _loaded(point: EntryPoint) -> Voice:
    package = point.dist.name if point.dist else point.value
    told, hint = f"voice {point.name}, of {package}, cannot be loaded", f"ask the makers of {package}, or uninstall it"
    with others(lambda why: MachineError(f"{told}: {why}", hint=hint)):
        make: Callable[[], Voice] = point.load()
        return make()
