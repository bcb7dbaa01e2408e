"""The visible mark: where it goes, whether it can be read, and that it is what the film shows."""

import functools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont, features

from sora_cli.errors import MediaError, RequestError
from sora_cli.media.read import read_frames
from sora_cli.stamp.watermark import LOOP, SMALLEST_LETTERS, make_badge, mark_at, visible
from sora_cli.storyboard.model import Watermark

SIZES = [(256, 160), (160, 256), (480, 272), (832, 480), (1280, 720), (720, 1280), (1080, 1080), (1920, 1080)]
RATES = [Fraction(12), Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(30), Fraction(60)]
TEN_SECONDS = 10


@functools.cache
def badge_size(size: tuple[int, int]) -> tuple[int, int]:
    return make_badge(Watermark(), *size).size


def most_inside(start: int, fps: Fraction, size: tuple[int, int], badge: tuple[int, int], crop: np.ndarray) -> float:
    """The largest part of the mark that lies in a crop at one frame of the ten seconds from frame `start` on.

    `crop` is (x, y, width, height) in pixels.
    """
    count = int(TEN_SECONDS * fps)
    places = np.array([mark_at(start + k, fps, size, badge) for k in range(count)], dtype=float)
    low = np.maximum(places, crop[:2])
    high = np.minimum(places + badge, crop[:2] + crop[2:])
    return float((np.clip(high - low, 0, None).prod(axis=1) / np.prod(badge)).max())


@settings(max_examples=50)
@given(
    size=st.sampled_from(SIZES),
    fps=st.sampled_from(RATES),
    start=st.integers(0, 20_000),
    u=st.floats(0, 1),
    v=st.floats(0, 1),
)
@example(size=(256, 160), fps=Fraction(12), start=0, u=0.0, v=0.0)
@example(size=(160, 256), fps=Fraction(12), start=0, u=1.0, v=1.0)
def test_every_quarter_of_the_frame_sees_the_whole_mark_within_ten_seconds(
    size: tuple[int, int], fps: Fraction, start: int, u: float, v: float
) -> None:
    badge = badge_size(size)
    crop = np.array([u * size[0] / 2, v * size[1] / 2, size[0] / 2, size[1] / 2])
    assert most_inside(start, fps, size, badge, crop) >= 0.95


@settings(max_examples=50)
@given(
    size=st.sampled_from(SIZES),
    fps=st.sampled_from(RATES),
    start=st.integers(0, 20_000),
    part=st.floats(0.3, 0.84),
    u=st.floats(0, 1),
    v=st.floats(0, 1),
)
def test_a_quarter_of_another_shape_sees_most_of_the_mark(
    *, size: tuple[int, int], fps: Fraction, start: int, part: float, u: float, v: float
) -> None:
    badge = badge_size(size)
    width, height = part * size[0], size[1] / (4 * part)
    crop = np.array([u * (size[0] - width), v * (size[1] - height), width, height])
    assert most_inside(start, fps, size, badge, crop) >= 0.5


