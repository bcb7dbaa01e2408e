"""Nothing is replaced that is not this film's own, an input never; and where films go by their names."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli.cli.main import main
from sora_cli.errors import RequestError
from sora_cli.flows import outputs
from sora_cli.media.read import probe
from sora_cli.stamp import find_signer
from sora_cli.stamp.identity import local_folder
from tests.boards import catalogue
from tests.test_film import Greys
from tests.test_tools import GREYS, film

BOARD = """\
title: Out
output: {size: 48x32}
shots: [{prompt: dark, duration: 0.5s}, {prompt: light, duration: 0.5s}]
"""
STORY = """\
output: {size: 48x32}
shots:
  - {name: a, prompt: dark, duration: 0.5s, choices: [{say: On, go: b}, {say: Enough, go: end}]}
  - {name: b, prompt: light, duration: 0.5s}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a storyboard, two clips and a picture, an engine that draws greys."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "board.yaml").write_text(BOARD)
    (work / "story.yaml").write_text(STORY)
    (work / "shots.csv").write_text("shot,description\n1,a red ball bounces\n")
    film(work / "a.mp4", GREYS[:3], size=(48, 32))
    film(work / "b.mp4", GREYS[6:9], size=(48, 32))
    return work


def contents(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SIDES = ("out.mp4", "out.mp4.sora.json", "out.mp4.sheet.png")
NEIGHBOURS = ("out.json", "out.png", "out.c2pa", "out.gif", "out.gif.sora.json", "out", ".out.mp4", "out.mp4.bak",
              ".out.01234567.part", ".out.json", ".out.mp4.lock", "out.mp4.json", "out.mp4.png")  # fmt: skip
"""Names near those of a film, which it must leave alone."""

COMMANDS = {
    "generate": (["generate", "black", "--duration", "0.5s", "-o", "out.mp4"], SIDES),
    "storyboard": (["storyboard", "board.yaml", "-o", "out.mp4"], SIDES),
    "storyboard by its title": (["storyboard", "board.yaml"], SIDES),
    "storyboard into a folder": (["storyboard", "board.yaml", "-o", "./"], SIDES),
    "storyboard archive": (["storyboard", "board.yaml", "-o", "out.mkv"],
                           ("out.mkv", "out.mkv.c2pa", "out.mkv.sora.json", "out.mkv.sheet.png")),
    "storyboard frames": (["storyboard", "board.yaml", "-o", "out.frames"],
                          ("out.frames/mine.png", "out.frames", "out.frames.sora.json", "out.frames/.hidden")),
    "a story by choice": (["storyboard", "story.yaml", "--deliver", "interactive", "-o", "tale"],
                          ("tale", "tale/a.mp4", "tale/b.mp4.sora.json", "tale/index.html", "tale/story.json")),
    "a path of a story": (["play", "story.yaml", "--path", "b", "-o", "out.mp4"], SIDES),
    "all paths of a story": (["play", "story.yaml", "--all-paths"], ("story-b.mp4", "story.mp4.sora.json")),
    "luts": (["storyboard", "board.yaml", "-o", "new.mp4", "--luts", "luts"], ("luts/002-shot-2.cube", "luts")),
    "batch": (["batch", "board.yaml"], SIDES),
    "stitch": (["stitch", "a.mp4", "b.mp4", "-o", "out.mp4"], SIDES[:2]),
    "stitch archive": (["stitch", "a.mp4", "b.mp4", "-o", "out.mkv"], ("out.mkv", "out.mkv.c2pa", "out.mkv.sora.json")),
    "grade": (["grade", "a.mp4", "--match", "b.mp4", "-o", "out.mp4"], SIDES[:2]),
    "grade to a table": (["grade", "a.mp4", "--match", "b.mp4", "--lut-out", "out.cube"], ("out.cube",)),
    "stamp": (["stamp", "a.mp4", "-o", "out.mp4"], SIDES[:2]),
    "extend": (["extend", "a.mp4", "dark", "-o", "out.mp4"], SIDES[:2]),
    "edit": (["edit", "a.mp4", "dark", "--region", "0,0,1,0.5", "-o", "out.mp4"], SIDES[:2]),
    "edit, its mask": (["edit", "a.mp4", "dark", "--region", "0,0,1,1", "--show-mask", "-o", "m.png"], ("m.png",)),
    "new": (["new", "."], ("storyboard.yaml",)),
    "direct": (["direct", "board.yaml", "-o", "out.yaml"], ("out.yaml",)),
    "direct an idea": (["direct", "a", "red", "ball", "bounces", "-o", "out.yaml"], ("out.yaml",)),
    "import": (["import", "shots.csv", "-o", "out.yaml"], ("out.yaml",)),
    "a page of a board": (["plan", "board.yaml", "--html", "out.html"], ("out.html",)),
    "a page of a film": (["review", "a.mp4", "--html", "out.html"], ("out.html",)),
    "a log": (["stamp", "a.mp4", "-o", "new.mp4", "--log", "out.log"], ("out.log",)),
}  # fmt: skip
"""Every command that writes, and the files of somebody else's that have the names of what it writes."""


@pytest.mark.parametrize(
    ("words", "name"), [(words, name) for words, names in COMMANDS.values() for name in names],
    ids=[f"{command}: {name}" for command, (_, names) in COMMANDS.items() for name in names],
)  # fmt: skip
def test_a_foreign_file_is_never_replaced(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], name: str
) -> None:
    (home / name).parent.mkdir(exist_ok=True)
    (home / name).write_text("mine")
    before = contents(home)
    assert main(words) == 2
    error = capsys.readouterr().err
    assert Path(name).parts[0] in error
    assert "hint:" in error
    assert contents(home) == before, "before any work: nothing was made either"


