"""Edit decision lists, CMX 3600, written and read here: the adapter loses the start, reels and how clips come in.

Where a transition begins, the outgoing clip ends and the incoming one is given with the transition's frames. A fade
through black is two dissolves: to black, and from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from sora_cli.errors import RequestError
from sora_cli.interchange.assembly import BLACK, Assembly, EditEvent, Item, can_drop, frame_of, nominal, timecode
from sora_cli.storyboard.files import FILMS, PICTURES, suffix

_WIPES = {"left": "W001", "right": "W002", "up": "W003", "down": "W004"}
_EVENT = re.compile(
    r"^(?P<number>[0-9]{1,6})\s+(?P<reel>\S+)\s+(?P<track>\S+)\s+(?P<kind>C|D|W[0-9]{3})(?:\s+(?P<length>[0-9]{1,5}))?\s+"
    r"(?P<times>(?:[0-9]{2}[:;.]){3}[0-9]{2,3}(?:\s+(?:[0-9]{2}[:;.]){3}[0-9]{2,3}){3})\s*$"
)
_SPEED = re.compile(r"M2\s+(?P<reel>\S+)\s+(?P<rate>[+-]?[0-9]{1,4}(?:\.[0-9]{1,4})?)\s")
_NAME = re.compile(r"\*\s*(?P<side>FROM|TO) CLIP NAME:\s*(?P<name>.+)")
_PICTURES = re.compile(r"(?:A{0,2}[0-9]?/?)?V1?|B", re.IGNORECASE)
"""Tracks of an event that has pictures: `V`, `B` (both), `AA/V`; sound alone has `A`, `A2`, `NONE`."""


def written_edl(assembly: Assembly) -> str:
    """Write the list of a cut's pictures; sound, handles and titles come as comments alone."""
    lines = [f"TITLE: {_line(assembly.title)}", f"FCM: {'' if assembly.drop else 'NON-'}DROP FRAME", ""]
    number = 0
    for before, item, after in zip((None, *assembly.items), assembly.items, (*assembly.items[1:], None), strict=False):
        until = after.start if after is not None else item.start + item.frames
        for event in _events(assembly, before, item, until):
            number += 1
            lines += [f"{number:03d}  {part}" for part in event]
        lines += [*_comments(item), ""]
    return "\n".join(lines)


def _events(assembly: Assembly, before: Item | None, item: Item, until: int) -> Iterator[list[str]]:
    """The events of an item: one, or two where it comes in through black."""
    shared = item.overlap or item.lead
    start, source, half = item.start, item.head, 0
    old = None if before is None else (before.reel, before.head + start - before.start)
    if item.kind == "fade" and item.overlap and old is not None:
        half = item.overlap // 2
        yield [
            _part(assembly, old, "C", start, start),
            _part(assembly, (BLACK, 0), f"D    {half:03d}", start, start + half),
        ]
        old = (BLACK, half)
    kind = "C" if not shared else f"{'D   ' if item.kind != 'wipe' else _WIPES[item.direction]} {shared - half:03d}"
    first = [] if not shared else [_part(assembly, old or (BLACK, 0), "C", start + half, start + half)]
    yield [*first, _part(assembly, (item.reel, source + half), kind, start + half, until)]


def _part(assembly: Assembly, tape: tuple[str, int], kind: str, begin: int, end: int) -> str:
    """A line of an event: a reel from one of its frames on plays from film frame `begin` to `end`."""
    reel, source = tape
    own = (timecode(at, assembly.fps, drop=assembly.drop) for at in (source, source + end - begin))
    times = " ".join((*own, assembly.timecode(begin), assembly.timecode(end)))
    return f"{reel:<8} V     {kind:<9}{times}"


def _comments(item: Item) -> Iterator[str]:
    yield f"* FROM CLIP NAME: {_line(item.file.rpartition('/')[2])}"
    yield f"* SCENE: {_line(item.scene)}"
    yield f"* SHOT: {_line(item.name)}"
    if item.cdl is not None:
        yield "* ASC_SOP " + "".join(f"({' '.join(f'{number:.6f}' for number in numbers)})" for numbers in item.cdl)
        yield "* ASC_SAT 1.000000"
    for note in item.notes:
        yield f"* COMMENT: {_line(note.text)}"
    if item.title:
        yield f"* TITLE: {_line(item.title)}"
    yield from (f"* {_line(comment)}" for comment in item.comments)


def _line(text: str) -> str:
    return " ".join(text.split())


# -- and back ----------------------------------------------------------------------------------------------------------


