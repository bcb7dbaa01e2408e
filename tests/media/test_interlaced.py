"""Interlaced films: whole frames come of them, one for one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from sora_cli.media.read import open_film, read_frames
from sora_cli.media.read.index import Index

FRAMES = 20


def moment(time: int) -> np.ndarray:
    """A bar that moves four pixels from one field to the next."""
    picture = np.full((96, 192, 3), 60, np.uint8)
    picture[:, 4 * time : 4 * time + 16] = 220
    return picture


@pytest.fixture(scope="module")
def interlaced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fields") / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"flags": "+ildct+ilme", "crf": "8"})
        stream.width, stream.height, stream.pix_fmt = 192, 96, "yuv420p"
        for number in range(FRAMES):
            woven = moment(2 * number)
            woven[1::2] = moment(2 * number + 1)[1::2]
            frame = av.VideoFrame.from_ndarray(woven).reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_frames_have_no_combs_and_are_those_of_their_time(interlaced: Path) -> None:
    with av.open(str(interlaced)) as container:
        raw = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    found = read_frames(interlaced, 0, FRAMES).astype(int)
    assert np.abs(np.diff(raw, axis=1)).mean() > 5
    assert np.abs(np.diff(found, axis=1)).mean() < 0.2
    for number, picture in enumerate(found):
        assert min(np.abs(picture - moment(2 * number + field)).mean() for field in (0, 1)) < 2


@pytest.mark.parametrize("wanted", [[0], [19], [3, 3, 7, 19], [12, 13, 2]])
def test_any_frame_can_be_asked_for(interlaced: Path, wanted: list[int]) -> None:
    whole = read_frames(interlaced, 0, FRAMES)
    found = [read_frames(interlaced, number, 1)[0] for number in wanted]
    assert np.abs(np.stack(found).astype(int) - whole[wanted]).max() <= 40  # at the seek, the frame before is not known
    with open_film(interlaced) as film:
        assert [frame.pts // 512 for frame in film.frames(wanted)] == wanted


def test_cinema_on_a_disc_of_ntsc_keeps_its_own_rate() -> None:
    """Of 2 frames one stays for 3 fields: at the disc's rate each fourth frame came twice."""
    fields = np.cumsum([0] + [3, 2] * 30)
    for base in (Fraction(1, 90_000), Fraction(1, 1000)):
        times = np.array([round(int(field) * Fraction(1001, 60_000) / base) for field in fields], np.int64)
        index = Index(times, times[::12], base, int(times[2] - times[1]))
        assert index.variable
        assert index.rate(Fraction(30_000, 1001)) == Fraction(24_000, 1001)
        assert index.shown_at(Fraction(24_000, 1001)) == [*range(61)]
