"""Looks on whole films: shots are held to what the look says."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli.colour.cube import table, write_cube
from sora_cli.colour.grade import Grader
from sora_cli.errors import MediaError
from sora_cli.master import finish
from sora_cli.master.picture import pictures
from sora_cli.media.clip import write_clip
from sora_cli.media.filters import Step
from sora_cli.media.read import Film, open_film
from sora_cli.plan.timeline import Cut, CutShot, Piece
from sora_cli.store import Clip
from sora_cli.storyboard.model import Look

from .painted import Drift, de2000, difference, exposure, lab, linear, paint, together, white

DRIFTS: tuple[Drift, ...] = (
    lambda x: x,
    exposure(-0.4),
    white(1.2, 0.85),
    together(exposure(0.25), white(0.85, 1.15)),
)


PLAIN: list[Step] = []


def bytes_of(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Cut:
    """Four views of one place in one light, each with a drift of its own; a pan over each."""
    folder = tmp_path_factory.mktemp("scene")
    shots = []
    for number, drift in enumerate(DRIFTS):
        wide = bytes_of(drift(paint("harbour", number, 60, 120)))
        frames = np.stack([wide[:, at : at + 96] for at in range(0, 24, 2)])
        path = folder / f"{number}.mp4"
        write_clip(path, frames, Fraction(12))
        clip = Clip(key=str(number), path=path, sha256="", frames=12, width=96, height=60, fps=Fraction(12))
        pieces = (Piece(clip, tuple(range(12))),)
        shots.append(CutShot(name=f"s{number}", scene="harbour", start=12 * number, pieces=pieces))
    return Cut(width=96, height=60, fps=Fraction(12), shots=tuple(shots))


def looked(cut: Cut, look: Look) -> list[np.ndarray]:
    """Each shot's frames under a look, `(n, h, w, 3)` in 0..1."""
    shots = tuple(replace(shot, look=look) for shot in cut.shots)
    master = finish(replace(cut, shots=shots), pixels="gbrp")
    frames = np.stack([frame.to_ndarray(format="rgb24") for frame in master.pictures()]) / 255
    return np.split(frames, len(shots))


def test_a_shot_that_is_played_first_is_graded_alike_and_decoded_once(scene: Cut) -> None:
    opened: list[Path] = []

    def opener(path: Path) -> AbstractContextManager[Film]:
        opened.append(path)
        return open_film(path)

    watching, fresh = Grader(scene, opener), Grader(scene)
    for shot in scene.shots:
        alone = replace(scene, shots=(replace(shot, start=0),))
        for _ in pictures(alone, "yuv420p", lambda _: nullcontext([(PLAIN, PLAIN)]), watching.watching(shot)):
            pass
    played = len(opened)
    assert [watching.table(shot) is None for shot in scene.shots] == [True, False, False, False]
    for shot in scene.shots[1:]:
        assert np.array_equal(watching.table(shot), fresh.table(shot))
    assert len(opened) == played == len(scene.shots)


def spread(shots: list[np.ndarray]) -> float:
    """Mean CIEDE2000 between the shots' average colours, of every second row and column."""
    means = [lab(shot[:, ::2, ::2]).mean(axis=(0, 1, 2)) for shot in shots]
    return float(np.mean([de2000(one, other) for one, other in combinations(means, 2)]))


@pytest.mark.parametrize(("match", "most"), [("scene", 0.5), ("film", 0.5), ("previous", 0.6)])
def test_shots_of_one_light_come_together(scene: Cut, match: str, most: float) -> None:
    before = spread(looked(scene, Look("off")))
    after = spread(looked(scene, Look(match)))  # type: ignore[arg-type]
    assert before > 4
    assert after <= most * before


def test_strength_is_honoured(scene: Cut) -> None:
    spreads = [spread(looked(scene, Look("scene", strength=strength))) for strength in (0.0, 0.5, 1.0)]
    assert spreads[0] == pytest.approx(spread(looked(scene, Look("off"))))
    assert spreads[0] > spreads[1] > spreads[2]


def test_the_anchor_itself_is_untouched(scene: Cut) -> None:
    assert np.array_equal(looked(scene, Look("scene"))[0], looked(scene, Look("off"))[0])


def test_scenes_are_held_apart(scene: Cut) -> None:
    shots = tuple(replace(shot, scene=f"scene {shot.name}") for shot in scene.shots)
    apart = replace(scene, shots=shots)
    assert np.array_equal(np.stack(looked(apart, Look("scene"))), np.stack(looked(apart, Look("off"))))


def test_a_picture_look(scene: Cut, tmp_path: Path) -> None:
    goal = exposure(0.3)(paint("harbour", 0))
    Image.fromarray(bytes_of(goal)).save(tmp_path / "look.png")
    before, after = (looked(scene, look)[0][0] for look in (Look("off"), Look("picture", tmp_path / "look.png")))
    brightness = [float((linear(picture) @ (0.2126, 0.7152, 0.0722)).mean()) for picture in (before, after, goal)]
    assert abs(brightness[1] - brightness[2]) < 0.5 * abs(brightness[0] - brightness[2])


def test_a_table_look(scene: Cut, tmp_path: Path) -> None:
    write_cube(tmp_path / "look.cube", table(lambda x: 1 - x))
    before, full, half = (
        looked(scene, look)[1][3]
        for look in (Look("off"), Look("lut", tmp_path / "look.cube"), Look("lut", tmp_path / "look.cube", 0.5))
    )
    assert np.abs(full - (1 - before)).max() <= 2 / 255
    assert np.abs(half - 0.5).max() <= 2 / 255


def test_a_missing_look_is_told(scene: Cut, tmp_path: Path) -> None:
    for match, name in (("lut", "look.cube"), ("picture", "look.png")):
        with pytest.raises(MediaError, match=name.replace(".", r"\.")):
            looked(scene, Look(match, tmp_path / name))  # type: ignore[arg-type]


def test_a_shot_is_graded_the_same_on_every_frame(scene: Cut) -> None:
    off, on = looked(scene, Look("off")), looked(scene, Look("scene"))
    for before, after in zip(off[1:], on[1:], strict=True):
        shift = (after - before).mean(axis=(1, 2))
        assert difference(after, before) > 1
        assert shift.std(axis=0).max() < 0.01


def test_no_files_are_left_behind(scene: Cut, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    looked(scene, Look("scene"))
    assert not list(tmp_path.iterdir())