@given(
    frame=st.integers(0, 10**7),
    fps=st.sampled_from(RATES),
    width=st.integers(16, 4096),
    height=st.integers(16, 4096),
    part=st.integers(3, 12),
)
def test_the_mark_never_leaves_the_frame(frame: int, fps: Fraction, width: int, height: int, part: int) -> None:
    badge = (width // part + 1) & ~1, (height // part + 1) & ~1
    x, y = mark_at(frame, fps, (width, height), badge)
    assert x % 2 == y % 2 == 0
    assert 0 <= x <= width - badge[0]
    assert 0 <= y <= height - badge[1]


def test_the_place_is_the_same_in_time_at_every_rate() -> None:
    slow, fast = (mark_at(n, Fraction(n), (1280, 720), (234, 42)) for n in (12, 60))
    assert slow == fast


def test_a_missing_stretch_shows_as_a_jump() -> None:
    """Whatever is cut out, 0.5 to 60 s, the mark is soon not where an unbroken film would have it."""
    fps, size, badge = Fraction(24), (1280, 720), (234, 42)
    places = np.array([mark_at(k, fps, size, badge) for k in range(24 * 130)])
    for start in range(0, 24 * 30, 71):
        for gone in range(12, 24 * 60, 61):
            seen, meant = places[start + gone : start + gone + 24 * 30], places[start : start + 24 * 30]
            assert np.abs(seen - meant).max() >= 8, (start, gone)


def test_no_two_loops_are_the_same() -> None:
    loop = round(LOOP * 60)
    first, second = ([mark_at(k + n, Fraction(60), (1280, 720), (234, 42)) for k in range(loop)] for n in (0, loop))
    assert first != second


@pytest.mark.parametrize("size", SIZES)
def test_the_badge_fits_and_its_letters_are_high_enough(size: tuple[int, int]) -> None:
    badge = make_badge(Watermark(opacity=1.0), *size)
    assert badge.size[0] <= size[0] / 3
    assert badge.size[1] <= size[1] / 3
    letters = (badge.rgba[..., 0] > 200).any(axis=1)
    runs = "".join("x" if row else " " for row in letters).split()
    assert max(len(run) for run in runs) >= 9 * max(1, min(size) * 0.045 / SMALLEST_LETTERS) * 0.75
    assert max(len(run) for run in runs) >= 9


@pytest.mark.parametrize("opacity", [0.2, 0.5, 1.0])
@pytest.mark.parametrize("under", [0, 64, 128, 192, 255])
def test_letters_stand_out_on_dark_and_on_light(under: int, opacity: float) -> None:
    """The contrast of letters to their rim, by WCAG 2.2's relative luminance, on any grey."""
    badge = make_badge(Watermark(opacity=opacity), 1280, 720)
    alpha = badge.rgba[..., 3:] / 255
    seen = (badge.rgba[..., :3] * alpha + under * (1 - alpha))[..., 0] / 255
    linear = np.where(seen <= 0.04045, seen / 12.92, ((seen + 0.055) / 1.055) ** 2.4)
    white, opaque = badge.rgba[..., 0] == 255, badge.rgba[..., 3] == badge.rgba[..., 3].max()
    rim = opaque & (badge.rgba[..., 0] == 0)
    contrast = (linear[white & opaque].mean() + 0.05) / (linear[rim].mean() + 0.05)
    assert contrast >= {0.2: 1.3, 0.5: 3.0, 1.0: 15.0}[opacity]


def test_a_users_text_and_picture(tmp_path: Path) -> None:
    long = make_badge(Watermark(text="a film by Jane Doe and friends, 2026"), 1280, 720)
    assert long.size[0] <= 1280 / 3
    logo = tmp_path / "logo.png"
    Image.new("RGBA", (801, 401), (255, 0, 0, 128)).save(logo)
    drawn = make_badge(Watermark(image=logo, opacity=1.0), 1280, 720)
    assert drawn.size[0] <= 1280 / 3 + 1
    assert drawn.size[0] % 2 == drawn.size[1] % 2 == 0
    assert tuple(drawn.rgba[10, 10]) == (255, 0, 0, 128)


def test_letters_that_no_font_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own font has no ü, and would draw an empty box."""
    monkeypatch.setattr("sora_cli.media.lettering.SYSTEM_FONTS", ("no-such-font.ttf",))
    make_badge(Watermark(text="(c) 2026 Zoe & friends"), 1280, 720)
    with pytest.raises(RequestError, match="ë ü") as caught:
        make_badge(Watermark(text="Zoë Müller"), 1280, 720)
    assert "picture" in caught.value.hint


@pytest.mark.skipif(not features.check("freetype2"), reason="needs FreeType")
def test_letters_that_only_a_system_font_has() -> None:
    try:
        ImageFont.truetype("DejaVuSans.ttf", 12)
    except OSError:
        pytest.skip("needs the DejaVu fonts")
    assert make_badge(Watermark(text="Zoë Müller · 2026"), 1280, 720).size[0] > 100
    with pytest.raises(RequestError, match=r"no font here has \U0001f9ff$"):  # what the nearest font lacks
        make_badge(Watermark(text="Zoë \U0001f9ff"), 1280, 720)


def test_what_cannot_be_drawn_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="too long"):
        make_badge(Watermark(text="incomprehensibilities " * 40), 256, 160)
    with pytest.raises(MediaError, match="picture"):
        make_badge(Watermark(image=tmp_path / "none.png"), 256, 160)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(MediaError, match="picture"):
        make_badge(Watermark(image=tmp_path / "text.png"), 256, 160)


@pytest.mark.parametrize(
    "mark", [Watermark(on=False), Watermark(opacity=0.0), Watermark(opacity=0.1), Watermark(text="  ")]
)
def test_what_counts_as_no_mark(mark: Watermark) -> None:
    assert not visible(mark)
    assert visible(Watermark())


def test_the_film_shows_the_mark_where_it_should_be(tmp_path: Path) -> None:
    """Against the same film without it: changed under the mark, not changed (but by coding) elsewhere."""
    from sora_cli.media.film import write_film
    from sora_cli.stamp.watermark import with_mark
    from tests.stamp.conftest import FPS, FRAMES, SIZE, make_master

    mark = Watermark(opacity=1.0)
    badge = make_badge(mark, *SIZE)
    plain, marked = tmp_path / "plain.mp4", tmp_path / "marked.mp4"
    write_film(plain, make_master())
    write_film(marked, with_mark(make_master(), mark))
    before, after = (read_frames(path, 0, FRAMES).astype(int) for path in (plain, marked))
    solid = badge.rgba[..., 3] == 255
    for number in range(FRAMES):
        x, y = mark_at(number, FPS, SIZE, badge.size)
        patch = after[number, y : y + badge.size[1], x : x + badge.size[0]]
        assert np.abs(patch - badge.rgba[..., :3])[solid].mean() < 25
        outside = np.ones(before.shape[1:3], bool)
        outside[max(0, y - 8) : y + badge.size[1] + 8, max(0, x - 8) : x + badge.size[0] + 8] = False
        assert np.abs(after[number] - before[number])[outside].mean() < 3


@pytest.mark.parametrize("size", [(48, 32), (96, 64), (192, 128), (128, 192)])
def test_a_small_frame_has_a_mark_that_fits(size: tuple[int, int]) -> None:
    badge = make_badge(Watermark(), *size)
    assert 0 < badge.size[0] < size[0]
    assert 0 < badge.size[1] < size[1]
    assert badge.size[0] % 2 == badge.size[1] % 2 == 0
