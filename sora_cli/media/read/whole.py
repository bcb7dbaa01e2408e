"""Is a file whole? What its headers promise against its size: a file that was cut may still look like a short one."""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from sora_cli.errors import UnusableFile
from sora_cli.media.read.ends import behind_tag, core_audio, flash, gif

_LIVE = (range(0x7FFF_0000, 0x8000_1000), range(0xFFFF_0000, 0x1_0000_0000))
"""Sizes that recorders and voices (espeak-ng, SoX, ffmpeg) write to a pipe, as they cannot know them yet."""


def require_whole(path: Path) -> None:
    """Refuse a file that ends before its headers say, and one whose contents are encrypted.

    Raises:
        MediaError: it is cut short, or encrypted.
    """
    with path.open("rb") as file:
        head = file.read(16)
        size = file.seek(0, 2)
        check = next((check for magic, check in _CHECKS if magic.match(head)), None)
        if check is not None and check(file, size):
            raise UnusableFile(f"cannot use {path}: it is cut short", hint="make or copy it again")
        entries = list(sample_entries(file, 0, size)) if check is _boxes else []
    if any(entry.name in _ENCRYPTED for entry in entries):
        told = f"cannot use {path}: it is encrypted, as what shops and streaming services hand out is (DRM)"
        raise UnusableFile(told, hint="name a file without copy protection")


def _riff(file: BinaryIO, size: int) -> bool:
    """AVI, WAV, WebP (little-endian) and AIFF (big-endian): chunks with their sizes, the long ones of AVI in a row."""
    at = 0
    while at + 12 <= size:
        file.seek(at)
        name, length, kind = struct.unpack("<4sI4s", file.read(12))
        if name == b"FORM":
            length = int.from_bytes(length.to_bytes(4, "little"), "big")
        if name not in {b"RIFF", b"FORM"} or not length or _live(length):
            return False
        if at + 8 + length > size:
            return kind == b"WEBP" or _list_cut(file, at + 12, size)
        at += 8 + length + length % 2
    return False


def _live(length: int) -> bool:
    return any(length in each for each in _LIVE)


def _list_cut(file: BinaryIO, at: int, size: int) -> bool:
    """Whether what is cut off has frames or samples: an index may lack, and some programs tell too long a file."""
    big = file.seek(0) == 0 and file.read(4) == b"FORM"
    while at + 12 <= size:
        file.seek(at)
        name, length, kind = struct.unpack(">4sI4s" if big else "<4sI4s", file.read(12))
        if name in {b"data", b"SSND"} or (name == b"LIST" and kind == b"movi"):
            return bool(at + 8 + length > size and not _live(length))
        at += 8 + length + length % 2
    return True


class Box(NamedTuple):
    """A box of an MP4 file: its name, where it starts, where what is in it does, and where it ends."""

    name: bytes
    start: int
    inside: int
    end: int


def boxes(file: BinaryIO, at: int, end: int) -> Iterator[Box]:
    """The boxes from one place to another (ISO/IEC 14496-12, 4.2), as long as they say how long they are."""
    while at + 8 <= end:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:  # a box around it says that it is longer than the file
            return
        length, name = struct.unpack(">I4s", head)
        inside = at + 8
        if length == 1:
            length, inside = int.from_bytes(file.read(8), "big"), at + 16
        if length < inside - at or not name.isascii():
            return
        yield Box(name, at, inside, at + length)
        at += length


def named(file: BinaryIO, name: bytes, at: int, end: int) -> list[Box]:
    """The boxes of a name from one place to another."""
    return [box for box in boxes(file, at, end) if box.name == name]


def movie(file: BinaryIO, size: int) -> tuple[int, list[tuple[int, Box]]]:
    """The ticks a second of an MP4's clock, and its tracks with their numbers; 0 and none where it has no header."""
    for head in named(file, b"moov", 0, size):
        ticks = next((_behind_times(file, box) for box in named(file, b"mvhd", *head[2:])), 0)
        tracks = [(box, named(file, b"tkhd", *box[2:])) for box in named(file, b"trak", *head[2:])]
        return ticks, [(_behind_times(file, told[0]) if told else 0, box) for box, told in tracks]
    return 0, []


