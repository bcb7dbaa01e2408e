"""Titles: where they stand, when they are seen, that they can be read; and cards alone, on black."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli.errors import RequestError
from sora_cli.master import finish
from sora_cli.master.title import seen, set_words
from sora_cli.media.clip import write_clip
from sora_cli.media.film import write_film
from sora_cli.media.read import read_frames
from sora_cli.media.stream import Subtitle
from sora_cli.plan.timeline import Cut, CutShot, Piece
from sora_cli.stamp.watermark import with_mark
from sora_cli.store import Clip
from sora_cli.storyboard.model import Duration, Look, TitleCard, Transition, Watermark

POSITIONS = ("center", "top", "bottom", "top-left", "top-right", "bottom-left", "bottom-right", "lower-third")
FPS = Fraction(12)


def luminance(pixels: np.ndarray) -> np.ndarray:
    coded = pixels / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


@pytest.mark.parametrize("size", [(256, 160), (360, 640), (1280, 720)])
@pytest.mark.parametrize("position", POSITIONS)
def test_words_keep_inside_the_safe_area(position: str, size: tuple[int, int]) -> None:
    words = set_words(TitleCard("A long way from home, and back", position), *size)
    high, wide = words.rgba.shape[:2]
    left, top = words.place
    assert left >= size[0] // 20 - 2
    assert left + wide <= size[0] - size[0] // 20 + 2
    assert top >= size[1] // 20 - 2
    assert top + high <= size[1] - size[1] // 20 + 2
    assert not any(number % 2 for number in (high, wide, left, top))
    if position in {"bottom", "lower-third"}:
        assert top > size[1] * 3 // 5


@pytest.mark.parametrize("position", ["center", "bottom", "lower-third"])
@pytest.mark.parametrize("ground", [0, 128, 255])
def test_letters_stand_out_on_light_and_dark(position: str, ground: int) -> None:
    """WCAG 2.2's contrast of 4.5 to 1 between a letter and what is next to it."""
    words = set_words(TitleCard("Home", position), 640, 360)
    base = Image.new("RGBA", (640, 360), (ground, ground, ground, 255))
    base.alpha_composite(Image.fromarray(words.rgba), words.place)
    light = luminance(np.asarray(base.convert("RGB"), np.float64))
    rows, columns = np.nonzero((words.rgba[..., :3].min(axis=2) > 250) & (words.rgba[..., 3] > 250))
    reach = 4
    for row, column in list(zip(rows, columns, strict=True))[::50]:
        y, x = row + words.place[1], column + words.place[0]
        around = light[y - reach : y + reach + 1, x - reach : x + reach + 1]
        assert (light[y, x] + 0.05) / (around.min() + 0.05) > 4.5


