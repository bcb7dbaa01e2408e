"""`sora review --html` and `sora plan --html`: one file, which shows what others wrote as text and asks no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sora_cli.cli.main import main
from sora_cli.events import Recording
from sora_cli.flows import film
from sora_cli.page import pictures
from sora_cli.storyboard import load
from tests.boards import catalogue
from tests.test_review import Panning, written

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

HOSTILE = "</script><img src=x onerror=alert(1)>"
BOARD = f"""\
title: "{HOSTILE}"
output: {{size: 192x128, fps: 12}}
look: off
shots:
  - name: "<img src=x onerror=alert(1)>"
    prompt: PROMPT
    duration: 1s
    takes: 2
  - {{name: dusk, prompt: dark, duration: 1s}}
  - name: walk
    beats: [{{prompt: a, duration: 1s}}, {{prompt: b, duration: 1s}}]
  - {{name: end, title: The End, duration: 1s}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a storyboard whose film was made twice, the film's page, and that of its board."""
    home = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("SORA_STORE", str(home / "store"))
        patch.setattr("sora_cli.engines.catalogue.card", catalogue())
        patch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Panning(card))
        for prompt in ("<b>a first word</b>", "<b>another word</b>"):
            (home / "board.yaml").write_text(BOARD.replace("PROMPT", prompt))
            film.make(load(home / "board.yaml"), home / "film.mp4", report=Recording())
        assert main(["review", str(home / "film.mp4"), "--html", str(home / "film.html")]) == 0
        assert main(["plan", str(home / "board.yaml"), "--html", str(home / "board.html")]) == 0
        yield home


def test_what_others_wrote_is_text(home: Path) -> None:
    for name in ("film.html", "board.html"):
        text = (home / name).read_text()
        assert HOSTILE not in text
        assert "<b>" not in text
        assert "&lt;/script&gt;&lt;img" in text
        assert "&lt;b&gt;another word&lt;/b&gt;" in text


def test_a_page_names_nothing_outside_itself(home: Path) -> None:
    for name in ("film.html", "board.html"):
        text = (home / name).read_text()
        assert "default-src 'none'" in unescape(text)
        assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
        assert "://" not in text


def test_what_changed_is_shown_where_it_is_known(home: Path) -> None:
    assert "changed since the last film: prompt" in (home / "film.html").read_text()
    told = json.loads((home / "film.mp4.sora.json").read_text())
    assert [*told["before"]] == ["scene-1/<img src=x onerror=alert(1)>"]


def test_a_film_of_others_has_a_page_too(home: Path) -> None:
    flat = [np.full((96, 128, 3), grey, np.uint8) for grey in (40,) * 14 + (200,) * 14]
    strange = written(home / "strange.mp4", flat)
    assert main(["review", str(strange), "--html", str(home / "strange.html")]) == 0
    text = (home / "strange.html").read_text()
    assert text.count('<article class="shot"') == 2
    assert "its shots are found by its cuts" in text
    assert "changed since" not in text


def test_a_page_replaces_its_own_earlier_one_and_nothing_else(home: Path) -> None:
    board, other = str(home / "board.yaml"), home / "other.html"
    other.write_text("<p>somebody's own")
    assert main(["plan", board, "--html", str(other)]) == 2
    assert main(["plan", board, "--html", str(home / "film.html")]) == 2
    assert main(["plan", board, "--html", board]) == 2
    assert other.read_text() == "<p>somebody's own"
    assert main(["plan", board, "--html", str(other), "--overwrite"]) == 0
    assert main(["plan", board, "--html", str(other)]) == 0


