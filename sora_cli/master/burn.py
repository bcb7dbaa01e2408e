"""Subtitles on the picture itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import av
from msgspec.structs import replace

from sora_cli.errors import RequestError
from sora_cli.master.title import TitleOverlay, read_for, set_words
from sora_cli.media.overlay import overlay
from sora_cli.media.stream import Subtitle
from sora_cli.plan.timeline import Cut
from sora_cli.storyboard.model import TitleCard


def check_burnt(texts: Iterable[str], width: int, height: int) -> None:
    """Refuse subtitles that cannot be set, before hours of work are put into a film of this size.

    Raises:
        RequestError: no font here has their letters, or the film is too small.
    """
    for text in dict.fromkeys(texts):
        _words(text, width, height)


def lettered(subtitles: Iterable[Subtitle], width: int, height: int) -> int:
    """How many rows at the bottom of the picture the tallest of the subtitles takes; 0 without any."""
    return max((height - _words(text, width, height).place[1] for text in {each.text for each in subtitles}), default=0)


def burnt(frames: Iterator[av.VideoFrame], subtitles: Sequence[Subtitle], cut: Cut) -> Iterator[av.VideoFrame]:
    """The frames with each of the subtitles, which follow each other, at the bottom of those that it is read on."""
    at, titles = 0, _titles(cut)
    for each in subtitles:
        first = max(at, round(each.start * cut.fps))
        last = max(first + 1, round(each.end * cut.fps))
        yield from islice(frames, first - at)
        beside = [title for start, end, title in titles if start < last and first < end]
        words = _above(beside, _words(each.text, cut.width, cut.height), least=cut.height // 20)
        yield from overlay(islice(frames, last - first), words.rgba, lambda _, words=words: words.place)  # type: ignore[misc]
        at = last
    yield from frames


def _titles(cut: Cut) -> list[tuple[int, int, TitleOverlay]]:
    """The titles of a film, each with the frames from and up to which it is seen."""
    shown = [(shot.start, shot.title, shot.frames) for shot in cut.shots]
    return [
        (start, start + read_for(title, frames, cut.fps), set_words(title, cut.width, cut.height))
        for start, title, frames in shown
        if title is not None
    ]


def _above(titles: Sequence[TitleOverlay], words: TitleOverlay, least: int) -> TitleOverlay:
    """The words above titles that they would cover, not above row `least`; where they find no room, as they are."""
    top = min((title.place[1] for title in titles if _meet(title, words)), default=None)
    raised = words if top is None else replace(words, place=(words.place[0], (top - words.rgba.shape[0]) & ~1))
    return raised if raised.place[1] >= least else words


def _meet(one: TitleOverlay, other: TitleOverlay) -> bool:
    """Whether both lie on some of the same pixels."""
    return all(
        one.place[way] < other.place[way] + other.rgba.shape[1 - way]
        and other.place[way] < one.place[way] + one.rgba.shape[1 - way]
        for way in (0, 1)
    )


def _words(text: str, width: int, height: int) -> TitleOverlay:
    try:
        return set_words(TitleCard(text, "bottom"), width, height)
    except RequestError as error:
        hint = "subtitles: track, srt or vtt need no letters here"
        raise RequestError(f"subtitles cannot be burned in: {error.message}", hint=hint) from error
