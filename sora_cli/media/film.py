"""Writing a finished film: what can be delivered, and the encoder.

Colour: pictures are converted with the BT.709 matrix to narrow ("tv") range, and tagged so (ITU-R BT.709-6, code points
of ITU-T H.273); players then show what was made. Rates are exact fractions. Sound starts with the picture: the AAC
encoder's 1024 samples of run-in are cut by the MP4's edit list.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from sora_cli.errors import MediaError
from sora_cli.media.deliveries import DELIVERIES, GIF, WEB, WEBP, Delivery
from sora_cli.media.filters import Chain, Step
from sora_cli.media.preview import preview
from sora_cli.media.read.facts import BT709, FULL, NARROW, UNTOLD
from sora_cli.media.sound import sound_frame
from sora_cli.media.stills import write_stills
from sora_cli.media.stream import SAMPLE_RATE, Master
from sora_cli.media.track import SubtitleTrack
from sora_cli.media.whole import written
from sora_cli.spelling import readable


def missing_encoders() -> list[str]:
    """List the encoders that a delivery needs and this build of libav lacks: with PyAV's own wheels, none."""
    wanted = {codec for kind in DELIVERIES.values() for codec in (kind.codec, kind.sound_codec) if codec}
    return sorted(wanted - av.codecs_available)


def write_film(
    path: Path, master: Master, kind: Delivery = WEB, progress: Callable[[int, int], None] | None = None
) -> None:
    """Encode a master into the file (or folder) `path`, and call `progress(frames done, frames in all)` along the way.

    It gets no other name than `path`, whatever its ending; a failed write leaves nothing. Memory does not grow with the
    film's length, a WebP aside.

    Raises:
        MediaError: the master has no frames or not those it promised, its size does not suit the codec, or the disk
            refuses.
    """
    if kind in (GIF, WEBP):
        master = preview(master, palette=kind is GIF)
    _check(path, master, kind)
    if kind.folder:
        write_stills(path, master, progress)
        return
    os.environ.setdefault("SVT_LOG", "1")  # libsvtav1 prints its settings otherwise; 1: errors only
    with (
        written(path),
        av.open(f"file:{path}", "w", format=kind.container, options=dict(kind.container_options)) as container,
    ):
        _describe(container, master)
        video = _video_stream(container, master, kind)
        heard = master.sound is not None and kind.sound_codec
        audio = _audio_stream(container, kind, master.sound_language) if heard else None
        track = (
            SubtitleTrack(container, kind.subtitle_codec, master.subtitles, master.language)
            if master.subtitles and kind.subtitle_codec
            else None
        )
        _encode(container, video, audio, master, track=track, progress=progress, matrix=kind.matrix)


def _check(path: Path, master: Master, kind: Delivery) -> None:
    if master.frames < 1:
        raise MediaError(f"cannot write {path}: the film has no frames")
    shape = av.VideoFormat(kind.pixels, 256, 256)
    across, down = 256 // shape.chroma_width(256), 256 // shape.chroma_height(256)
    if master.width % across or master.height % down:
        raise MediaError(
            f"cannot write {path}: {kind.codec} in {kind.pixels} has no size {master.width}x{master.height}",
            hint="use an even width and height",
        )


def _describe(container: OutputContainer, master: Master) -> None:
    if master.title:
        container.metadata["title"] = readable(master.title)
    if master.author:
        container.metadata["artist"] = readable(master.author)
    if master.chapters:
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": chapter.start,
                    "end": chapter.end,
                    "time_base": 1 / master.fps,
                    "metadata": {"title": readable(chapter.title)},
                }
                for number, chapter in enumerate(master.chapters)
            ]
        )


def _steady(options: Mapping[str, str]) -> Mapping[str, str]:
    """Give libx264 the settings with which it writes the same film twice, beside those of its own that it has.

    Its AVX-512 code for `mbtree` reads memory that nobody wrote where a row has no multiple of 16 blocks of 16 pixels.
    """
    own = [options["x264-params"]] if "x264-params" in options else []
    return {"x264-params": ":".join([*own, "asm=avx2"])} if _wide() else {}


@cache
def _wide() -> bool:
    """Whether this machine has AVX-512."""
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return any(name.startswith(("AVX512", "X86_V4")) for name in found)


