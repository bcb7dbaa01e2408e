"""Sixty bad calls to change a film: each is one clear error before any work, and no file is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace
from PIL import Image

from sora_cli.cli.main import main
from sora_cli.engines.base import Ability
from tests.boards import CARD, catalogue
from tests.test_film import Greys
from tests.test_tools import film

SIZE = (96, 64)
WHOLE = ["--region", "0,0,1,1"]
STILL = replace(CARD, name="still", abilities=frozenset({Ability.TEXT, Ability.FIRST_FRAMES}))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films, masks and what is none."""
    folder = tmp_path_factory.mktemp("bad")
    a = film(folder / "a.mp4", [40] * 12, size=SIZE)
    film(folder / "mask.mp4", [235] * 5, size=SIZE)
    (folder / "cut.mp4").write_bytes(a.read_bytes()[:-200])
    (folder / "text.mp4").write_text("no film")
    (folder / "empty.mp4").touch()
    (folder / "s.txt").write_text("no mask")
    (folder / "there.mp4").write_bytes(b"somebody's")
    soundfile.write(folder / "s.wav", np.zeros(4800), 48_000)
    Image.new("L", SIZE).save(folder / "black.png")
    Image.new("L", SIZE, 1).save(folder / "labels.png")
    Image.new("RGB", SIZE, "white").save(folder / "white.png")
    painted = Image.new("RGBA", SIZE)
    painted.paste("white", (2, 2, 9, 9))
    painted.save(folder / "painted.png")
    Image.new("RGB", SIZE[::-1], "white").save(folder / "tall.png")
    with av.open(str(folder / "holes.mov"), "w") as container:
        stream = container.add_stream("qtrle", rate=24)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "argb"
        frame = av.VideoFrame.from_ndarray(np.asarray(painted), "rgba").reformat(format="argb")
        container.mux([packet for each in (*[frame] * 12, None) for packet in stream.encode(each)])
    (folder / "folder").mkdir()
    shutil.copy(a, folder / "b.mov")
    return folder


@pytest.fixture(autouse=True)
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place / "config"))
    monkeypatch.setenv("SORA_STORE", str(place / "store"))
    both = catalogue(size_step=16)
    monkeypatch.setattr("sora_cli.engines.catalogue.card", lambda name: STILL if name == "still" else both(name))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.chdir(place)