@pytest.mark.parametrize("words", [words for words, _ in COMMANDS.values()], ids=COMMANDS)
def test_files_of_names_nearby_are_left_alone(home: Path, words: list[str]) -> None:
    for name in NEIGHBOURS:
        (home / name).write_text(f"mine: {name}")
    before = contents(home)
    assert main(words) == 0
    assert before.items() <= contents(home).items()


def same(path: Path) -> Path:
    return path


def roundabout(path: Path) -> Path:
    (path.parent / "sub").mkdir()
    return Path("sub", "..", path.name)


def linked(path: Path) -> Path:
    link = path.with_stem("link")
    link.symlink_to(path.name)
    return link


def hard(path: Path) -> Path:
    link = path.with_stem("hard")
    os.link(path, link)
    return link


def upper(path: Path) -> Path:
    return path.with_name(path.name.upper())


INPUTS = {
    "stitch": ["stitch", "a.mp4", "b.mp4", "-o", "{b.mp4}"],
    "grade": ["grade", "a.mp4", "--match", "b.mp4", "-o", "{a.mp4}"],
    "grade, its reference": ["grade", "a.mp4", "--match", "b.mp4", "-o", "{b.mp4}"],
    "grade, its table": ["grade", "a.mp4", "--match", "in.cube", "--lut-out", "{in.cube}"],
    "stamp": ["stamp", "a.mp4", "-o", "{a.mp4}"],
    "extend": ["extend", "a.mp4", "dark", "-o", "{a.mp4}"],
    "edit": ["edit", "a.mp4", "dark", "--region", "0,0,1,0.5", "-o", "{a.mp4}"],
    "generate, its first picture": ["generate", "dark", "--image", "a.mp4", "-o", "{a.mp4}"],
    "generate, its last picture": ["generate", "dark", "--to-image", "a.mp4", "-o", "{a.mp4}"],
    "storyboard": ["storyboard", "from.yaml", "-o", "{a.mp4}"],
    "batch": ["batch", "from.yaml", "list.csv", "-o", "."],
}
"""Commands whose output, in braces, is what they are made from."""


@pytest.mark.parametrize("way", [same, roundabout, linked, hard, upper], ids=lambda way: way.__name__)
@pytest.mark.parametrize("words", INPUTS.values(), ids=INPUTS)
def test_an_input_is_never_an_output(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str], way: Callable[[Path], Path]
) -> None:
    (home / "in.cube").write_text("LUT_3D_SIZE 2\n" + "0.1 0.2 0.3\n" * 8)
    (home / "from.yaml").write_text("title: A\nshots: [{prompt: dark, from: a.mp4, duration: 0.5s}]\n")
    named = next((word[1:-1] for word in words if word.startswith("{")), "a.mp4")
    out = way(home / named)
    (home / "list.csv").write_text(f"output\n{out.name}\n")
    before = contents(home)
    assert main([str(out) if word.startswith("{") else word for word in words] + ["--overwrite"]) == 2
    assert "is one of the sources" in capsys.readouterr().err
    assert contents(home) == before


