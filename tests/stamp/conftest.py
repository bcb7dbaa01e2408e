"""A small film of two takes, made and signed for real; every test has its own user folders."""

import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli.media.clip import write_clip
from sora_cli.media.stream import SAMPLE_RATE, Master, Samples
from sora_cli.stamp import Making, Origin, Release, Signer, local_signer
from sora_cli.stamp.release import release
from sora_cli.storyboard.model import Provenance

SIZE = (256, 160)
FPS = Fraction(12)
FRAMES = 24
NAMES = ("SORA_SIGN_CERT", "SORA_SIGN_KEY", "C2PA_SIGN_CERT", "C2PA_PRIVATE_KEY")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home of the test's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return folder


def noise(number: int) -> np.ndarray:
    """A picture unlike all others: `(height, width, 3)` bytes in 16-pixel blocks."""
    small = np.random.default_rng(number).integers(0, 256, (SIZE[1] // 16, SIZE[0] // 16, 3), dtype=np.uint8)
    return small.repeat(16, 0).repeat(16, 1)


def tone(hertz: float = 440.0) -> Callable[[], Iterator[Samples]]:
    """A sine under the whole film."""

    def blocks() -> Iterator[Samples]:
        count = round(FRAMES / FPS * SAMPLE_RATE)
        wave = 0.2 * np.sin(np.arange(count) * 2 * np.pi * hertz / SAMPLE_RATE)
        yield np.stack([wave, wave], axis=1).astype(np.float32)

    return blocks


def make_master(seed: int = 0, frames: int = FRAMES, sound: Callable[[], Iterator[Samples]] | None = None) -> Master:
    def pictures() -> Iterator[av.VideoFrame]:
        for number in range(frames):
            yield av.VideoFrame.from_ndarray(noise(1000 * seed + number), format="rgb24")

    return Master(width=SIZE[0], height=SIZE[1], fps=FPS, frames=frames, pictures=pictures, sound=sound, title="Test")


def make_takes(clips: Path) -> Making:
    """Two takes of a second each, with clips on disk; the first has a reference picture."""
    clips.mkdir()
    reference = clips / "ball.png"
    Image.new("RGB", (64, 64), "red").save(reference)
    origins = []
    for number in range(2):
        clip = clips / f"{number}.mp4"
        write_clip(clip, np.stack([noise(100 * number + k) for k in range(12)]), FPS)
        origins.append(
            Origin(
                name=f"scene-1/shot-{number + 1}",
                clip=clip,
                key=f"{number:064x}",
                start=12 * number,
                end=12 * (number + 1),
                engine="nano",
                revision="r1",
                prompt="a red ball",
                seed=7 + number,
                options={"steps": 24, "guidance": 5.5},
                references=(reference,) if number == 0 else (),
            )
        )
    return Making(title="Test", storyboard_sha256="ab" * 32, origins=tuple(origins), colour="matched to the scene")


@pytest.fixture
def making(tmp_path: Path) -> Making:
    return make_takes(tmp_path / "clips")


@pytest.fixture
def signer() -> Signer:
    return local_signer()


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(author="Jane Doe")


Send = Callable[..., Release]
"""Releases a film of the fixtures' making; keywords replace what `release` is given."""


@pytest.fixture
def send(tmp_path: Path, making: Making, provenance: Provenance, signer: Signer) -> Send:
    def go(master: Master | None = None, out: Path = tmp_path / "film.mp4", **changes: Any) -> Release:
        given: dict[str, Any] = {"making": making, "provenance": provenance, "signer": signer, **changes}
        return release(master or make_master(), out, **given)

    return go


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    """A user's configuration folder, and a film with sound that was released with it."""
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        film = release(
            make_master(sound=tone()),
            folder / "film.mp4",
            making=make_takes(folder / "clips"),
            provenance=Provenance(author="Jane Doe"),
            signer=local_signer(),
        )
    return folder / "config", film


@pytest.fixture
def done(studio: tuple[Path, Release], home: Path, tmp_path: Path) -> Release:
    """A copy of the studio's film, by a copy of its identity."""
    shutil.copytree(studio[0], home / "config")
    shutil.copy(studio[1].path, tmp_path / "film.mp4")
    return replace(studio[1], path=tmp_path / "film.mp4")
