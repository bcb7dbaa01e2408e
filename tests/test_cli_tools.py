"""The commands for films that are there already, and what goes out how, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sora_cli.cli.main import main
from sora_cli.cli.session import SIZES, TIMES, amount
from sora_cli.errors import RequestError
from sora_cli.media.read import probe
from tests.boards import catalogue
from tests.stamp.pki import issue
from tests.test_film import Greys
from tests.test_tools import GREYS, film


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "a.mp4", GREYS)
    return tmp_path


def test_stitch_grade_stamp_and_verify(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stitch", "a.mp4", "a.mp4", "-o", "b.mp4", "--transition", "dissolve 6f", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert ((home / made["path"]).is_file(), made["frames"]) == (True, 18)
    assert main(["grade", "b.mp4", "--match", "a.mp4", "--lut-out", "b.cube"]) == 0
    assert Path("b.cube").read_text(encoding="utf-8").startswith('TITLE "b"\nLUT_3D_SIZE 33\n')
    assert main(["stamp", "a.mp4", "-o", "c.mov", "--deliver", "prores", "--author", "Jane", "--mark", "by Jane"]) == 0
    assert main(["verify", "c.mov"]) == 0
    assert "Jane" in capsys.readouterr().out
    assert main(["verify", "a.mp4"]) == 1


@pytest.mark.parametrize(
    ("size", "wanted"), [("16:9", (56, 32)), ("9:16", (18, 32)), ("1:1", (32, 32)), ("64x36", (64, 36)), ("", (48, 32))]
)
def test_a_shape_keeps_the_height_of_the_first_clip(home: Path, size: str, wanted: tuple[int, int]) -> None:
    film(home / "small.mp4", GREYS[:2], size=(48, 32))
    assert main(["stitch", "small.mp4", "a.mp4", "-o", "b.mp4", *(["--size", size] if size else [])]) == 0
    found = probe(home / "b.mp4")
    assert (found.width, found.height) == wanted


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("2 hours", 7200),
        ("8h", 28800),
        ("90 s", 90),
        ("1.5 min", 90),
        ("30 Minutes", 1800),
        ("1 hour", 3600),
        ("1h30m", 5400),
        ("1 h 5 min", 3900),
        ("0.4s", 1),
    ],
)
def test_lengths_of_time_as_people_write_them(words: str, seconds: int) -> None:
    assert amount(words, TIMES, "--max-time") == seconds


@pytest.mark.parametrize(
    "words", ["", "2", "hours", "-1h", "0h", "2 h 5", "30m1h", "1h1h", "nan h", "inf h", "2 weeks"]
)
def test_what_is_no_length_of_time(words: str) -> None:
    with pytest.raises(RequestError, match="not an amount"):
        amount(words, TIMES, "--max-time")


def test_a_size_has_a_unit_of_tens_or_twos_and_a_bare_number_is_told_with_one() -> None:
    assert (amount("20GB", SIZES, "--max-disk"), amount("1.5 GiB", SIZES, "--max-disk")) == (20 * 10**9, 3 << 29)
    with pytest.raises(RequestError) as caught:
        amount("5", SIZES, "--max-disk")
    assert caught.value.hint == "write one of 5mb, 5gb, 5tb"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["stitch", "a.mp4", "-o", "b.avi"], "must end in .mp4"),
        (["stitch", "a.mp4", "-o", "-"], "cannot write a film to -: it goes to a file"),
        (["stitch", "a.mp4", "-o", "/dev/null"], "name a file that ends in .mp4"),
        (["stitch", "a.mp4", "-o", "b.mp4", "--deliver", "vhs"], "--deliver vhs: no such delivery"),
        (["stitch", "a.mp4", "-o", "b.mp4", "--fit", "squeeze"], "--fit squeeze"),
        (["stitch", "a.mp4", "-o", "b.mp4", "--size", "big"], "--size big"),
        (["stitch", "a.mp4", "-o", "b.mp4", "--fps", "0"], "--fps 0"),
        (["grade", "a.mp4", "--match", "a.mp4"], "nothing to make"),
        (["stitch", "a.mp4", "-o", "b.mp4", "--deliver", "interactive"], "--deliver interactive: no such delivery"),
        (["stitch", "a.mp4", "a.mp4", "-o", "b.mp4", "--strength", "0.5"], "--strength needs --match"),
        (
            ["grade", "a.mp4", "--match", "a.mp4", "--lut-out", "b.cube", "--mark", "by Jane", "--deliver", "gif"],
            "--mark and --deliver need -o FILM",
        ),
        (["voices", "--say", "hello"], "--say needs --play-to FILE"),
        (["voices", "--play-to", "."], "hint: try voices.wav"),
        (["search", "a ball", "--embedding", "models/siglip"], "--embedding needs --image PICTURE"),
        (["stills", "b.yaml", "--deliver", "gif"], "--deliver needs --animatic"),
        (["reproduce", "b.mp4"], "cannot read b.mp4: there is no such file"),
        (["reproduce", "a.mp4", "--files", "gone"], "--files gone: no such folder"),
        (["verify", "a.mp4", "--revoked", "gone"], "of revoked certificates gone: No such file or directory\n"),
        (["new", "a.mp4"], "cannot write a.mp4/storyboard.yaml: a.mp4 is no folder"),
    ],
)
def test_a_wrong_request_ends_with_2(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    assert main(words) == 2
    assert why in capsys.readouterr().err
    assert not list(home.glob("b.*"))


def test_a_signer_of_ones_own_is_trusted_through_its_anchor(home: Path) -> None:
    issued = issue()
    chain, key = issued.write(home)
    assert main(["stamp", "a.mp4", "-o", "b.mp4", "--sign-cert", str(chain), "--sign-key", str(key)]) == 0
    (home / "root.pem").write_bytes(issued.root)
    assert main(["verify", "b.mp4"]) == 1
    assert main(["verify", "b.mp4", "--anchor", "root.pem"]) == 0
    assert main(["stamp", "a.mp4", "-o", "c.mp4", "--sign-cert", str(chain)]) == 3


def test_a_storyboard_is_delivered_with_its_tables(home: Path) -> None:
    Path("film.yaml").write_text(
        "title: Two\noutput: {size: 192x128}\nshots: [dark, {prompt: light, speed: 0.5, title: Hello}]\n", "utf-8"
    )
    assert main(["storyboard", "film.yaml", "--deliver", "archive", "--luts", "luts"]) == 0
    assert sorted(path.name for path in home.glob("two.*")) == [
        "two.mkv",
        "two.mkv.c2pa",
        "two.mkv.sheet.png",
        "two.mkv.sora.json",
    ]
    assert [path.name for path in Path("luts").iterdir()] == ["002-shot-2.cube"]
    assert main(["generate", "white", "-o", "one.gif", "--deliver", "gif"]) == 0
    assert main(["verify", "one.gif"]) == 0