def _video_stream(container: OutputContainer, master: Master, kind: Delivery) -> VideoStream:
    options = {**kind.options, **(_steady(kind.options) if kind.codec == "libx264" else {})}
    stream: VideoStream = container.add_stream(kind.codec, rate=master.fps, options=options)  # type: ignore[assignment]
    stream.width, stream.height, stream.pix_fmt = master.width, master.height, kind.pixels
    context = stream.codec_context
    told = BT709 if kind.matrix == WEB.matrix else UNTOLD
    context.color_primaries = context.color_trc = told
    if kind in (GIF, WEBP):
        return stream  # no place for tags; colours are sRGB by definition
    if av.VideoFormat(kind.pixels).is_rgb:
        context.colorspace, context.color_range = 0, FULL
    else:
        context.colorspace, context.color_range = told, NARROW
    if kind.keyframe_seconds:
        context.gop_size = max(1, round(master.fps * kind.keyframe_seconds))
    stream.thread_type = "AUTO"
    if kind.codec == "libsvtav1":
        with _same_priority():
            context.open()
    return stream


@contextmanager
def _same_priority() -> Iterator[None]:
    """Give this process's threads back what the first of them had.

    Run by root, SVT-AV1 makes its own threads and its caller's real-time for good: nothing else gets a turn.
    """
    if sys.platform != "linux":
        yield
        return
    usual = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setscheduler(int(thread.name), *usual)


def _audio_stream(container: OutputContainer, kind: Delivery, language: str) -> AudioStream:
    stream: AudioStream = container.add_stream(kind.sound_codec, rate=SAMPLE_RATE, layout="stereo")  # type: ignore[assignment]
    if kind.sound_codec == "flac":
        stream.format = "s32"  # 24 bits; its first choice is 16
    if kind.sound_codec == "aac":
        stream.bit_rate = kind.sound_rate_kbps * 1000
    if language:
        stream.metadata["language"] = language
    return stream


def _encode(
    container: OutputContainer,
    video: VideoStream,
    audio: AudioStream | None,
    master: Master,
    *,
    track: SubtitleTrack | None,
    progress: Callable[[int, int], None] | None,
    matrix: str,
) -> None:
    """Encode pictures, with the sound kept half a second ahead of them so that the file interleaves."""
    pixels = video.pix_fmt or WEB.pixels
    chain, other = Chain(*to_yuv(pixels, matrix)), matrix != WEB.matrix
    sound = _sound_packets(audio, master) if audio is not None else iter(())
    rate, step = master.fps.as_integer_ratio()
    tick, heard, count = 1 / master.fps, 0, 0
    for frame in master.pictures():
        if count == master.frames:
            count += 1
            break
        picture = chain(frame) if other or needs_conversion(frame, pixels) else frame
        picture.pts, picture.time_base, picture.pict_type = count, tick, 0
        count += 1
        due = SAMPLE_RATE * count * step + SAMPLE_RATE // 2 * rate
        while heard * rate < due and (block := next(sound, None)) is not None:
            heard = block
        container.mux(video.encode(picture))
        if track is not None:
            track.write_until(count / master.fps)
        if progress is not None:
            progress(count, master.frames)
    if count != master.frames:
        found = "more than" if count > master.frames else f"{count} of"
        raise MediaError(f"the film has {found} its {master.frames} frames")
    for _ in sound:
        pass
    container.mux(video.encode())


def _sound_packets(stream: AudioStream, master: Master) -> Iterator[int]:
    """Encode and mux the sound block by block; yields the samples done so far."""
    if master.sound is None:
        return
    container = stream.container
    at = 0
    for block in master.sound():
        frame = sound_frame(block, at)
        at += len(block)
        container.mux(stream.encode(frame))  # type: ignore[attr-defined]
        yield at
    if at != master.samples:
        raise MediaError(f"the film's sound has {at} of its {master.samples} samples")
    container.mux(stream.encode())  # type: ignore[attr-defined]


def needs_conversion(frame: av.VideoFrame, pixels: str) -> bool:
    """Whether a frame is not yet in the pixel format `pixels`, BT.709 narrow range where that is not RGB."""
    if frame.format.name != pixels:
        return True
    return pixels != "pal8" and not frame.format.is_rgb and (frame.colorspace, frame.color_range) != (BT709, NARROW)


def to_yuv(pixels: str, matrix: str = WEB.matrix) -> list[Step]:
    """The filters that make the pixel format `pixels` of a frame; where it is not RGB, by a matrix in narrow range."""
    if av.VideoFormat(pixels).is_rgb:
        return [("format", {"pix_fmts": pixels})]
    scale = {
        "flags": "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp",
        "out_color_matrix": matrix,
        "out_range": "tv",
    }
    tags = {"range": "tv", "color_primaries": "bt709", "color_trc": "bt709", "colorspace": matrix}
    return [("scale", scale), ("format", {"pix_fmts": pixels}), ("setparams", tags)]
