"""What a newcomer types: it does what is meant, or says what to type; and a program gets one document, always."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sora_cli.cli import usage
from sora_cli.cli.main import ROOMS, main
from sora_cli.cli.progress import Download, Listeners
from sora_cli.events import JsonLines, Note
from tests.boards import catalogue
from tests.test_film import Greys
from tests.unattended.conftest import new_machine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SORA_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text("shots: [{name: ball, prompt: a red ball}, {name: cube, prompt: a cube}]\n")
    (tmp_path / "bad.yaml").write_text("shots:\n  - {promt: a}\n  - {prompt: b, duration: soon}\n")
    return tmp_path


@pytest.mark.usefixtures("home")
def test_an_address_in_the_place_of_a_film_is_told_to_be_saved_first(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["verify", "https://example.org/film.mp4"], ["review", "https://example.org/film.mp4"]):
        assert main(words) == 2
        assert "save the file here first" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_a_prompt_needs_no_quotes_and_options_have_the_names_that_people_know(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sora_cli.engines.catalogue.card", catalogue(native_size=(48, 32), fixed_size=True))
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    words = (
        "generate white ball on grass -d 0:01 --model test --negative text --steps 3 --takes 2 --fps 24 --aspect 1:1"
    )
    assert main([*words.split(), "-o", "ball.mp4", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["frames"], made["path"]) == (24, "ball.mp4")
    facts = json.loads(Path(made["sidecar"]).read_text())
    assert (facts["film"]["width"], facts["film"]["height"]) == (320, 320)
    takes = [(take["prompt"], take["avoid"], take["options"]["steps"]) for take in facts["takes"]]
    assert takes == 2 * [("white ball on grass", "text", 3)]


@pytest.mark.usefixtures("home")
def test_a_prompt_may_have_several_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "A ball rolls.\n\nCinematography:\nCamera shot: wide\n", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A ball rolls. Cinematography: Camera shot: wide"


@pytest.mark.usefixtures("home")
def test_generate_says_which_words_the_engine_does_not_know(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = catalogue(native_size=(48, 32), fixed_size=True, words=frozenset({"white", "ball"}))
    monkeypatch.setattr("sora_cli.engines.catalogue.card", small)
    monkeypatch.setattr("sora_cli.engines.catalogue.open_engine", lambda card, **_: Greys(card))
    for _ in ("made", "up to date"):
        assert main(["generate", "white", "ball", "castle", "dragon", "-d", "0.5", "-o", "ball.mp4"]) == 0
        assert "castle, dragon" in capsys.readouterr().err
    assert main(["generate", "white", "ball", "-d", "0.5", "-o", "white.mp4"]) == 0
    assert "note" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("p.heic", "`p.heic`: no such file"),
        ("p.AVIF", "`p.AVIF`: no such file"),
        ("p.psd", "`p.psd` is not a picture or a film"),
        ("refs/p.png", "`refs/p.png`: no such file"),
        ("../p", "no such file"),
        ("ball", "no shot called `ball`"),
    ],
)
def test_a_picture_is_told_as_a_picture(home: Path, capsys: pytest.CaptureFixture[str], name: str, told: str) -> None:
    (home / "p.psd").touch()
    assert main(["generate", "ball", "--image", name]) == 2
    assert told in capsys.readouterr().err


def test_a_dry_run_shows_the_takes_and_makes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "a", "red", "ball", "--takes", "2", "--dry-run", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["takes"]) == 2
    assert not list(home.rglob("*.mp4"))


def test_a_path_that_leaves_the_folder_is_told_as_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "out.yaml").write_text("shots: [{prompt: a, from: ../../x}]\n")
    assert main(["check", "out.yaml"]) == 2
    assert "`../../x` is outside the storyboard's folder" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["-V", "--version", "version"])
def test_the_version_has_three_spellings(capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main([words]) == 0
    assert capsys.readouterr().out.startswith("sora ")


@pytest.mark.parametrize("words", ["", "check", "models pull", "store clean"])
def test_help_takes_a_command(capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main(["help", *words.split()]) == 0
    asked = capsys.readouterr().out
    assert main([*words.split(), "--help"]) == 0
    assert asked == capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("a red ball", "sora generate a red ball"),
        ("film.yaml", "sora storyboard film.yaml"),
        ("film.MP4", "sora verify film.MP4"),
        ("render good.yaml", "sora storyboard FILE"),
        ("chek good.yaml", "Did you mean 'check'"),
        ("help chek", "Did you mean 'check'"),
        ("generate", 'sora generate "a red ball'),
        ("generate --prompt ball", "needs no option"),
        ("edit a.mp4 --prompt ball", "sora edit film.mp4"),
        ("generate ball --lenght 4s", "write --duration"),
        ("generate ball --cfg 5", "write --option guidance=5"),
        ("storyboard good.yaml bad.yaml", "sora batch FILES"),
        ("stamp in.mp4 out.mp4", "sora stamp FILE -o FILM"),
        ("models nosuch", "sora models --help"),
        ("verify film.mp4 --nosuch", "sora verify --help"),
        *((f"{command} good.yaml --model wan", "`engine: NAME`") for command in usage.BOARDS),
        ("storyboard good.yaml --steps 9", "`options: {steps: 24}`"),
        ("check good.yaml --foo", "see: sora check --help"),
        ("generate ball --workers 0", "error: --workers 0: it must be 1 or more\nhint: see: sora generate --help"),
        ("generate ball --seed=x", "error: --seed=x: it must be a whole number\nhint: see: sora generate --help"),
        ("storyboard good.yaml --dry-run --deliver interactive", "this storyboard has no choices"),
        ("generate ball --dry-run --max-time abc", "--max-time abc: not an amount"),
        ("storyboard good.yaml --dry-run --max-disk 5", "--max-disk 5: not an amount"),
        ("storyboard good.yaml --dry-run --log a.mp4", "that is no name of a log"),
        (
            "generate @mara walks --dry-run",
            "PROMPT: nobody in the cast is called `mara`\n  hint: a prompt alone has no cast",
        ),
        ("policy test strct ball", "`strct` is no policy, and no such file is here\nhint: did you mean `strict`?"),
        ("storyboard good.yaml --fps 9", "`output: {fps: 24}`"),
        ("storyboard good.yaml --aspect 1:1", "`output: {aspect: 16:9, height: 480}`"),
        ("storyboard good.yaml --takes 9", "`takes: 3"),
        ("storyboard good.yaml --negative text", "`avoid: WORDS`"),
        ("storyboard good.yaml -d 3", "`duration: 4s"),
        ("generate ball --dry-run --steps x", "not a whole number\n  hint: what they take: sora models show nano"),
        ("generate ball --duration", "--duration: nothing stands behind it\nhint: write its value: --duration VALUE"),
        ("plan good.yaml --set", "write its value: --set VALUE"),
        ("storyboard good.yaml --var a=b", "write --set"),
        ("storyboard good.yaml --force", "write --overwrite"),
        ("storyboard good.yaml --resume", "run the same command again"),
        ("storyboard good.yaml --strict", "`policy: strict`"),
        ("export a.mp4 --format edl", "write --to"),
        ("plan good.yaml --prompt", "write --prompts"),
        ("batch good.yaml --dry-run", "sora plan FILE"),
        ("check https://example.org/a.yaml", "save the file here first"),
        ("generate ball --option lora=a.safetensors --dry-run", "a.safetensors\n  hint: name a .safetensors file"),
        ("play good.yaml", "to make its film: sora storyboard FILE"),
        ("grade good.yaml --match film -o a.mp4", "hint: name a picture"),
        ("reproduce good.yaml", "name the film itself"),
        ("make a video of dogs", "sora generate a video of dogs"),
        ("a dog's beach --seconds 4", 'sora generate "a dog\'s beach"\n'),
        ("upscale film.mp4", "see: sora --help"),
        ("--num_frames 81 generate ball", 'sora generate "a red ball" --duration 81f'),
        ("generate ball --num_frames 81", "write --duration 81f"),
        ("generate --file a.txt", 'sora generate "$(cat FILE)"'),
        ("import --file a.txt", "sora import FILE"),
        ("storyboard -i good.yaml", "sora storyboard FILE"),
        ("generate ball --input_reference a.png", "write --image"),
        ("generate ball --lora-strength 1", "write --option 'lora={path: FILE, scale: 0.8}'"),
        ("generate ball --music a.wav", "in a storyboard, as `sound: {music: FILE}`"),
        ("storyboard good.yaml --music a.wav", "in the storyboard, as `sound: {music: FILE}`"),
        ("generate ball --sampler euler", "the scheduler in its folder"),
        ("generate ball --no-overwrite", "leave it out: nothing of yours is replaced"),
        *((f"generate ball {other} x", "see: sora generate --help") for other in ("--motion", "--image-strength")),
        ("generate ball -o", "write its value: -o VALUE; see: sora generate --help"),
        ("generate ball --dry-run -d=soon", "--duration soon: `soon` is not a length of time"),
    ],
)
@pytest.mark.usefixtures("home")
def test_what_cannot_be_read_is_told_with_what_to_type(
    capsys: pytest.CaptureFixture[str], words: str, hint: str
) -> None:
    assert main(words.split()) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "code"), [("SORA_ENGINE", "nosuch", 3), ("SORA_COST", "much", 2), ("SORA_EXECUTOR", "slurm", 2)]
)
@pytest.mark.usefixtures("home")
def test_a_wrong_variable_of_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, code: int
) -> None:
    monkeypatch.setenv(name, value)
    assert main([*("plan --workers 2" if name == "SORA_EXECUTOR" else "check").split(), "good.yaml"]) == code
    assert f"{name}: " in capsys.readouterr().err


@pytest.mark.parametrize("store", ["good.yaml", "good.yaml/store", "ftp://host/films", "s3:/bucket"])
@pytest.mark.parametrize("words", ["check", "plan", "storyboard --dry-run", "storyboard"])
@pytest.mark.usefixtures("home")
def test_a_store_that_can_be_none_is_told_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, store: str
) -> None:
    monkeypatch.setenv("SORA_STORE", store)
    assert main([*words.split(), "good.yaml"]) == 2
    assert f"SORA_STORE is {store}: " in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_what_a_cluster_lacks_is_told_before_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sora_cli.packages.here", lambda package: package not in ("obstore", "ray"))
    for words in ("plan good.yaml", "storyboard good.yaml --dry-run", "generate ball --dry-run", "generate ball"):
        assert main([*words.split(), "--executor", "ray"]) == 3, words
        told = capsys.readouterr().err
        assert "the executor ray needs the package ray, which is not installed" in told
        assert "plan ..." not in told
    monkeypatch.setenv("SORA_STORE", "s3://bucket/films")
    for command in ("check", "plan", "storyboard"):
        assert main([command, "good.yaml"]) == 3, command
        assert "needs the package obstore, which is not installed" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_a_folder_of_models_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SORA_MODELS", "nowhere")
    for words, code in ((["models"], 0), (["check", "good.yaml"], 3)):
        monkeypatch.setenv("SORA_ENGINE", "wan2.1-t2v-14b")
        assert main(words) == code
        told = capsys.readouterr().err
        assert "SORA_MODELS" in told, words
        assert "nowhere" in told, words


@pytest.mark.usefixtures("home")
def test_what_the_hints_name_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command that is named takes `--help`; every key of a storyboard that is named is known."""
    for command in {*usage.COMMANDS.values(), *usage.BOARDS}:
        name = [word for word in command.split() if word.isalpha() and word.islower()]
        assert main([*name, "--help"]) == 0, command
    for written, _, where in (key.partition(", at a") for key, *_ in usage.OPTIONS.values() if key):
        shot, film = (f", {written}", "") if where else ("", f"{written}\n")
        Path("key.yaml").write_text(f"{film}shots: [{{prompt: a{shot}}}]\n")
        main(["check", "key.yaml"])
        assert "unknown key" not in capsys.readouterr().err, written


