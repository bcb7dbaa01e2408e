"""Files whose copy or download was not finished, in whose place zeros stand, and files that only a key opens."""

from __future__ import annotations

import time
from contextlib import nullcontext, suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli.errors import UnusableFile
from sora_cli.media.read import probe, read_sound
from sora_cli.media.read.dolby import require_other_screens
from sora_cli.media.read.usable import require_usable
from sora_cli.media.read.whole import require_whole
from tests.cases.test_what_is_shown import film


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.mp4", "it is damaged"),
        ("large.mp4", "it is damaged"),
        ("a.mkv", "it is damaged at byte"),
        ("a.ts", "it is cut short"),
        ("a.ogg", "it is cut short"),
        ("long.ogg", "it is cut short"),
    ],
)
def test_a_file_that_ends_in_zeros_is_refused(tmp_path: Path, name: str, told: str) -> None:
    path = tmp_path / name
    noise = np.random.default_rng(0)
    if path.suffix == ".ogg":
        soundfile.write(path, noise.normal(0, 0.1, (200 if name == "long.ogg" else 5) * 8000), 8000)
    else:
        film(
            path, noise.integers(0, 255, 50), options={"g": "25", "bf": "0", "qp": "0" if name == "large.mp4" else "30"}
        )
    probe(path)
    data = path.read_bytes()
    index = data.rfind(b"moov") - 4 if path.suffix == ".mp4" else len(data)
    begin = 48 + (index - 48) // 2 if path.suffix == ".mp4" else index // 2
    path.write_bytes(data[:begin] + bytes(index - begin) + data[index:])
    with pytest.raises(UnusableFile, match=told):
        probe(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.wav", "a.png", "a.mp3"])
def test_a_file_of_zeros_is_told_as_that(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(bytes(5000))
    with pytest.raises(UnusableFile, match="it begins with zeros alone") as caught:
        probe(tmp_path / name)
    assert caught.value.hint == "copy or download it again"


def test_what_cameras_and_tools_write_behind_the_last_box_does_not_make_a_film_cut_short(tmp_path: Path) -> None:
    """Cameras of 360 degrees and tools that leave notes do so; a box that a film needs is still missed."""
    path = film(tmp_path / "a.mp4", [40] * 5)
    data = path.read_bytes()
    for behind in (b"a note of a tool", b"TAG" + b"0" * 125, b"\0\0\x40\0INST" + bytes(range(200))):
        path.write_bytes(data + behind)
        assert (probe(path).frames, probe(path).remarks) == (5, ())
    for cut in (b"\0\0\x40\0mdat" + bytes(range(200)), b"\0\0\x40\0moof" + bytes(range(200))):
        path.write_bytes(data + cut)
        with pytest.raises(UnusableFile, match="it is cut short"):
            probe(path)


@pytest.mark.parametrize("told", [0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF, 0])
def test_a_wav_from_a_pipe_is_as_long_as_its_samples(tmp_path: Path, told: int) -> None:
    """Programs that speak (espeak-ng, SoX) write a size before they know it."""
    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 12_000), 24_000)
    data = bytearray(path.read_bytes())
    for at in (4, data.index(b"data") + 4):
        data[at : at + 4] = told.to_bytes(4, "little")
    path.write_bytes(data)
    assert require_usable(path, "sound") == ()
    assert (probe(path).duration, len(read_sound(path, 24_000))) == (Fraction(1, 2), 12_000)


def test_a_wav_whose_samples_are_all_there_is_whole_whatever_it_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 12_000), 24_000)
    data = path.read_bytes()
    path.write_bytes(data[:4] + len(data).to_bytes(4, "little") + data[8:])  # 8 more, as some programs write
    assert probe(path).duration == Fraction(1, 2)
    path.write_bytes(data[:-10])
    with pytest.raises(UnusableFile, match="it is cut short"):
        probe(path)


def test_a_film_whose_boxes_say_that_they_are_longer_than_the_file_is_read_or_told_as_damaged(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [40] * 5)
    data = bytearray(path.read_bytes())
    for name in (b"trak", b"stbl", b"stsd"):
        at = data.index(name) - 4
        path.write_bytes(data[:at] + (1 << 29).to_bytes(4, "big") + data[at + 4 :])
        with suppress(UnusableFile):
            assert probe(path).frames == 5


def test_a_gif_with_bytes_behind_its_end_is_whole(tmp_path: Path) -> None:
    pictures = [Image.fromarray(np.full((8, 8, 3), grey, np.uint8)) for grey in (40, 90)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], comment=b"two; greys")
    data = (tmp_path / "a.gif").read_bytes()
    for behind in (b"\r\n", b"a note of a tool", bytes(100) + b"x"):
        (tmp_path / "a.gif").write_bytes(data + behind)
        assert probe(tmp_path / "a.gif").frames == 2
    for cut in range(20, len(data) - 1, 7):
        (tmp_path / "a.gif").write_bytes(data[:cut])
        with pytest.raises(UnusableFile, match="it is cut short"):
            require_whole(tmp_path / "a.gif")


