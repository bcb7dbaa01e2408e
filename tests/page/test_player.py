"""`--deliver interactive` and `sora play`: each passage once, stamped, and a page that plays them without a gap."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from sora_cli import stamp
from sora_cli.cli.main import main
from sora_cli.media.read import read_frames
from sora_cli.store import Store, default_folder
from tests.boards import catalogue
from tests.page.test_page import browser, local  # noqa: F401  a fixture
from tests.test_film import GREYS, Greys

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BOARD = """\
title: "</script><b>Fork"
output: {size: 96x64, fps: 12}
look: off
provenance: {watermark: {opacity: 0.2}}
shots:
  - name: fork
    prompt: dark
    duration: 0.5s
    choices: [{say: "Follow <i>the light", go: lamp}, {say: Stay, go: pier, after: 60s}]
  - {name: lamp, prompt: light, duration: 0.5s, choices: [{say: Back, go: fork}, {say: On, go: dawn}]}
  - {name: pier, prompt: light, duration: 0.5s, choices: dawn}
  - {name: dawn, prompt: white, duration: 0.5s, transition: dissolve 0.25s}
"""
TONES = {"fork": "dark", "lamp": "light", "pier": "light", "dawn": "white"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a storyboard that has choices, delivered, and with its films of two paths."""
    home = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        patch.setenv("SORA_STORE", str(home / "store"))
        patch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
        patch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
        (home / "board.yaml").write_text(BOARD)
        patch.chdir(home)
        assert main(["storyboard", "board.yaml", "--deliver", "interactive", "-o", "story"]) == 0
        yield home


def story(home: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((home / "story" / "story.json").read_text())
    return told


def test_each_passage_is_a_film_whose_credential_verifies(home: Path) -> None:
    passages = story(home)["passages"]
    assert {name: each["file"] for name, each in passages.items()} == {name: f"{name}.mp4" for name in TONES}
    for each in passages.values():
        assert stamp.verify(home / "story" / each["file"]).ok
        assert each["frames"] == 6


def test_the_graph_says_where_each_passage_leads(home: Path) -> None:
    told = story(home)
    assert told["start"] == "fork"
    assert [(each["go"], each["after"]) for each in told["passages"]["fork"]["choices"]] == [
        ("lamp", None),
        ("pier", 60),
    ]
    assert told["passages"]["pier"]["choices"] == [{"say": "", "go": "dawn", "after": None}]
    assert told["passages"]["dawn"]["choices"] == []


def test_the_page_names_its_films_alone_and_what_others_wrote_is_text(home: Path) -> None:
    text = (home / "story" / "index.html").read_text()
    assert "default-src &#39;none&#39;" in text
    assert "://" not in text
    assert "<b>" not in text
    assert "<i>" not in text


def test_a_second_delivery_makes_nothing_and_a_path_shoots_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = Store(default_folder()).size()
    assert main(["storyboard", "board.yaml", "--deliver", "interactive", "-o", "story", "--json"]) == 0
    assert all(each["reused"] for each in json.loads(capsys.readouterr().out)["films"])
    assert main(["play", "board.yaml", "--path", "lamp,Back,lamp,dawn", "-o", "round.mp4"]) == 0
    assert Store(default_folder()).size() == clips
    assert stamp.verify(home / "round.mp4").ok
    greys = [float(frame[:8, :8].mean()) for frame in read_frames(home / "round.mp4", 0, 27)]
    wanted = [*["dark"] * 6, *["light"] * 6, *["dark"] * 6, *["light"] * 3, *[""] * 3, *["white"] * 3]
    for grey, tone in zip(greys, wanted, strict=True):
        assert not tone or abs(grey - GREYS[tone]) < 8
    assert GREYS["light"] < greys[22] < GREYS["white"], "the dissolve into dawn"


@pytest.mark.usefixtures("home")
def test_all_paths_are_films_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", "board.yaml", "--all-paths", "--json", "-o", "paths"]) == 0
    made = {Path(each["path"]).name: each["frames"] for each in json.loads(capsys.readouterr().out)}
    assert made == {
        "script-b-fork-lamp-fork-pier-dawn.mp4": 27,
        "script-b-fork-lamp-dawn.mp4": 15,
        "script-b-fork-pier-dawn.mp4": 15,
    }


@pytest.mark.usefixtures("home")
def test_a_film_of_the_board_plays_all_in_a_row_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "board.yaml"]) == 0
    assert "a film plays all shots in the order of the file" in capsys.readouterr().err


def test_a_board_without_choices_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "plain.yaml").write_text("shots: [dark]")
    assert main(["storyboard", "plain.yaml", "--deliver", "interactive"]) == 2
    assert main(["play", "plain.yaml", "--all-paths"]) == 2
    assert main(["play", "board.yaml"]) == 2
    assert "has no choices" in capsys.readouterr().err
    assert not (home / "plain-interactive").exists()


# -- in a browser ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def opened(browser: Browser, place: Path) -> Iterator[Page]:  # noqa: F811
    """A story's page, opened from disk with the network off. Nothing leaves it, and nothing fails in it."""
    page = browser.new_context(viewport={"width": 400, "height": 300}, offline=True, has_touch=True).new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if not local(request.url) else None)
    page.clock.install()
    page.goto(place.as_uri())
    page.evaluate(WATCH)
    yield page
    page.close()
    assert wrong == []


