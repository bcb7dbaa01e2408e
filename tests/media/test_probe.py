"""Every kind of media file is known for what it is; what is none is refused with a reason."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli.errors import MediaError
from sora_cli.media.clip import write_clip
from sora_cli.media.read import probe, read_frames
from sora_cli.media.read.usable import require_usable


def film(
    path: Path, *, frames: int = 20, rotate: int = 0, pts: list[int] | None = None, pixels: str = "yuv420p"
) -> Path:
    """A small film whose left half is red and right half blue, its upper edge lighter."""
    picture = np.zeros((36, 64, 3), np.uint8)
    picture[:, :32, 0], picture[:, 32:, 2], picture[:6, :, 1] = 255, 255, 120
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, pixels
        if rotate:
            stream.set_display_rotation(rotate)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = pts[number] if pts else number
            frame.time_base = Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_film(tmp_path: Path) -> None:
    known = probe(film(tmp_path / "a.mp4"))
    assert (known.kind, known.width, known.height, known.frames, known.fps) == ("film", 64, 36, 20, Fraction(25))
    assert (known.codec, known.pixels, known.channels, known.duration) == ("h264", "yuv420p", 0, Fraction(20, 25))


@pytest.mark.parametrize("rotate", [90, -90, 180])
def test_a_turned_film_is_shown_upright(tmp_path: Path, rotate: int) -> None:
    path = film(tmp_path / "a.mp4", rotate=rotate)
    known = probe(path)
    size = (64, 36) if rotate == 180 else (36, 64)
    assert (known.width, known.height) == size
    frame = read_frames(path, 0, 1)[0]
    assert frame.shape == (size[1], size[0], 3)
    corner = {90: frame[-5, 18], -90: frame[5, 18], 180: frame[18, -5]}[rotate]
    assert corner[0] > 200  # red, which is on the left before turning
    assert corner[2] < 50


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
        ((1, 0, 0, -1), lambda picture: picture[::-1]),
        ((0, 1, 1, 0), lambda picture: picture.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda picture: picture[::-1, ::-1].transpose(1, 0, 2)),
    ],
)
def test_a_mirrored_film_is_shown_as_its_header_says(
    tmp_path: Path, matrix: tuple[int, ...], shown: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Cameras that look at their owner write such films; ISO/IEC 14496-12, 8.3.2."""
    path = film(tmp_path / "a.mp4", frames=1, rotate=180)
    plain = read_frames(path, 0, 1)[0][::-1, ::-1]
    half_turn, across = (struct.pack(">5i", *(65_536 * each for each in (a, b, 0, c, d))) for a, b, c, d in (
        (-1, 0, 0, -1), matrix))  # fmt: skip
    raw = path.read_bytes()
    assert half_turn in raw
    path.write_bytes(raw.replace(half_turn, across))
    found = read_frames(path, 0, 1)[0]
    assert (probe(path).width, probe(path).height) == (found.shape[1], found.shape[0])
    assert np.abs(found.astype(int) - shown(plain)).mean() < 3


def test_a_variable_frame_rate_is_told(tmp_path: Path) -> None:
    times = [0, 1, 2, 5, 6, 7, 12, 13, 14, 20]
    known = probe(film(tmp_path / "a.mp4", frames=10, pts=times))
    assert known.variable
    assert known.frames == 10
    assert abs(known.duration - Fraction(21, 25)) < Fraction(1, 25)


@pytest.mark.parametrize("pixels", ["yuv444p", "yuv422p10le"])
def test_other_pixel_formats(tmp_path: Path, pixels: str) -> None:
    path = film(tmp_path / "a.mp4", pixels=pixels)
    assert probe(path).pixels == pixels
    frame = read_frames(path, 3, 1)[0]
    assert np.abs(frame[18, 8].astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_a_picture_turned_by_its_camera(tmp_path: Path, name: str) -> None:
    image = Image.fromarray(np.zeros((20, 30, 3), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / name, exif=exif)
    known = probe(tmp_path / name)
    assert (known.kind, known.width, known.height, known.frames) == ("picture", 20, 30, 1)
    assert read_frames(tmp_path / name, -1, 1).shape == (1, 30, 20, 3)


@pytest.mark.parametrize(
    ("seconds", "tracks", "late", "told"),
    [
        (0.8, 1, 0, []),
        (2.8, 1, 0, ["its sound goes on for 2.0 s after its picture: that part is not used"]),
        (0.8, 2, 0, ["it has 2 sound tracks: track 1 is used"]),
        (0.8, 1, 1, ["its sound begins 1.0 s before its picture: that part is not used"]),
        (
            2.8,
            1,
            1,
            [
                "its sound begins 1.0 s before its picture: that part is not used",
                "its sound goes on for 1.0 s after its picture: that part is not used",
            ],
        ),
    ],
)
def test_sound_that_nobody_will_hear_is_told(
    tmp_path: Path, seconds: float, tracks: int, late: int, told: list[str]
) -> None:
    silent = film(tmp_path / "silent.mp4")
    with av.open(str(silent)) as source, av.open(str(tmp_path / "a.mkv"), "w") as container:
        picture = container.add_stream_from_template(source.streams.video[0])
        sounds = [container.add_stream("pcm_s16le", rate=48000, layout="mono") for _ in range(tracks)]
        for packet in source.demux(video=0):
            if packet.dts is not None:
                shift = round(late / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, picture
                container.mux(packet)
        for sound in sounds:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, int(48000 * seconds)), np.int16), "s16", "mono")
            frame.sample_rate = 48000
            container.mux(sound.encode(frame))
    assert list(probe(tmp_path / "a.mkv").remarks) == told