SIGNED = [words for words in INPUTS.values() if words[0] != "batch"] + [["storyboard", "board.yaml", "-o", "{out}"]]


@pytest.mark.parametrize("named", ["by options", "by the environment"])
@pytest.mark.parametrize("words", SIGNED, ids=" ".join)
def test_the_files_of_who_signs_are_inputs(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], named: str
) -> None:
    (home / "from.yaml").write_text("title: A\nshots: [{prompt: dark, from: a.mp4, duration: 0.5s}]\n")
    find_signer()
    ending = ".cube" if "--lut-out" in words else ".mp4"
    signer = {name: shutil.copy2(local_folder() / f"{name}.pem", home / f"{name}{ending}") for name in ("chain", "key")}
    by = ["--sign-cert", str(signer["chain"]), "--sign-key", str(signer["key"])]
    if named == "by the environment":
        monkeypatch.setenv("SORA_SIGN_CERT", by[1])
        monkeypatch.setenv("SORA_SIGN_KEY", by[3])
        by = []
    before = contents(home)
    for path in signer.values():
        assert main([path.name if word.startswith("{") else word for word in words] + ["--overwrite", *by]) == 2
        assert "is one of the sources" in capsys.readouterr().err
    assert contents(home) == before


def test_two_spellings_of_one_name_are_one_file(tmp_path: Path) -> None:
    one, other = (tmp_path / unicodedata.normalize(form, "café.mp4") for form in ("NFC", "NFD"))
    assert outputs.same(one, other)
    assert not outputs.same(one, tmp_path / "cafe.mp4")
    other.touch()
    with pytest.raises(RequestError, match="one of the sources"):
        outputs.check({one: lambda _path: True}, [other], overwrite=True)


def test_the_picture_that_a_film_is_made_from_stays(home: Path) -> None:
    Image.new("RGB", (48, 32), (80, 80, 80)).save("out.png")
    before = (home / "out.png").read_bytes()
    (home / "board.yaml").write_text(BOARD.replace("prompt: dark", "prompt: dark, from: out.png"))
    assert main(["storyboard", "board.yaml"]) == 0
    assert main(["generate", "dark", "--image", "out.png", "--duration", "0.5s", "-o", "out.gif"]) == 0
    assert (home / "out.png").read_bytes() == before
    assert {"out.mp4.sora.json", "out.gif.sora.json"} < contents(home).keys(), "each its own sidecar"


def test_an_edited_storyboard_replaces_its_film_and_another_one_does_not(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["storyboard", "board.yaml"]) == 0
    (home / "board.yaml").write_text(BOARD.replace("light", "white"))
    assert main(["storyboard", "board.yaml"]) == 0
    assert main(["storyboard", "board.yaml", "--draft"]) == 0
    (home / "other.yaml").write_text(BOARD.replace("light", "black"))
    before = contents(home)
    capsys.readouterr()
    assert main(["storyboard", "other.yaml"]) == 2
    assert "out.mp4 is there already, and is not what this command wrote before" in capsys.readouterr().err
    assert contents(home) == before
    assert main(["storyboard", "other.yaml", "--overwrite"]) == 0
    assert main(["storyboard", "other.yaml", "--draft"]) == 0
    assert main(["storyboard", "board.yaml"]) == 2


def test_a_film_that_somebody_put_in_its_place_is_not_replaced(home: Path) -> None:
    assert main(["storyboard", "board.yaml"]) == 0
    (home / "board.yaml").write_text(BOARD.replace("light", "white"))
    (home / "out.mp4").write_bytes((home / "a.mp4").read_bytes())
    assert main(["storyboard", "board.yaml"]) == 2


