"""Clips come back bit for bit, and any frame of them is found."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sora_cli.errors import MediaError
from sora_cli.media.clip import write_clip
from sora_cli.media.read import open_film, probe, read_frames, read_sound
from sora_cli.media.stream import Sound

RATES = [Fraction(24), Fraction(25), Fraction(12), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(16)]


def noise(frames: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@settings(max_examples=20)
@given(
    shape=st.tuples(st.integers(1, 30), st.integers(2, 40), st.integers(2, 40)),
    fps=st.sampled_from(RATES),
    seed=st.integers(0, 2**32),
    data=st.data(),
)
def test_frames_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    shape: tuple[int, int, int],
    fps: Fraction,
    seed: int,
    data: st.DataObject,
) -> None:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    frames, height, width = shape
    pixels = noise(frames, height, width, seed)
    write_clip(path, pixels, fps)
    start = data.draw(st.integers(0, frames - 1))
    count = data.draw(st.integers(1, frames - start))
    assert np.array_equal(read_frames(path, 0, frames), pixels)
    assert np.array_equal(read_frames(path, start, count), pixels[start : start + count])
    assert np.array_equal(read_frames(path, start - frames, count), pixels[start : start + count])
    known = probe(path)
    assert (known.fps, known.frames, known.width, known.height) == (fps, frames, width, height)
    assert known.duration == frames / fps
    assert not known.variable


def test_sound_comes_back_to_the_sample(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).normal(size=(50_001, 2)).astype(np.float32)
    write_clip(tmp_path / "clip.mp4", noise(25, 8, 8), Fraction(24000, 1001), Sound(samples, 48_000))
    assert np.array_equal(read_sound(tmp_path / "clip.mp4"), samples)


def test_frames_are_found_in_any_order_and_over_wide_gaps(tmp_path: Path) -> None:
    pixels = noise(260, 4, 4)
    write_clip(tmp_path / "clip.mp4", pixels, Fraction(25))
    wanted = [3, 3, 130, 259, 0, 255, 256, 256, 100]
    with open_film(tmp_path / "clip.mp4") as film:
        found = [frame.to_ndarray(format="rgb24") for frame in film.frames(wanted)]
    assert np.array_equal(np.stack(found), pixels[wanted])


@pytest.mark.parametrize(("start", "count"), [(5, 6), (10, 1), (-11, 1), (-2, 3)])
def test_a_frame_that_is_not_there_is_named(tmp_path: Path, start: int, count: int) -> None:
    write_clip(tmp_path / "clip.mp4", noise(10, 8, 8), Fraction(24))
    with pytest.raises(MediaError, match="it has 10 frames"):
        read_frames(tmp_path / "clip.mp4", start, count)


def test_frames_are_fitted_to_a_size(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", noise(3, 30, 40), Fraction(24))
    assert read_frames(tmp_path / "clip.mp4", 0, 3, (16, 16)).shape == (3, 16, 16, 3)


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (8, 8, 3), (2, 8, 8, 4)])
def test_what_is_no_film_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(MediaError):
        write_clip(tmp_path / "clip.mp4", np.zeros(shape, np.uint8), Fraction(24))
    assert not (tmp_path / "clip.mp4").exists()


def test_frames_are_asked_for_one_by_one_and_none_is_kept(tmp_path: Path) -> None:
    given = noise(20, 64, 64)
    alive: list[weakref.ref[np.ndarray]] = []

    def made() -> Iterator[np.ndarray]:
        for picture in given:
            assert sum(each() is not None for each in alive) <= 2
            alive.append(weakref.ref(one := picture.copy()))
            yield one

    write_clip(tmp_path / "clip.mp4", made(), Fraction(24))
    assert np.array_equal(read_frames(tmp_path / "clip.mp4", 0, 20), given)


def test_frames_of_two_sizes_and_a_source_that_fails_leave_no_file(tmp_path: Path) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield from noise(3, 64, 64)
        raise KeyError

    with pytest.raises(MediaError, match="of two sizes"):
        write_clip(tmp_path / "clip.mp4", chain(noise(2, 64, 64), noise(1, 32, 64)), Fraction(24))
    with pytest.raises(KeyError):
        write_clip(tmp_path / "clip.mp4", failing(), Fraction(24))
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"cannot write to .*: No such file or directory$"):
        write_clip(tmp_path / "nowhere" / "clip.mp4", noise(2, 8, 8), Fraction(24))
    sound = Sound(np.zeros((10, 3), np.float32), 48_000)
    with pytest.raises(MediaError, match="shape"):
        write_clip(tmp_path / "clip.mp4", noise(2, 8, 8), Fraction(24), sound)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("voiced", [False, True])
def test_a_clip_that_is_opened_sooner_is_the_same(tmp_path: Path, *, voiced: bool) -> None:
    path, pixels = tmp_path / "clip.mp4", noise(30, 36, 64)
    sound = Sound(np.zeros((48_000, 2), np.float32), 48_000) if voiced else None
    write_clip(path, pixels, Fraction(24000, 1001), sound)
    numbers = [0, 7, 7, 20, 29]
    with open_film(path) as usual, open_film(path, clip=True) as sooner:
        seen = list(sooner.ahead(numbers))
        assert all(
            np.array_equal(one.to_ndarray(), other.to_ndarray())
            and (one.pts, one.time_base, one.colorspace, one.color_range)
            == (other.pts, other.time_base, other.colorspace, other.color_range)
            for one, other in zip(usual.frames(numbers), seen, strict=True)
        )
        assert np.array_equal(sooner.read(12, 3), pixels[12:15])
        assert usual.facts == sooner.facts


def test_what_is_no_clip_is_opened_as_films_are(tmp_path: Path) -> None:
    path = tmp_path / "squeezed.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.sample_aspect_ratio = Fraction(2)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(noise(1, 64, 64)[0], format="rgb24")))
        container.mux(stream.encode())
    with open_film(path) as usual, open_film(path, clip=True) as sooner:
        assert usual.facts == sooner.facts
        assert sooner.facts.width == 128
