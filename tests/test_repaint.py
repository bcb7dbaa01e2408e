"""Parts of films made anew: the rest stays as it was, what is asked is told at once where it cannot be."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from sora_cli import stamp, storyboard
from sora_cli.cli.main import main
from sora_cli.engines.base import Ability, Footage, Given, Progress, Take
from sora_cli.engines.changes import Change, Start
from sora_cli.errors import RequestError
from sora_cli.flows import preflight
from sora_cli.flows.repaint import Asked
from sora_cli.media.inlay import Inlay, inlaid
from sora_cli.media.read import probe, read_frames
from sora_cli.media.replay import replay
from sora_cli.plan.data import TakeFields
from sora_cli.review.named import find
from sora_cli.shoot.mask import Part, feathered, in_view, put_in, seam, spread
from tests.boards import CARD, catalogue
from tests.test_film import Greys
from tests.test_tools import film

SIZE = (96, 64)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(size_step=16))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(path: Path, **more: object) -> Change:
    told = {"at": Fraction(0), "view": (0.0, 0.0, 1.0, 1.0), "start": Fraction(0), "end": Fraction(1, 2), **more}
    return Change(path=path, sha256="", **told)  # type: ignore[arg-type]


def test_a_region_is_made_anew_for_a_stretch_and_the_rest_stays(home: Path) -> None:
    film(home / "a.mp4", [40] * 24, size=SIZE, layout="stereo")
    words = ["edit", "a.mp4", "light", "--region", "0.5,0.25,0.25,0.5", "--from", "0.25s", "--to", "0.75s"]
    assert main([*words, "-o", "b.mkv"]) == 0  # lossless, so that what stays can be told
    frames = read_frames(home / "b.mkv", 0, 24)
    inside, beside = frames[:, 24:40, 52:68], frames[:, 40:, :36]
    assert [round(float(np.median(each))) for each in inside] == [40] * 6 + [150] * 12 + [40] * 6
    assert np.abs(np.median(beside, axis=(1, 2, 3)) - 40).max() <= 1
    assert probe(home / "b.mkv").channels == 2


def test_a_stretch_may_be_in_frames_and_end_where_sora_says_that_the_film_ends(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film(home / "a.mp4", [40] * 29, size=SIZE, rate=Fraction(30_000, 1001))  # 0.9676 s, which is told as 0.97 s
    words = ["edit", "a.mp4", "light", "--outpaint", "16:9", "--from", "15f", "--to", "0.97s", "-o", "b.mkv"]
    assert main(words) == 0
    frames = read_frames(home / "b.mkv", 0, 29)
    assert [round(float(np.median(each[:, -6:]))) for each in frames] == [0] * 15 + [150] * 14
    assert "outside the stretch its borders are black" in capsys.readouterr().err
    assert main([*words[:-3], "30f", "-o", "c.mkv"]) == 2


def test_outside_the_mask_and_its_seam_each_pixel_is_the_same(home: Path) -> None:
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    with av.open(str(home / "n.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv444p"
        for number in range(4):
            frame = av.VideoFrame.from_ndarray(noise)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    film(home / "made.mp4", [200] * 4, size=(48, 32))
    part = Part.of(change(home / "n.mkv", region=(0.25, 0.25, 0.5, 0.5), end=Fraction(1, 6)))
    inlay = Inlay(0, (0, 0, *SIZE), [(home / "made.mp4", range(4))], lambda number: part.masks([number], SIZE)[0])
    was = [frame.to_ndarray(format="rgb24") for frame in replay(home / "n.mkv").pictures()]
    done = [frame.to_ndarray(format="rgb24") for frame in inlaid(replay(home / "n.mkv"), [inlay], SIZE).pictures()]
    wide = seam(SIZE[1])
    kept = np.ones((SIZE[1], SIZE[0]), bool)
    kept[16 - wide : 48 + wide, 24 - wide : 72 + wide] = False
    assert all((each[kept] == before[kept]).all() for each, before in zip(done, was, strict=True))
    assert all(abs(float(each[20:44, 28:68].mean()) - 200) < 4 for each in done)


@pytest.mark.parametrize(("shape", "canvas"), [("1:1", (96, 96)), ("16:9", (114, 64)), ("9:16", (96, 172))])
def test_borders_are_made_for_another_shape(home: Path, shape: str, canvas: tuple[int, int]) -> None:
    film(home / "a.mp4", [40] * 12, size=SIZE)
    assert main(["edit", "a.mp4", "light", "--outpaint", shape, "-o", "b.mkv"]) == 0
    found = probe(home / "b.mkv")
    assert (found.width, found.height, found.frames) == (*canvas, 12)
    frame = read_frames(home / "b.mkv", 6, 1)[0]
    assert abs(float(np.median(frame[-6:, -6:])) - 150) <= 2
    middle = frame[canvas[1] // 2 - 8 : canvas[1] // 2 + 8, canvas[0] // 2 - 8 : canvas[0] // 2 + 8]
    assert abs(float(np.median(middle)) - 40) <= 2


def test_an_engine_of_one_shape_sees_both_borders_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
    film(home / "a.mp4", [40] * 12, size=SIZE)
    assert main(["edit", "a.mp4", "light", "--outpaint", "16:9", "-o", "b.mkv"]) == 0
    frame = read_frames(home / "b.mkv", 6, 1)[0]
    assert [round(float(np.median(frame[40:, at])), -1) for at in (2, 57, 111)] == [150, 40, 150]
    parts = stamp.verify(home / "b.mkv").parts
    assert [(part.start, part.end) for part in parts if part.relationship == "componentOf"] == [(0.0, 0.5)] * 2


def test_the_credential_tells_what_was_made_where_and_when(home: Path) -> None:
    film(home / "a.mp4", [40] * 24, size=SIZE)
    words = ["edit", "a.mp4", "light", "--region", "0.5,0.25,0.25,0.5", "--from", "0.25s", "--to", "0.75s"]
    assert main([*words, "-o", "b.mp4"]) == 0
    proven = stamp.verify(home / "b.mp4")
    assert proven.ok
    assert proven.actions[:2] == ("c2pa.opened", "c2pa.edited")
    assert proven.source == "compositeWithTrainedAlgorithmicMedia"
    assert (proven.parameters["prompt"], proven.parameters["region"]) == ("light", "0.5,0.25,0.25,0.5")
    assert {part.relationship: (part.start, part.end) for part in proven.parts}["componentOf"] == (0.25, 0.75)


def test_a_mask_is_what_is_painted_at_its_time_in_whatever_colour(home: Path) -> None:
    """At another rate than the film's its pictures are found by their times; as many as the film's, one by one."""
    film(home / "a.mp4", [40] * 12, size=SIZE)
    sides = [Image.new("RGB", SIZE) for _ in range(2)]
    sides[0].paste((0, 0, 255), (0, 0, 32, 64))
    sides[1].paste((0, 255, 0), (64, 0, 96, 64))
    sides[0].save(home / "m.png", save_all=True, append_images=sides[1:], duration=[125, 375])
    part = Part.of(change(home / "a.mp4", mask=home / "m.png", mask_sha256="1"))
    masks = part.masks(range(12), SIZE)
    assert [(each[32, 8], each[32, 88]) for each in masks] == [(1, 0)] * 3 + [(0, 1)] * 9
    sides[1].save(home / "still.png")
    (mask,) = Part.of(change(home / "a.mp4", mask=home / "still.png", mask_sha256="2")).masks([11], SIZE)
    assert (mask[32, 8], mask[32, 88]) == (0, 1)


def test_the_mask_is_shown_and_nothing_is_made(home: Path) -> None:
    film(home / "a.mp4", [40] * 12, size=SIZE)
    words = ["edit", "a.mp4", "light", "--region", "0,0,0.5,1", "--show-mask", "-o", "m.png"]
    assert main(words) == 0
    shown = np.asarray(Image.open(home / "m.png"))
    assert shown.shape == (SIZE[1], 3 * SIZE[0], 3)
    assert shown[32, 10, 0] > shown[32, 90, 0] + 60
    assert not list((home / "store").rglob("*.mkv"))
    assert main(words) == 0, "it says of which film it is"
    assert main([*words[:-1], "new/folder/m.png"]) == 0
    (home / "b.mp4").write_bytes((home / "a.mp4").read_bytes())
    assert main(["edit", "b.mp4", *words[2:]]) == 2, "it is another film's"


BOARD = """\
output: {size: 96x64, fps: 24}
shots:
  - name: hat
    edit: {of: a.mp4, from: 0.25s, to: 0.75s, region: [0.5, 0.25, 0.25, 0.5], prompt: light}