def test_a_run_that_was_killed_before_its_sidecar_goes_on(home: Path) -> None:
    assert main(["storyboard", "board.yaml"]) == 0
    (home / "out.mp4.sora.json").unlink()
    assert main(["storyboard", "board.yaml"]) == 0
    (home / "out.mp4.sora.json").unlink()
    (home / "board.yaml").write_text(BOARD.replace("light", "white"))
    assert main(["storyboard", "board.yaml"]) == 2, "nothing says that it was this one's"
    clip = ["generate", "light", "-o", "clip.mp4"]
    assert main(clip) == 0
    (home / "clip.mp4.sora.json").unlink()
    assert main(clip) == 0
    (home / "clip.mp4.sora.json").unlink()
    assert main(["generate", "white", "-o", "clip.mp4"]) == 2


@pytest.mark.parametrize(
    "words", [["stitch", "a.mp4", "b.mp4"], ["stamp", "a.mp4"], ["grade", "a.mp4", "--match", "b.mp4"]], ids=str
)
def test_a_tool_replaces_its_own_film_of_the_same_clips_alone(home: Path, words: list[str]) -> None:
    assert main([*words, "-o", "out.mp4"]) == 0
    assert main([*words, "-o", f"./../{home.name}/out.mp4", "--author", "Jane"]) == 0
    other = [{"a.mp4": "b.mp4", "b.mp4": "a.mp4"}.get(word, word) for word in words]
    assert main([*other, "-o", "out.mp4"]) == 2
    assert main([*other, "-o", "out.mp4", "--overwrite"]) == 0
    film(home / "a.mp4", GREYS[2:5], size=(48, 32))
    assert main([*other, "-o", "out.mp4"]) == 0, "made again from a clip that is another now"


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["stitch", "a.mp4", "b.mp4"], "edit"),
        (["stamp", "a.mp4"], "edit"),
        (["storyboard", "board.yaml"], "film"),
        (["extend", "a.mp4", "dark", "--duration", "2f"], "extend"),
        (["edit", "a.mp4", "dark", "--region", "0,0,0.5,0.5", "--to", "0.1s"], "repaint"),
    ],
)
def test_what_comes_there_while_another_process_was_waited_for_is_not_replaced(
    home: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], where: str
) -> None:
    @contextmanager
    def waited(out: Path, _: object) -> Iterator[None]:
        out.write_bytes((home / "b.mp4").read_bytes())
        yield

    monkeypatch.setattr(f"sora_cli.flows.{where}.place", waited)
    assert main([*words, "-o", "made.mp4"]) == 2
    assert (home / "made.mp4").read_bytes() == (home / "b.mp4").read_bytes()
    assert main([*words, "-o", "made.mp4", "--overwrite"]) == 0


def test_tables_are_replaced_where_nobody_edited_them(home: Path) -> None:
    words = ["storyboard", "board.yaml", "--luts", "luts"]
    assert main(words) == 0
    assert main(words) == 0
    (home / "other.yaml").write_text(BOARD)
    assert main(["storyboard", "other.yaml", "-o", "b.gif", "--luts", "luts"]) == 0, "a copy of the storyboard"
    table = home / "luts" / "002-shot-2.cube"
    text = table.read_text()
    table.write_text(text.replace("LUT_3D_SIZE 33\n", "LUT_3D_SIZE 33\n# mine\n"))
    assert main(words) == 2


def test_films_of_one_batch_with_one_name_are_told_before_any_work(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "two.yaml").write_text(BOARD.replace("light", "white"))
    (home / "next.yaml").write_text("title: Next\nshots: [{prompt: dark, from: out.mp4, duration: 0.5s}]\n")
    (home / "list.csv").write_text("storyboard,output\nboard.yaml,x.mp4\ntwo.yaml,X.mp4\n")
    assert main(["batch", "board.yaml", "two.yaml"]) == 2
    assert "would both be written to out.mp4" in capsys.readouterr().err
    assert main(["batch", "list.csv"]) == 2
    line = "dialogue: [{line: Yes., file: yes.wav}]"
    (home / "said.yaml").write_text(f"subtitles: srt\nshots: [{{prompt: dark, duration: 1s, {line}}}]\n")
    (home / "said.srt").write_text("mine")
    soundfile.write(home / "yes.wav", 0.1 * np.sin(np.arange(9600) / 9), 48_000)
    assert main(["batch", "board.yaml", "said.yaml"]) == 2
    assert "said.srt is there already" in capsys.readouterr().err
    assert not list(home.glob("*.sora.json"))
    assert main(["storyboard", "board.yaml"]) == 0
    assert main(["batch", "board.yaml", "next.yaml"]) == 2
    assert "is one of the sources" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.gif", "out.webp", "out.frames", "OUT.MOV"])
