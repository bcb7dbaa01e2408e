"""Kinds of pictures, sounds and films that few people have: shown and heard as they are meant, or told."""

from __future__ import annotations

import math
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sora_cli.errors import MediaError
from sora_cli.media.read import probe, read_picture, read_sound
from sora_cli.media.read.opening import unreadable
from sora_cli.media.read.usable import require_usable
from tests.cases.test_what_is_shown import beginnings, greys_of
from tests.cases.test_what_is_shown import film as painted
from tests.media.test_probe import film

GREYS = np.array([[0, 0x40], [0x80, 0xFF]]).repeat(20, 0).repeat(20, 1)


def tiff(
    path: Path, *planes: np.ndarray, means: int = 1, numbers: int = 1, apart: bool = False, pages: int = 1
) -> Path:
    """A TIFF 6.0 of its planes, each in a strip of its own where they lie `apart`."""
    high, wide = planes[0].shape
    order = ">" if planes[0].dtype.byteorder == ">" else "<"
    data = b"".join(plane.tobytes() for plane in planes) if apart else np.dstack(planes).tobytes()
    each = len(data) // len(planes) if apart else len(data)
    strips = len(planes) if apart else 1
    bits = planes[0].dtype.itemsize * 8
    entries = {256: [wide], 257: [high], 258: [bits] * len(planes), 259: [1], 262: [means], 277: [len(planes)],
               278: [high], 284: [1 + apart], 339: [numbers] * len(planes)}  # fmt: skip
    raw = b"II*\0" if order == "<" else b"MM\0*"
    body = raw + struct.pack(f"{order}I", 8 + len(data)) + data
    for page in range(pages):
        rows = {key: ("H", value) for key, value in entries.items()}
        rows |= {273: ("I", [8 + each * number for number in range(strips)]), 279: ("I", [each] * strips)}
        behind = len(body) + 6 + 12 * len(rows)
        table, more = struct.pack(f"{order}H", len(rows)), b""
        for key, (kind, values) in sorted(rows.items()):
            packed = struct.pack(f"{order}{len(values)}{kind}", *values)
            place = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(f"{order}I", behind + len(more))
            more += b"" if len(packed) <= 4 else packed
            table += struct.pack(f"{order}HHI", key, 3 if kind == "H" else 4, len(values)) + place
        last = page == pages - 1
        body += table + struct.pack(f"{order}I", 0 if last else behind + len(more)) + more
    path.write_bytes(body)
    return path


@pytest.mark.parametrize(
    ("kind", "inverted"),
    [
        ("u1", False),
        ("<u2", False),
        (">u2", False),
        ("<u4", False),
        ("<f4", False),
        ("u1", True),
        ("<u2", True),
        ("<f4", True),
    ],
)
def test_grey_tiffs_of_every_depth_are_as_bright_as_they_are_meant(
    tmp_path: Path, kind: str, *, inverted: bool
) -> None:
    most = 1 if kind == "<f4" else 256 ** np.dtype(kind).itemsize - 1
    plane = (GREYS / 255 * most).astype(kind)
    path = tiff(tmp_path / "a.tif", plane, means=int(not inverted), numbers=3 if kind == "<f4" else 1)
    shown = read_picture(path)[0, :, :, 0]
    assert np.abs(shown.astype(int) - (255 - GREYS if inverted else GREYS)).max() <= 1


def test_tiffs_that_would_be_shown_wrongly_are_refused_and_further_pages_told(tmp_path: Path) -> None:
    plane = (GREYS * 257).astype("<u2")
    tiff(tmp_path / "apart.tif", plane, plane // 2, plane // 3, means=2, apart=True)
    tiff(tmp_path / "signed.tif", (GREYS * 100).astype("<i2"), numbers=2)
    for name, why in (("apart.tif", "channels of 16 bits lie apart"), ("signed.tif", "may be negative")):
        with pytest.raises(MediaError, match=why):
            read_picture(tmp_path / name)
    many = tiff(tmp_path / "many.tif", GREYS.astype("u1"), pages=3)
    told = ("it has 3 pictures: the first is shown",)
    assert require_usable(many, "picture") == require_usable(many, "film") == probe(many).remarks == told


@pytest.mark.parametrize(("bits", "key"), [(16, 0x4040), (8, 0x40), (2, 1)])
def test_the_grey_that_a_png_makes_transparent_shows_white(tmp_path: Path, bits: int, key: int) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    samples = {16: (GREYS * 257).astype(">u2"), 8: GREYS.astype("u1"), 2: np.full((40, 10), 0b01_10_11_01, np.uint8)}
    rows = b"".join(b"\0" + row.tobytes() for row in samples[bits])
    head = struct.pack(">IIBBBBB", 40, 40, bits, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"tRNS", struct.pack(">H", key)) + chunk(b"IDAT", zlib.compress(rows))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b""))
    shown = read_picture(tmp_path / "a.png")[0, :, :, 0]
    right = np.where(GREYS == 0x40, 255, GREYS) if bits > 2 else np.tile([255, 170, 255, 255], (40, 10))
    assert np.array_equal(shown, right)
    assert require_usable(tmp_path / "a.png", "picture") == ("what is transparent in it shows white",)


