"""The one door to a media file: libav's errors become `MediaError`, and nothing but plain local files is opened."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from sora_cli.errors import MediaError, UnusableFile, hint_missing
from sora_cli.media.read.ends import behind_tag
from sora_cli.media.read.foreign import foreign, mistaken

OneStream = TypeVar("OneStream", bound=Stream)

# Containers that hold their own media. Playlists (HLS, DASH, concat scripts, SDP) name other files and hosts, so a file
# that calls itself a film could make us read what its author chose; they are refused.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,wav,w64,aiff,au,caf,flac,mp3,aac,"
    "ac3,eac3,amr,gif,apng,ivf,obu,mjpeg,h264,hevc,m4v,yuv4mpegpipe,mxf,nut,dv"
)
_LOCAL = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
JPEG_STREAMS = {".mjpeg", ".mjpg"}
"""How films of cameras end that are JPEG pictures, one behind the other: by its beginning each is a picture."""
_UNPROBED = {"codec_whitelist": "none"}
_UNEDITED = {"ignore_editlist": "1"}
_UNTAGGED = {b"RIFF", b"RF64", b"FORM", b"caff", b".snd"}
CLIP = "a clip of sora"
"""The comment in what `write_clip` wrote."""


@contextmanager
def opened(path: Path, *, probed: bool = True, edited: bool = True) -> Iterator[InputContainer]:
    """Open a film or sound file to read; any libav error inside the block becomes a `MediaError` naming the file.

    Where it is not `probed`, libav decodes nothing to find out what headers do not tell; where it is not `edited`, an
    MP4's tracks are played as they were coded, whatever their edit lists say.

    Raises:
        MediaError: the file is missing, empty, cut short, or no media that we know.
    """
    require_file(path)
    if (told := mistaken(path)) is not None:
        raise told
    options = {**_LOCAL, **({} if probed else _UNPROBED), **({} if edited else _UNEDITED), **_skipped(path)}
    try:
        kind = "mjpeg" if path.suffix.lower() in JPEG_STREAMS else None
        with av.open(f"file:{path}", "r", kind, options, metadata_errors="replace") as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        raise unreadable(path, error) from error


def _skipped(path: Path) -> dict[str, str]:
    """The option that has libav pass over a tag of ID3 before a WAV, AIFF, CAF or AU, which else it does not read."""
    try:
        with path.open("rb") as file:
            begin = behind_tag(file)
            file.seek(begin)
            return {"skip_initial_bytes": str(begin)} if begin and file.read(4) in _UNTAGGED else {}
    except OSError as error:
        raise unreadable(path, error) from error


@contextmanager
def opened_clip(path: Path) -> Iterator[InputContainer]:
    """As `opened`, where a clip is expected: libav would decode its first frame, which takes as long as writing one."""
    with opened(path, probed=False) as container:
        if container.metadata.get("comment") == CLIP:
            yield container
            return
    with opened(path) as container:
        yield container


def require_file(path: Path) -> None:
    """Check that `path` is a file with something in it.

    Raises:
        MediaError: it is not.
    """
    if path.is_dir():
        raise UnusableFile(f"cannot read {path}: it is a folder", hint="name a picture, film or sound file")
    try:
        facts = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(facts.st_mode):
        raise UnusableFile(f"cannot read {path}: it is a pipe or a device", hint="name a picture, film or sound file")
    if facts.st_size == 0:
        raise UnusableFile(f"cannot read {path}: the file is empty", hint="make or copy it again")


_NO_MEDIA = (av.error.InvalidDataError, av.error.EOFError, av.error.ArgumentError, PermissionError)
"""What libav says of files that are no media, or cut short; the third of texts, the last of what it cannot decode."""


def unreadable(path: Path, error: Exception) -> MediaError:
    """The `MediaError` for a failed read of `path`."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UnusableFile(f"cannot read {path}: there is no such file", hint=hint_missing(path))
    if isinstance(error, PermissionError) and error.errno != errno.EPERM:  # libav's word for what it cannot decode
        return UnusableFile(f"cannot read {path}: permission denied", hint="check who may read the file")
    if (told := foreign(path)) is not None:
        return told
    if isinstance(error, _NO_MEDIA):
        return UnusableFile(
            f"cannot read {path}: it is not a picture, film or sound that sora can read, or it is cut short",
            hint="check that the file is complete and that its ending says what it is",
        )
    if isinstance(error, BlockingIOError):  # of a transport stream in which no packet follows
        return UnusableFile(f"cannot use {path}: it is damaged or cut short", hint="make or copy it again")
    reason = getattr(error, "strerror", None) or str(error)
    return MediaError(f"cannot read {path}: {reason}", hint="check that the file is complete")


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The film's pictures; None where there are none that can be decoded. The cover of a sound file is not a film."""
    return next((stream for stream in preferred(picture_streams(container)) if has_decoder(stream)), None)


def picture_streams(container: InputContainer) -> list[VideoStream]:
    """A container's tracks of pictures, without covers."""
    return [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]


def preferred(streams: Sequence[OneStream]) -> list[OneStream]:
    """The tracks of a kind, those first that their file marks as the ones to play."""
    return sorted(streams, key=lambda each: not each.disposition & Disposition.default)


def spoken_in(stream: Stream) -> str:
    """The language of a track by its three letters (ISO 639-2), where its file tells it."""
    language = stream.language or ""
    return "" if language == "und" else language


def one_language(told: Iterable[str]) -> str:
    """The language of what is joined into one track: where parts tell others, none."""
    languages = {each for each in told if each}
    return languages.pop() if len(languages) == 1 else ""


def only_pictures(path: Path, container: InputContainer) -> VideoStream:
    """The film's pictures.

    Raises:
        MediaError: there are none.
    """
    stream = picture_stream(container)
    if stream is not None:
        stream.thread_type = "AUTO"
        return stream
    if any(not has_decoder(each) for each in container.streams.video):
        raise UnusableFile(f"cannot use {path}: its pictures are in a codec that we cannot decode", hint=_CONVERT)
    what = "it is a sound, not a film" if container.streams.audio else "it has neither pictures nor sound"
    raise UnusableFile(f"cannot use {path}: {what}", hint="name a film with pictures")


_CONVERT = "convert it first: ffmpeg -i IN OUT.mp4"


def has_decoder(stream: Stream) -> bool:
    """Whether this build of libav can decode a stream."""
    return getattr(stream, "codec_context", None) is not None
