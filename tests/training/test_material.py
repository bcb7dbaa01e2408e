"""What of a folder is trained on, and why the rest is not; nothing in it is changed."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sora_cli.cancel import Cancellation
from sora_cli.errors import RequestError
from sora_cli.events import Silent
from sora_cli.flows import train
from sora_cli.store import file_hash
from sora_cli.training import lists, material
from sora_cli.training.captions import Captions, Kind
from sora_cli.training.material import Grid, Material, files_of, gather, name_in, passed_over
from tests.training.clips import clip, pan, picture

GRID = Grid((48, 32), Fraction(16), 9)


def gathered(folder: Path, captions: Captions | None = None) -> Material:
    return gather(files_of(folder), GRID, captions or Captions("pim", "character"), file_hash, lambda *_: None)


def reasons(folder: Path) -> dict[str, str]:
    return {left.path.name: left.why for left in gathered(folder).left_out}


def test_each_kind_of_flaw_is_told_and_the_rest_is_used(tmp_path: Path) -> None:
    for seed in range(4):
        clip(tmp_path / f"good-{seed}.mp4", pan(seed))
    picture(tmp_path / "still.png", 9)
    clip(tmp_path / "short.mp4", pan(10, 5))
    clip(tmp_path / "cut.mp4", np.concatenate([pan(11, 12), 255 - pan(12, 12)]))
    clip(tmp_path / "blur.mp4", pan(13, soft=9.0))
    clip(tmp_path / "text.mp4", pan(14, size=(320, 192), text="made by somebody else for others"))
    clip(tmp_path / "twin.mp4", np.clip(pan(1).astype(int) + 1, 0, 255).astype(np.uint8))
    (tmp_path / "same.mp4").write_bytes((tmp_path / "good-2.mp4").read_bytes())
    (tmp_path / "torn.mp4").write_bytes((tmp_path / "good-0.mp4").read_bytes()[:900])
    (tmp_path / "none.png").write_bytes(b"no picture")
    (tmp_path / "notes.md").write_text("not material")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    found = gathered(tmp_path)
    told = {left.path.name: left.why for left in found.left_out}
    assert sorted(piece.path.name for piece in found.pieces) == [
        *(f"good-{seed}.mp4" for seed in range(4)),
        "still.png",
    ]
    for name, words in {
        "short.mp4": "too short: 0.31 s, and 0.56 s are learned at once",
        "cut.mp4": "has a cut at 0.75 s",
        "blur.mp4": "blurred",
        "text.mp4": "a line of text stands on it",
        "twin.mp4": "shows the same as good-1.mp4",
        "same.mp4": "the same file as good-2.mp4",
        "torn.mp4": "torn.mp4",
        "none.png": "cannot read",
    }.items():
        assert words in told.pop(name), name
    assert not told
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_somebody_whom_the_camera_follows_is_no_line_of_text(tmp_path: Path) -> None:
    frames = pan(3, size=(320, 192)).copy()
    frames[:, 60:130, 120:200] = (200, 30, 30)
    clip(tmp_path / "followed.mp4", frames)
    assert not reasons(tmp_path)


def test_a_long_clip_gives_stretches_from_its_start_to_its_end(tmp_path: Path) -> None:
    clip(tmp_path / "long.mp4", pan(1, 40))
    piece = gathered(tmp_path).pieces[0]
    assert piece.starts == (0, 10, 20, 31)
    assert piece.read(31, GRID, 9).shape == (9, 32, 48, 3)


def test_one_picture_is_enough_to_be_looked_at(tmp_path: Path) -> None:
    picture(tmp_path / "one.png", 1)
    piece = gathered(tmp_path).pieces[0]
    assert (piece.still, piece.starts, piece.words.caption) == (True, (0,), "pim, one")


@pytest.mark.parametrize(
    ("name", "text", "given", "kind", "caption"),
    [
        ("a.png", "a red pim bounces", "", "character", "a red pim bounces"),
        ("a.png", "a Pim, seen from above", "", "character", "a Pim, seen from above"),
        ("a.png", "pimple on the grass", "", "character", "pim, pimple on the grass"),
        ("a.png", "a ball", "", "look", "a ball, pim"),
        ("a.png", " \n", "a toy", "character", "pim, a toy"),
        ("red-ball_03.png", None, "", "character", "pim, red ball"),
        ("IMG_0042.png", None, "", "look", "pim"),
        ("a.png", "un été en forêt", "", "look", "un été en forêt, pim"),
    ],
)
def test_captions(tmp_path: Path, name: str, text: str | None, given: str, *, kind: Kind, caption: str) -> None:
    if text is not None:
        (tmp_path / name).with_suffix(".txt").write_text(text, encoding="utf-16" if "é" in text else "utf-8")
    assert Captions("pim", kind, given).of(tmp_path / name).caption == caption


@pytest.mark.parametrize("name", ["a.txt", "a.TXT", "a.caption", "a.mp4.txt"])
def test_a_caption_stands_in_any_text_beside_its_clip(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("in the rain")
    assert Captions("pim", "look").of(tmp_path / "a.mp4").caption == "in the rain, pim"


def test_of_two_files_that_are_the_same_the_one_with_a_caption_is_used(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    for copy in ("a (1).png", "b.png"):
        (tmp_path / copy).write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "a.txt").write_text("pim in the rain")
    (tmp_path / "gone.png").symlink_to("nowhere.png")
    found = gathered(tmp_path)
    assert [(each.path.name, each.words.caption) for each in found.pieces] == [("a.png", "pim in the rain")]
    assert [each.why for each in found.left_out] == [
        *["the same file as a.png"] * 2,
        "it cannot be read: No such file or directory",
    ]


def test_captions_in_other_places_and_folders_are_told(tmp_path: Path) -> None:
    for name in ("a.txt", "a.png.txt", "x_1.txt", "x_2.txt", "metadata.jsonl", "a.png.sora.json", ".DS_Store", "x.md"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "10_pim").mkdir()
    picture(tmp_path / "a.png", 1)
    assert [words for words, _ in passed_over(tmp_path, files_of(tmp_path))] == [
        "x_1.txt (and 1 more like it) belongs to no clip or picture here: it is not read",
        "metadata.jsonl is not read: it names no file here with its caption",
        "10_pim is a folder in it, which is not entered",
    ]


def test_of_a_folder_without_any_those_of_the_folders_in_it_are_used(tmp_path: Path) -> None:
    for place in ("10_pim toy", "deep/er", "reg/1_toy", ".hidden", "__MACOSX"):
        (tmp_path / place).mkdir(parents=True)
        picture(tmp_path / place / "a.png", len(place))
    (tmp_path / "deep" / "er" / "a.txt").write_text("pim in the rain")
    found = gathered(tmp_path)
    told = {name_in(each.path, tmp_path): each.words.caption for each in found.pieces}
    assert told == {"10_pim toy/a.png": "pim toy", "deep/er/a.png": "pim in the rain"}
    assert [words for words, _ in passed_over(tmp_path, files_of(tmp_path))] == [
        "10_pim toy is entered, and its number not read",
        "__MACOSX (and 1 more like it) is a folder in it, which is not entered",
    ]


JSONL = '{"file_name": "a.png", "text": "in rain"}\n{"file_name": "gone.png", "text": "x"}\n'


@pytest.mark.parametrize(
    ("name", "text", "lost"),
    [
        ("metadata.jsonl", JSONL, 1),
        ("metadata.csv", "video,prompt\nclips/a.png,in rain\n", 0),
        ("list.csv", "a.png;in rain\n", 0),
        ("list.tsv", "Image\tCaption\n\n/data/a.png\tin  rain\n", 0),
        ("captions.json", '{"a.png": "in rain"}', 0),
        ("meta_cap.json", '{"C:\\\\img\\\\a": {"caption": ["in rain", "wet"]}, "b": {"caption": "x"}}', 1),
        ("data.json", '{"images": [{"image_path": "a.png", "caption": "", "tags": "in rain"}]}', 0),
        ("a.json", '{"caption": "in rain", "url": "x"}', 0),
        ("prompts.txt", "in rain\nx\n", 1),
        ("other.json", '{"a": [1, 2]}', None),
        ("torn.json", '{"a.png": ', None),
        ("columns.csv", "id,size\n1,2\n", None),
    ],
)
def test_captions_stand_in_the_lists_of_other_trainers(tmp_path: Path, name: str, text: str, lost: int | None) -> None:
    picture(tmp_path / "a.png", 1)
    (tmp_path / name).write_text(text)
    if name == "prompts.txt":
        (tmp_path / "videos.txt").write_text("clips/a.png\nclips/b.png\n")
    paths = files_of(tmp_path)
    listed = lists.read(tmp_path, paths)
    assert [rows for rows, _ in listed.lists.values()] == ([] if lost is None else [lost])
    caption = Captions("pim", "character", listed=listed.captions).of(paths[0])
    assert caption.source == ("name" if lost is None else "text")
    assert lost is None or caption.caption == "pim, in rain"
    assert bool(list(passed_over(tmp_path, paths, listed.lists))) == (lost is None)
    (tmp_path / "a.txt").write_text("in snow")
    assert Captions("pim", "character", listed=listed.captions).of(paths[0]).caption == "pim, in snow"


def test_of_two_files_of_one_name_a_list_tells_by_their_folders(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        picture(tmp_path / place / "a.png", len(place) * ord(place[0]))
    (tmp_path / "captions.json").write_text('{"one/a.png": "in rain", "a.png": "neither"}')
    paths = files_of(tmp_path)
    assert lists.read(tmp_path, paths).captions == {tmp_path / "one" / "a.png": "in rain"}


def test_other_words_take_the_place_of_the_name_alone() -> None:
    captions = Captions("pim", "character")
    assert captions.others("a Pim and a pimple", ("ball", "star")) == ("a ball and a pimple", "a star and a pimple")


def test_thousands_of_files_are_refused_before_one_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "MOST", 3)
    for number in range(5):
        (tmp_path / f"{number}.png").touch()
    with pytest.raises(RequestError, match="more than 3 clips and pictures"):
        files_of(tmp_path)


def test_a_folder_without_material_says_what_counts(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    with pytest.raises(RequestError, match="holds no clips and no pictures"):
        files_of(tmp_path)
    with pytest.raises(RequestError, match="there is no folder"):
        files_of(tmp_path / "none")


def test_pictures_that_differ_in_one_corner_are_two(tmp_path: Path) -> None:
    one = pan(1, 1)[0].copy()
    Image.fromarray(one).save(tmp_path / "a.png")
    one[40:60, 60:90] = (250, 10, 10)
    Image.fromarray(one).save(tmp_path / "b.png")
    assert not reasons(tmp_path)


def test_the_state_of_a_training_that_is_asked_for_again_stays_however_old_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "sora" / "training"
    for name in ("mine", "other"):
        (folder / f"run-{name}").mkdir(parents=True)
        (folder / f"run-{name}" / "state.pt").touch()
        os.utime(folder / f"run-{name}", (0, 0))
    monkeypatch.setattr(train, "_identity", lambda _: "mine")
    monkeypatch.setattr(train, "open_course", lambda *_: pytest.fail("opened"))
    found: Any = SimpleNamespace(asked=None, needs=SimpleNamespace(fits=True), card=None, settings=None)
    with pytest.raises(pytest.fail.Exception, match="opened"):
        train.train(found, Silent(), Cancellation())
    assert [path.parent.name for path in folder.glob("*/state.pt")] == ["run-mine"]