def test_tags_and_other_bytes_before_and_behind_sounds_and_films_change_nothing(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 12_000)
    tag = b"ID3\3\0\0\0\0\0\x40" + b"TIT2\0\0\0\6\0\0\0hello".ljust(64, b"\0")
    many = {
        "a.wav": (tag,),
        "a.aiff": (tag,),
        "a.mp3": (b"", tag),
        "a.w64": (b"", tag),
        "a.caf": (tag, tag, b"\r\n", bytes(500)),
    }
    for name, (before, *behind) in many.items():
        path = tmp_path / name
        soundfile.write(path, samples, 24_000)
        data = path.read_bytes()
        for more in behind or [b""]:
            path.write_bytes(before + data + more)
            assert require_usable(path, "sound") == ()
            assert (probe(path).duration, len(read_sound(path, 24_000))) == (Fraction(1, 2), 12_000), (name, more)
    path.write_bytes(data[:-2])
    with pytest.raises(UnusableFile, match="it is cut short"):
        probe(path)
    path = film(tmp_path / "a.flv", [40] * 5)
    data = path.read_bytes()
    for more in (tag, b"\r\n", bytes(3000)):
        path.write_bytes(data + more)
        assert probe(path).frames == 5
    for end in (-1, -5, -40):
        path.write_bytes(data[:end])
        with pytest.raises(UnusableFile, match="it is cut short"):
            probe(path)


def test_a_gif_cut_before_millions_of_zeros_is_told_at_once(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif")
    (tmp_path / "a.gif").write_bytes((tmp_path / "a.gif").read_bytes()[:-1] + bytes(30_000_000))
    begin = time.process_time()
    with pytest.raises(UnusableFile, match="it is cut short"):
        require_whole(tmp_path / "a.gif")
    assert time.process_time() - begin < 1


@pytest.mark.parametrize("coded", [b"encv", b"drmi"])
def test_a_film_that_only_a_key_opens_is_told_as_that(tmp_path: Path, coded: bytes) -> None:
    path = film(tmp_path / "a.mp4", [40] * 5)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"avc1", coded).replace(b"isomiso2" + coded, b"isomiso2avc1"))
    with pytest.raises(UnusableFile, match="it is encrypted") as caught:
        require_usable(path, "film")
    assert caught.value.hint == "name a file without copy protection"


def test_a_film_whose_colours_only_dolby_vision_shows_is_refused(tmp_path: Path) -> None:
    """Its colours came out green and red, in silence: nothing else in such a file tells of high dynamic range."""
    path = film(tmp_path / "a.mp4", [40] * 5, codec="libx265", options={"x265-params": "log-level=none"})
    assert probe(path).frames == 5
    path.write_bytes(path.read_bytes().replace(b"hev1", b"dvh1"))
    with pytest.raises(UnusableFile, match="it is in Dolby Vision"):
        require_usable(path, "film")
    plain = path.read_bytes()
    for name, screens, refused in ((b"dvh1", 1, False), (b"dvhe", 2, False), (b"hev1", 0, True), (b"hev1", 4, False)):
        settings = b"dvvC\1\0\x10\x35" + bytes([screens << 4])  # in place of what x265 writes: nothing reads it here
        at = plain.index(b"hvcC")
        path.write_bytes(plain[:at].replace(b"dvh1", name) + settings + plain[at + len(settings) :])
        with pytest.raises(UnusableFile, match="Dolby Vision") if refused else nullcontext():
            require_other_screens(path)
        kept = tmp_path / "a.mkv"  # as mkvmerge and ffmpeg keep such settings
        kept.write_bytes(
            element("1a45dfa3") + element("18538067", element("1654ae6b", element("ae", beside(settings))))
        )
        with pytest.raises(UnusableFile, match="Dolby Vision") if not screens else nullcontext():
            require_other_screens(kept)


def element(name: str, inside: bytes = b"") -> bytes:
    """An element of Matroska."""
    return bytes.fromhex(name) + bytes([0x80 | len(inside)]) + inside


def beside(settings: bytes) -> bytes:
    """A mapping of what lies beside a track's blocks: its kind, and what its coder is told."""
    return element("41e4", element("41e7", settings[:4]) + element("41ed", settings[4:] + bytes(19)))


def test_an_index_that_is_cut_anywhere_makes_the_film_unusable(tmp_path: Path) -> None:
    data = film(tmp_path / "a.mp4", [40] * 50, beep=True).read_bytes()
    index = len(data) - data.rindex(b"moov")
    for cut in range(10, index, index // 12):
        (tmp_path / "b.mp4").write_bytes(data[:-cut])
        with pytest.raises(UnusableFile):
            probe(tmp_path / "b.mp4")


def test_the_sound_of_a_film_that_cannot_be_shown_is_heard(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [40] * 25, codec="libx265", options={"x265-params": "log-level=none"}, beep=True)
    path.write_bytes(path.read_bytes().replace(b"hev1", b"dvh1"))
    require_usable(path, "sound")
