"""A film file is what it says it is: colours, rate, length, sound, tags."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from unittest.mock import Mock

import av
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli.errors import MediaError, RequestError
from sora_cli.media.deliveries import DELIVERIES, delivery
from sora_cli.media.film import write_film
from sora_cli.media.read import open_film, probe, read_frames, read_sound
from sora_cli.media.stream import Chapter, Master
from sora_cli.media.whole import written

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(12), Fraction(24000, 1001), Fraction(30000, 1001)]
PATCHES = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [128, 128, 128], [201, 61, 30], [20, 90, 160]],
    np.uint8,
)


def patches() -> np.ndarray:
    return np.broadcast_to(PATCHES.repeat(16, axis=0), (32, 128, 3)).copy()


def master(frames: int = 12, fps: Fraction = Fraction(24), **changes: object) -> Master:
    def pictures() -> Iterator[av.VideoFrame]:
        for _ in range(frames):
            yield av.VideoFrame.from_ndarray(patches())

    made = Master(width=128, height=32, fps=fps, frames=frames, pictures=pictures)
    return replace(made, **changes)


@pytest.mark.parametrize("fps", RATES)
def test_rate_and_length_are_exact(tmp_path: Path, fps: Fraction) -> None:
    write_film(tmp_path / "film.mp4", master(25, fps))
    known = probe(tmp_path / "film.mp4")
    assert (known.fps, known.frames, known.duration, known.variable) == (fps, 25, 25 / fps, False)


MOVING = """
import sys
from fractions import Fraction
from pathlib import Path
import av, numpy as np
from sora_cli.media.film import write_film
from sora_cli.media.stream import Master
y, x = np.mgrid[0:160, 0:240]
def pictures():
    for n in range(30):
        yield av.VideoFrame.from_ndarray(np.stack([x * 2 + n * 3, y * 3 - n * 2, x + y + n], -1).astype(np.uint8))
write_film(Path(sys.argv[1]), Master(width=240, height=160, fps=Fraction(12), frames=30, pictures=pictures))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's way to fill memory that nobody wrote")
def test_the_same_film_comes_out_whatever_the_memory_held(tmp_path: Path) -> None:
    films = [tmp_path / "one.mp4", tmp_path / "other.mp4"]
    for film, filled in zip(films, ("85", "170"), strict=True):
        environment = {**os.environ, "MALLOC_PERTURB_": filled}
        subprocess.run([sys.executable, "-c", MOVING, str(film)], check=True, env=environment)
    assert films[0].read_bytes() == films[1].read_bytes()


def test_colours_are_bt_709_and_say_so(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", master())
    tags = probe(tmp_path / "film.mp4").color
    assert (tags.primaries, tags.transfer, tags.matrix, tags.range) == ("bt709", "bt709", "bt709", "tv")
    with av.open(str(tmp_path / "film.mp4")) as container:
        planes = [plane.astype(float) for plane in _planes(next(container.decode(video=0)))]
    kr, kb = 0.2126, 0.0722
    for number, (r, g, b) in enumerate(PATCHES / 255):
        luma = kr * r + (1 - kr - kb) * g + kb * b
        wanted = (16 + 219 * luma, 128 + 224 * (b - luma) / (2 * (1 - kb)), 128 + 224 * (r - luma) / (2 * (1 - kr)))
        found = [planes[0][16, number * 16 + 8], planes[1][8, number * 8 + 4], planes[2][8, number * 8 + 4]]
        assert np.abs(np.array(found) - wanted).max() <= 1.5


def _planes(frame: av.VideoFrame) -> list[np.ndarray]:
    return [
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]


def test_flat_patches_come_back(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", master())
    frame = read_frames(tmp_path / "film.mp4", 6, 1)[0]
    for number, colour in enumerate(PATCHES):
        assert np.abs(frame[16, number * 16 + 8].astype(int) - colour).max() <= 3


def test_it_starts_to_play_before_it_is_whole(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", master())
    data = (tmp_path / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_title_author_and_chapters(tmp_path: Path) -> None:
    chapters = (Chapter("harbour", 0, 24), Chapter("the sea", 24, 48))
    write_film(tmp_path / "film.mp4", master(48, title="First Light", author="Jane Doe", chapters=chapters))
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.metadata["title"] == "First Light"
        assert container.metadata["artist"] == "Jane Doe"
        found = [
            (part["metadata"]["title"], part["start"] * part["time_base"], part["end"] * part["time_base"])
            for part in container.chapters()
        ]
    assert found == [("harbour", 0, 1), ("the sea", 1, 2)]


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30000, 1001)])
def test_sound_stays_with_the_picture(tmp_path: Path, fps: Fraction) -> None:
    film = master(100, fps)
    clicks = [10_000, 60_000, film.samples - 20_000]
    sound = np.zeros((film.samples, 2), np.float32)
    for click in clicks:
        sound[click : click + 24] = 0.8
    film = replace(film, sound=lambda: iter(np.array_split(sound, 13)))
    write_film(tmp_path / "film.mp4", film)
    heard = np.abs(read_sound(tmp_path / "film.mp4")[:, 0])
    for click in clicks:
        around = heard[click - 2000 : click + 2000]
        assert abs(int((around * np.arange(4000)).sum() / around.sum()) - 2012) < 48  # within a millisecond
    with av.open(str(tmp_path / "film.mp4")) as container:
        audio = container.streams.audio[0]
        assert (audio.rate, audio.channels, audio.start_time) == (48_000, 2, 0)
        assert abs(audio.duration * audio.time_base - 100 / fps) < Fraction(1, 1000)


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path) -> None:
    write_film(tmp_path / "film.part", master())
    assert probe(tmp_path / "film.part").frames == 12