# -- one document --------------------------------------------------------------------------------------------------


def document(words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
    code = main([*words.split(), "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("generate", 2),
        ("generate ball --nosuch", 2),
        ("generate ball --max-time soon", 2),
        ("generate ball --engine nosuch", 3),
        ("generate ball --deliver vhs", 2),
        ("storyboard nothere.yaml", 2),
        ("storyboard bad.yaml", 2),
        ("storyboard good.yaml --only nosuch", 2),
        ("batch bad.yaml", 2),
        ("batch nothere.csv", 2),
        ("check", 2),
        ("check good.yaml --set a", 2),
        ("plan bad.yaml", 2),
        ("plan good.yaml --memory none", 2),
        ("stitch nothere.mp4 -o b.mp4", 2),
        ("stitch nothere.mp4 -o b.mp4 --fit none", 2),
        ("grade nothere.mp4 --match a.png -o b.mp4", 2),
        ("stamp nothere.mp4 -o b.mp4", 2),
        ("stamp good.yaml -o b.mp4 --sign-cert nothere.pem", 3),
        ("verify nothere.mp4", 2),
        ("reproduce nothere.mp4", 2),
        ("models show nosuch", 3),
        ("models pull", 2),
        ("models pull nosuch", 2),
        ("models nosuch", 2),
        ("store clean --keep-days few", 2),
        ("nosuch", 2),
    ],
)
@pytest.mark.usefixtures("home")
def test_an_error_is_a_document_too(capsys: pytest.CaptureFixture[str], words: str, code: int) -> None:
    got, told = document(words, capsys)
    assert got == told["error"]["code"]
    assert {"code", "message", "hint", "where"} <= told["error"].keys()
    assert told["error"]["message"]
    assert got == code


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("generate --log run.log", "missing argument"),
        ("generate ball --nosuch --log=run.log", "--nosuch"),
        ("storyboard good.yaml --takes 3 --log run.log", "--takes"),
        ("generate ball --option steps --log run.log", "not key=value"),
        ("stitch a.mp4 --log run.log", "missing option"),
        ("batch good.yaml --jobs many --log run.log", "--jobs"),
        ("storyboard bad.yaml --log run.log", "promt"),
    ],
)
def test_a_log_has_every_error(home: Path, words: str, told: str) -> None:
    assert main(words.split()) == 2
    text = (home / "run.log").read_text()
    assert told in text.lower()
    assert "ended: " in text