"""


def test_an_edit_in_a_storyboard_is_a_take_like_any_other(home: Path) -> None:
    film(home / "a.mp4", [40] * 24, size=SIZE)
    (home / "board.yaml").write_text(BOARD)
    plan = preflight.plan_of(preflight.load(home / "board.yaml", sets={}))
    (take,) = plan.takes
    fields = TakeFields.of(take)
    assert fields.change is not None
    assert TakeFields.model_validate(fields.to_dict()).take_key == take.key
    moved = BOARD.replace("0.5, 0.25", "0.4, 0.25")
    (home / "board.yaml").write_text(moved)
    assert preflight.plan_of(preflight.load(home / "board.yaml", sets={})).takes[0].key != take.key
    assert main(["storyboard", "board.yaml", "-o", "b.mkv"]) == 0
    frames = read_frames(home / "b.mkv", 0, 12)
    assert [round(float(np.median(each[24:40, 48:60])), -1) for each in frames] == [150] * 12
    assert abs(float(np.median(frames[:, 40:, :30])) - 40) <= 2


OF_A_SHOT = """\
look: off
output: {size: 96x64, fps: 12}
shots:
  - {name: one, beats: [{prompt: dark, duration: 1s}, {prompt: white, duration: 1s}]}
  - name: hat
    edit: {of: one, from: 0.5s, to: 1.5s, region: [0.5, 0.25, 0.25, 0.5], prompt: light}
