"""What a file is that sora does not read, by its first bytes: to be told as that, and not as damaged."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from sora_cli.errors import HINT_PICTURE, UnusableFile
from sora_cli.texts import no_text

_HEAD = 1024
_FILM = "convert it first: ffmpeg -i IN OUT.mp4"
_SIGNS = (
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a picture in JPEG XL", HINT_PICTURE),
    (rb"v/1\x01", "a picture in OpenEXR", HINT_PICTURE),
    (rb"SDPX|XPDS", "a picture in DPX", HINT_PICTURE),
    (rb"8BPS", "a picture of Photoshop", HINT_PICTURE),
    (rb"gimp xcf", "a picture of GIMP", HINT_PICTURE),
    (rb"qoif", "a picture in QOI", HINT_PICTURE),
    (rb"#\?R", "a picture in Radiance HDR", HINT_PICTURE),
    (rb"DDS ", "a picture in DDS", HINT_PICTURE),
    (rb"\0\0[\1\2]\0(?!\0\0)", "an icon", HINT_PICTURE),
    (rb"\0(?:\0[\x02\x03\x0a\x0b]\0{9}|\x01[\x01\x09]\0\0..[\x10\x18\x20])", "a picture in TGA", HINT_PICTURE),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a drawing in PostScript", HINT_PICTURE),
    (rb"FUJIFILMCCD-RAW|II\x55\0|IIRO|II\x2a\0.{4}CR", "a camera's raw picture", HINT_PICTURE),
    (rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg", "a drawing in SVG",
     HINT_PICTURE),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html))", "a web page", "save the file that it shows"),
    (rb"version https://git-lfs", "a pointer of Git LFS, without what it points to", "fetch it: git lfs pull"),
    (rb"(?:\xef\xbb\xbf)?#EXTM3U", "a playlist", "name a file that it plays"),
    (rb"\.RMF|.RA\xfd", "a film or sound of RealMedia", _FILM),
    (rb"[CF]WS", "a film of Flash", _FILM),
    (rb"MThd", "notes for an instrument (MIDI)", "play it into a sound file first"),
    (rb"wvpk", "a sound in WavPack", "convert it to FLAC first"),
    (rb"MAC ", "a sound in Monkey's Audio", "convert it to FLAC first"),
    (rb"TTA[12]", "a sound in True Audio", "convert it to FLAC first"),
    (rb"RIFX", "a WAV file with its bytes in reverse order (RIFX)", "export it as WAV or FLAC"),
    (rb"dns\.", "a sound of NeXT with its bytes in reverse order", "export it as WAV or FLAC"),
    (rb"Creative Voice File", "a sound of Sound Blaster (VOC)", "export it as WAV or FLAC"),
    (rb"\x7f\xfe\x80\x01|\xfe\x7f\x01\x80", "a sound in DTS", "convert it to FLAC first"),
    (rb".{4}\xf8\x72\x6f[\xba\xbb]", "a sound in TrueHD or MLP", "convert it to FLAC first"),
)  # fmt: skip
_OTHER = ("a spreadsheet", "a PDF", "a compressed")
"""What `texts.no_text` finds that is no picture, film or sound."""


def foreign(path: Path) -> UnusableFile | None:
    """The error for a file that is of another kind than sora reads; None where its first bytes do not tell."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    for sign, what, hint in _SIGNS:
        if re.match(sign, head, re.DOTALL):
            return UnusableFile(f"cannot read {path}: it is {what}, which sora does not read", hint=hint)
    if head and not head.strip(b"\0"):
        told = f"cannot read {path}: it begins with zeros alone, as a file whose copy or download was not finished"
        return UnusableFile(told, hint="copy or download it again")
    what = no_text(head)
    if not what.startswith(_OTHER):
        what = "a text" if _is_text(head) else ""
    told = f"cannot read {path}: it is {what}, not a picture, film or sound"
    return UnusableFile(told, hint="name a picture, film or sound file") if what else None


def mistaken(path: Path) -> UnusableFile | None:
    """The error for a file that libav takes for another kind, whose bytes stand the other way; None for others."""
    try:
        with path.open("rb") as file:
            return foreign(path) if file.read(4) == b"RIFX" else None
    except OSError:
        return None


def _is_text(head: bytes) -> bool:
    """Whether the first bytes are words in UTF-8, whose last letter may be cut."""
    try:
        words = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(words) and not re.search(r"[\0-\x08\x0e-\x1f\x7f]", words)