def test_no_log_is_made_by_a_command_that_keeps_none_nor_over_other_files(home: Path) -> None:
    assert main(["check", "good.yaml", "--log", "run.log"]) == 2
    assert not (home / "run.log").exists()
    (home / "mine.txt").write_text("mine")
    assert main(["generate", "ball", "--nosuch", "--log", "mine.txt"]) == 2
    assert (home / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("command", ["check", "plan", "storyboard", "batch"])
@pytest.mark.usefixtures("home")
def test_all_mistakes_of_a_storyboard_are_in_it(capsys: pytest.CaptureFixture[str], command: str) -> None:
    code, told = document(f"{command} bad.yaml", capsys)
    assert code == told["error"]["code"] == 2
    assert told["error"]["where"] == {"file": "bad.yaml", "line": 2, "column": 6}
    assert {problem["line"] for problem in told["error"]["problems"]} == {2, 3}


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_an_interruption_is_a_document_too(tmp_path: Path) -> None:
    machine = new_machine(tmp_path)
    machine.write("one.yaml", "shots: [a red ball]\n")
    slow = {**machine.environment, "SORA_DRAW_STEP": "0.2"}
    program = [sys.executable, "-m", "sora_cli", "storyboard", "one.yaml", "--events", "--json"]
    with subprocess.Popen(program, cwd=tmp_path, env=slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "step":
                break
        process.send_signal(signal.SIGTERM)
        out = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 143
    told = json.loads("{\n" + out.partition("{\n")[2])
    assert (told["error"]["code"], told["error"]["message"]) == (143, "interrupted")


@pytest.mark.parametrize(
    ("code", "told"),
    [(errno.ENOSPC, ["--events can no longer be written: No space left on device"]), (errno.EPIPE, [])],
)
def test_events_that_cannot_be_written_are_told_and_the_work_goes_on(code: int, told: list[str]) -> None:
    class Full(io.StringIO):
        def write(self, _text: str) -> int:
            raise OSError(code, os.strerror(code))

    heard: list[Any] = []
    tell = Listeners(JsonLines(Full()), heard.append)
    for words in ("one", "two"):
        tell(Note(words))
    assert [note.message for note in heard] == [*told, "one", "two"]


def test_a_new_storyboard_on_a_full_disk_is_no_wrong_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(import_module("sora_cli.storyboard.starter"), "starter", full)
    assert main(["new", str(tmp_path)]) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_bar_that_is_not_drawn_leaves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Download("a") as bar:
        bar(1, 2)
    assert capsys.readouterr() == ("", "")


def test_two_threads_whose_log_is_full_at_once_tell_it_once_and_go_on() -> None:
    both, heard = threading.Barrier(2), list[Any]()

    def full(_event: Any) -> None:
        both.wait(10)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tell = Listeners(full, heard.append)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda words: tell(Note(words)), ["one", "two"]))
    assert sorted(note.message for note in heard) == [
        "one",
        "stderr can no longer be written: No space left on device",
        "two",
    ]