def test_the_ending_chooses_the_kind_of_film(home: Path, name: str) -> None:
    assert main(["storyboard", "board.yaml", "-o", name]) == 0
    if name.lower().endswith((".mp4", ".mov", ".mkv")):
        kinds = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
        assert kinds[Path(name).suffix.lower()] in probe(home / name).container
    assert (home / f"{name}.sora.json").is_file()


def test_a_folder_gets_the_film_under_its_own_name(home: Path) -> None:
    (home / "there").mkdir()
    for folder in ("there", "there/new/", "there/made/of/"):
        assert main(["storyboard", "board.yaml", "-o", folder]) == 0
        assert (home / folder / "out.mp4").is_file()
    assert main(["generate", "black", "--duration", "0.5s", "-o", "there", "--deliver", "gif"]) == 0
    assert main(["generate", "black", "--duration", "0.5s", "-o", "there", "--deliver", "gif"]) == 0
    assert main(["stitch", "a.mp4", "b.mp4", "-o", "there"]) == 0
    assert main(["stamp", "a.mp4", "-o", "there/"]) == 0
    assert main(["grade", "b.mp4", "--match", "a.mp4", "-o", "there/"]) == 0
    names = {"black.gif", "black-2.gif", "stitched.mp4", "a.mp4", "b.mp4"}
    assert names <= {path.name for path in (home / "there").iterdir()}
    assert main(["stamp", "a.mp4", "-o", "./"]) == 2


def test_what_a_place_cannot_be_is_told_before_any_work(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(home / "pipe.mp4")
    (home / "dangling.mp4").symlink_to("nowhere")
    for name, why in (
        ("pipe.mp4", "pipe or a device"),
        ("dangling.mp4", "there already"),
        (f"{'x' * 240}.mp4", "long"),
    ):
        assert main(["storyboard", "board.yaml", "-o", name]) == 2
        assert why in capsys.readouterr().err
    assert main(["storyboard", "board.yaml", "-o", "pipe.mp4", "--overwrite"]) == 2
    assert not (home / "nowhere").exists()


LONG = "x" * 300 + ".mp4"


@pytest.mark.parametrize(
    "out", [LONG, "x" * 245 + ".mp4", "a.mp4/film.mp4", "film.txt", "b.mp4"], ids=["300", "245", "in", "txt", "foreign"]
)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["", "dry"])
def test_a_place_that_cannot_be_is_told_by_a_dry_run_too(
    home: Path, capsys: pytest.CaptureFixture[str], out: str, dry: list[str]
) -> None:
    before = contents(home)
    assert main(["storyboard", "board.yaml", "-o", out, *dry]) == 2
    told = capsys.readouterr().err
    assert "hint: " in told
    assert contents(home) == before


@pytest.mark.parametrize("option", ["--luts", "--stems"])
@pytest.mark.parametrize("folder", ["a.mp4", "a.mp4/in"])
def test_a_dry_run_refuses_the_folders_that_the_run_would_refuse(
    home: Path, capsys: pytest.CaptureFixture[str], option: str, folder: str
) -> None:
    for dry in ([], ["--dry-run"]):
        assert main(["storyboard", "board.yaml", option, folder, *dry]) == 2, home
        assert "a.mp4 is a file" in capsys.readouterr().err