def test_a_sound_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(22_050, np.float32), 44_100)
    known = probe(tmp_path / "a.wav")
    assert (known.kind, known.channels, known.rate, known.duration) == ("sound", 1, 44_100, Fraction(1, 2))


def test_bad_files(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "words.mp4").write_text("not a film\n" * 50)
    (tmp_path / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n")
    whole = film(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "noise.mp4").write_bytes(whole[:40] + bytes(range(256)) * 20)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:900])
    for name in ("empty.mp4", "words.mp4", "list.mp4", "cut.mp4", "noise.mp4", "none.mp4", "."):
        with pytest.raises(MediaError) as caught:
            probe(tmp_path / name)
        assert str(tmp_path / name) in caught.value.message
        assert caught.value.hint
    for name in ("empty.mp4", "words.mp4", "list.mp4", "cut.mp4", "noise.mp4", "none.mp4", ".", "cut.png"):
        with pytest.raises(MediaError):
            read_frames(tmp_path / name, 0, 1)


def test_a_film_cut_short_behind_its_index_is_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (40, 36, 64, 3), dtype=np.uint8)
    write_clip(tmp_path / "a.mp4", frames, Fraction(24))
    with (
        av.open(str(tmp_path / "a.mp4")) as source,
        av.open(str(tmp_path / "fast.mp4"), "w", options={"movflags": "+faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = (tmp_path / "fast.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(MediaError, match="cut short"):
        probe(tmp_path / "cut.mp4")
    with pytest.raises(MediaError):
        read_frames(tmp_path / "cut.mp4", 0, 40)


@pytest.mark.parametrize("transfer", [16, 18, 8, 9])  # PQ, HLG, linear, logarithmic
def test_high_dynamic_range_is_refused_rather_than_shown_wrong(tmp_path: Path, transfer: int) -> None:
    with av.open(str(tmp_path / "hdr.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p10le"
        stream.codec_context.color_primaries, stream.codec_context.color_trc = 9, transfer
        stream.codec_context.colorspace = 9
        frame = av.VideoFrame(64, 36, "yuv420p10le")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert probe(tmp_path / "hdr.mp4").color.hdr
    with pytest.raises(MediaError, match="dynamic range"):
        read_frames(tmp_path / "hdr.mp4", 0, 1)


def test_colours_that_cannot_be_brought_to_rgb_are_told_before_the_work(tmp_path: Path) -> None:
    with av.open(str(film(tmp_path / "a.mp4", frames=2))) as source, av.open(str(tmp_path / "b.mkv"), "w") as target:
        out = target.add_stream_from_template(source.streams.video[0])
        out.codec_context.colorspace = 8
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = out
                target.mux(packet)
    with pytest.raises(MediaError, match=r"b\.mkv: its colours are coded in a way"):
        require_usable(tmp_path / "b.mkv", "film")


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.mov"])
def test_colours_that_the_container_alone_names_count(tmp_path: Path, name: str) -> None:
    """The decoder of H.264 forgets them where its stream names none."""
    with av.open(str(film(tmp_path / "a.mp4", frames=2))) as source, av.open(str(tmp_path / name), "w") as target:
        out = target.add_stream_from_template(source.streams.video[0])
        context = out.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = out
                target.mux(packet)
    assert probe(tmp_path / name).color.hdr
    with pytest.raises(MediaError, match="high dynamic range"):
        read_frames(tmp_path / name, 0, 1)


def test_a_pipe_is_not_called_an_empty_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "film.mp4")
    with pytest.raises(MediaError, match="it is a pipe or a device"):
        probe(tmp_path / "film.mp4")