def test_words_come_and_go_gently() -> None:
    shown = [seen(number, 20, 4) for number in range(24)]
    assert shown[:6] == [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    assert shown[14:] == [1.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0, 0, 0, 0]
    assert [seen(number, 1, 0) for number in range(2)] == [1.0, 0.0]


def test_long_titles_are_made_smaller_and_then_refused() -> None:
    short, long = (set_words(TitleCard(text, "bottom"), 320, 200) for text in ("Home", "Far from home " * 12))
    assert long.rgba.shape[0] > short.rgba.shape[0]
    with pytest.raises(RequestError, match="too long to be read"):
        set_words(TitleCard("Far from home " * 30, "bottom"), 160, 96)
    with pytest.raises(RequestError, match="at most 500 characters"):
        set_words(TitleCard("x" * 501), 1280, 720)


@pytest.mark.parametrize("words", range(12, 19))
@pytest.mark.parametrize("position", ["center", "bottom", "lower-third"])
def test_titles_break_between_words(monkeypatch: pytest.MonkeyPatch, words: int, position: str) -> None:
    """Titles of 60 to 90 characters at 512x512: what is set is lines of whole words."""
    import moviepy

    known = ["every", "harbour", "remembers", "seven", "lanterns", "drifting", "quietly", "beyond"]
    text = " ".join(known[number * 5 % 8] for number in range(words))
    seen: list[str] = []
    real = moviepy.TextClip
    monkeypatch.setattr(moviepy, "TextClip", lambda **given: (seen.append(given["text"]), real(**given))[1])
    shown = set_words(TitleCard(text, position), 512, 512)
    lines = seen[-1].splitlines()
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert shown.rgba.shape[1] <= 512 * 9 // 10


def test_a_word_too_long_for_any_size_is_cut_at_last() -> None:
    assert set_words(TitleCard("Donaudampfschifffahrt" * 6), 256, 160).rgba.shape[1] <= 230


def test_a_font_that_git_did_not_fetch_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n")
    with pytest.raises(RequestError, match=r"a\.ttf as a font: it is a pointer of Git LFS.*`git lfs pull`"):
        set_words(TitleCard("Home", font=tmp_path / "a.ttf"), 640, 360)


def test_fonts(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no font here has \U0001f9ff"):
        set_words(TitleCard("\U0001f9ff"), 640, 360)
    (tmp_path / "no.ttf").write_bytes(b"none")
    with pytest.raises(RequestError, match=r"no\.ttf as a font"):
        set_words(TitleCard("Home", font=tmp_path / "no.ttf"), 640, 360)


def flat(folder: Path, grey: int, frames: int) -> Clip:
    path = folder / f"{grey}.mp4"
    write_clip(path, np.full((frames, 96, 160, 3), grey, np.uint8), FPS)
    return Clip(key=str(grey), path=path, sha256="", frames=frames, width=160, height=96, fps=FPS)


def test_a_card_alone_and_a_title_over_a_shot(tmp_path: Path) -> None:
    clip = flat(tmp_path, 140, 24)
    come = Transition("dissolve", Duration(frames=4))
    card = CutShot(name="card", scene="one", start=0, pieces=(), title=TitleCard("HOME"), blank=24)
    over = TitleCard("HOME", "lower-third", Duration(frames=12))
    shot = CutShot(
        name="shot", scene="one", start=20, pieces=(Piece(clip, tuple(range(24))),), transition=come, overlap=4,
        title=over,
    )  # fmt: skip
    last = CutShot(name="last", scene="one", start=44, pieces=(Piece(clip, tuple(range(24))),), look=Look("previous"))
    cut = Cut(width=160, height=96, fps=FPS, shots=(card, shot, last))
    write_film(tmp_path / "film.mp4", finish(cut))
    frames = read_frames(tmp_path / "film.mp4", 0, cut.frames).astype(int)
    assert len(frames) == 68
    brightest, median = frames.max(axis=(1, 2, 3)), np.median(frames, axis=(1, 2, 3))
    assert (median[:20] <= 2).all()
    assert (np.diff(brightest[:5]) > 10).all()
    assert (brightest[5:15] > 235).all()
    assert abs(median[24:] - 140).max() <= 2
    assert (brightest[26:30] > 220).all()
    words = np.abs(frames[44] - frames[60]).max()
    assert words <= 4  # gone when its 12 frames are over
    assert brightest[40] < 150
    assert frames[28, 60:, :80].max() > 220
    assert frames[28, :48].max() < 150


def test_the_mark_leaves_burned_subtitles_alone(tmp_path: Path) -> None:
    """It went over them every five seconds, and neither could be read."""
    clip = flat(tmp_path, 140, 24)
    shot = CutShot(name="shot", scene="one", start=0, pieces=(Piece(clip, tuple(range(24)) * 9),))
    words = Subtitle(0, 5, "It burns."), Subtitle(6, 17, "Still.")
    cut = Cut(width=160, height=96, fps=FPS, shots=(shot,), subtitles=words, subtitled="burn")
    plain = finish(cut)
    marked = (with_mark(plain, Watermark(text="sora")).pictures(), plain.pictures())
    apart = np.zeros((96, 160), int)
    for one, other in zip(*marked, strict=True):
        luma = [frame.to_ndarray()[:96].astype(int) for frame in (one, other)]
        apart = np.maximum(apart, abs(luma[0] - luma[1]))
    under = np.flatnonzero(apart.max(axis=1) > 8)
    assert under.min() == 0
    assert 96 - plain.lettered - 4 < under.max() < 96 - plain.lettered
    assert finish(replace(cut, subtitled="track")).lettered == 0


def test_burned_subtitles_stand_above_a_lower_third(tmp_path: Path) -> None:
    """They lay over each other: who speaks could not be read while they spoke."""
    clip = flat(tmp_path, 140, 24)
    title = TitleCard("Dr. Jane Doe", "lower-third", Duration(frames=24))
    shot = CutShot(name="shot", scene="one", start=0, pieces=(Piece(clip, tuple(range(24)) * 2),), title=title)
    said = Subtitle(0, 1.8, "Eleven years."), Subtitle(2.2, 4, "Eleven years.")
    cut = Cut(width=160, height=96, fps=FPS, shots=(shot,), subtitles=said, subtitled="burn")
    pictures = [
        [frame.to_ndarray()[:96].astype(int) for frame in finish(each).pictures()]
        for each in (cut, replace(cut, subtitles=()))
    ]
    on, plain = (np.array(each) for each in pictures)
    plate, words = set_words(title, 160, 96), set_words(TitleCard("Eleven years.", "bottom"), 160, 96)
    rows = [np.flatnonzero(abs(on[number] - plain[number]).max(axis=1) > 20) for number in (12, 40)]
    assert rows[0].max() < plate.place[1]
    assert rows[0].min() > 10
    assert rows[1].min() > words.place[1]
