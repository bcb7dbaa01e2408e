"""Films that change on the way: recordings of calls, joined files, broadcasts that go on to another programme."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sora_cli.media.read import Probe, open_film, probe
from sora_cli.media.read.index import Index
from tests.cases.test_what_is_shown import film, greys_of

TOLD = "its picture changes size 1.0 s after its beginning: it is fitted into the size that it begins with"
JOINED = [
    ("a.ts", "libx264", (32, 24), 1),
    ("a.mp4", "libx264", (32, 24), 1),
    ("a.mp4", "libx265", (32, 24), 1),
    ("a.webm", "libvpx", (128, 96), 1),
    ("a.ts", "libx264", (48, 48), 1),
    ("a.ts", "mpeg2video", (64, 48), Fraction(4, 3)),
]


def joined(path: Path, codec: str, size: tuple[int, int], aspect: Fraction | int) -> Path:
    """A second of 64x48, then one of another size, each in one file as copying joins them; greys of 60, then of 180."""
    with av.open(str(path), "w", format="mpegts" if path.suffix == ".ts" else None) as out:
        stream = None
        for part, (shape, wide, grey) in enumerate([((64, 48), 1, 60), (size, aspect, 180)]):
            coder = av.CodecContext.create(codec, "w")
            coder.width, coder.height, coder.pix_fmt = *shape, "yuv420p"
            coder.time_base, coder.framerate, coder.sample_aspect_ratio = Fraction(1, 25), 25, Fraction(wide)
            coder.options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
            if stream is None:
                stream = out.add_stream(codec, rate=25)
                stream.width, stream.height, stream.pix_fmt = *shape, "yuv420p"
            for number in [*range(25), None]:
                picture = None
                if number is not None:
                    picture = av.VideoFrame.from_ndarray(np.full((*shape[::-1], 3), grey, np.uint8))
                    picture.pts, picture.time_base = 25 * part + number, Fraction(1, 25)
                for packet in coder.encode(picture):
                    packet.stream = stream
                    out.mux(packet)
    return path


@pytest.mark.parametrize(("name", "codec", "size", "aspect"), JOINED)
def test_a_film_that_changes_its_size_is_fitted_into_the_first(
    tmp_path: Path, name: str, codec: str, size: tuple[int, int], aspect: Fraction | int
) -> None:
    path = joined(tmp_path / name, codec, size, aspect)
    found = probe(path)
    assert (found.width, found.height, found.frames) == (64, 48, 50)
    assert found.remarks == (TOLD,)
    across, down = (8 if size == (48, 48) else 0), (6 if aspect != 1 else 0)
    with open_film(path) as opened:  # from the middle, when nothing was seen of its beginning
        late = opened.read(40, 2)
        assert late.shape == (2, 48, 64, 3)
        assert np.abs(late[:, down + 2 : 46 - down, across + 2 : 62 - across].astype(int) - 180).max() <= 4
        assert max(late[:, :, :across].max(initial=0), late[:, :down].max(initial=0)) <= (4 if across or down else 0)
        assert np.abs(opened.read(0, 20).astype(int) - 60).max() <= 4
    assert np.abs(np.array(greys_of(path)) - np.repeat([60, 180], 25)).max() <= 4


def test_a_film_whose_first_frame_lasts_otherwise_tells_where_it_has_none() -> None:
    """In fragments (DASH, HLS) the first frame begins with the sound, which is earlier: then one was not loaded."""
    steps = np.array([61, *[40] * 24, 1040, *[40] * 48])
    index = Index(np.concatenate(([0], np.cumsum(steps))), np.zeros(1, np.int64), Fraction(1, 1000), 40)
    assert index.pause == (Fraction(1061, 1000), 1)


@pytest.mark.parametrize(("told", "rate"), [(Fraction(2487, 100), 25), (Fraction(299, 10), 30), (Fraction(14), 15)])
def test_the_rate_is_a_camera_s_where_the_mean_of_a_film_is_another(told: Fraction, rate: int) -> None:
    times = np.arange(100) * Fraction(1000, rate)
    index = Index(
        np.array([round(time) + 50 * (time > 1500) for time in times]), np.zeros(1, np.int64), Fraction(1, 1000), 40
    )
    assert index.variable
    assert index.rate(told) == rate


@pytest.mark.parametrize("told", [Fraction(2997, 100), Fraction(19_001, 634)])
def test_a_rate_in_other_digits_is_that_of_television_and_shows_each_frame_in_its_place(told: Fraction) -> None:
    times = np.array([round(number / told * 90_000) for number in range(40)])
    index = Index(times, np.zeros(1, np.int64), Fraction(1, 90_000), 3003)
    ntsc = Fraction(30_000, 1001)
    assert (index.variable, index.rate(told)) == (False, ntsc)
    found = Probe(path=Path("a.mp4"), kind="film", fps=index.rate(told), frames=40, index=index)
    assert found.shown_at(ntsc) == [*range(40)]


def test_a_film_of_one_size_tells_nothing(tmp_path: Path) -> None:
    assert probe(film(tmp_path / "a.ts", [40] * 50)).remarks == ()
    assert probe(film(tmp_path / "a.mp4", [40] * 50)).remarks == ()


@pytest.mark.parametrize("name", ["a.mjpeg", "a.mjpg"])
def test_pictures_one_behind_the_other_are_a_film(tmp_path: Path, name: str) -> None:
    pictures = [io.BytesIO() for _ in range(10)]
    for number, picture in enumerate(pictures):
        Image.new("RGB", (64, 48), (20 * number,) * 3).save(picture, "JPEG")
    (tmp_path / name).write_bytes(b"".join(picture.getvalue() for picture in pictures))
    found = probe(tmp_path / name)
    assert (found.kind, found.frames, found.width, found.height) == ("film", 10, 64, 48)
    assert np.abs(np.array(greys_of(tmp_path / name)) - 20 * np.arange(10)).max() <= 3