def test_the_board_says_what_is_kept_and_the_plan_shows_notes_under_their_shots(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = home / "given.json"
    notes.write_text(json.dumps({"notes": {"walk": "slower", "end": "longer", "gone": "why?"}}))
    page = home / "noted.html"
    assert main(["plan", str(home / "board.yaml"), "--notes", str(notes), "--html", str(page)]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[lines.index("  walk: slower") - 1].startswith("scene-1/walk/2")
    assert "end: longer" in told.err
    assert "no shot is called gone here; its note says: why?" in told.err
    assert ">slower</textarea>" in page.read_text()
    assert page.read_text().count("<small>kept</small>") == 5
    assert main(["plan", str(home / "board.yaml"), "--notes", str(notes), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"]["walk"] == "slower"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"notes": 1}', '{"notes": {"a": 1}}'])
def test_a_file_that_holds_no_notes_is_refused(home: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "bad.json").write_text(text)
    assert main(["plan", str(home / "board.yaml"), "--notes", str(home / "bad.json")]) == 2
    assert "bad.json" in capsys.readouterr().err


@pytest.mark.parametrize("count", [1, 40, 1000])
def test_pictures_of_a_page_keep_to_their_share_of_its_size(count: int) -> None:
    frames = np.random.default_rng(count).integers(0, 256, (3, 128, 192, 3), np.uint8)
    data = pictures.strip(list(frames), pictures.share(count)).src
    assert len(data) * 3 / 4 * count <= pictures.ALL


# -- in a browser ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    import shutil

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, home: Path) -> Iterator[Page]:
    """The film's page, opened from disk. Nothing leaves it, and nothing fails in it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("request", lambda request: wrong.append(request.url) if not local(request.url) else None)
    page.goto((home / "film.html").as_uri())
    until(page, "readyState >= 2")
    yield page
    page.close()
    assert wrong == []


def local(url: str) -> bool:
    return url.startswith(("data:", "blob:", "file:")) and not url.endswith("/x")


def until(page: Page, fact: str) -> None:
    """Wait for a fact of the film. Playwright's own waiting evaluates text in the page, whose policy forbids that."""
    for _ in range(500):
        if page.evaluate(f"document.getElementById('film').{fact}"):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"the film has never {fact}")


def at(page: Page) -> float:
    until(page, "seeking === false")
    return float(page.evaluate("document.getElementById('film').currentTime"))


def test_the_film_plays_and_the_keys_move_it(page: Page) -> None:
    assert page.evaluate("document.getElementById('film').duration") == pytest.approx(5, abs=0.1)
    page.keyboard.press("3")
    assert at(page) == pytest.approx(2 + 1 / 24, abs=0.01)
    assert "walk" in page.locator(".here h2").inner_text()
    page.keyboard.press("ArrowRight")
    assert at(page) == pytest.approx(2 + 1 / 12 + 1 / 24, abs=0.01)
    page.keyboard.press("ArrowLeft")
    assert at(page) == pytest.approx(2 + 1 / 24, abs=0.01)
    page.keyboard.press("ArrowUp")
    assert at(page) == pytest.approx(1 + 1 / 24, abs=0.01)
    page.keyboard.press("l")
    until(page, "currentTime > 1.1")
    page.keyboard.press("l")
    assert page.evaluate("document.getElementById('film').playbackRate") == 2
    page.keyboard.press("k")
    assert page.evaluate("document.getElementById('film').paused")
    stopped = at(page)
    page.keyboard.press("j")
    until(page, f"currentTime < {stopped} - 0.05")
    page.keyboard.press("k")


def test_the_slider_shows_before_and_now(page: Page) -> None:
    assert "prompt" in page.locator(".change h3").inner_text()
    slider, over = page.locator(".pair input"), page.locator(".pair .over")
    assert "50%" in over.evaluate("each => getComputedStyle(each).clipPath")
    slider.focus()
    page.keyboard.press("Home")
    assert over.evaluate("each => getComputedStyle(each).clipPath") == "inset(0px 100% 0px 0px)"


def test_notes_come_down_as_a_file_that_the_plan_reads(page: Page, home: Path, tmp_path: Path) -> None:
    page.locator("textarea").nth(2).fill("slower, J K L 1 2 3")
    with page.expect_download() as coming:
        page.locator("#save").click()
    coming.value.save_as(tmp_path / coming.value.suggested_filename)
    told: dict[str, Any] = json.loads((tmp_path / "notes.json").read_text())
    assert (told["of"], told["notes"]) == ("film.mp4", {"walk": "slower, J K L 1 2 3"})
    assert main(["plan", str(home / "board.yaml"), "--notes", str(tmp_path / "notes.json")]) == 0


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_a_page_is_no_wider_than_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


SHOTS, LARGEST, SECONDS = 200, 30_000_000, 2


@pytest.mark.long
def test_the_page_of_200_shots_is_small_and_opens_at_once(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue())
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Panning(card))
    shots = "".join(f"  - {{name: s{number}, prompt: walk {number}, duration: 1s}}\n" for number in range(SHOTS))
    (tmp_path / "board.yaml").write_text(f"output: {{size: 192x128, fps: 12}}\nlook: off\nshots:\n{shots}")
    film.make(load(tmp_path / "board.yaml"), tmp_path / "film.mp4", report=Recording())
    assert main(["review", str(tmp_path / "film.mp4"), "--html", str(tmp_path / "film.html")]) == 0
    size = (tmp_path / "film.html").stat().st_size
    page = browser.new_page()
    measure = page.context.new_cdp_session(page)
    measure.send("Performance.enable")
    before = spent(measure)
    page.goto((tmp_path / "film.html").as_uri())
    until(page, "readyState >= 2")
    used = spent(measure) - before  # of processors: a clock would tell how busy the machine is
    assert page.locator("article.shot").count() == SHOTS
    page.close()
    assert size < LARGEST
    assert used < SECONDS, f"{used:.2f} s; {size / 1e6:.1f} MB"


def spent(measure: CDPSession) -> float:
    """Seconds of processors that the page's own process has used."""
    told = {each["name"]: each["value"] for each in measure.send("Performance.getMetrics")["metrics"]}
    return float(told["ProcessTime"])
