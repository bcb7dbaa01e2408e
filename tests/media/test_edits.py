"""Edit lists of MP4 and QuickTime files that libav itself plays otherwise than they say."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from unittest import mock

import av
import numpy as np
import pytest

from sora_cli.errors import MediaError
from sora_cli.media.read import open_film, probe, read_sound
from sora_cli.media.splice import why_not
from sora_cli.media.stream import Master

RATE = 48_000
EMPTY = -1
Edits = list[tuple[float, float, float]]
"""Seconds that an edit lasts, where in the track it begins, and how fast it plays."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty frames, each brighter than the one before, with a beep in the first fifth of a second."""
    path = tmp_path_factory.mktemp("film") / "a.mov"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25, options={"crf": "5", "bf": "0", "g": "5"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 + 4 * number, np.uint8))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        heard = np.sin(np.arange(RATE * 6 // 5) / 8) * (np.arange(RATE * 6 // 5) < RATE // 5)
        block = av.AudioFrame.from_ndarray((heard * 9000).astype(np.int16)[None], "s16", "mono")
        block.sample_rate = RATE
        container.mux([*audio.encode(block), *audio.encode(None)])
    return path


def edited(whole: Path, path: Path, edits: Edits, kinds: tuple[bytes, ...] = (b"vide", b"soun"), wide: int = 0) -> Path:
    """A film whose index lies behind its pictures, with these edits in place of those of its tracks."""
    data = bytearray(whole.read_bytes())
    index = data.index(b"moov") - 4
    ticks = int.from_bytes(data[data.index(b"mvhd", index) + 16 :][:4], "big")
    for kind, rate in ((b"vide", 12_800), (b"soun", RATE)):
        if kind not in kinds:
            continue
        track = data.rindex(b"trak", index, data.index(b"mhlr" + kind, index)) - 4
        form = ">QqI" if wide else ">IiI"
        rows = [
            struct.pack(form, round(length * ticks), EMPTY if at < 0 else round(at * rate), round(speed * 65_536))
            for length, at, speed in edits
        ]
        listed = struct.pack(">BxxxI", wide, len(rows)) + b"".join(rows)
        box = struct.pack(">I4sI4s", len(listed) + 16, b"edts", len(listed) + 8, b"elst") + listed
        start = data.index(b"edts", track) - 4
        was = int.from_bytes(data[start : start + 4], "big")
        data[start : start + was] = box
        for at in (index, track):
            data[at : at + 4] = (int.from_bytes(data[at : at + 4], "big") + len(box) - was).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def shown(path: Path) -> list[int]:
    with open_film(path) as film:
        return [round((float(np.median(each)) - 40) / 4) for each in film.pictures(film.shown_at(Fraction(25)))]


@pytest.mark.parametrize("wide", [0, 1])
def test_where_an_edit_is_empty_the_beginning_is_not_played(whole: Path, tmp_path: Path, wide: int) -> None:
    path = edited(whole, tmp_path / "a.mov", [(0.2, 0, 1), (0.4, EMPTY, 1), (0.2, 0.6, 1)], wide=wide)
    assert shown(path) == [*range(5), *[4] * 10, *range(15, 20)]
    sound = np.abs(read_sound(path)[:, 0])
    assert sound[2000:8000].max() > 0.2
    assert sound[RATE // 4 :].max() < 0.01
    with open_film(path) as film:  # frames are found by number, too, whatever was asked for before
        assert [round((float(np.median(each)) - 40) / 4) for each in film.pictures([7, 2])] == [17, 2]


def test_a_track_that_ends_in_an_empty_edit_ends_there(whole: Path, tmp_path: Path) -> None:
    path = edited(whole, tmp_path / "a.mov", [(0.4, 0, 1), (0.6, EMPTY, 1)])
    assert shown(path) == [*range(10)]
    assert probe(path).duration == Fraction(2, 5)
    assert probe(path).remarks == ()
    path = edited(whole, tmp_path / "b.mov", [(0.4, 0, 1), (0.6, EMPTY, 1)], (b"soun",))
    assert shown(path) == [*range(30)]
    assert np.abs(read_sound(path)[RATE // 4 :]).max(initial=0) < 0.01


def test_empty_edits_at_the_beginning_delay_and_take_nothing(whole: Path, tmp_path: Path) -> None:
    path = edited(whole, tmp_path / "a.mov", [(0.1, EMPTY, 1), (0.1, EMPTY, 1), (0.4, 0, 0)])
    assert shown(path) == [*range(10)]
    assert np.abs(read_sound(path)[2000:8000]).max() > 0.2


@pytest.mark.parametrize("edits", [[(0.5, 0, 2)], [(0.2, 0, 1), (0.4, 0.2, 0), (0.2, 0.2, 1)]], ids=["fast", "held"])
def test_another_speed_is_refused_of_pictures_and_of_sound(whole: Path, tmp_path: Path, edits: Edits) -> None:
    with pytest.raises(MediaError, match="plays a part of it at another speed"):
        probe(edited(whole, tmp_path / "a.mov", edits, (b"vide",)))
    with pytest.raises(MediaError, match="plays a part of it at another speed"):
        read_sound(edited(whole, tmp_path / "b.mov", edits, (b"soun",)))


def test_packets_of_a_film_with_empty_places_stand_beside_no_others(whole: Path, tmp_path: Path) -> None:
    path = edited(whole, tmp_path / "a.mov", [(0.4, 0, 1), (0.6, EMPTY, 1)])
    master = Master(width=64, height=64, fps=Fraction(25), frames=1, pictures=lambda: iter(()), title="")
    assert why_not(probe(path), master) == "its header plays it in parts"


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_edits_that_begin_between_keyframes_show_their_own_frames_and_sound(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "whole.mov"
    with av.open(str(path), "w") as container:
        more = {"x265-params": "bframes=3:keyint=12:min-keyint=12:b-adapt=0:open-gop=1:crf=5:log-level=none"}
        options = more if codec == "libx265" else {"crf": "5", "bf": "3", "g": "12", "b_strategy": "0"}
        video = container.add_stream(codec, rate=25, options=options)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 + 4 * number, np.uint8))
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(np.repeat(np.arange(40), RATE // 25).astype(np.int16)[None], "s16", "mono")
        block.sample_rate = RATE
        container.mux([*audio.encode(block), *audio.encode(None)])
    late = 2 / 25  # how much later than it is decoded the first frame is shown
    for cuts in ([(7, 5), (28, 5)], [(25, 5), (11, 4), (32, 6)], [(2, 5), (4, 5)], [(11, 10)]):
        film = edited(path, tmp_path / "a.mov", [(n / 25, at / 25 + late, 1) for at, n in cuts], (b"vide",))
        film = edited(film, tmp_path / "b.mov", [(n / 25, at / 25, 1) for at, n in cuts], (b"soun",))
        right = [number for at, n in cuts for number in range(at, at + n)]
        assert shown(film) == right
        assert [*np.rint(read_sound(film)[:, 0] * 32_768)] == [*np.repeat(right, RATE // 25)]
        with open_film(film) as opened:
            assert [round((float(np.median(each)) - 40) / 4) for each in opened.pictures([6, 1])] == [
                right[6],
                right[1],
            ]
        assert probe(film).remarks == ()


def test_edits_that_no_film_has_are_refused_at_once(whole: Path, tmp_path: Path) -> None:
    for edits in ([(0.4, 0, 1), (3e9, 0.2, 1)], [(0.4, 0, 1), (3e9, EMPTY, 1), (0.4, 0, 1)]):
        with pytest.raises(MediaError, match="lasts for weeks"):
            probe(edited(whole, tmp_path / "a.mov", edits, wide=1))
    path = edited(whole, tmp_path / "a.mov", [(1.2, 0, 1)] * 50)
    with mock.patch("sora_cli.media.read.recut._MOST", 1000), pytest.raises(MediaError, match="frames more than"):
        probe(path)
