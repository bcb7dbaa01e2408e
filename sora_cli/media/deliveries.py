"""The kinds of film files: plain data, so that a film that is up to date loads no codecs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct, field

from sora_cli.errors import RequestError
from sora_cli.media.sums import strays

PIXELS = "rgb48be"
"""What PNG stores; a master for it is best made in `gbrp16le`."""
NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


class Delivery(Struct, frozen=True, kw_only=True):
    """A kind of film file: its ending, its MIME type, its codecs and their settings.

    `pixels` is the pixel format that is encoded, and the one a master is best made in. `keyframe_seconds` is the
    longest wait for a keyframe (0: the codec's own). `signable` says whether the container can hold a C2PA manifest.
    Without a container it is a folder of files. `matrix` is what colours are coded by, where they are no RGB; any other
    than BT.709's is not told, as in films that leave it to be guessed.
    """

    name: str
    title: str
    suffix: str
    mime: str
    container: str
    codec: str
    pixels: str
    options: Mapping[str, str] = field(default_factory=lambda: NO_OPTIONS)
    container_options: Mapping[str, str] = field(default_factory=lambda: NO_OPTIONS)
    keyframe_seconds: int = 0
    sound_codec: str = "aac"
    sound_rate_kbps: int = 192
    subtitle_codec: str = "mov_text"
    """Of a track of subtitles; empty where the kind has none."""
    matrix: str = "bt709"
    signable: bool = True

    @property
    def made_in(self) -> str:
        """The pixel format that a master is best made in: `pixels`, where frames of it can be drawn on."""
        return {"pal8": "gbrp", "bgra": "gbrp", PIXELS: "gbrp16le"}.get(self.pixels, self.pixels)

    @property
    def folder(self) -> bool:
        """Whether it is a folder of files, not one file."""
        return not self.container


WEB = Delivery(
    name="web",
    title="H.264 8-bit and AAC in MP4, starts to play before it is whole",
    suffix=".mp4",
    mime="video/mp4",
    container="mp4",
    codec="libx264",
    pixels="yuv420p",
    options=MappingProxyType({"preset": "medium", "crf": "18", "profile": "high"}),
    container_options=MappingProxyType({"movflags": "+faststart"}),
    keyframe_seconds=2,
)

PRORES = Delivery(
    name="prores",
    title="ProRes 422 HQ, 10-bit, and 24-bit PCM in QuickTime, for editing",
    suffix=".mov",
    mime="video/quicktime",
    container="mov",
    codec="prores_ks",
    pixels="yuv422p10le",
    options=MappingProxyType({"profile": "hq", "vendor": "apl0"}),
    sound_codec="pcm_s24le",
)
ARCHIVE = Delivery(
    name="archive",
    title="FFV1 (RFC 9043) and FLAC in Matroska, 10-bit 4:4:4 without loss, to keep",
    suffix=".mkv",
    mime="video/x-matroska",
    container="matroska",
    codec="ffv1",
    pixels="yuv444p10le",
    options=MappingProxyType({"level": "3", "coder": "1", "context": "1", "slices": "4", "slicecrc": "1", "g": "1"}),
    sound_codec="flac",
    subtitle_codec="subrip",
    signable=False,
)
AV1 = Delivery(
    name="av1",
    title="AV1 10-bit and AAC in MP4, small for its quality",
    suffix=".mp4",
    mime="video/mp4",
    container="mp4",
    codec="libsvtav1",
    pixels="yuv420p10le",
    options=MappingProxyType({"preset": "7", "crf": "26"}),
    container_options=MappingProxyType({"movflags": "+faststart"}),
    keyframe_seconds=4,
)
GIF = Delivery(
    name="gif",
    title="a small looping GIF without sound, to show around",
    suffix=".gif",
    mime="image/gif",
    container="gif",
    codec="gif",
    pixels="pal8",
    sound_codec="",
    subtitle_codec="",
)

WEBP = Delivery(
    name="webp",
    title="a small looping WebP without sound: a GIF with all its colours",
    suffix=".webp",
    mime="image/webp",
    container="webp",
    codec="libwebp_anim",
    pixels="bgra",
    options=MappingProxyType({"quality": "80"}),
    container_options=MappingProxyType({"loop": "0"}),
    sound_codec="",
    subtitle_codec="",
)
FRAMES = Delivery(
    name="frames",
    title="a folder of PNGs, 16 bits a channel, and 24-bit PCM in WAV, to composite and grade",
    suffix=".frames",
    mime="text/plain",  # what is signed is the list of all its files' hashes
    container="",
    codec="png",
    pixels=PIXELS,
    sound_codec="pcm_s24le",
    signable=False,
    subtitle_codec="",
)

DELIVERIES: Mapping[str, Delivery] = MappingProxyType(
    {kind.name: kind for kind in (WEB, PRORES, ARCHIVE, AV1, GIF, WEBP, FRAMES)}
)


def delivery(name: str) -> Delivery:
    """The delivery called `name`.

    Raises:
        RequestError: there is none.
    """
    try:
        return DELIVERIES[name]
    except KeyError:
        known = ", ".join(DELIVERIES)
        raise RequestError(f"--deliver {name}: no such delivery", hint=f"choose one of {known}") from None


def kind_of(path: Path) -> Delivery | None:
    """Find the delivery that the ending of a film's name asks for; None where no delivery has this ending."""
    return next((kind for kind in DELIVERIES.values() if kind.suffix == path.suffix.lower()), None)


def check_place(out: Path, kind: Delivery) -> None:
    """Refuse a place that holds what a film of this kind must not replace.

    Raises:
        RequestError: a folder is there, or (for a folder of pictures) something else, or one with other files in it.
    """
    if out.is_dir() and not kind.folder:
        raise RequestError(f"cannot write a film to {out}: it is a folder", hint="name a file in it, like film.mp4")
    if kind.folder and out.exists():
        try:
            other = strays(out, hidden=True)
        except OSError:
            other = [out.name]
        if other:
            what = f"cannot write pictures to {out}: there is something else already ({other[0]})"
            raise RequestError(what, hint="name a new folder, or move that away")