EDITS = {
    "nothing asked": ([], "nothing says what is made anew"),
    "two asked": ([*WHOLE, "--replace", "the red ball"], "two options say"),
    "a region and a light": ([*WHOLE, "--relight", "sunset"], "two options say"),
    "outside the frame": (["--region", "0.8,0,0.4,1"], "must lie in the picture"),
    "left of the frame": (["--region", "-0.1,0,0.4,1"], "must lie in the picture"),
    "no region": (["--region", "left"], "four numbers"),
    "three numbers": (["--region", "0,0,1"], "four numbers"),
    "five numbers": (["--region", "0,0,1,1,1"], "four numbers"),
    "an empty region": (["--region", "0.5,0.5,0,0.2"], "larger than nothing"),
    "a region turned round": (["--region", "0.5,0.5,-0.2,0.2"], "larger than nothing"),
    "a region that is no number": (["--region", "nan,0,1,1"], "no parts of the picture"),
    "a region with a top that is no number": (["--region", "0,nan,1,1"], "no parts of the picture"),
    "an endless region": (["--region", "0,0,inf,1"], "no parts of the picture"),
    "pixels for parts": (["--region", "10,10,20,20"], "no parts of the picture"),
    "past the end": ([*WHOLE, "--to", "9s"], "the film ends at 0.500 s"),
    "all past the end": ([*WHOLE, "--from", "2s"], "--from 2s: the film ends at 0.500 s"),
    "less than a frame": ([*WHOLE, "--from", "0.2s", "--to", "0.201s"], "the stretch is shorter than one frame"),
    "less than a pixel": (["--region", "0.5,0.5,0.0001,0.0001"], "smaller than a pixel of a.mp4"),
    "a point outside the frame": (["--replace", "1.4,0.6"], "a point must lie in the picture"),
    "a model that is not here": (
        ["--replace", "a ball", "--segmenter", "no/one"],
        "--segmenter no/one: the segmenter no/one",
    ),
    "backwards": ([*WHOLE, "--from", "0.4s", "--to", "0.2s"], "must come after"),
    "nothing long": ([*WHOLE, "--from", "0.2s", "--to", "0.2s"], "must come after"),
    "before the start": ([*WHOLE, "--from", "-1s"], "--from"),
    "no time": ([*WHOLE, "--to", "soon"], "--to"),
    "a mask painted on nothing": (["--mask", "painted.png"], "painted.png is transparent in places"),
    "a film of a mask painted on nothing": (["--mask", "holes.mov"], "holes.mov is transparent in places"),
    "a mask of another shape": (["--mask", "tall.png"], "tall.png is 64x96, and a.mp4 96x64, which is another shape"),
    "an empty mask": (["--mask", "black.png"], "nothing is made anew"),
    "a mask of 0 and 1": (["--mask", "labels.png"], "labels.png is black: nothing is made anew"),
    "a mask of another length": (["--mask", "mask.mp4"], "neither as many as the stretch (12) nor as the film (12)"),
    "no mask": (["--mask", "gone.png"], "no such file"),
    "a mask of text": (["--mask", "s.txt"], "not a picture or a film"),
    "a mask of sound": (["--mask", "s.wav"], "not a picture or a film"),
    "a folder of masks": (["--mask", "folder"], "is not a file"),
    "a damaged mask": (["--mask", "text.mp4"], "text.mp4"),
    "what is not there": (["--replace", "the red ball"], "nothing that is red stands out"),
    "what has no colour": (["--replace", "the dog"], "no colour is named"),
    "the same shape": (["--outpaint", "3:2"], "that shape already"),
    "no shape": (["--outpaint", "wide"], "--outpaint wide"),
    "no width": (["--outpaint", "0:1"], "out of range"),
    "a strip": (["--outpaint", "40:1"], "out of range"),
    "no strength": (["--relight", "sunset", "--strength", "0"], "from 0.05 to 1"),
    "too much strength": (["--restyle", "ink", "--strength", "1.5"], "from 0.05 to 1"),
    "strength that is no number": (["--restyle", "ink", "--strength", "nan"], "from 0.05 to 1"),
    "strength in words": (["--restyle", "ink", "--strength", "much"], "--strength much: it must be a number"),
    "strength of a part": ([*WHOLE, "--strength", "0.5"], "--strength is for --relight and --restyle"),
    "an engine that cannot relight": (["--relight", "sunset", "--engine", "still"], "in another light or style"),
    "an engine that cannot inpaint": ([*WHOLE, "--engine", "still"], "cannot make a part"),
    "over the film": ([*WHOLE, "-o", "a.mp4"], "one of the sources"),
    "over the mask": (["--mask", "mask.mp4", "-o", "mask.mp4"], "one of the sources"),
    "over somebody's film": ([*WHOLE, "-o", "there.mp4"], "there.mp4"),
    "into a text": ([*WHOLE, "-o", "b.txt"], "must end in"),
    "a mask shown as a film": ([*WHOLE, "--show-mask"], "must end in .png"),
    "a mask shown below a file": ([*WHOLE, "--show-mask", "-o", "s.txt/m.png"], "s.txt is a file"),
    "a mask shown over another": (["--mask", "white.png", "--show-mask", "-o", "white.png"], "white.png"),
    "an unknown option": ([*WHOLE, "--option", "speed=3"], "no option 'speed'"),
    "an option without a value": ([*WHOLE, "--option", "speed"], "--option"),
    "no takes": ([*WHOLE, "--takes", "0"], "a whole number from 1 to 100"),
    "a negative seed": ([*WHOLE, "--seed", "-1"], "`-1` is out of range"),
}
EXTENSIONS = {
    "a wrong length": (["--duration", "-1s"], "cannot be negative"),
    "no length": (["--duration", "0s"], "above 0"),
    "less than a frame": (["--duration", "0.001s"], "shorter than one frame at 24 frames a second"),
    "a length in words": (["--duration", "long"], "long"),
    "an unknown option": (["--option", "speed=3"], "no option 'speed'"),
    "over the film": (["-o", "a.mp4"], "one of the sources"),
    "another ending": (["-o", "b.txt"], "must end in"),
    "over somebody's film": (["-o", "there.mp4"], "there.mp4"),
}
FILMS = {
    "no film": ("gone.mp4", "no such file"),
    "a folder": ("folder", "folder"),
    "a sound": ("s.wav", "a sound, not a film"),
    "a text": ("text.mp4", "text.mp4"),
    "nothing": ("empty.mp4", "empty.mp4"),
    "damaged": ("cut.mp4", "cut short"),
}
CALLS = {
    **{f"edit, {name}": (["edit", "a.mp4", "light", *words], why) for name, (words, why) in EDITS.items()},
    **{f"extend, {name}": (["extend", "a.mp4", "light", *words], why) for name, (words, why) in EXTENSIONS.items()},
    **{f"edit {name}": (["edit", path, "light", *WHOLE], why) for name, (path, why) in FILMS.items()},
    **{f"extend {name}": (["extend", path, "light"], why) for name, (path, why) in FILMS.items()},
    "edit without words": (["edit", "a.mp4", *WHOLE], "PROMPT"),
    "edit two films": (["edit", "a.mp4", "b.mov", "light", *WHOLE], "PROMPT: b.mov is a film"),
    "extend two films": (["extend", "a.mp4", "b.mov", "light"], "PROMPT: b.mov is a film"),
    "extend without words": (["extend", "a.mp4"], "PROMPT"),
}


@pytest.mark.parametrize(("words", "why"), CALLS.values(), ids=CALLS)
def test_a_bad_call_is_one_error_and_no_file_is_touched(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], why: str
) -> None:
    before = {path.name: path.read_bytes() for path in place.glob("*.*")}
    assert main([*words, *([] if "-o" in words else ["-o", "new.mp4"])]) in {1, 2, 3}
    told = " ".join(capsys.readouterr().err.split())
    assert why in told
    assert told.count("error:") <= 1
    assert "Traceback" not in told
    assert {path.name: path.read_bytes() for path in place.glob("*.*")} == before
    assert not list((place / "store").rglob("*.mp4")), "no take was made"


def test_there_are_sixty_of_them() -> None:
    assert len(CALLS) >= 60