def _behind_times(file: BinaryIO, box: Box) -> int:
    """The number behind the two times that a header begins with (ISO/IEC 14496-12, 8.2.2 and 8.3.2)."""
    file.seek(box.inside)
    head = file.read(24)
    return int.from_bytes(head[20:24] if head[:1] == b"\1" else head[12:16], "big")


_OUTER = frozenset(b"ftyp moov mdat free skip wide moof mfra sidx ssix styp meta uuid udta pnot pdin emsg prft".split())
"""Boxes that lie in no other. What else cameras and tools write behind the last one need not be boxes."""


def _boxes(file: BinaryIO, size: int) -> bool:
    """MP4, QuickTime, HEIF: boxes with their sizes."""
    return any(box.end > size and box.name in _OUTER for box in boxes(file, 0, size))


def behind(path: Path) -> Iterator[str]:
    """A remark on a file that begins where another ends, as where two were joined by `cat`: players show the first.

    Of containers that are read on past their end (AVI, Matroska, MPEG, Ogg, MP3) nothing is lost, and nothing told.
    """
    with path.open("rb") as file:
        head, size = file.read(16), file.seek(0, 2)
        find = next((find for magic, find in _SECONDS if magic.match(head)), None)
        at = None if find is None else find(file, size)
    if at is not None:
        yield f"another file begins behind it, at byte {at:,}: it is not used"


def _second_boxes(file: BinaryIO, size: int) -> int | None:
    """Where a second MP4 begins."""
    return next((box.start for box in boxes(file, 0, size) if box.start and box.name == b"ftyp"), None)


def _second_chunk(file: BinaryIO, _size: int) -> int | None:
    """Where a second WAV, WebP or AIFF begins: behind the length that the first one tells."""
    file.seek(0)
    name, told, kind = struct.unpack("4s4s4s", file.read(12))
    length = int.from_bytes(told, "big" if name == b"FORM" else "little")
    at = 8 + length + length % 2
    file.seek(at)
    head = file.read(12)
    return at if (head[:4], head[8:]) == (name, kind) else None


def _second_asf(file: BinaryIO, size: int) -> int | None:
    """Where a second WMA or WMV begins: behind the length that the first one tells."""
    at = _asf_length(file)
    if not 0 < at < size:
        return None
    file.seek(at)
    return at if file.read(len(_ASF)) == _ASF else None


def _second_by(end: bytes, begin: bytes) -> Callable[[BinaryIO, int], int | None]:
    """A search for the first bytes of a second file, which stand nowhere else, behind the last ones of the first."""
    sign = re.compile(b"(?s)(?<=" + end + b")" + begin)

    def find(file: BinaryIO, _size: int) -> int | None:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = sign.search(data, 1)
            return found.start() if found else None

    return find


TO_ENTRIES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
"""The boxes around the sample entries of an MP4's tracks, from the outermost on."""
_ENCRYPTED = {b"encv", b"enca", b"drms", b"drmi"}
"""How a track is coded that only a key opens (ISO/IEC 14496-12, 8.12; the last two are Apple's)."""


def sample_entries(file: BinaryIO, at: int, end: int, way: tuple[bytes, ...] = TO_ENTRIES) -> Iterator[Box]:
    """The boxes that say how tracks are coded, each named by its coding (ISO/IEC 14496-12, 8.5.2).

    `way` are the boxes around them that lie between the two places, from the outermost on.
    """
    for box in boxes(file, at, end):
        if box.name == way[0] and len(way) > 1:
            yield from sample_entries(file, box.inside, box.end, way[1:])
        elif box.name == way[0]:
            yield from boxes(file, box.inside + 8, box.end)


MATROSKA = b"\x1a\x45\xdf\xa3"
_SEGMENT, CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
TO_TRACKS = (_SEGMENT, b"\x16\x54\xae\x6b", b"\xae")
"""The elements around what a Matroska file says of each of its tracks."""