def read_edl(text: str, fps: Fraction) -> list[EditEvent]:
    """The picture events of a list at `fps` frames a second, from the first one's timecode on.

    Raises:
        RequestError: a line of it is wrong, there is no event, or it does not fit together.
    """
    found = _Reader(text, fps).found
    if not found:
        raise RequestError("there is no event in this list", hint="export it as CMX 3600")
    return _joined(sorted(found, key=lambda event: event.begin))  # some lists are in order of their reels


def heard_in_edl(text: str, fps: Fraction) -> list[str]:
    """The names of what a list plays on its tracks of sound alone.

    Raises:
        RequestError: a line of it is wrong.
    """
    return [event.clip or event.reel for event in _Reader(text, fps).heard]


class _Reader:
    """Reads a list line by line. What follows an event says more of it."""

    def __init__(self, text: str, fps: Fraction) -> None:
        self._fps, self._drop = fps, False
        self.found: list[EditEvent] = []
        """The events that have pictures."""
        self.heard: list[EditEvent] = []
        """Those of sound alone."""
        self._last: EditEvent | None = None
        for number, line in enumerate(text.splitlines(), 1):
            self.take(line.strip(), number)

    def take(self, line: str, number: int) -> None:
        """Take the next line."""
        if line.upper().startswith("FCM:"):
            self._drop = "NON" not in line.upper() and can_drop(self._fps)
        elif match := _EVENT.match(line):
            self._event(match)
        elif re.match(r"[0-9]{1,6}\s+\S+\s+V", line):
            raise RequestError(f"line {number} of the list is no event: {line[:60]}", hint="export it as CMX 3600")
        elif self._last is not None:
            self._more(self._last, line)

    def _event(self, match: re.Match[str]) -> None:
        seen = bool(_PICTURES.fullmatch(match["track"]))
        source, until, begin, end = map(self._frame, match["times"].split())
        if not seen and match["track"].upper().startswith("V"):
            raise RequestError(
                f"event {match['number']} of the list is on track {match['track']}; one track of pictures is read",
                hint="flatten the pictures to one track",
            )
        if end <= begin:
            return
        name = match["reel"] if suffix(match["reel"]) in {*FILMS, *PICTURES} else ""  # where reels may be that long
        self._last = event = EditEvent(name, source, begin, end, reel=match["reel"])
        (self.found if seen else self.heard).append(event)
        if match["kind"] != "C":
            ways = {code: way for way, code in _WIPES.items()}
            event.length = int(match["length"] or 0)
            event.kind = "dissolve" if match["kind"] == "D" else "wipe"
            event.direction = ways.get(match["kind"], "left")
        if event.reel != BLACK:
            event.pace = Fraction(until - source, end - begin)

    def _frame(self, words: str) -> int:
        """A timecode's frame; in a drop-frame list some write it with colons alone."""
        return frame_of(f"{words[:8]};{words[9:]}" if self._drop and words[8] == ":" else words, self._fps)[0]

    def _more(self, event: EditEvent, line: str) -> None:
        if (name := _NAME.match(line)) and (name["side"] == "TO" or not event.clip or not event.length):
            event.clip = name["name"].strip() if event.reel != BLACK else ""
        elif (speed := _SPEED.match(f"{line} ")) and speed["reel"] == event.reel:
            rate = Fraction(speed["rate"])
            own = abs(rate - self._fps) < Fraction(1, 20)  # 23.98 for 24000/1001
            event.pace = Fraction(1) if own else rate / nominal(self._fps)


def _joined(events: Sequence[EditEvent]) -> list[EditEvent]:
    """Events from film frame 0 on; two dissolves with black between them are one fade."""
    zero = events[0].begin
    joined: list[EditEvent] = []
    for event in events:
        event.begin, event.end = event.begin - zero, event.end - zero
        before = joined[-1] if joined else None
        if before is not None and event.begin < before.end:
            raise RequestError(
                f"the list plays {event.clip or event.reel} while {before.clip or before.reel} is still on",
                hint="export one track of pictures as CMX 3600",
            )
        if before is not None and event.length and _through(before, event):
            black = joined.pop()
            event.kind, event.length = "fade", event.length + black.length
            event.source, event.begin = event.source - (event.begin - black.begin), black.begin
        joined.append(event)
    return joined


def _through(black: EditEvent, event: EditEvent) -> bool:
    """Whether an event comes out of black into which the one before has just gone, and has frames for all of that."""
    whole = black.black and black.end == event.begin and black.end - black.begin == black.length
    return whole and event.kind == "dissolve" and event.source >= black.length
