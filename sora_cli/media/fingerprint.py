"""MPEG-7 frame signatures of a film (ISO/IEC 15938-3): alike for pictures that look alike, whatever their encoding.

ffmpeg's filter makes them; a code is made of those of five pictures a second, as the ISCC's own tools do it. PyAV's
libavfilter does not have it; the program that MoviePy brings does.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby, repeat
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

import numpy as np
from msgspec.structs import replace

from sora_cli.errors import MediaError
from sora_cli.lock import scratch
from sora_cli.media.filters import EXACT, Chain, rgb_bytes
from sora_cli.media.read import open_film
from sora_cli.media.read.glimpse import small
from sora_cli.media.stream import Frames, Master

if TYPE_CHECKING:
    import av
    from numpy.typing import NDArray

RATE = Fraction(5)
"""Pictures a second of a code."""
FINER = 3
"""Times as many are taken of a film of ours: a part of it begins anywhere."""
MOST = 7200
"""Seconds of one film that are looked at: two hours."""
ELEMENTS = 380
"""Of one signature, each 0, 1 or 2: darker, about the same, brighter."""
_SIZE = (160, 96)
_OUT = "signatures.xml"
_GIVEN = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*_SIZE), "-r", str(RATE))
_MADE = ("-vf", f"signature=format=xml:filename={_OUT}")
_LINE = re.compile(rb"<FrameSignature>([012 ]+)</FrameSignature>")

Signature: TypeAlias = "NDArray[np.uint8]"
"""Of a picture: `(380,)`."""


class Fingerprint:
    """Takes pictures of films in order, and gives their signatures. What ffmpeg cannot do is told at the end."""

    def __init__(self) -> None:
        self._times: list[int] = []
        """How often each picture is shown."""
        self._stack = contextlib.ExitStack()
        self._program: subprocess.Popen[bytes] | None = None
        self._out = Path()

    def __enter__(self) -> Self:
        """Give it back: ffmpeg is started by the first picture."""
        return self

    def _start(self) -> None:
        import imageio_ffmpeg

        self._out = self._stack.enter_context(scratch()) / _OUT
        with contextlib.suppress(OSError, RuntimeError):  # there is no ffmpeg: `signatures` says so
            self._program = subprocess.Popen(
                [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "quiet", *_GIVEN, "-i", "-", *_MADE, "-f", "null", "-"],
                cwd=self._out.parent,
                start_new_session=True,  # Ctrl-C is for us: what is being written becomes whole
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, whatever happened."""
        if self._program is not None:
            self._program.kill()
            self._program.communicate()
        self._stack.close()

    @property
    def taken(self) -> int:
        """How many ticks of pictures there are by now."""
        return sum(self._times)

    def add(self, picture: Frames, times: int = 1) -> None:
        """Take the next picture, `(96, 160, 3)` sRGB bytes, which is shown for so many ticks."""
        if not self._times:
            self._start()
        self._times.append(times)
        if self._program is not None and self._program.stdin is not None:
            with contextlib.suppress(OSError):  # it ended: `signatures` says so
                self._program.stdin.write(picture.tobytes())

    def signatures(self) -> Iterator[Signature]:
        """The signatures of all pictures in order, one a tick; no more can be taken then.

        Raises:
            MediaError: there were none, or ffmpeg is not here, or failed.
        """
        if self._program is None or self._program.communicate() is None or self._program.returncode:
            raise MediaError("ffmpeg made no signatures of the film", hint="pip install --upgrade imageio-ffmpeg")
        with self._out.open("rb") as lines:  # of an hour 50 MB
            told = (found[1] for line in lines for found in _LINE.finditer(line))
            for times in self._times:
                letters = np.frombuffer(next(told, b""), np.uint8)
                found: Signature = letters[letters != ord(" ")] - ord("0")
                if len(found) != ELEMENTS:
                    raise MediaError("ffmpeg made no signatures of some pictures of the film")
                yield from repeat(found, times)


def fingerprinted(master: Master, prints: Fingerprint) -> Master:
    """The same film, of which `prints` takes `FINER` times five pictures a second while it is written."""
    size = {"w": str(_SIZE[0]), "h": str(_SIZE[1]), "flags": f"area+{EXACT}"}
    shrink = Chain(("scale", size), ("format", {"pix_fmts": "gbrp"}))

    def pictures() -> Iterator[av.VideoFrame]:
        ticks = range(int(min(Fraction(MOST), master.frames / master.fps) * RATE * FINER) or 1)
        shown = groupby(min(int(tick * master.fps // (RATE * FINER)), master.frames - 1) for tick in ticks)
        wanted, times = next(shown)
        for number, frame in enumerate(master.pictures()):
            if number == wanted:
                prints.add(rgb_bytes(shrink(frame)), sum(1 for _ in times))
                wanted, times = next(shown, (-1, iter(())))
            yield frame

    return replace(master, pictures=pictures)


def signatures_of(path: Path, finer: int = 1) -> Iterator[Signature]:
    """The signatures of a film's file, five pictures a second, or `finer` times as many, as `Fingerprint` gives them.

    Raises:
        MediaError: it cannot be read, or shows nothing that moves.
    """
    with open_film(path) as reel, Fingerprint() as prints:
        if reel.facts.fps is None:
            raise MediaError(f"{path} is no film")
        wanted = Counter(reel.facts.shown_at(RATE * finer)[: int(MOST * RATE * finer)])
        for number, picture in zip(sorted(wanted), small(reel, sorted(wanted), _SIZE), strict=True):
            prints.add(picture, wanted[number])
        yield from prints.signatures()