@pytest.mark.parametrize("promised", [11, 13])
def test_a_master_that_breaks_its_promise_leaves_no_file(tmp_path: Path, promised: int) -> None:
    with pytest.raises(MediaError, match=f"{promised} frames"):
        write_film(tmp_path / "film.mp4", replace(master(12), frames=promised))
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    def interrupt(done: int, _frames: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_film(tmp_path / "film.mp4", master(), progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_an_odd_size_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="127x32") as caught:
        write_film(tmp_path / "film.mp4", master(width=127))
    assert "even" in caught.value.hint


def test_progress_counts_every_frame(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write_film(tmp_path / "film.mp4", master(), progress=lambda done, of: told.append((done, of)))
    assert told == [(number, 12) for number in range(1, 13)]


def test_deliveries_are_found_by_name() -> None:
    assert delivery("web") is DELIVERIES["web"]
    with pytest.raises(RequestError, match="--deliver vhs: no such delivery"):
        delivery("vhs")


KINDS = {
    "web": ("h264", "yuv420p", "bt709", "tv", "aac"),
    "prores": ("prores", "yuv422p10le", "bt709", "tv", "pcm_s24le"),
    "archive": ("ffv1", "yuv444p10le", "bt709", "tv", "flac"),
    "av1": ("libdav1d", "yuv420p10le", "bt709", "tv", "aac"),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_delivery_is_what_it_says_it_is(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    film = master(36, Fraction(24000, 1001), title="First Light", chapters=(Chapter("a", 0, 12), Chapter("b", 12, 36)))
    sound = (0.1 * np.random.default_rng(0).normal(size=(film.samples, 2))).astype(np.float32)
    kind = delivery(name)
    path = tmp_path / f"film{kind.suffix}"
    write_film(path, replace(film, sound=lambda: iter([sound])), kind)
    known = probe(path)
    found = (known.codec, known.pixels, known.color.matrix, known.color.range, known.sound_codec)
    assert found == KINDS[name]
    assert (known.color.primaries, known.color.transfer) == ("bt709", "bt709")
    assert (known.fps, known.frames, known.rate, known.channels) == (Fraction(24000, 1001), 36, 48_000, 2)
    frame = read_frames(path, 20, 1)[0]
    assert np.abs(frame[16, 8::16].astype(int) - PATCHES).max() <= (1 if name == "archive" else 3)
    with av.open(str(path)) as container:
        assert container.metadata["title"] == "First Light"
        assert [part["metadata"]["title"] for part in container.chapters()] == ["a", "b"]
    if name in {"prores", "archive"}:
        assert np.abs(read_sound(path)[: len(sound)] - sound).max() < 2**-22
    assert capfd.readouterr() == ("", "")
    if sys.platform == "linux":
        kinds = {os.sched_getscheduler(int(thread.name)) for thread in Path("/proc/self/task").iterdir()}
        assert kinds == {os.SCHED_OTHER}, "an encoder that root runs has not made itself real-time"


def test_a_gif_is_small_and_loops(tmp_path: Path) -> None:
    film = replace(master(48, Fraction(24)), sound=lambda: iter([]), chapters=(Chapter("a", 0, 48),))
    write_film(tmp_path / "film.gif", film, delivery("gif"))
    known = probe(tmp_path / "film.gif")
    assert (known.codec, known.frames, known.fps, known.channels) == ("gif", 24, 12, 0)
    assert b"NETSCAPE2.0" in (tmp_path / "film.gif").read_bytes()
    assert np.abs(read_frames(tmp_path / "film.gif", 5, 1)[0][16, 8::16].astype(int) - PATCHES).max() <= 3


def test_a_webp_is_small_and_loops(tmp_path: Path) -> None:
    def pictures() -> Iterator[av.VideoFrame]:
        for number in range(48):  # the last half stands still
            yield av.VideoFrame.from_ndarray(np.roll(patches(), 16 * (min(number, 24) // 2), axis=1))

    film = master(48, pictures=pictures, sound=lambda: iter([]), chapters=(Chapter("a", 0, 48),))
    write_film(tmp_path / "film.webp", film, delivery("webp"))
    with Image.open(tmp_path / "film.webp") as image:
        assert (image.format, image.n_frames, image.info["loop"], image.size) == ("WEBP", 13, 0, (128, 32))
        image.seek(5)
        shown = np.roll(np.asarray(image.convert("RGB")), -16 * 5, axis=1)
        assert np.abs(shown[16, 8::16].astype(int) - PATCHES).max() <= 12
    with open_film(tmp_path / "film.webp") as found:
        shown = found.shown_at(Fraction(12))
        assert (found.facts.frames, found.facts.fps, len(shown)) == (13, 12, 24)
        assert abs(found.facts.duration - 2) <= Fraction(1, 1000)  # its clock has milliseconds
        fifth, last = found.pictures([shown[5], shown[23]])
    assert np.abs(np.roll(fifth, -16 * 5, axis=1)[16, 8::16].astype(int) - PATCHES).max() <= 12
    assert np.abs(np.roll(last, -16 * 12, axis=1)[16, 8::16].astype(int) - PATCHES).max() <= 12


def test_the_disk_that_is_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A film is written with the help of temporary files, which may lie on another disk than the film."""
    aside, place = tmp_path / "aside", tmp_path / "films"
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    for full, free in ((aside, 10), (place, 1000)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: Mock(free=free if path == aside else 100))
        with pytest.raises(MediaError) as told, written(place / "film.mp4"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        assert told.value.message == f"cannot write to {full}: No space left on device"
        assert ("TMPDIR" in told.value.hint) == (full == aside)