def tones(channels: int, level: float = 0.25) -> np.ndarray:
    at = np.arange(24_000)[:, np.newaxis] / 48_000
    return (level * np.sin(2 * np.pi * (300 + 100 * np.arange(channels)) * at)).astype(np.float32)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ((2, 0.25, 48_000, "BIG"), "bytes in reverse order"),
        ((9, 0.25, 48_000, "FILE"), "9 channels, and where each is heard is not known"),
        ((2, 1e30, 48_000, "FILE"), r"samples of up to 1e\+30"),
        ((2, 0.25, 1, "FILE"), "1 samples a second"),
    ],
)
def test_what_would_be_noise_is_refused(tmp_path: Path, made: tuple[int, float, int, str], why: str) -> None:
    channels, level, rate, endian = made
    soundfile.write(tmp_path / "a.wav", tones(channels, level), rate, subtype="FLOAT", endian=endian)
    with pytest.raises(MediaError, match=why):
        require_usable(tmp_path / "a.wav", "sound")


def test_channels_above_the_listener_are_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tones(12), 48_000)
    (told,) = require_usable(tmp_path / "a.wav", "sound")
    assert "12 channels" in told


@pytest.mark.parametrize("change", [("stereo", 48_000, "5.1", 48_000), ("stereo", 48_000, "mono", 44_100)])
def test_sound_may_change_its_channels_and_its_rate(tmp_path: Path, change: tuple[str, int, str, int]) -> None:
    """A broadcast does so between advertisements and films."""
    data = b""
    for layout, rate in (change[:2], change[2:]):
        with av.open(str(tmp_path / "part.ac3"), "w") as container:
            stream = container.add_stream("ac3", rate=rate, layout=layout)
            wave = tones(stream.layout.nb_channels).T.copy()
            frame = av.AudioFrame.from_ndarray(wave, "fltp", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            container.mux([*stream.encode(frame), *stream.encode(None)])
        data += (tmp_path / "part.ac3").read_bytes()
    (tmp_path / "a.ac3").write_bytes(data)
    sound = read_sound(tmp_path / "a.ac3")
    spectrum = np.abs(np.fft.rfft(sound[30_000:42_000, 0]))
    assert abs(len(sound) - 24_000 - 24_000 * 48_000 / change[3]) < 5000
    assert round(float(np.argmax(spectrum)) * 4) == pytest.approx(300 * change[3] / 48_000, abs=4)


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_the_sound_of_an_avi_begins_with_its_picture(tmp_path: Path, codec: str) -> None:
    path = painted(tmp_path / "a.avi", [50] * 25, codec=codec, beep=True, options={"bf": "3"})
    assert len(read_sound(path)) == 48_000  # of B-frames an AVI has no times of showing: its first was taken for late


@pytest.mark.parametrize(("name", "codec"), [("a.m1v", "mpeg1video"), ("a.m2v", "mpeg2video"), ("a.h264", "libx264")])
def test_the_frames_of_a_bare_stream_are_even(tmp_path: Path, name: str, codec: str) -> None:
    found = probe(painted(tmp_path / name, [50] * 30, codec=codec))
    assert (found.frames, found.duration, found.variable) == (30, Fraction(30, 25), False)


def test_a_longer_track_beside_the_sound_is_no_sound_after_the_picture(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width, video.height = 64, 48
        sounds = [container.add_stream("pcm_s16le", rate=48_000, layout="mono") for _ in range(2)]
        for number in range(25):
            picture = av.VideoFrame(64, 48, "yuv420p")
            picture.pts = number
            container.mux(video.encode(picture))
        container.mux(video.encode(None))
        for sound, seconds in zip(sounds, (1, 5), strict=True):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000 * seconds), np.int16), "s16", "mono")
            frame.sample_rate = 48_000
            container.mux(sound.encode(frame))
    assert probe(tmp_path / "a.mkv").remarks == ("it has 2 sound tracks: track 1 is used",)