"""


@pytest.mark.parametrize("of", ["film", "shot"])
def test_an_edit_that_names_no_end_goes_on_to_the_end(home: Path, of: str, capsys: pytest.CaptureFixture[str]) -> None:
    film(home / "a.mp4", [40] * 48, size=SIZE)
    board = BOARD.replace("to: 0.75s", "to: 2s") if of == "film" else OF_A_SHOT.replace("to: 1.5s", "to: 2s")

    def planned(text: str) -> tuple[int, tuple[str, ...]]:
        (home / "board.yaml").write_text(text)
        plan = preflight.plan_of(preflight.load(home / "board.yaml", sets={}))
        return plan.frames, tuple(take.key for take in plan.takes)

    assert planned(board.replace("to: 2s, ", "")) == planned(board)
    (home / "board.yaml").write_text(board.replace("to: 2s, ", "").replace("from: 0.", "from: 7."))
    assert main(["check", "board.yaml"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    name = "a.mp4" if of == "film" else "shot 'one'"
    assert f"{name} ends at 2 s" in told


def test_a_film_of_changing_rate_is_changed_up_to_its_end(home: Path) -> None:
    source = film(home / "a.mp4", [40] * 10, size=SIZE, times=[0, 1, 2, 5, 6, 7, 12, 13, 14, 40])
    ticks = len(probe(source).shown_at(probe(source).fps or Fraction(25)))
    assert ticks > 10, "it shows pictures for longer than one tick"
    (home / "board.yaml").write_text(
        "output: {size: 96x64}\nshots: [{edit: {of: a.mp4, region: [0, 0, 0.5, 1], prompt: light}}]\n"
    )
    plan = preflight.plan_of(preflight.load(home / "board.yaml", sets={}))
    preflight.require_ready(plan)
    assert main(["edit", "a.mp4", "light", "--region", "0,0,0.5,1", "-o", "b.mkv"]) == 0
    assert probe(home / "b.mkv").frames == ticks


def test_an_edit_of_an_earlier_shot_changes_what_was_made_of_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "board.yaml").write_text(OF_A_SHOT)
    assert main(["storyboard", "board.yaml", "-o", "b.mkv"]) == 0
    frames = read_frames(home / "b.mkv", 0, 36)[24:]
    beside = np.median(frames[:, 40:, :30], axis=(1, 2, 3))
    assert [round(float(each)) for each in beside] == [80] * 6 + [220] * 6, "both takes of the shot, in their time"
    assert np.abs(np.median(frames[:, 24:40, 52:60], axis=(1, 2, 3)) - 150).max() <= 1
    plan = preflight.plan_of(preflight.load(home / "board.yaml", sets={}))
    fields = TakeFields.of(plan.takes[-1])
    assert set(fields.needs) == {take.key for take in plan.takes[:-1]}
    assert TakeFields.model_validate(fields.to_dict()).take_key == plan.takes[-1].key
    capsys.readouterr()
    assert main(["reproduce", "b.mkv", "--json"]) == 0
    (home / "board.yaml").write_text(OF_A_SHOT.replace("prompt: white", "prompt: black"))
    assert preflight.plan_of(preflight.load(home / "board.yaml", sets={})).takes[-1].key != plan.takes[-1].key


class Reds(Greys):
    """Shows a red square before what is dark."""

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        footage = super().generate(take, given, progress)
        if "dark" in take.prompt:
            footage.frames[:, 24:40, 8:24] = (220, 20, 20)
        return footage


def test_what_an_edit_replaces_is_looked_for_in_the_shot_once_it_is_made(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Reds(card))
    words = OF_A_SHOT.replace("region: [0.5, 0.25, 0.25, 0.5]", "replace: the red square")
    (home / "board.yaml").write_text(words.replace("prompt: white", "prompt: dark"))
    assert main(["storyboard", "board.yaml", "-o", "b.mkv"]) == 0
    frames = read_frames(home / "b.mkv", 24, 12)
    assert np.ptp(np.median(frames[:, 28:36, 12:20], axis=(1, 2)), axis=-1).max() <= 2, "the red is gone"
    (home / "board.yaml").write_text(words.replace("prompt: dark", "prompt: white"))
    assert main(["storyboard", "board.yaml", "-o", "c.mkv"]) == 1
    assert "cannot be found in the shot" in " ".join(capsys.readouterr().err.split())


def test_borders_in_a_storyboard_are_made_around_the_film(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film(home / "a.mp4", [40] * 24, size=(64, 64))
    board = BOARD.replace("region: [0.5, 0.25, 0.25, 0.5]", "outpaint: 3:2")
    (home / "board.yaml").write_text(board)
    take = preflight.plan_of(preflight.load(home / "board.yaml", sets={})).takes[0]
    assert TakeFields.model_validate(TakeFields.of(take).to_dict()).take_key == take.key
    assert main(["storyboard", "board.yaml", "-o", "b.mkv"]) == 0
    frames = read_frames(home / "b.mkv", 0, 6)
    assert [round(float(np.median(frames[:, 16:, at : at + 8]))) for at in (0, 44, 88)] == [150, 40, 150]
    (home / "board.yaml").write_text(board.replace("3:2", "1:1"))
    assert main(["check", "board.yaml"]) == 2
    assert "a.mp4 has that shape already" in " ".join(capsys.readouterr().err.split())


def test_a_film_of_another_shape_is_not_squeezed_into_a_take(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film(home / "a.mp4", [40] * 24, size=(64, 64))
    (home / "board.yaml").write_text(BOARD)
    assert main(["check", "board.yaml"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "the takes are 96x64, and what they change of a.mp4 has another shape" in told
    part = "view: [0.0, 0.1667, 1.0, 0.6667]"
    assert part in told
    (home / "board.yaml").write_text(BOARD.replace("region:", f"{part}, region:"))
    assert main(["check", "board.yaml"]) == 0


WRONG_SHOTS = {
    "itself": ("of: one", "of: hat", "no shot `hat` comes before this one"),
    "nobody": ("of: one", "of: two", "no shot `two` comes before this one"),
    "past its end": ("to: 1.5s", "to: 2.5s", "shot 'one' ends at 2 s"),
    "of another shape": ("region: [0.5, 0.25, 0.25, 0.5]", "outpaint: 9:16", "has its film's shape already"),
    "by nothing": ("region: [0.5, 0.25, 0.25, 0.5]", "mask: black.png", "nothing is made anew"),
    "by a film": ("region: [0.5, 0.25, 0.25, 0.5]", "mask: m.mp4", "is not a picture"),
}


@pytest.mark.parametrize(("was", "now", "why"), WRONG_SHOTS.values(), ids=WRONG_SHOTS)
def test_a_wrong_edit_of_a_shot_is_told_at_its_line(
    home: Path, capsys: pytest.CaptureFixture[str], was: str, now: str, why: str
) -> None:
    (home / "m.mp4").touch()
    Image.new("L", SIZE).save(home / "black.png")
    (home / "board.yaml").write_text(OF_A_SHOT.replace(was, now))
    assert main(["check", "board.yaml"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "board.yaml:6:" in told
    assert why in told


WRONG = {
    "of a film that is not there": ("of: a.mp4", "of: gone.mp4", 4, "no such file"),
    "past its end": ("to: 0.75s", "to: 2s", 4, "ends at 1 s"),
    "backwards": ("to: 0.75s", "to: 0.1s", 4, "must end after it begins"),
    "outside the picture": ("[0.5, 0.25, 0.25, 0.5]", "[0.9, 0.25, 0.25, 0.5]", 4, "must lie in the picture"),
    "of nothing": ("region: [0.5, 0.25, 0.25, 0.5], ", "", 4, "one of `region`"),
    "in two ways": ("region:", "relight: sunset, region:", 4, "one of `region`"),
    "strength of a part": ("region:", "strength: 0.5, region:", 4, "is for `relight` and `restyle`"),
    "of no strength": ("region: [0.5, 0.25, 0.25, 0.5]", "relight: sunset, strength: 0", 4, "out of range"),
    "lit twice": ("region: [0.5, 0.25, 0.25, 0.5], ", "relight: sunset, ", 5, "the light of this shot already"),
    "of a length of its own": ("name: hat", "duration: 2s", 3, "has no `duration`"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_edit_is_told_at_its_line(
    home: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str, int, str]
) -> None:
    was, now, line, why = wrong
    film(home / "a.mp4", [40] * 24, size=SIZE)
    (home / "board.yaml").write_text(BOARD.replace(was, now) + ("    light: soft\n" if line == 5 else ""))
    assert main(["check", "board.yaml"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"board.yaml:{line}:" in told
    assert why in told


def test_an_engine_that_cannot_is_refused_at_the_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    able = CARD.abilities - {Ability.INPAINT, Ability.VIDEO}
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(abilities=able))
    film(home / "a.mp4", [40] * 24, size=SIZE)
    (home / "board.yaml").write_text(BOARD)
    assert main(["check", "board.yaml"]) == 2
    assert "board.yaml:4:" in (said := capsys.readouterr().err)
    assert "cannot make a part" in " ".join(said.split())
    (home / "board.yaml").write_text(BOARD.replace("region: [0.5, 0.25, 0.25, 0.5]", "relight: sunset"))
    assert main(["check", "board.yaml"]) == 2
    assert "board.yaml:4:" in (said := capsys.readouterr().err)
    assert "in another light or style" in " ".join(said.split())
    assert main(["edit", "a.mp4", "light", "--region", "0,0,0.5,1", "-o", "b.mp4"]) == 2


class Seen(Greys):
    """Light frames, and what it was given."""

    given: ClassVar[list[tuple[Take, Given]]] = []

    def generate(self, take: Take, given: Given, progress: Progress) -> Footage:
        self.given.append((take, given))
        return super().generate(replace(take, prompt="light"), given, progress)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Take, Given]]:
    monkeypatch.setattr(Seen, "given", [])
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Seen(card))
    return Seen.given


def test_a_film_in_another_light_begins_with_what_was_there(home: Path, seen: list[tuple[Take, Given]]) -> None:
    film(home / "a.mp4", [40] * 24, size=SIZE)
    words = ["edit", "a.mp4", "light", "--relight", "sunset", "--from", "0.25s", "--to", "0.75s"]
    assert main([*words, "--strength", "0.6", "-o", "b.mkv"]) == 0
    ((take, given),) = seen
    assert take.start == Start(0.6)
    assert "sunset" in take.prompt
    assert given.start is not None
    assert abs(float(np.median(given.start)) - 40) <= 1
    assert given.start.shape == (take.frames, take.height, take.width, 3)
    assert (given.video, given.mask) == (None, None), "no part of it is held as it was"
    shown = np.median(read_frames(home / "b.mkv", 0, 24), axis=(1, 2, 3))
    assert [round(float(each)) for each in shown] == [40] * 6 + [150] * 12 + [40] * 6
    proven = stamp.verify(home / "b.mkv")
    assert (proven.parameters["light"], proven.parameters["strength"]) == ("sunset", 0.6)
    assert proven.actions[:2] == ("c2pa.opened", "c2pa.edited")


def test_a_shot_is_a_film_in_another_style(home: Path, seen: list[tuple[Take, Given]]) -> None:
    film(home / "a.mp4", [40] * 24, size=SIZE)
    (home / "board.yaml").write_text(BOARD.replace("region: [0.5, 0.25, 0.25, 0.5]", "restyle: ink drawing"))
    assert main(["storyboard", "board.yaml", "-o", "b.mkv"]) == 0
    ((take, given),) = seen
    assert take.start == Start(0.7)
    assert "ink drawing" in take.prompt
    assert given.start is not None
    fields = TakeFields.of(take)
    assert TakeFields.model_validate(fields.to_dict()).take_key == take.key
    (home / "board.yaml").write_text(
        (home / "board.yaml").read_text().replace("ink drawing", "ink drawing, strength: 0.5")
    )
    assert preflight.plan_of(preflight.load(home / "board.yaml", sets={})).takes[0].key != take.key


INSTRUCTED = BOARD.replace("region: [0.5, 0.25, 0.25, 0.5]", "instruct: true").replace("light}", "make it light}")


def test_a_film_is_changed_as_words_say(
    home: Path, seen: list[tuple[Take, Given]], monkeypatch: pytest.MonkeyPatch
) -> None:
    able = frozenset({Ability.INSTRUCT, Ability.NEGATIVE_PROMPT})
    monkeypatch.setattr(
        "sora_cli.engines.catalogue.card",
        catalogue(size_step=16, abilities=able, needs=able - {Ability.NEGATIVE_PROMPT}),
    )
    film(home / "a.mp4", [40] * 24, size=SIZE)
    words = ["edit", "a.mp4", "make it light", "--instruct", "--from", "0.25s", "--to", "0.75s"]
    assert main([*words, "-o", "b.mkv"]) == 0
    ((take, given),) = seen
    assert (take.start, given.start, given.mask) == (None, None, None)
    assert given.video is not None
    assert given.video.shape == (take.frames, take.height, take.width, 3)
    assert abs(float(np.median(given.video)) - 40) <= 1
    shown = np.median(read_frames(home / "b.mkv", 0, 24), axis=(1, 2, 3))
    assert [round(float(each)) for each in shown] == [40] * 6 + [150] * 12 + [40] * 6
    assert "as the prompt says" in str(stamp.verify(home / "b.mkv").parameters["change"])
    (home / "board.yaml").write_text(INSTRUCTED)
    fields = TakeFields.of(preflight.plan_of(preflight.load(home / "board.yaml", sets={})).takes[0])
    assert TakeFields.model_validate(fields.to_dict()).take_key == fields.take_key
    assert fields.change is not None
    assert fields.change.change({}).instructed


def test_instructions_and_engines_that_do_not_fit_are_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    film(home / "a.mp4", [40] * 24, size=SIZE)

    def told(board: str) -> str:
        (home / "board.yaml").write_text(board)
        assert main(["check", "board.yaml"]) == 2
        return " ".join(capsys.readouterr().err.split())

    monkeypatch.setattr(
        "sora_cli.engines.catalogue.card", catalogue(abilities=CARD.abilities - {Ability.INSTRUCT}, needs=frozenset())
    )
    assert "follows no instructions" in (said := told(INSTRUCTED))
    assert "board.yaml:4:" in said
    assert "an edit has one of" in told(INSTRUCTED.replace("instruct: true", "instruct: true, relight: sunset"))
    able = frozenset({Ability.INSTRUCT})
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(abilities=able, needs=able, max_frames=5))
    assert "changes films, and makes none from words" in told("shots: [{prompt: light, duration: 0.2s}]")
    assert "cannot make a part" in told(BOARD)
    assert "cannot carry on from given frames" in told(INSTRUCTED)
    assert main(["edit", "a.mp4", "light", "--instruct", "--relight", "sunset", "-o", "b.mp4"]) == 2
    assert "two options say what is made anew" in " ".join(capsys.readouterr().err.split())


def scene(colour: tuple[int, int, int], places: list[tuple[int, int]], *, other: bool = False) -> list[np.ndarray]:
    """Pictures of a disc of 11 pixels on a textured ground, at these places; with `other`, a second one in a corner."""
    rng = np.random.default_rng(1)
    ground = (np.array([120, 150, 170]) + rng.normal(0, 6, (64, 96, 1))).clip(0, 255)
    rows, columns = np.mgrid[:64, :96]
    found = []
    for across, down in places:
        picture = ground.copy()
        picture[(columns - across) ** 2 + (rows - down) ** 2 <= 121] = colour
        if other:
            picture[(columns - 84) ** 2 + (rows - 12) ** 2 <= 100] = colour
        found.append(picture.astype(np.uint8))
    return found


COLOURS = {"red": (210, 30, 30), "orange": (240, 140, 30), "yellow": (240, 220, 60), "green": (40, 160, 60),
           "blue": (40, 80, 220), "purple": (130, 50, 190), "pink": (250, 110, 180), "white": (250,) * 3}  # fmt: skip


@pytest.mark.parametrize("moves", [True, False], ids=["moves", "stands still"])
@pytest.mark.parametrize("colour", COLOURS)
def test_what_a_colour_names_is_found(colour: str, *, moves: bool) -> None:
    places = [(20 + 5 * number * moves, 30) for number in range(10)]
    masks, why = find(scene(COLOURS[colour], places), f"the {colour} ball")
    assert not why
    rows, columns = np.mgrid[:64, :96]
    for mask, (across, down) in zip(masks, places, strict=True):
        true = (columns - across) ** 2 + (rows - down) ** 2 <= 121
        assert (mask & true).sum() / (mask | true).sum() >= 0.8


def test_what_moves_is_found_without_its_colour() -> None:
    places = [(20 + 6 * number, 30) for number in range(10)]
    masks, why = find(scene((120, 40, 40), places), "the ball")
    assert not why
    assert all(mask[down, across] for mask, (across, down) in zip(masks, places, strict=True))


def test_it_is_said_where_several_could_be_meant() -> None:
    masks, why = find(scene((210, 30, 30), [(30, 40)] * 8, other=True), "the red ball")
    assert (masks, why) == ([], "several things could be meant")


@pytest.mark.parametrize("point", ["0.3125,0.625", "0.875,0.1875"])
def test_a_point_says_which_of_several_is_meant(point: str) -> None:
    masks, why = find(scene((210, 30, 30), [(30, 40)] * 8, other=True), point)
    assert not why
    across, down = (30, 40) if point.startswith("0.3") else (84, 12)
    assert all(mask[down, across] and not mask[52 - down, 114 - across] for mask in masks)


def test_a_point_where_nothing_stands_out_is_told() -> None:
    masks, why = find(scene((210, 30, 30), [(30, 40)] * 8), "0.05,0.05")
    assert (masks, bool(why)) == ([], True)


def test_a_seam_falls_from_one_to_nothing_over_its_width() -> None:
    hard = np.zeros((9, 40), np.float32)
    hard[:, :20] = 1
    row = feathered(hard, 4)[4]
    assert (row[:20] == 1).all()
    assert (row[24:] == 0).all()
    assert (np.diff(row[19:25]) < 0).all()


def test_what_is_known_goes_on_smoothly_where_it_is_not() -> None:
    slope = np.repeat(np.linspace(0, 60, 75, dtype=np.float32)[None, :, None], 50, axis=0).repeat(3, axis=2)
    known = np.ones((50, 75), bool)
    known[12:38, 20:55] = False
    found = spread(slope, known)
    assert np.array_equal(found[known], slope[known])
    assert np.abs(found - slope).max() < 12
    assert np.abs(np.diff(found, axis=1)).max() < 8, "no edge"
    assert not spread(slope, np.zeros_like(known)).any()


def test_what_is_made_meets_the_film_in_colour_and_a_new_thing_keeps_its_own() -> None:
    film = np.full((1, 64, 96, 3), 120, np.uint8)
    mask = feathered(np.pad(np.ones((40, 60), np.float32), ((12, 12), (18, 18))), 2)[None]
    made = film - 12  # as an engine that lost some light all over
    made[0, 28:36, 44:52] = (20, 40, 255)
    done = put_in(made, film, mask)
    assert np.array_equal(done[mask == 0], film[mask == 0])
    assert np.abs(done[0, 14, 18:78].astype(int) - 120).max() <= 2, "no step at the seam"
    assert np.abs(done[0, 31, 47].astype(int) - (20, 40, 255)).max() <= 12, "and stays within what bytes hold"
    other = np.full_like(film, 250)
    assert np.array_equal(put_in(other, film, mask)[mask == 1], other[mask == 1]), "it shows something else all over"


def test_a_view_beyond_the_picture_is_grey_there() -> None:
    picture = np.full((32, 48, 3), 200, np.uint8)
    seen = in_view(picture, (-0.25, 0.0, 1.5, 1.0), (72, 32), 128)
    assert (seen[:, :12] == 128).all()
    assert (seen[:, 12:60] == 200).all()
    assert (seen[:, 60:] == 128).all()


def test_a_schema_tells_of_edits() -> None:
    told = storyboard.json_schema()["$defs"]
    assert isinstance(told, dict)
    assert set(told["EditForm"]["required"]) == {"of"}


@pytest.mark.parametrize("words", ["25%,25%,50%,50%", "25 %, 0.25, 50.0%, .5", "[0.25, 0.25, 0.5, 0.5]"])
def test_a_region_may_be_written_in_percent_or_in_brackets(words: str) -> None:
    assert Asked(region=words).box == (0.25, 0.25, 0.5, 0.5)


@pytest.mark.parametrize("words", ["120%,0,1,1", "a%,0,1,1", "25%"])
def test_what_is_no_region_is_refused(words: str) -> None:
    with pytest.raises(RequestError):
        _ = Asked(region=words).box
