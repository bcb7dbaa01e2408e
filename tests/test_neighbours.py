"""Neighbours of what people met: the same situation in another format, place or combination."""

from __future__ import annotations

import json
import unicodedata
import zipfile
from datetime import date
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
import yaml
from PIL import Image

from sora_cli import storyboard
from sora_cli.cli import usage
from sora_cli.cli.main import main
from sora_cli.cli.usage import prompt_of
from sora_cli.engines import catalogue
from sora_cli.errors import EngineMissing, RequestError, UnusableFile
from sora_cli.flows import preflight
from sora_cli.media.read import probe, read_picture
from sora_cli.plan import plan_takes
from sora_cli.plan.sounds import recordings
from sora_cli.policy import inputs
from sora_cli.serve.queue import Queue
from sora_cli.sound.foley.folder import Folder
from sora_cli.storyboard.given import given
from tests.boards import board
from tests.boards import catalogue as cards
from tests.cases.test_what_is_shown import film


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)


def told(text: str, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]]]:
    """The exit code and the problems of `sora check` of this text."""
    Path("board.yaml").write_text(text)
    code = main(["check", "board.yaml", "--json", *words])
    return code, json.loads(capsys.readouterr().out)["problems"]


def messages(found: list[dict[str, object]]) -> list[object]:
    return [each["message"] for each in found]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("keyframes: {engine: ltx-2}\nshots: [a ball]\n", "engine ltx-2 makes video, not stills"),
        ("engine: flux-2-klein\nshots: [a ball]\n", "engine flux-2-klein makes stills, not video"),
    ],
)
def test_an_engine_that_is_the_wrong_one_need_not_be_fetched(
    text: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = told(text, capsys)
    assert code == 2
    assert messages(found) == [wrong]


def test_one_that_is_right_and_not_here_is_still_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = told("engine: ltx-2\nshots: [a ball, {prompt: a box, from: no.png}]\n", capsys)
    assert code == 2
    assert messages(found) == ["engine ltx-2 is not on this machine", "`no.png`: no such file"]


@pytest.mark.parametrize(
    ("written", "match", "strength"),
    [
        ("scene 0.8", "scene", "0.8"),
        ("film, 80%", "film", "0.8"),
        ("warm.cube 0.5", "warm.cube", "0.5"),
        ("{match: previous 60}", "previous", "0.6"),
        ("scene strength 1", "scene", "1"),
    ],
)
def test_a_look_with_a_strength_behind_it_is_told_how_to_be_written(
    written: str, match: str, strength: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = told(f"look: {written}\nshots: [a ball]\n", capsys)
    (only,) = found
    assert str(only["message"]).endswith("cannot be what a look is matched to")
    assert only["hint"] == f"with a strength: `look: {{match: {match}, strength: {strength}}}`"


@pytest.mark.parametrize("written", ["0.8", "1", "{match: 0.5}"])
def test_a_look_that_is_a_strength_alone_is_told_what_goes_with_it(
    written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = told(f"look: {written}\nshots: [a ball]\n", capsys)
    number = written.strip("{}").removeprefix("match: ")
    hint = f"a strength goes with it: {{match: scene, strength: {number}}}"
    assert [(each["message"], each["hint"]) for each in found] == [
        (f"`{number}` is not what colours are held to", hint)
    ]


@pytest.mark.parametrize("written", ["-1", "random", "Auto"])
def test_a_seed_that_other_tools_would_draw_is_told_to_be_a_number(
    written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hint = "a seed is never drawn, so that a film can be made again: write any number"
    for text in (f"seed: {written}\nshots: [a ball]\n", f"shots: [{{prompt: a ball, seed: {written}}}]\n"):
        _, found = told(text, capsys)
        assert [each["hint"] for each in found] == [hint]


HEARD = [
    "sound: {music: FILE}\nshots: [{prompt: a ball, duration: 1s}]\n",
    "sound: {ambience: FILE}\nshots: [{prompt: a ball, duration: 1s}]\n",
    "sound: FILE\nshots: [{prompt: a ball, duration: 1s}]\n",
    "shots: [{prompt: a ball, duration: 1s, sound: FILE}]\n",
    "shots: [{prompt: a ball, duration: 1s, sound: {words: FILE}}]\n",
    "shots: [{prompt: a ball, duration: 2s, dialogue: [{line: hello, file: FILE}]}]\n",
    "shots: [{prompt: a ball, duration: 2s, dialogue: {line: {file: FILE}}}]\n",
]


@pytest.mark.parametrize("text", HEARD)
def test_wherever_a_sound_may_be_named_a_film_is_heard(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    film(Path("loud.mov"), [40] * 25, beep=True)
    film(Path("mute.mp4"), [40] * 25)
    assert told(text.replace("FILE", "loud.mov"), capsys) == (0, [])
    code, found = told(text.replace("FILE", "mute.mp4"), capsys)
    assert code == 2
    assert [(each["message"], each["hint"]) for each in found] == [
        ("cannot use mute.mp4: it has no sound", "name a sound file, or a film with sound")
    ]


def test_a_film_that_is_only_heard_is_not_looked_at(tmp_path: Path) -> None:
    film(tmp_path / "a.mov", [40] * 4, beep=True)
    heard = board({"prompt": "a ball", "sound": "a.mov"}, folder=tmp_path, sound={"music": "a.mov"})
    assert not inputs.look_at(heard, tmp_path / "seen", lambda _: False, date(2026, 1, 1)).seen
    seen = board({"prompt": "a ball", "from": "a.mov", "sound": "a.mov"}, folder=tmp_path)
    assert len(inputs.look_at(seen, tmp_path / "seen", lambda _: False, date(2026, 1, 1)).seen) == 1


# -- files that sora does not read --------------------------------------------------------------------------------

FOREIGN = {
    "p.jxl": (b"\xff\x0a" + bytes(range(200)), "a picture in JPEG XL"),
    "q.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100), "a picture in JPEG XL"),
    "p.exr": (b"v/1\x01\2\0\0\0" + bytes(100), "a picture in OpenEXR"),
    "p.svg": (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "a drawing in SVG"),
    "p.mp4": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "a pointer of Git LFS"),
    "q.mp4": (b"<!DOCTYPE html><html><body>404</body></html>", "a web page"),
    "r.mp4": ("Ein Film über Bäume, der keiner ist. ".encode() * 60, "a text, not a picture, film or sound"),
    "s.mp4": (b"%PDF-1.7\n" + bytes(100), "a PDF, not a picture, film or sound"),
    "t.m3u8": (b"#EXTM3U\nfile:///etc/passwd\n", "a playlist"),
    "v.tga": (b"\0\0\2" + bytes(9) + b"\x28\0\x1e\0\x18\0" + bytes(200), "a picture in TGA"),
    "w.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a drawing in PostScript"),
    "x.ico": (b"\0\0\1\0\1\0" + bytes(60), "an icon"),
    "u.psd": (b"8BPS\0\1" + bytes(200), "a picture of Photoshop"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_kind_is_told_as_that_and_not_as_damaged(name: str, tmp_path: Path) -> None:
    data, what = FOREIGN[name]
    path = tmp_path / name
    path.write_bytes(data)
    for read in (probe, read_picture):
        with pytest.raises(UnusableFile) as error:
            read(path)
        assert what in error.value.message
        assert "complete" not in error.value.hint


def test_a_picture_that_sora_does_not_read_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("p.jxl", "p.psd", "p.dng"):
        Path(name).write_bytes(b"\xff\x0a")
        _, (only,) = told(f"shots: [{{prompt: a ball, from: {name}}}]\n", capsys)
        assert (only["message"], only["hint"]) == (
            f"`{name}` is not a picture or a film that sora reads",
            "save it as PNG or JPEG first",
        )


COMMANDS = (
    ["stitch", "FILE", "-o", "o.mp4"],
    ["stamp", "FILE", "-o", "o.mp4"],
    ["grade", "FILE", "--match", "good.mov", "-o", "o.mp4"],
    ["grade", "good.mov", "--match", "FILE", "-o", "o.mp4"],
    ["extend", "FILE", "a ball", "--duration", "1s", "-o", "o.mp4"],
    ["edit", "FILE", "a ball", "--region", "0,0,1,1", "-o", "o.mp4"],
    ["generate", "a ball", "--image", "FILE", "-o", "o.mp4"],
    ["review", "FILE"],
)


def test_a_storyboard_without_its_ending_and_shots_with_commas_are_told_how_to_be_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("b.yaml").write_text("shots: [{name: a, prompt: a ball}, {name: b, prompt: a cube}]\n")
    assert main(["check", "b"]) == 2
    assert "did you mean `b.yaml`?" in capsys.readouterr().err
    for only, hint in (("a,b", "write --only a --only b"), ("A", "did you mean a? the shots are: a, b")):
        assert main(["plan", "b.yaml", "--only", only]) == 2
        assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("b.yaml", "to make its film: sora storyboard b.yaml"),
        ("p.txt", "to make a storyboard of it: sora import p.txt"),
        ("a.png", "--image a.png"),
    ],
)
def test_a_file_is_no_prompt(name: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text("shots: [a ball]\n")
    assert main(["generate", name, "--dry-run"]) == 2
    told = capsys.readouterr().err
    assert f"{name} is a file, and no prompt" in told
    assert hint in told


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["prompts.txt"], "prompts.txt: there is no such file"),
        (["-"], 'sora generate "$(cat FILE)"'),
        (["a red ball", "\u2013seed", "3"], "write --seed"),
        (["a red ball", "\u2014negative-prompt=text"], "write --negative-prompt"),
    ],
)
def test_what_no_prompt_was_meant_by_is_no_prompt(
    typed: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", *typed, "--dry-run"]) == 2
    assert told in capsys.readouterr().err


def test_quotes_of_text_programs_around_a_prompt_are_none_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert prompt_of(["\u201ca", "red", "ball\u201d"]) == "a red ball"
    assert prompt_of(["a \u201cred\u201d ball \u2014 rolls"]) == "a \u201cred\u201d ball \u2014 rolls"
    Path("q.yaml").write_text("shots: [\u201ca ball\u201d, 'a \u201cred\u201d ball']\n", encoding="utf-8")
    assert main(["check", "q.yaml"]) == 0
    assert capsys.readouterr().err.count("are read as a part of the text") == 1


def test_a_command_of_other_programs_is_told_as_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["make", "b.yaml"]) == 2
    assert capsys.readouterr().err == "error: no such command 'make'\nhint: type: sora storyboard FILE\n"
    assert main(["import", "."]) == 2
    assert "it is a folder" in capsys.readouterr().err


def test_who_speaks_and_how_is_not_read_aloud_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    for line, what in (("MARA: Hello there", "MARA:"), ("Tom: Hello", "Tom:"), ("*sighs* Hello", "*sighs*")):
        text = f"cast: {{tom: a man}}\nshots: [{{prompt: '@tom waits', duration: 4s, dialogue: {{line: '{line}'}}}}]\n"
        code, problems = told(text, capsys)
        assert (code, problems) == (0, [])
        assert main(["check", "board.yaml"]) == 0
        assert f"`{what}` would be read aloud" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_file_that_is_no_film_is_a_wrong_request_of_every_command(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    film(Path("good.mov"), [40] * 25)
    Path("text.mp4").write_text("no film")
    Path("empty.mp4").touch()
    Path("cut.mov").write_bytes(Path("good.mov").read_bytes()[:-300])
    for name in ("text.mp4", "empty.mp4", "cut.mov", "none.mp4", "good.mov/x.mp4"):
        assert main([name if word == "FILE" else word for word in command]) == 2, (name, capsys.readouterr())
    assert not Path("o.mp4").exists()


# -- lists ----------------------------------------------------------------------------------------------------------


def imported(name: str, text: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, list[dict[str, object]]]:
    """The storyboard that a list becomes, and what is told of it."""
    Path(name).write_text(text)
    assert main(["import", name, "--json"]) == 0
    return Path(name).with_suffix(".yaml").read_text(), json.loads(capsys.readouterr().out)["remarks"]


@pytest.mark.parametrize("cell", ["3+12", "(3+12)", "3秒+12コマ", "3 + 12", "\uff13\uff0b\uff11\uff12"])
def test_seconds_and_frames_of_japanese_animation_are_a_length(cell: str, capsys: pytest.CaptureFixture[str]) -> None:
    board_, remarks = imported("a.csv", f"FPS: 24\nカット,内容,秒+コマ\n1,赤いボール,{cell}\n2,箱,2+0\n", capsys)
    assert "duration: 3.5s" in board_
    assert "duration: 2s" in board_
    assert not remarks


def test_in_other_lists_they_may_be_feet_and_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    board_, (only,) = imported("a.csv", "FPS: 24\nShot,Description,Duration\n1,a ball,3+12\n", capsys)
    assert "duration" not in board_
    assert only["message"] == "`3+12` may be seconds and frames, or feet and frames: the shot keeps its engine's length"


@pytest.mark.parametrize("column", ["Duration", "Frames"])
def test_frames_at_no_rate_are_told_once(column: str, capsys: pytest.CaptureFixture[str]) -> None:
    cell = "48f" if column == "Duration" else "48"
    text = f"Shot,Description,{column}\n1,a ball,{cell}\n2,a box,{cell}\n"
    board_, (only,) = imported("a.csv", text, capsys)
    assert board_.count("duration: 48f") == 2
    assert only["message"] == "`48f` counts frames, and nothing says at which rate: its engine's is taken"
    assert not imported("b.csv", f"FPS: 24\n{text}", capsys)[1]


def test_a_formula_that_was_never_worked_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Shot", "Description", "Duration"], [1, "a ball", "=2+2"], [2, "a box", None]):
        book.active.append(row)
    book.save("a.xlsx")
    Path("b.yaml").write_text("vars: {Shot: 1, Description: a, Duration: 1}\nshots: ['${Description}']\n")
    for command in (["import", "a.xlsx"], ["batch", "b.yaml", "a.xlsx", "-o", "out"]):
        assert main([*command, "--json"]) == 2
        error = json.loads(capsys.readouterr().out)["error"]
        assert error["message"] == "a.xlsx: cell C2 of `Sheet` is a formula that was never worked out"


def test_a_formula_that_gives_nothing_is_an_empty_cell(capsys: pytest.CaptureFixture[str]) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Shot", "Description", "Duration"], [1, "a ball", '=IF(1,"","")']):
        book.active.append(row)
    book.save("a.xlsx")
    with zipfile.ZipFile("a.xlsx") as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile("a.xlsx", "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data.replace(b'<c r="C2">', b'<c r="C2" t="str">'))  # as Excel has it
    assert main(["import", "a.xlsx", "--json"]) == 0
    assert not json.loads(capsys.readouterr().out)["remarks"]


@pytest.mark.parametrize("name", ["a.ods", "a.xls", "a.numbers"])
def test_other_spreadsheets_are_told_how_to_be_saved(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_bytes(b"PK\3\4")
    Path("b.yaml").write_text("shots: [a ball]\n")
    for command in (["import", name], ["batch", "b.yaml", name, "-o", "out"]):
        assert main([*command, "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["error"]["hint"] == "save the list as CSV, or as .xlsx"


# -- words and engines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["a ${${a}} ball", "a ${x${a}y} ball", "a ${ ${a} } ball"])
def test_a_variable_in_the_name_of_another_is_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("shots: ['TEXT']\n", "shots: [a ball]\nstyle: TEXT\n", "shots: [a ball]\ntitle: 'TEXT'\n"):
        code, found = told("vars: {a: b, b: red}\n" + place.replace("TEXT", text), capsys)
        assert code == 2
        assert [str(each["message"]).endswith("a variable cannot stand in the name of another") for each in found] == [
            True
        ]
    assert told("vars: {a: b}\nshots: ['a $${${a}} ball']\n", capsys) == (0, [])


def test_a_folder_with_models_of_other_programs_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "quantized").mkdir()
    (tmp_path / "quantized" / "wan-Q4_K_M.gguf").write_bytes(b"GGUF")
    with pytest.raises(EngineMissing, match=r"wan-Q4_K_M\.gguf is a single file \(a GGUF\)"):
        catalogue.card(str(tmp_path / "quantized"))


@pytest.mark.parametrize("name", ["hero:-blue", "hero|blue", " hero ", "vars.hero"])
def test_a_variable_as_other_tools_write_it_is_told_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", _written(f"vars: {{hero: red}}\nshots: ['a ${{{name}}} ball']\n"), "--json"])
    told_ = json.loads(capsys.readouterr().out)
    (only,) = told_["problems"]
    assert code == 2
    assert not [each for each in told_["remarks"] if "is read as words" in each["message"]]
    assert only["hint"].startswith("a variable is written ${hero}, its value stands in `vars`")


def _written(text: str) -> str:
    Path("board.yaml").write_text(text)
    return "board.yaml"


@pytest.mark.parametrize("value", ["a red ball --ar 16:9", "<lora:ink:0.8> a red ball", "a (red:1.2) ball"])
def test_the_syntax_of_other_tools_is_told_in_values_too(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    for text, sets in (
        (f"vars: {{p: '{value}'}}\nshots: ['${{p}}, day']\n", []),
        ("vars: {p: a}\nshots: ['${p}, day']\n", ["--set", f"p={value}"]),
    ):
        assert main(["check", _written(text), "--json", *sets]) == 0
        found = [each["message"] for each in json.loads(capsys.readouterr().out)["remarks"]]
        assert len([each for each in found if each.endswith("is another tool's syntax: it is read as words")]) == 1


def test_a_variable_in_the_value_of_one_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    board_ = _written("vars: {a: b, c: d}\nshots: ['a ${a} ball']\n")
    assert main(["check", board_, "--json", "--set", "a=${c}"]) == 0
    found = [each["message"] for each in json.loads(capsys.readouterr().out)["remarks"]]
    assert "--set a: `${c}` is read as words" in found


def test_a_variable_in_a_prompt_of_the_command_line_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "a ${hero} ball", "-o", "o.mp4", "--dry-run"]) == 0
    assert "`${hero}` is read as words" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["verify FILE", "review FILE", "stitch FILE -o o.mp4", "grade FILE --match=FILE -o o.mp4"]
)
def test_a_name_that_reads_the_same_is_found_by_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    film(Path(unicodedata.normalize("NFD", "früh.mov")), [40] * 6)
    main(command.replace("FILE", "früh.mov").split())
    assert "no such file" not in capsys.readouterr().err.lower()


def test_words_of_a_prompt_stay_to_the_letter() -> None:
    words = ["generate", "ein Bär // läuft ./ über a//b/", "--style=früh//"]
    assert usage.meant(words) == words


@pytest.mark.parametrize(
    ("name", "codec"), [("rain.mp3", "mp3"), ("rain.m4a", "aac"), ("rain.mov", "pcm_s16le"), ("rain.aiff", "pcm_s16be")]
)
def test_a_folder_of_sounds_has_all_that_may_be_heard(name: str, codec: str, tmp_path: Path) -> None:
    Path("mine").mkdir()
    with av.open(f"mine/{name}", "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        for number in range(20):
            block = av.AudioFrame.from_ndarray(np.full((1, 2 * 1024), 9000, np.int16), "s16", "stereo")
            block.sample_rate, block.pts, block.time_base = 48_000, 1024 * number, Fraction(1, 48_000)
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    plan = plan_takes(board({"prompt": "a ball", "sound": "rain"}, folder=tmp_path, sounds={"folder": "mine"}), cards())
    assert [path.name for path in recordings(plan)] == [name]
    (match,) = plan.sounds["rain"].matches
    assert sum(len(block) for block in Folder(tmp_path / "mine").blocks(match, None, 7)) >= 1024 * 19


def test_one_that_cannot_be_read_is_told_at_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    Path("mine/rain.wav").write_text("no sound")
    text = "sounds: {folder: mine}\nshots: [{prompt: a ball, sound: rain}]\n"
    code, (only,) = told(text, capsys)
    assert (code, only["line"], only["column"]) == (2, 1, 18)
    assert only["message"] == "cannot read mine/rain.wav: it is a text, not a picture, film or sound"


@pytest.mark.parametrize("name", ["m.gguf", "m.pt", "m.safetensors"])
def test_a_single_file_that_is_here_is_never_called_missing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_bytes(b"GGUF")
    board_ = _written(f"sounds: {{engine: {name}}}\nshots: [{{prompt: a ball, sound: rain}}]\n")
    for command in (
        ["check", board_],
        ["direct", board_, "--model", name],
        ["check", _plain_board(), "--opinion", name],
        ["generate", "a ball", "--engine", name, "-o", "o.mp4"],
    ):
        assert main(command) == 3
        assert f"{name} is a single file" in "".join(capsys.readouterr())


def _plain_board() -> str:
    Path("plain.yaml").write_text("shots: [a ball]\n")
    return "plain.yaml"


@pytest.mark.parametrize("written", ["rain.wav -6dB", "rain.wav at 1s", "rain.wav, thunder", "my rain.wav 0.5"])
@pytest.mark.parametrize("text", [text for text in HEARD if "line" not in text])
def test_a_sound_file_with_more_behind_it_is_never_taken_for_words(
    text: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, (only,) = told(text.replace("FILE", f'"{written}"'), capsys)
    assert (code, only["message"]) == (2, f"`{written}` is a file and more")


@pytest.mark.parametrize(("words", "read"), [("thunder at 1s", "at 1s"), ("thunder, -6 dB", "-6 dB")])
def test_when_a_sound_is_heard_is_not_told_in_its_words(
    words: str, read: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", _written(f"shots: [{{prompt: a ball, duration: 2s, sound: '{words}'}}]\n"), "--json"]) == 0
    remarks = [each["message"] for each in json.loads(capsys.readouterr().out)["remarks"]]
    assert f"`{read}` is read as words" in remarks


@pytest.mark.parametrize(("written", "at"), [("first 1s", "1s"), ("first@end", "end"), ("first: 12f", "12f")])
def test_a_moment_behind_the_name_of_a_shot_is_told_how_to_be_written(
    written: str, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"shots: [{{name: first, prompt: a ball}}, {{prompt: a box, from: '{written}'}}]\n"
    _, (only,) = told(text, capsys)
    assert only["hint"] == f"write `{{shot: first, at: {at}}}`"


def test_several_files_in_one_text_are_told_to_be_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    for place in (
        "cast: {m: {looks: a man, reference: 'a.png, b.png'}}\nshots: ['@m walks']\n",
        "shots: [{prompt: a ball, reference: 'a.png, b.png'}]\n",
    ):
        _, (only,) = told(place, capsys)
        assert (only["message"], only["hint"]) == (
            "`a.png, b.png` names several files",
            "write them as a list: [a.png, b.png]",
        )


@pytest.mark.parametrize(
    "text",
    [
        "Shot,Description,Frames,FPS\n1,a ball,48,24\n2,a box,24,24\n",
        "24 fps\nShot,Description,Frames\n1,a ball,48\n2,a box,24\n",
        "FPS: 24\nShot,Beschreibung,Länge (Bilder)\n1,ein Ball,48\n2,eine Kiste,24\n",
        "FPS: 24\nカット,内容,コマ数\n1,ボール,48\n2,箱,24\n",
    ],
)
def test_frames_and_their_rate_are_read_wherever_a_list_has_them(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    board_, remarks = imported("a.csv", text, capsys)
    assert not remarks
    assert "duration: 48f" in board_
    assert 'fps: "24"' in board_


def test_a_shot_of_many_minutes_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _, (only,) = imported("a.csv", "Shot,Description,Duration\n1,a ball,24:12\n2,a box,1:05\n", capsys)
    assert only["message"] == "`24:12` is taken as minutes and seconds: 24.2 min"


def test_a_file_is_named_once_where_an_option_names_it(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 48), (255, 0, 0, 0)).save("clear.png")
    given_ = {"shots": [{"prompt": "a ball", "from": given("--image", "clear.png")}]}
    reading = storyboard.read_data(given_, folder=tmp_path)
    plan = preflight.plan_of(preflight.whole(reading))
    assert "--image clear.png: what is transparent in it shows white" in [remark.head for remark in plan.remarks]


TABLE = """# First Light

| # | Shot size | **Description** | Duration |
|:--|---|---|--:|
| 1 | CU | a **red** ball<br>rolls | 4s |
| 2 | wide | a box \\| lid | 2s |

## Scene 2

| # | Shot size | Description | Duration |
|---|---|---|---|
| 3 | CU | a cat | 3s |
"""


def test_tables_of_markdown_are_a_shot_list(capsys: pytest.CaptureFixture[str]) -> None:
    board_, remarks = imported("a.md", TABLE, capsys)
    scenes = yaml.safe_load(board_)["scenes"]
    assert [(each["prompt"], each["duration"], each["framing"]) for scene in scenes for each in scene["shots"]] == [
        ("a red ball rolls", "4s", "close"),
        ("a box | lid", "2s", "wide"),
        ("a cat", "3s", "close"),
    ]
    assert not remarks
    assert scenes[1]["name"] == "scene-2"


@pytest.mark.parametrize(
    "text",
    [
        "Shot 1 (2s): a ball\nShot 2 (48f): a box\n",
        "Shot 1: a ball (2s)\nShot 2: a box (48 frames)\n",
        "- a ball (2s)\n- a box (48f)\n",
        "1. a ball (2s)\n2. a box (48 f)\n",
        "カット1\uff082+0\uff09\uff1aa ball\nカット2\uff0848コマ\uff09\uff1aa box\n",
    ],
)
def test_lengths_of_notes_are_lengths_whatever_they_count(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    board_, (only,) = imported("a.txt", text, capsys)
    shots = yaml.safe_load(board_)["scenes"][0]["shots"]
    assert [(each["prompt"], each["duration"]) for each in shots] == [("a ball", "2s"), ("a box", "48f")]
    assert "nothing says at which rate" in str(only["message"])


@pytest.mark.parametrize(
    "text", ["cast: {m: {looks: a man, voice: mara.wav}}\n", "narrator: mara.mp4\n", "narrator: {voice: a.mp3}\n"]
)
def test_a_recording_is_told_as_no_voice(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    speaker = "{cast: m, line: hello}" if "cast" in text else "{line: hello}"
    _, (only,) = told(f"{text}shots: [{{prompt: a ball, dialogue: {speaker}, duration: spoken}}]\n", capsys)
    assert str(only["message"]).endswith("is a recording, not a voice")


def test_a_moment_behind_the_name_of_a_film_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _, (only,) = told("shots: [{prompt: a ball, from: a.mp4 2s}]\n", capsys)
    assert only["hint"] == "name the film alone: `from` takes its end, `to` its start; cut it where 2s is"


def test_a_storyboard_or_list_that_git_did_not_fetch_is_told_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n"
    for name in ("a.yaml", "b.csv", "c.txt"):
        Path(name).write_text(pointer)
        assert main(["check" if name == "a.yaml" else "import", name]) == 2
        assert "a pointer of Git LFS" in capsys.readouterr().err


def test_notes_in_markdown_given_to_check_are_told_what_makes_a_storyboard_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("a.md").write_text(TABLE)
    assert main(["check", "a.md"]) == 2
    assert "`sora import FILE` makes a storyboard of it" in capsys.readouterr().err


def test_notes_are_told_at_their_own_lines_and_nothing_above_the_shots_is_lost(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "# First Light\n\nA film about a ball.\n\nShot 1: a ball (48 frames)\nIt rolls.\n\nShot 2: a box (2s)\n"
    board_, (only,) = imported("a.txt", text, capsys)
    assert (only["file"], only["line"]) == ("a.txt", 5)
    assert "# A film about a ball." in board_
    board_ = yaml.safe_load(board_)
    assert board_["title"] == "First Light"
    assert [(each["prompt"], each["duration"]) for each in board_["scenes"][0]["shots"]] == [
        ("a ball. It rolls", "48f"),
        ("a box", "2s"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "FPS: 25\nShot 1: a ball (48 frames)\nShot 2: a box (25f)\n",
        "Title: Balls\n25 fps\n- a ball (48f)\n- a box (25f)\n",
        "FPS: 25\n\n| # | Description | Frames |\n|---|---|---|\n| 1 | a ball | 48 |\n| 2 | a box | 25 |\n",
    ],
)
def test_the_rate_above_notes_holds_for_them(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    board_, remarks = imported("a.md", text, capsys)
    assert not remarks
    assert yaml.safe_load(board_)["output"] == {"fps": "25"}


def test_a_table_in_markdown_is_told_at_its_own_lines(capsys: pytest.CaptureFixture[str]) -> None:
    text = "Intro\n\n| # | Description | Frames |\n|---|---|---|\n| 1 | a ball | 48 |\n"
    _, (only,) = imported("a.md", text, capsys)
    assert (only["file"], only["line"]) == ("a.md", 5)


def test_direct_takes_one_storyboard(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["direct", "a.yaml", "b.yaml"]) == 2
    assert "takes one storyboard at a time" in capsys.readouterr().err


def test_a_file_in_the_place_of_the_folder_of_orders_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    with pytest.raises(RequestError, match="it is a file"):
        Queue(tmp_path / "a.yaml")


def test_the_endings_of_other_kinds_of_films_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["storyboard", _written("shots: [a ball]\n"), "--dry-run", "-o", "a.webm"]) == 2
    assert "hint: try a.mp4, or another kind: .mov, .mkv, .gif, .webp, .frames" in capsys.readouterr().err


def test_a_file_with_a_space_in_its_name_is_named_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my song.mp3").touch()
    _, (only,) = told("shots: [{prompt: a ball, sound: my song.mp3 0.5}]\n", capsys)
    assert "{words: my song.mp3, at: 1s" in str(only["hint"])


def test_a_pair_parted_by_a_colon_is_told_as_it_is_to_be_typed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", _written("vars: {n: a}\nshots: ['${n}']\n"), "--set", "n: b"]) == 2
    assert "write --set n=b" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "shots: [{name: NAME, prompt: a ball}, {prompt: a box, from: OTHER}]\n",
        "shots: [{name: NAME, prompt: a ball}, {prompt: a box, from: {shot: OTHER, at: start}}]\n",
        "shots: [{name: one, prompt: a ball, choices: OTHER}, {name: NAME, prompt: a box, choices: end}]\n",
        "shots: [{name: NAME, prompt: a ball}, {edit: {of: OTHER, region: [0, 0, 1, 1], prompt: a box}}]\n",
        "keyframes: on\nstills: {OTHER: 1}\nshots: [{name: NAME, prompt: a ball}]\n",
        "cast: {NAME: a ball}\nshots: ['@OTHER rolls']\n",
        "cast: {NAME: a ball}\nshots: [{prompt: a ball, dialogue: {cast: OTHER, file: a.wav}}]\n",
        "vars: {NAME: red}\nshots: ['a ${OTHER} ball', {prompt: '${OTHER}'}]\n",
    ],
)
@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_names_in_a_storyboard_are_compared_as_they_read(
    text: str, forms: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write("a.wav", np.zeros((48000, 1), np.float32), 48000)
    named, other = (unicodedata.normalize(form, "größe") for form in forms)
    assert told(text.replace("NAME", named).replace("OTHER", other), capsys) == (0, [])


def test_two_names_that_read_the_same_are_one(capsys: pytest.CaptureFixture[str]) -> None:
    one, two = (unicodedata.normalize(form, "größe") for form in ("NFC", "NFD"))
    for text, wrong in (
        (f"vars: {{{one}: a, {two}: b}}\nshots: [a ball]\n", f"`{one}` is written twice"),
        (f"shots: [{{name: {one}, prompt: a}}, {{name: {two}, prompt: b}}]\n", f"a second shot called `{one}`"),
    ):
        assert messages(told(text, capsys)[1]) == [wrong]


def test_names_of_options_are_compared_as_they_read(capsys: pytest.CaptureFixture[str]) -> None:
    board_ = _written("vars: {größe: red}\nshots: [{name: früh, prompt: 'a ${größe} ball'}, a box]\n")
    only, name = (unicodedata.normalize("NFD", word) for word in ("früh", "größe"))
    assert main(["plan", board_, "--only", only, "--set", f"{name}=blue", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)["shots"]] == ["früh"]


@pytest.mark.parametrize("name", ["मीरा", "สีแดง", "מָרָה", "ມາລາ", "မီရာ", "மீரா"])
def test_names_may_be_words_of_any_script(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"cast: {{{name}: a woman}}\nvars: {{{name}: red}}\nshots: ['@{name} holds a ${{{name}}} ball']\n"
    assert told(text, capsys) == (0, [])