# -- completion ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("sora generate ball --engine n", {"nano"}),
        ("sora generate ball --deliver p", {"prores"}),
        ("sora storyboard good.yaml --only ", {"ball", "cube"}),
        ("sora plan bad.yaml --only ", set()),
        ("sora plan good.yaml --memory f", {"fast"}),
        ("sora models show n", {"nano"}),
    ],
)
def test_a_shell_completes_engines_deliveries_and_shots(home: Path, line: str, wanted: set[str]) -> None:
    asked = {"_SORA_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    program = "from sora_cli.cli.main import main; main([])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=home,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    assert wanted <= set(done.stdout.split()), done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("place", ["none.mp4", ".", "/"])
@pytest.mark.parametrize(
    "words",
    ["stitch {} {} -o o.mp4", "grade {} --match {} -o o.mp4", "stamp {} -o o.mp4", "extend {} light -o o.mp4",
     "edit {} light --region 0,0,1,1 -o o.mp4", "export {} --to edl", "review {}", "verify {}", "takes {}",
     "reproduce {}", "import {}"],
)  # fmt: skip
def test_a_film_that_is_not_there_is_a_wrong_request(
    home: Path, capsys: pytest.CaptureFixture[str], words: str, place: str
) -> None:
    assert main([word.format(place) for word in words.split()]) == 2
    assert "error: " in capsys.readouterr().err
    assert not [*home.glob("o.*")]


def test_a_storyboard_to_begin_with_goes_where_it_is_wanted(home: Path) -> None:
    assert main(["new", "story.yaml"]) == main(["new", "folder"]) == 0
    assert (home / "story.yaml").read_text() == (home / "folder" / "storyboard.yaml").read_text()
    assert main(["new", "story.yaml"]) == 2


def test_what_to_type_next_can_be_typed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place, typed in (("my film", "'my film/storyboard.yaml'"), ("-x", "./-x/storyboard.yaml")):
        assert main(["new", "--", place]) == 0
        assert capsys.readouterr().err == f"next: sora storyboard {typed}\n"
    assert main(["direct", "my film/storyboard.yaml", "-o", "new/"]) == 0
    assert capsys.readouterr().err.endswith("next: sora plan new/storyboard.directed.yaml\n")
    (home / "shots.csv").write_text("shot,prompt\none,a ball rolls\n")
    assert main(["import", "shots.csv", "-o", "my film"]) == 0
    assert capsys.readouterr().err.endswith("next: sora check 'my film/shots.yaml'\n")


def test_a_command_without_what_it_needs_says_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    bare = 0
    for name in ROOMS:
        main([name, "--help"])
        if "[required]" in capsys.readouterr().out:
            main([name])
            told, bare = capsys.readouterr().err, bare + 1
            assert f"sora {name} " in told.replace(f"see: sora {name} --help", ""), told
    assert bare > 15


def test_a_working_folder_that_was_removed_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    for words in (["check", "../x.yaml"], ["generate", "a ball"], ["storyboard", "/x.yaml", "-o", "/x.mp4"]):
        assert main(words) == 2
        assert "the folder that you are in was removed" in capsys.readouterr().err
