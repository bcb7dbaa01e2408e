"""Films are found again after their credential was stripped, and strangers are not."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import c2pa
import imageio_ffmpeg
import iscc_core
import numpy as np
import pytest

from sora_cli.cli.main import main
from sora_cli.events import Note, Recording, Silent
from sora_cli.media.clip import write_clip
from sora_cli.media.deliveries import WEB
from sora_cli.media.stream import Master
from sora_cli.stamp import Making, local_signer, verify
from sora_cli.stamp.found import find
from sora_cli.stamp.release import Releases, ReleaseTarget, release
from sora_cli.storyboard.model import Provenance

FPS = Fraction(12)
SIZE = (192, 128)


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def clouds(seed: int, frames: int = 24) -> np.ndarray:
    """A picture of soft patches that drifts: `(frames, height, width, 3)`."""
    small = np.random.default_rng(seed).uniform(0, 255, (8, 12 + frames, 3))
    wide = small.repeat(16, 0).repeat(16, 1)
    smooth = sum(np.roll(wide, (dy, dx), (0, 1)) for dy in range(-8, 9, 4) for dx in range(-8, 9, 4)) / 25
    return np.stack([smooth[:, 4 * at : 4 * at + SIZE[0]] for at in range(frames)]).astype(np.uint8)


def master_of(frames: np.ndarray) -> Master:
    """These frames as a film that is not written yet."""

    def pictures() -> Iterator[av.VideoFrame]:
        for frame in frames:
            yield av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")

    return Master(width=frames.shape[2], height=frames.shape[1], fps=FPS, frames=len(frames), pictures=pictures)


def released(path: Path, frames: np.ndarray, report: Recording | None = None) -> Path:
    """A film of these frames, marked and signed."""
    done = release(
        master_of(frames),
        path,
        making=Making(title="Clouds"),
        provenance=Provenance(),
        signer=local_signer(),
        report=report,
    )
    return done.path


def encoded(film: Path, out: Path, *options: str) -> Path:
    """A copy without a credential, by ffmpeg."""
    words = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-i", str(film), "-an", *options, str(out)]
    subprocess.run(words, check=True)
    return out


def plain(path: Path, frames: np.ndarray) -> Path:
    """A film of these frames that was never released."""
    clip = path.with_suffix(".clip.mp4")
    write_clip(clip, frames, FPS)
    return encoded(clip, path)


def test_films_that_are_released_together_are_known_by_what_each_alone_is(tmp_path: Path, store: Path) -> None:
    def codes() -> Counter[str]:
        return Counter(each.name.partition("-")[0] for each in (store / "released").glob("*.c2pa"))

    several = [clouds(1), clouds(2, frames=17), clouds(3)[:1]]  # of the last one nothing can be known
    for number, frames in enumerate(several):
        released(tmp_path / f"alone-{number}.mp4", frames)
    alone = codes()
    assert len(alone) == 2
    with Releases() as films:
        for number, frames in enumerate(several):
            target = ReleaseTarget(tmp_path / f"{number}.mp4", Provenance(), local_signer(), WEB, Silent())
            films.write(master_of(frames), target, Making(title="Clouds"))
        assert not [*tmp_path.glob("[0-9].mp4")]
        assert all(verify(each.path).ok for each in films.put_in_place())
    assert codes() == Counter(dict.fromkeys(alone, 2))
    assert not [*tmp_path.glob(".*.part.mp4")]


def test_a_stripped_copy_is_found_with_its_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    films = [released(tmp_path / f"film-{seed}.mp4", clouds(seed)) for seed in range(3)]
    copy = encoded(films[1], tmp_path / "copy.mkv", "-vf", "scale=96:64", "-crf", "33")
    assert main(["verify", str(copy), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["copy_of"]["film"]) == (False, "film-1.mp4")
    assert told["copy_of"]["bits"] <= 32
    assert told["copy_of"]["credential"]["signer"]
    assert main(["verify", str(copy)]) == 1
    lines = capsys.readouterr().out
    assert "But copy.mkv shows the film 'film-1.mp4'" in lines
    assert "made with: sora" in lines
    assert "problem: its pictures" not in lines
    assert (told["copy_of"]["credential"]["problems"], told["copy_of"]["credential"]["ok"]) == ([], False)
    match = find(encoded(films[2], tmp_path / "part.mp4", "-ss", "0.6"))
    assert match is not None
    assert verify(match.manifest, kind="application/c2pa").title == "film-2.mp4"


@pytest.mark.parametrize("frames", [clouds(9), np.full((24, *SIZE[::-1], 3), 90, np.uint8)], ids=["stranger", "grey"])
def test_a_stranger_and_a_picture_of_one_colour_are_not_found(tmp_path: Path, frames: np.ndarray) -> None:
    released(tmp_path / "film.mp4", clouds(1))
    released(tmp_path / "grey.mp4", np.full((24, *SIZE[::-1], 3), 60, np.uint8))
    assert find(plain(tmp_path / "other.mp4", frames)) is None


def test_the_credential_binds_the_film_by_its_iscc(tmp_path: Path, store: Path) -> None:
    film = released(tmp_path / "film.mp4", clouds(1))
    assert verify(film).ok
    with c2pa.Reader(str(film)) as reader:
        assertions = reader.get_active_manifest()["assertions"]
    (binding,) = [each["data"] for each in assertions if each["label"] == "c2pa.soft-binding"]
    assert binding["alg"] == "io.iscc.v0"
    (kept,) = (store / "released").glob("*.c2pa")
    assert iscc_core.Code(binding["blocks"][0]["value"]).hash_hex == kept.name.partition("-")[0]


def test_a_film_is_whole_where_the_store_cannot_be_written(tmp_path: Path, store: Path) -> None:
    store.mkdir()
    (store / "released").write_text("somebody else's")
    report = Recording()
    assert verify(released(tmp_path / "film.mp4", clouds(1), report=report)).ok
    assert next(note.message for note in report.of(Note) if isinstance(note, Note)).startswith(
        "the film's manifest is not kept"
    )
    assert (store / "released").read_text() == "somebody else's"


COPIES = {
    "quality": (".mp4", ["-crf", "35"]),
    "size": (".mp4", ["-vf", "scale=iw/2:-2", "-crf", "28"]),
    "rate": (".mp4", ["-r", "24", "-crf", "28"]),
    "container": (".webm", ["-c:v", "libvpx", "-b:v", "400k"]),
    "grade": (".mp4", ["-vf", "eq=brightness=0.05:contrast=1.1:saturation=1.3", "-crf", "23"]),
    "crop": (".mp4", ["-vf", "crop=iw*0.96:ih*0.96", "-crf", "23"]),
    "mirror": (".mp4", ["-vf", "hflip", "-crf", "23"]),
    "trim": (".mp4", ["-ss", "0.7", "-crf", "23"]),
}
TOLD = {"crop", "mirror", "trim"}
"""What need not be found; how often it was is told."""
FILMS, STRANGERS = 40, 25


def worlds(count: int, seed: int) -> Iterator[np.ndarray]:
    """Films of two clips each in nano's world, drawn: the same few places with other actors, which is hard."""
    from examples.nano.scene import draw_scene
    from examples.nano.world import render

    rng = np.random.default_rng(seed)
    for _ in range(count):
        video = render([draw_scene(rng, variety=0.3) for _ in range(2)]).video
        yield np.rint(video.permute(0, 2, 3, 4, 1).reshape(-1, *video.shape[3:], 3).numpy() * 255).astype(np.uint8)


@pytest.mark.long
def test_forty_films_are_found_in_six_encodings_and_a_thousand_pairs_of_strangers_are_not(tmp_path: Path) -> None:
    films = [released(tmp_path / f"{n}.mp4", frames) for n, frames in enumerate(worlds(FILMS, 20261128))]
    found, wrong, bits = Counter[str](), [], []
    for film in films:
        for name, (ending, options) in COPIES.items():
            match = find(encoded(film, tmp_path / f"copy{ending}", *options))
            title = verify(match.manifest, kind="application/c2pa").title if match else ""
            found[name] += title == film.name
            wrong += [(film.name, name, title)] if title not in {"", film.name} else []
            bits += [match.bits] if match and name not in TOLD else []
    others = [plain(tmp_path / f"other-{n}.mp4", frames) for n, frames in enumerate(worlds(STRANGERS, 7))]
    matched = [(other.name, match) for other in others if (match := find(other))]
    print(found, "wrong:", wrong, "bits:", max(bits), "strangers:", matched)  # noqa: T201  the figures of docs/serve.md
    assert not wrong
    assert not matched
    whole = [name for name in COPIES if name not in TOLD]
    assert sum(found[name] for name in whole) >= 0.95 * FILMS * len(whole)
