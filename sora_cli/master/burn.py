"""Subtitles on the picture itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice

import av

from sora_cli.errors import RequestError
from sora_cli.master.title import TitleOverlay, set_words
from sora_cli.media.overlay import overlay
from sora_cli.media.stream import Subtitle
from sora_cli.storyboard.model import TitleCard


def check_burnt(texts: Iterable[str], width: int, height: int) -> None:
    """Refuse subtitles that cannot be set, before hours of work are put into a film of this size.

    Raises:
        RequestError: no font here has their letters, or the film is too small.
    """
    for text in dict.fromkeys(texts):
        _words(text, width, height)


def burnt(
    frames: Iterator[av.VideoFrame], subtitles: Sequence[Subtitle], fps: Fraction, width: int, height: int
) -> Iterator[av.VideoFrame]:
    """The frames with each of the subtitles, which follow each other, at the bottom of those that it is read on."""
    at = 0
    for each in subtitles:
        first = max(at, round(each.start * fps))
        last = max(first + 1, round(each.end * fps))
        yield from islice(frames, first - at)
        words = _words(each.text, width, height)
        yield from overlay(islice(frames, last - first), words.rgba, lambda _, words=words: words.place)  # type: ignore[misc]
        at = last
    yield from frames


def _words(text: str, width: int, height: int) -> TitleOverlay:
    try:
        return set_words(TitleCard(text, "bottom"), width, height)
    except RequestError as error:
        hint = "subtitles: track, srt or vtt need no letters here"
        raise RequestError(f"subtitles cannot be burned in: {error.message}", hint=hint) from error