@pytest.mark.parametrize(("degrees", "told"), [(33, ["33 degrees to the right"]), (-20, ["20 degrees to the left"]),
                                               (90, []), (180, [])])  # fmt: skip
def test_a_turn_that_is_no_quarter_is_told(tmp_path: Path, degrees: int, told: list[str]) -> None:
    path = film(tmp_path / "a.mp4", frames=1, rotate=180)
    raw, turn = path.read_bytes(), math.radians(degrees)
    half = struct.pack(">5i", *(65_536 * each for each in (-1, 0, 0, 0, -1)))
    asked = (math.cos(turn), math.sin(turn), 0, -math.sin(turn), math.cos(turn))
    assert half in raw
    path.write_bytes(raw.replace(half, struct.pack(">5i", *(round(65_536 * each) for each in asked))))
    remarks = probe(path).remarks
    assert len(remarks) == len(told)
    assert all(each in remark for each, remark in zip(told, remarks, strict=True))


def test_what_libav_does_not_permit_is_no_lack_of_permission(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(bytes(100))
    told = unreadable(tmp_path / "a.mkv", av.error.PermissionError(1, "Operation not permitted"))
    assert "permission" not in str(told)


def broadcast(path: Path, *, rate: int = 25, layout: str = "stereo", ranged: int = 1) -> bytes:
    """Two seconds of a transport stream, the grey of each frame twice its number; sound at 0.5 s, for 0.1 s."""
    with av.open(str(path), "w", format="mpegts") as container:
        video = container.add_stream("libx264", rate=rate, options={"bf": "2"})
        video.width, video.height, video.pix_fmt, video.codec_context.color_range = 64, 48, "yuv420p", ranged
        sound = container.add_stream("ac3", rate=48_000, layout=layout)
        packets = []
        for number in [*range(2 * rate), None]:
            picture = None
            if number is not None:
                grey = 2 * number if ranged == 2 else round(16 + 2 * number * 219 / 255)
                picture = av.VideoFrame.from_ndarray(
                    np.concatenate([np.full((48, 64), grey), np.full((24, 64), 128)]).astype(np.uint8), "yuv420p"
                )
                picture.pts, picture.color_range = number, ranged
            packets += video.encode(picture)
        wave = np.zeros((sound.layout.nb_channels, 96_000), np.float32)
        wave[:, 24_000:28_800] = 0.5 * np.sin(np.arange(4800) / 7)
        block = av.AudioFrame.from_ndarray(wave, "fltp", layout)
        block.sample_rate, block.pts, block.time_base = 48_000, 0, Fraction(1, 48_000)
        packets += [*sound.encode(block), *sound.encode(None)]
        container.mux(sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)))
    return path.read_bytes()


@pytest.mark.parametrize("layout", ["stereo", "5.1"])
def test_sound_keeps_its_place_behind_a_join(tmp_path: Path, layout: str) -> None:
    """The last sound before it lies behind the first picture after it, with times of the clock before it."""
    first = broadcast(tmp_path / "part.ts")
    (tmp_path / "a.ts").write_bytes(first + broadcast(tmp_path / "part.ts", layout=layout) + first)
    found = beginnings(read_sound(tmp_path / "a.ts"))
    assert found == pytest.approx([0.5, 2.5, 4.5], abs=0.05)
    assert probe(tmp_path / "a.ts").duration == 6


def test_a_film_that_changes_its_rate_at_a_join_is_as_long_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_bytes(broadcast(tmp_path / "p.ts") + broadcast(tmp_path / "p.ts", rate=50))
    found = probe(tmp_path / "a.ts")
    assert (found.frames, found.fps) == (150, 50)
    assert float(found.duration) == pytest.approx(4, abs=0.05)


def test_a_film_that_changes_its_range_keeps_its_greys(tmp_path: Path) -> None:
    (tmp_path / "a.ts").write_bytes(broadcast(tmp_path / "p.ts") + broadcast(tmp_path / "p.ts", ranged=2))
    found = np.array(greys_of(tmp_path / "a.ts"))
    assert np.abs(found - 2 * np.tile(np.arange(50), 2)).max() <= 2
