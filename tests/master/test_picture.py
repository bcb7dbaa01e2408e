"""Every frame of a film is the one that the cut says, whatever the rate and the transitions."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from msgspec.structs import replace

from sora_cli.errors import MediaError
from sora_cli.master import finish
from sora_cli.media.clip import write_clip
from sora_cli.media.film import write_film
from sora_cli.media.filters import Chain
from sora_cli.media.read import probe, read_frames
from sora_cli.media.read.rgb import to_rgb
from sora_cli.plan.timeline import Cut, CutShot, Piece
from sora_cli.store import Clip
from sora_cli.storyboard.model import Duration, Look, Transition

from .numbered import SIZE, numbered_clip, read

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(12), Fraction(24000, 1001), Fraction(30000, 1001)]
OFF = Look("off")


def transition(kind: str, frames: int, direction: str = "left") -> Transition:
    return Transition(kind, Duration(frames=frames), direction)  # type: ignore[arg-type]


def cut_of(fps: Fraction, *shots: CutShot, size: tuple[int, int] = SIZE) -> Cut:
    return Cut(width=size[0], height=size[1], fps=fps, shots=shots)


def shown(cut: Cut, path: Path) -> list[tuple[int, int] | None]:
    """The numbers that a finished and written film shows, frame by frame."""
    write_film(path, finish(cut))
    known = probe(path)
    assert (known.frames, known.fps, known.duration) == (cut.frames, cut.fps, cut.frames / cut.fps)
    return [read(frame) for frame in read_frames(path, 0, cut.frames)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.mark.parametrize("fps", RATES)
def test_every_number_is_in_its_place(folder: Path, tmp_path: Path, fps: Fraction) -> None:
    clips = [numbered_clip(folder, number, 30, fps) for number in range(1, 6)]
    comes = [
        transition("cut", 0),
        transition("dissolve", 6),
        transition("fade", 7),
        transition("wipe", 5),
        transition("cut", 0),
    ]
    shots, wanted, start = [], [], 0
    for number, (clip, come) in enumerate(zip(clips, comes, strict=True)):
        overlap = come.duration.frames or 0
        start -= overlap
        first = number  # clips are entered at another frame each
        shots.append(
            CutShot(
                name=f"s{number}",
                scene="one",
                start=start,
                pieces=(Piece(clip, tuple(range(first, first + 20))),),
                transition=come,
                overlap=overlap,
                look=OFF,
            )
        )
        wanted[start:] = [None] * overlap
        wanted += [(number + 1, first + at) for at in range(overlap, 20)]
        start += 20
    found = shown(cut_of(fps, *shots), tmp_path / "film.mp4")
    assert len(found) == len(wanted)
    assert [pair for pair, want in zip(found, wanted, strict=True) if want] == [want for want in wanted if want]


@pytest.mark.parametrize(("pixels", "size"), [("yuv422p10le", SIZE), ("yuv420p", (96, 80)), ("gbrp16le", SIZE)])
def test_a_cut_without_transitions_is_converted_at_once_to_the_same_pixels(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pixels: str, size: tuple[int, int]
) -> None:
    clip = numbered_clip(folder, 6, 4, Fraction(24))
    cut = cut_of(
        Fraction(24), CutShot(name="a", scene="s", start=0, pieces=(Piece(clip, (0, 1, 1, 3)),), look=OFF), size=size
    )
    at_once = [frame.to_ndarray() for frame in finish(cut, pixels=pixels).pictures()]
    monkeypatch.setattr("sora_cli.master.picture._mixes", lambda _: True)
    assert np.array_equal(at_once, [frame.to_ndarray() for frame in finish(cut, pixels=pixels).pictures()])


def test_a_slow_clip_shows_its_frames_twice_and_pieces_join(folder: Path, tmp_path: Path) -> None:
    one, two = numbered_clip(folder, 7, 12, Fraction(12)), numbered_clip(folder, 8, 12, Fraction(24))
    pieces = (Piece(one, tuple(k // 2 for k in range(15))), Piece(two, tuple(range(4, 12))))
    found = shown(
        cut_of(Fraction(24), CutShot(name="a", scene="s", start=0, pieces=pieces, look=OFF)), tmp_path / "f.mp4"
    )
    assert found == [(7, k // 2) for k in range(15)] + [(8, k) for k in range(4, 12)]


def test_frames_backwards_and_skipped(folder: Path, tmp_path: Path) -> None:
    clip = numbered_clip(folder, 9, 24, Fraction(24))
    frames = (0, 4, 8, 12, 11, 10, 3, 3, 23)
    found = shown(
        cut_of(Fraction(24), CutShot(name="a", scene="s", start=0, pieces=(Piece(clip, frames),), look=OFF)),
        tmp_path / "f.mp4",
    )
    assert found == [(9, frame) for frame in frames]


def flat(folder: Path, name: str, value: int, size: tuple[int, int] = (32, 16)) -> Clip:
    path = folder / f"{name}.mp4"
    write_clip(path, np.full((40, size[1], size[0], 3), value, np.uint8), Fraction(24))
    return Clip(key=name, path=path, sha256="", frames=40, width=size[0], height=size[1], fps=Fraction(24))


def levels(cut: Cut) -> np.ndarray:
    """Frames of a master as `(n, h, w)` grey levels, before any encoder."""
    master = finish(cut, pixels="gbrp")
    return np.stack([frame.to_ndarray(format="rgb24")[..., 1] for frame in master.pictures()])


def pair(folder: Path, come: Transition, overlap: int) -> Cut:
    shots = (
        CutShot(name="a", scene="s", start=0, pieces=(Piece(flat(folder, "low", 40), tuple(range(20))),), look=OFF),
        CutShot(
            name="b",
            scene="s",
            start=20 - overlap,
            pieces=(Piece(flat(folder, "high", 200), tuple(range(20))),),
            transition=come,
            overlap=overlap,
            look=OFF,
        ),
    )
    return cut_of(Fraction(24), *shots, size=(32, 16))


@pytest.mark.parametrize("overlap", [1, 2, 9, 20])
def test_a_dissolve_goes_evenly(folder: Path, overlap: int) -> None:
    found = levels(pair(folder, transition("dissolve", overlap), overlap))[:, 8, 8]
    middle = 40 + 160 * np.arange(1, overlap + 1) / (overlap + 1)
    wanted = np.concatenate([[40] * (20 - overlap), middle, [200] * (20 - overlap)])
    assert np.abs(found - wanted).max() <= 1


@pytest.mark.parametrize("overlap", [1, 4, 9])
def test_a_fade_goes_through_black(folder: Path, overlap: int) -> None:
    found = levels(pair(folder, transition("fade", overlap), overlap))[:, 8, 8]
    at = np.arange(1, overlap + 1) / (overlap + 1)
    middle = np.where(at <= 0.5, 40 * (1 - 2 * at), 200 * (2 * at - 1))
    assert np.abs(found - np.concatenate([[40] * (20 - overlap), middle, [200] * (20 - overlap)])).max() <= 1


@pytest.mark.parametrize(
    ("direction", "first", "last"),
    [("left", (8, 31), (8, 0)), ("right", (8, 0), (8, 31)), ("up", (15, 16), (0, 16)), ("down", (0, 16), (15, 16))],
)
def test_a_wipe_moves_its_way(folder: Path, direction: str, first: tuple[int, int], last: tuple[int, int]) -> None:
    found = levels(pair(folder, transition("wipe", 9, direction), 9))
    during = found[11:20]
    assert set(np.unique(during)) == {40, 200}
    assert (during[:, first[0], first[1]] == 200).sum() >= 8
    assert (during[:, last[0], last[1]] == 40).sum() >= 8
    shares = (during == 200).mean(axis=(1, 2))
    assert np.abs(shares - np.arange(1, 10) / 10).max() < 0.07


@pytest.mark.parametrize("kind", ["dissolve", "fade"])
def test_the_first_shot_comes_out_of_black(folder: Path, kind: str) -> None:
    pieces = (Piece(flat(folder, "high", 200), tuple(range(12))),)
    shot = CutShot(name="a", scene="s", start=0, pieces=pieces, transition=transition(kind, 4), lead=4, look=OFF)
    found = levels(cut_of(Fraction(24), shot, size=(32, 16)))[:, 8, 8]
    assert np.abs(found - np.concatenate([200 * np.arange(1, 5) / 5, [200] * 8])).max() <= 1


def test_three_shots_in_one_moment(folder: Path, tmp_path: Path) -> None:
    clips = [numbered_clip(folder, number, 30, Fraction(24)) for number in (11, 12, 13)]
    shots = [
        CutShot(name="a", scene="s", start=0, pieces=(Piece(clips[0], tuple(range(20))),), look=OFF),
        CutShot(
            name="b",
            scene="s",
            start=12,
            pieces=(Piece(clips[1], tuple(range(10))),),
            transition=transition("dissolve", 8),
            overlap=8,
            look=OFF,
        ),
        CutShot(
            name="c",
            scene="s",
            start=16,
            pieces=(Piece(clips[2], tuple(range(20))),),
            transition=transition("dissolve", 6),
            overlap=6,
            look=OFF,
        ),
    ]
    found = shown(cut_of(Fraction(24), *shots), tmp_path / "film.mp4")
    assert found[:12] == [(11, number) for number in range(12)]
    assert found[22:] == [(13, number) for number in range(6, 20)]


def test_another_shape_is_filled_and_cropped(folder: Path) -> None:
    path = folder / "wide.mp4"
    frames = np.zeros((4, 20, 80, 3), np.uint8)
    frames[:, :, 30:50] = 180
    write_clip(path, frames, Fraction(24))
    clip = Clip(key="w", path=path, sha256="", frames=4, width=80, height=20, fps=Fraction(24))
    shot = CutShot(name="a", scene="s", start=0, pieces=(Piece(clip, (0, 1, 2, 3)),), look=OFF)
    found = levels(cut_of(Fraction(24), shot, size=(40, 40)))
    assert found.shape == (4, 40, 40)
    assert np.abs(found[:, :, 4:-4].astype(int) - 180).max() <= 2


def test_a_pass_can_be_made_again(folder: Path) -> None:
    cut = pair(folder, transition("dissolve", 5), 5)
    assert np.array_equal(levels(cut), levels(cut))


def test_a_clip_that_is_short_or_gone_is_named(folder: Path, tmp_path: Path) -> None:
    clip = numbered_clip(folder, 20, 10, Fraction(24))
    for path, frames in ((clip.path, 12), (tmp_path / "gone.mp4", 5)):
        piece = Piece(replace(clip, path=path), tuple(range(frames)))
        cut = cut_of(Fraction(24), CutShot(name="a", scene="s", start=0, pieces=(piece,), look=OFF))
        with pytest.raises(MediaError, match=path.name):
            write_film(tmp_path / "film.mp4", finish(cut))
        assert not (tmp_path / "film.mp4").exists()


def test_no_shots_no_film() -> None:
    with pytest.raises(MediaError, match="no shots"):
        finish(cut_of(Fraction(24)))


def test_chapters_are_scenes(folder: Path) -> None:
    clip = flat(folder, "low", 40)
    shots = [
        CutShot(name=f"s{number}", scene=scene, start=10 * number, pieces=(Piece(clip, tuple(range(10))),), look=OFF)
        for number, scene in enumerate(["a", "a", "b", "c", "c"])
    ]
    found = finish(cut_of(Fraction(24), *shots)).chapters
    assert [(part.title, part.start, part.end) for part in found] == [("a", 0, 20), ("b", 20, 30), ("c", 30, 50)]


@pytest.mark.parametrize("pixels", ["gbrp10le", "yuv422p10le", "gbrp16le"])
def test_deeper_masters_show_the_same(folder: Path, pixels: str) -> None:
    shots = pair(folder, transition("dissolve", 9), 9)
    master = finish(shots, pixels=pixels)
    found = [frame for frame in master.pictures() if frame.format.name == pixels]
    shown = np.array([read_back(frame) for frame in found])
    assert np.abs(shown - levels(shots)[:, 8, 8]).max() <= 1


def read_back(frame: av.VideoFrame) -> int:
    """The grey level of a flat frame, in bytes."""
    return int(Chain(*to_rgb(frame, None))(frame).to_ndarray(format="rgb24")[8, 8, 1])