@pytest.fixture
def page(browser: Browser, home: Path) -> Iterator[Page]:  # noqa: F811
    """The page of the story."""
    with opened(browser, home / "story" / "index.html") as page:
        yield page


WATCH = """() => {
  window.shown = [];
  new MutationObserver(() => {
    const on = [...document.querySelectorAll("video.on")];
    window.shown.push([on.length, on[0]?.readyState > 1, on[0]?.clientHeight > 100]);
  }).observe(document.getElementById("films"), { subtree: true, childList: true, attributeFilter: ["class"] });
}"""
"""Notes, whenever a film comes on or goes, whether one is on and has a frame to show."""


def reached(page: Page, passage: str, looks: list[float]) -> None:
    """Wait until a passage has played, and note how light the middle of the page was meanwhile."""
    for _ in range(100):
        shot = Image.open(io.BytesIO(page.screenshot(clip={"x": 150, "y": 60, "width": 40, "height": 20})))
        looks.append(float(np.asarray(shot.convert("L")).mean()))
        if page.evaluate("document.body.dataset.passage") == f"{passage} ended":
            return
    pytest.fail(f"{passage} was never reached: {page.evaluate('document.body.dataset.passage')}")


def test_a_story_plays_by_keys_and_touch_without_a_black_frame(page: Page) -> None:
    looks: list[float] = []
    page.keyboard.press("Enter")
    reached(page, "fork", looks)
    assert page.locator("#choices button").all_inner_texts() == ["1Follow <i>the light", "2Stay"]
    page.keyboard.press("1")
    reached(page, "lamp", looks)
    page.locator("#choices button").first.tap()
    reached(page, "fork", looks)
    page.clock.fast_forward(60_000)
    reached(page, "dawn", looks)  # nobody chose: pier by itself, and on to dawn
    assert page.locator("#start").inner_text() == "Play again"
    assert min(looks) > 40, "black is 16 or less"
    assert {tuple(each) for each in page.evaluate("window.shown")} == {(1, True, True)}
    assert page.evaluate("window.shown.length") >= 4


# -- a story of twelve shots and five choices --------------------------------------------------------------------------

LONG = """\
title: Twelve
output: {size: 96x64, fps: 12}
look: off
provenance: {watermark: {opacity: 0.2}}
shots:
  - {name: door, prompt: light, duration: 0.5s, choices: [{say: In, go: hall}, {say: Around, go: garden}]}
  - {name: hall, prompt: white, duration: 0.5s}
  - {name: stairs, prompt: light, duration: 0.5s, choices: [{say: Up, go: attic}, {say: Down, go: cellar}]}
  - {name: attic, prompt: dark, duration: 0.5s, choices: roof}
  - {name: cellar, prompt: dark, duration: 0.5s, choices: [{say: Crawl, go: tunnel}, {say: Climb, go: roof}]}
  - {name: tunnel, prompt: dark, duration: 0.5s, choices: shore}
  - {name: garden, prompt: light, duration: 0.5s, choices: [{say: Gate, go: gate}, {say: Pond, go: pond}]}
  - {name: gate, prompt: white, duration: 0.5s, choices: shore}
  - {name: pond, prompt: dark, duration: 0.5s, choices: [{say: Swim, go: shore}, {say: Back, go: door}]}
  - {name: roof, prompt: white, duration: 0.5s, choices: dawn}
  - {name: shore, prompt: light, duration: 0.5s}
  - {name: dawn, prompt: white, duration: 0.5s, transition: dissolve 0.25s}
"""


def walks(told: dict[str, Any], here: str, taken: tuple[tuple[str, int], ...] = ()) -> Iterator[list[tuple[str, str]]]:
    """All ways through a story that take no choice twice: the key that leads to a passage, and the passage."""
    ways = told["passages"][here]["choices"]
    if not ways:
        yield []
    for number, way in enumerate(ways, 1):
        if (here, number) not in taken:
            for rest in walks(told, way["go"], (*taken, (here, number))):
                yield [(str(number) if way["say"] else "", way["go"]), *rest]


@pytest.mark.long
def test_every_path_of_a_story_of_twelve_shots_and_five_choices_plays(browser: Browser, home: Path) -> None:  # noqa: F811
    (home / "twelve.yaml").write_text(LONG)
    assert main(["storyboard", "twelve.yaml", "--deliver", "interactive", "-o", "twelve"]) == 0
    told = json.loads((home / "twelve" / "story.json").read_text())
    shots = [shot for each in told["passages"].values() for shot in each["shots"]]
    assert (len(shots), len({*shots})) == (12, 12), "each stretch once"
    assert sum(len(each["choices"]) > 1 for each in told["passages"].values()) == 5
    assert all(stamp.verify(home / "twelve" / each["file"]).ok for each in told["passages"].values())
    ways = list(walks(told, told["start"]))
    assert len(ways) == 8
    with opened(browser, home / "twelve" / "index.html") as page:
        looks: list[float] = []
        for way in ways:
            page.keyboard.press("r")
            reached(page, told["start"], looks)
            for key, passage in way:
                if key:
                    page.keyboard.press(key)
                if all(each["say"] for each in told["passages"][passage]["choices"]):  # others go on by themselves
                    reached(page, passage, looks)
        assert min(looks) > 40, "black is 16 or less"
        assert {tuple(each) for each in page.evaluate("window.shown")} == {(1, True, True)}