@pytest.mark.parametrize("letter", ["x", "\u00fc"])
def test_a_file_is_used_whose_name_is_as_long_as_names_can_be(
    home: Path, capsys: pytest.CaptureFixture[str], letter: str
) -> None:
    """The names of what may lie beside it are too long."""
    name = letter * (250 // len(letter.encode())) + ".mp4"
    (home / "a.mp4").rename(home / name)
    assert main(["stamp", name, "-o", "new.mp4"]) == 0
    (home / "from.yaml").write_text(
        f"{BOARD}shots: [{{prompt: dark, duration: 0.5s, from: {name}}}]\n".replace(
            "shots: [{prompt: dark, duration: 0.5s}, {prompt: light, duration: 0.5s}]\n", ""
        )
    )
    assert main(["check", "from.yaml"]) == 0, capsys.readouterr().err
    assert main(["review", name]) in {0, 1}


@pytest.mark.parametrize("words", [
    ["verify", LONG], ["review", LONG], ["reproduce", LONG], ["takes", LONG], ["index", LONG],
    ["stamp", "a.mp4", "-o", LONG], ["storyboard", "board.yaml", "--stems", LONG],
])  # fmt: skip
def test_a_name_that_no_file_can_have_is_a_wrong_request(
    home: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(words) == 2
    assert "name a shorter one" in capsys.readouterr().err, home


def test_the_sidecar_of_an_earlier_version_is_read_and_stays(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["storyboard", "board.yaml"]) == 0
    (home / "out.mp4.sora.json").rename(home / "out.json")
    (home / "out.mp4.sheet.png").rename(home / "out.png")
    before = contents(home)
    capsys.readouterr()
    assert main(["storyboard", "board.yaml"]) == 0
    assert "is up to date" in capsys.readouterr().err
    assert contents(home) == before
    (home / "out.json").write_text('{"fields": "of my own", "film": {"path": "another.mp4"}}')
    assert main(["storyboard", "board.yaml"]) == 0
    assert (home / "out.json").read_text().startswith('{"fields"'), "somebody's own"


def test_a_log_is_appended_to_its_own_kind(home: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        assert main(["stamp", "a.mp4", "-o", name, "--log", "night.log"]) == 0
    assert (home / "night.log").read_text().count("stamp ...") == 2
    assert main(["stamp", "a.mp4", "-o", "three.mp4", "--log", "board.yaml"]) == 2
    for name in ("three.mp4", "three.mp4.sora.json", "THREE.MOV"):
        assert main(["stamp", "a.mp4", "-o", "three.mp4", "--log", name]) == 2
        assert not (home / name).exists()


@pytest.mark.parametrize(
    "words",
    [["plan", "board.yaml", "--html"], ["direct", "a fox walks home", "-o"], ["stamp", "a.mp4", "-o"]],
    ids=lambda words: words[0],
)
def test_a_place_inside_a_file_is_refused_before_the_work(
    home: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ending = {"--html": "html"}.get(words[-1], "yaml" if words[0] == "direct" else "mp4")
    assert main([*words, f"b.mp4/new.{ending}"]) == 2
    assert f"cannot write b.mp4/new.{ending}: b.mp4 is a file" in capsys.readouterr().err
    if words[0] == "plan":
        assert main([*words, "new/folder/page.html"]) == 0
    assert (home / "board.yaml").read_text() == BOARD


def test_sounds_of_voices_replace_those_of_before_and_no_others(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sora_cli.flows.voices._said", lambda _: iter([np.zeros((4800, 2), np.float32)]))
    words = ["voices", "--play-to", "v.wav"]
    assert [main(words), main(words)] == [0, 0]
    soundfile.write(home / "v.wav", np.zeros((4800, 2), np.float32), 48_000)
    assert main(words) == 2


def test_stems_are_replaced_by_those_of_the_same_storyboard_and_by_no_other(home: Path) -> None:
    soundfile.write(home / "rain.wav", np.full((4800, 2), 0.1, np.float32), 48_000)
    written = {
        name: BOARD.replace("title: Out", f"title: {name}\nsound: {{ambience: rain.wav}}") for name in ("wet", "dry")
    }
    for name, text in written.items():
        (home / f"{name}.yaml").write_text(text)
    stems = ["--stems", "stems"]
    assert main(["storyboard", "wet.yaml", *stems]) == 0
    assert main(["storyboard", "wet.yaml", *stems]) == 0
    before = contents(home)
    assert main(["storyboard", "dry.yaml", *stems]) == 2
    assert contents(home) == before