def _segment(file: BinaryIO, size: int) -> bool:
    """Matroska and WebM: a header, then one segment (RFC 8794, 5; RFC 9559)."""
    name, at, length = _element(file, 0)
    name, at, length = _element(file, at + length)
    if name != _SEGMENT or length < 0 or at + length <= size:
        return False
    while at < size:  # what is cut off may be the index alone
        name, at, length = _element(file, at)
        if length < 0 or not name:
            return False
        at += length
    return at == size or name == CLUSTER


_PARTS = {
    *(b"\x11\x4d\x9b\x74", b"\x15\x49\xa9\x66", b"\x16\x54\xae\x6b", b"\x10\x43\xa7\x70", b"\x19\x41\xa4\x69"),
    *(b"\x12\x54\xc3\x67", b"\x1c\x53\xbb\x6b", b"\xec", b"\xbf"),
    *(b"\xe7", b"\xa3", b"\xa0", b"\xa7", b"\xab", b"\xaf", b"\x58\x54"),
}
"""What a segment of Matroska holds, and what its clusters hold (RFC 9559, 5.1)."""


def require_clusters(path: Path) -> None:
    """Refuse a Matroska or WebM file with a place where no part of it begins: what follows there would be lost.

    Raises:
        MediaError: it has one.
    """
    with path.open("rb") as file:
        if file.read(4) != MATROSKA:
            return
        end = file.seek(0, 2)
        _, at, length = _element(file, 0)
        at += length
        while at < end:
            name, inside, length = _element(file, at)
            if name == _SEGMENT and length >= 0:
                end = min(end, inside + length)
            if name not in {_SEGMENT, CLUSTER} and (name not in _PARTS or length < 0):
                raise UnusableFile(f"cannot use {path}: it is damaged at byte {at:,}", hint="make or copy it again")
            at = inside if name in {_SEGMENT, CLUSTER} else inside + length


class Element(NamedTuple):
    """An element of a Matroska file: its name, where what is in it begins, and where it ends."""

    name: bytes
    inside: int
    end: int


def elements(file: BinaryIO, at: int, end: int) -> Iterator[Element]:
    """The elements from one place to another (RFC 8794, 5); one of unknown length ends there too."""
    while at < end:
        name, inside, length = _element(file, at)
        if not name:
            return
        found = Element(name, inside, end if length < 0 else min(inside + length, end))
        yield found
        at = found.end


def nested(file: BinaryIO, size: int, *way: bytes) -> list[Element]:
    """The elements at the end of a way of names, from the file's outermost one on, that lie before the pictures."""
    found = [Element(b"", 0, size)]
    for name in way:
        found = [each for outer in found for each in _before_pictures(file, outer) if each.name == name]
    return found


def _before_pictures(file: BinaryIO, outer: Element) -> Iterator[Element]:
    return takewhile(lambda each: each.name != CLUSTER, elements(file, outer.inside, outer.end))


def _element(file: BinaryIO, at: int) -> tuple[bytes, int, int]:
    """An element's name, where what is in it begins, and its length; -1 where that is not known (a live recording)."""
    file.seek(at)
    data = file.read(12).ljust(12, b"\0")
    named = 9 - data[0].bit_length()
    wide = 9 - data[min(named, 8)].bit_length()
    length = int.from_bytes(data[named : named + wide], "big") & ((1 << 7 * wide) - 1)
    return data[: named if named < 9 else 0], at + named + wide, -1 if length == (1 << 7 * wide) - 1 else length


def _pages(file: BinaryIO, size: int) -> bool:
    """Ogg: the last page, by its table of lengths (RFC 3533, 6)."""
    start = file.seek(max(0, size - 70_000))
    data = file.read()
    at = data.rfind(b"OggS")
    if at < 0 or at + 27 > len(data):
        return start == 0 or at >= 0 or not data.strip(b"\0")
    lengths = data[at + 27 : at + 27 + data[at + 26]]
    end, last = at + 27 + len(lengths) + sum(lengths), bool(data[at + 5] & 4)
    return len(lengths) < data[at + 26] or end > len(data) or (not last and end < len(data))


def _trailer(file: BinaryIO, size: int) -> bool:
    """GIF: a semicolon ends it."""
    file.seek(max(0, size - 64))
    return file.read().rstrip(b"\0")[-1:] != b";" and not gif(file)


