"""What a storyboard says of sound, as the rest of `sora` sees it: beds, sources of sounds, spoken lines."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from msgspec import Struct

LOUDNESS = -16.0
"""LUFS of a film's sound where its storyboard says nothing (a common level for listening on the web)."""


class SoundBed(Struct, frozen=True):
    """What lies under the film. Each of ambience and music is a file (`..._path`) or words (`..._text`)."""

    ambience_path: Path | None = None
    ambience_text: str = ""
    music_path: Path | None = None
    music_text: str = ""
    loudness: float | None = None
    """Integrated loudness of the film, LUFS (ITU-R BS.1770); None leaves it as it comes. A storyboard that says nothing
    of it has `LOUDNESS`."""
    duck: float = 12.0
    """How far beds go down under speech, dB."""
    leads: Fraction = Fraction(0)
    """Seconds that the sound of a shot or scene is heard before its first picture (a J cut)."""
    lags: Fraction = Fraction(0)
    """Seconds that it is heard after its last one (an L cut)."""
    space: str = ""
    """The kind of place that is heard; what the setting's words say where it is empty."""
    foley: bool = True
    """Whether what is seen is heard, where the engine's pictures can be read so."""
    quiet: bool = False
    """Whether `ambience: off` is written: the place is not heard either."""


class SoundSources(Struct, frozen=True):
    """Where sounds in words come from: a folder of the user's own, else a model, else the embedded ones."""

    folder: Path | None = None
    engine: str = ""


class DialogueLine(Struct, frozen=True):
    """Somebody speaks, `at` after the beat's start, else `pause` after the line before; no `cast`: the narrator.

    `path` is a recording of the line. `level` is in dB, `pan` from -1 (left) to 1 (right); None leaves it to the words
    of the beat. Who is `offscreen` is heard and not seen.
    """

    cast: str
    line: str
    at: Fraction | None = None
    pause: Fraction | None = None
    path: Path | None = None
    level: float = 0.0
    pan: float | None = None
    offscreen: bool = False


class SpokenLength(Struct, frozen=True):
    """A beat as long as its lines, with `lead` seconds before the first and `tail` after the last."""

    lead: Fraction = Fraction(3, 10)
    tail: Fraction = Fraction(1, 2)