def _end_chunk(file: BinaryIO, size: int) -> bool:
    """PNG: the chunk IEND ends it."""
    file.seek(max(0, size - 4096))
    return b"IEND" not in file.read()


def _transport(file: BinaryIO, size: int) -> bool:
    """Transport streams: packets of 188 bytes, or 192 or 204, each with its sign, up to the last."""
    for length, sign in ((188, 0), (192, 4), (204, 0)):
        file.seek(max(0, size - length + sign))
        if size % length == 0 and file.read(1) == b"G":
            return False
    return True


def _mp3(file: BinaryIO, size: int) -> bool:
    """MP3: the frame before the music says how many bytes it has, where an encoder wrote one."""
    start = behind_tag(file)
    file.seek(start)
    data = file.read(256)
    at = max(data.find(b"Xing"), data.find(b"Info"))
    if at < 0 or len(data) < at + 16:
        return False
    flags = data[at + 7]
    promised = int.from_bytes(data[at + 8 + 4 * (flags & 1) :][:4], "big") if flags & 2 else 0
    return promised > size - start


def _told(at: int, wide: int, order: Literal["little", "big"], before: int = 0) -> Callable[[BinaryIO, int], bool]:
    """A check by a number of so many bytes that a header holds: how long what follows the first `before` bytes is."""

    def check(file: BinaryIO, size: int) -> bool:
        file.seek(at)
        length = int.from_bytes(file.read(wide), order)
        return length != (1 << 8 * wide) - 1 and before + length > size

    return check


_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FACTS = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def _asf_length(file: BinaryIO) -> int:
    """How long an ASF file is by its file properties (ASF 1.20, 3.2); 0 where they do not say."""
    file.seek(0)
    head = file.read(1 << 16)
    at = head.find(_ASF_FACTS)
    return int.from_bytes(head[at + 40 : at + 48], "little") if at >= 0 else 0


def _windows_media(file: BinaryIO, size: int) -> bool:
    """ASF (WMA, WMV): its header tells how long it is."""
    return _asf_length(file) > size


_SECONDS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO, int], int | None]], ...] = (
    (re.compile(rb"(?s)....ftyp"), _second_boxes),
    (re.compile(rb"(?s)RIFF....(WAVE|WEBP)|FORM....AIF[FC]"), _second_chunk),
    (re.compile(re.escape(_ASF)), _second_asf),
    (re.compile(rb"FLV\x01"), _second_by(b"", rb"FLV\x01[\0\1\4\5]\0\0\0\x09\0\0\0\0")),
    (re.compile(rb"GIF8"), _second_by(b";", rb"GIF8[79]a")),
    (re.compile(rb"fLaC"), _second_by(b"", rb"fLaC[\0\x80]\0\0\x22")),
    (re.compile(rb"\x89PNG"), _second_by(rb"IEND\xae\x42\x60\x82", rb"\x89PNG\r\n\x1a\n")),
)
"""How a kind of file begins, and where a second one of its kind does."""

_CHECKS: tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO, int], bool]], ...] = (
    (re.compile(rb"RIFF|FORM"), _riff),
    (re.compile(rb"....(ftyp|moov|mdat|free|wide|skip)", re.DOTALL), _boxes),
    (re.compile(re.escape(MATROSKA)), _segment),
    (re.compile(rb"OggS"), _pages),
    (re.compile(rb"RF64|BW64"), _told(28, 8, "little", 28)),
    (re.compile(rb"riff\x2e\x91\xcf\x11"), _told(16, 8, "little")),
    (re.compile(rb"\.snd"), _told(8, 4, "big", 24)),
    (re.compile(rb"caff"), core_audio),
    (re.compile(rb"FLV\x01"), flash),
    (re.compile(re.escape(_ASF)), _windows_media),
    (re.compile(rb"GIF8"), _trailer),
    (re.compile(rb"\x89PNG"), _end_chunk),
    (re.compile(rb"G|....G", re.DOTALL), _transport),
    (re.compile(rb"ID3|\xff[\xe0-\xff]", re.DOTALL), _mp3),
)
"""How a kind of file begins, and whether one of so many bytes is cut short."""
