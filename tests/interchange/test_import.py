"""`sora import`: what comes of scripts and lists as they are found; golden files hold the storyboards."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from fractions import Fraction
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from sora_cli import storyboard
from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.errors import RequestError, SoraError, StoryboardError
from sora_cli.flows.bring import bring
from sora_cli.interchange.said import spoken
from sora_cli.interchange.words import framing, length
from sora_cli.plan import plan_takes
from sora_cli.storyboard.forms import Wrong
from sora_cli.storyboard.model import Duration
from sora_cli.storyboard.writing import Inline, Noted, Tree, written

HERE = Path(__file__).parent
SCRIPTS = sorted((HERE / "scripts").iterdir())


def brought(text: str | bytes, name: str, folder: Path) -> storyboard.LoadResult:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return storyboard.read(bring(folder / name, folder / "board.yaml").path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_becomes_the_storyboard_of_its_golden_file(script: Path, tmp_path: Path) -> None:
    shutil.copy(script, tmp_path)
    made = bring(tmp_path / script.name, tmp_path / "board.yaml")
    text = made.path.read_text(encoding="utf-8").rpartition("# sora ")[0]
    told = "\n".join(f"# {line}".rstrip() for remark in made.remarks for line in str(remark).splitlines())
    found = f"{text}\n{told}\n".replace(f"{tmp_path}{os.sep}", "")
    golden = HERE / "golden" / f"{script.name}.yaml"
    if os.environ.get("SORA_GOLDEN") == "write":
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")
    plan = plan_takes(storyboard.load(made.path), catalogue.card)
    assert {take.engine.partition("@")[0] for take in plan.takes} == {"nano"}


@pytest.mark.parametrize("words", ["CUT TO BLACK.", "SMASH CUT TO BLACK", "FADE TO WHITE.", "FADE OUT", "FADE UP ON:"])
def test_a_transition_without_a_to_is_no_action(words: str, tmp_path: Path) -> None:
    found = brought(f"EXT. SEA - DAY\n\nWaves.\n\n{words}\n\nEXT. LAND - DAY\n\nGrass.\n", "a.fountain", tmp_path)
    assert found.board is not None
    assert [beat.prompt for shot in found.board.shots for beat in shot.beats] == ["Waves.", "Grass."]
    assert [shot.transition.kind for shot in found.board.shots] == ["cut", "cut" if "CUT" in words else "fade"]


def test_what_is_said_in_a_cell_is_read_as_scripts_and_books_have_it() -> None:
    assert [*spoken("ANNA\nHello there\nBEN\nHi!\nHo.")] == [
        ("ANNA", "Hello there", ""), ("BEN", "Hi!", ""), ("BEN", "Ho.", ""),
    ]  # fmt: skip
    assert [*spoken("\u201cHello,\u201d she said.")] == [("", "\u201cHello,\u201d she said.", "")]
    assert [*spoken("\u201cHello.\u201d")] == [("", "Hello.", "")]
    assert [*spoken("HELP!\nSomebody?")] == [("", "HELP!", ""), ("", "Somebody?", "")]


@pytest.mark.parametrize(
    "text",
    [
        "Shot 1 (0-2s): A red ball rolls.\nShot 2 (2-5s): A cube falls,\nslowly.\n",
        "# The ball\n\n**Shot 1 (2s):** A red ball rolls.\n\n**Shot 2 (3s):** A cube falls, slowly.\n",
        "## Shot 1\nA red ball rolls. (2s)\n\n## Shot 2\nA cube falls, slowly. (3 sec)\n",
        "Einstellung 1: A red ball rolls. (2s)\nEinstellung 2 - A cube falls, slowly. (3 s)\n",
        "Scene 1: Beach\n- A red ball rolls. (2s)\n- A cube falls, slowly. (3s)\n",
    ],
    ids=["notes", "bold", "headings", "deutsch", "items"],
)
def test_shots_that_are_told_one_by_one_are_shots(text: str, tmp_path: Path) -> None:
    found = brought(text, "a.md", tmp_path)
    assert found.board is not None
    assert [shot.beats[0].prompt for shot in found.board.shots] == ["A red ball rolls", "A cube falls, slowly"]
    lengths = [shot.beats[0].duration for shot in found.board.shots]
    assert [each and each.seconds for each in lengths] == [2, 3]
    assert [scene.setting for scene in found.board.scenes] == ["Beach" if "Beach" in text else ""]


def test_a_heading_is_one_without_an_empty_line_behind_it(tmp_path: Path) -> None:
    found = brought("EXT. SEA - NIGHT\nWaves crash.\n\nINT. HUT - DAY\nA lamp.\n", "a.txt", tmp_path)
    assert found.board is not None
    assert [(scene.name, scene.light) for scene in found.board.scenes] == [("sea", "night"), ("hut", "daylight")]
    assert [shot.beats[0].prompt for shot in found.board.shots] == ["Waves crash.", "A lamp."]


def test_a_list_is_named_by_the_line_above_it_and_read_in_short_german(tmp_path: Path) -> None:
    rows = "Projekt:;Die Salzstraße\nSzene;Einst.;Größe;Beschreibung\n1;1A;Totale;Ein Lastwagen\n"
    found = brought(rows, "a.csv", tmp_path)
    assert found.board is not None
    (shot,) = found.board.shots
    assert (found.board.title, shot.name, shot.beats[0].framing) == ("Die Salzstraße", "1A", "wide")


def test_check_finds_nothing_wrong_and_the_command_says_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(HERE / "scripts" / "lighthouse.fountain", tmp_path)
    assert main(["import", str(tmp_path / "lighthouse.fountain"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(tmp_path / "lighthouse.yaml")
    assert (told["scenes"], [remark["line"] for remark in told["remarks"]]) == (2, [38, 61])
    assert main(["check", told["file"]]) == 0


def test_an_import_replaces_its_own_file_until_somebody_edits_it(tmp_path: Path) -> None:
    script, board = tmp_path / "a.fountain", tmp_path / "a.yaml"
    script.write_text("EXT. SEA - DAY\n\nWaves.\n")
    bring(script, None)
    script.write_text("EXT. SEA - DAY\n\nHigh waves.\n")
    bring(script, None)
    edited = board.read_text().replace("High waves", "Low waves")
    board.write_text(edited)
    with pytest.raises(RequestError, match="is there already"):
        bring(script, None)
    assert board.read_text() == edited
    bring(script, None, overwrite=True)
    assert "High waves" in board.read_text()


LIST = "Scene,Shot,Description,Duration\n1,1A,A red ball rolls,4\n"


@pytest.mark.parametrize(
    "text",
    [
        LIST.replace(",", ", ").replace("1A", '="1A"'),
        LIST.replace(",", "\uff0c"),
        '"sep=;"\r\n' + LIST.replace(",", ";"),
        LIST + "\u200b,,,\n",
        LIST.encode("utf-16-le"),
        LIST.encode("utf-32"),
    ],
    ids=["spaces", "full-width", "sep", "unseen", "utf-16-le", "utf-32"],
)
def test_a_list_is_read_as_other_lists_are(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "film.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = bring(path, None)
    assert (done.shots, done.remarks) == (1, ())
    assert "name: 1A\n        prompt: A red ball rolls\n        duration: 4s" in done.path.read_text()


@pytest.mark.parametrize(
    "row",
    [
        "Séquence;Plan;Valeur;Action;Durée;Effet\n1;1;GP;A red ball;4,5 s;JOUR",
        "Scena;Inquadratura;Campo;Azione;Durata;Luce\n1;1;primo piano;A red ball;4,5;GIORNO",
        "Cena;Plano;Enquadramento;Descrição;Duração;Dia/Noite\n1;1;primeiro plano;A red ball;4,5 segundos;DIA",
        "Scène,Sh,Kader,Beschrijving,Duur,Dag/Nacht\n1,1,close,A red ball,4.5,dag",
        "Сцена;Кадр;Крупность;Описание;Хронометраж;Время\n1;1;Крупный;A red ball;4,5 сек.;день",
        "场景,镜号,景别,画面内容,时长,日/夜\n1,1,特写,A red ball,4.5秒,日",
        "シーン,カット,サイズ,内容,秒数,時間帯\n1,1,アップ,A red ball,4.5秒,昼",
        "Scene,#,Size,Visual Prompt,Start,End,Time\n1,1,CU,A red ball,0:01,0:05.5,DAY",
        "Scene,#,Size,What happens,Time,Light\n1,1,CU,A red ball,0-4.5s,DAY",
        "FPS: 24\nScene,Shot,Size,Action,TC In,TC Out,D/N\n1,1,CU,A red ball,01:00:00:12,01:00:05:00,D",
        "Scene,Shot,Size,Shot Type,Action,Prompt,Duration,Light\n1,1,CU,,,A red ball,4.5,DAY",
    ],
    ids=["fr", "it", "pt", "nl", "ru", "zh", "ja", "prompts", "stretch", "timecode", "twice"],
)
def test_one_list_as_many_countries_and_tools_write_it(tmp_path: Path, row: str) -> None:
    found = brought(row, "a.csv", tmp_path)
    assert found.board is not None
    (shot,) = found.board.shots
    (beat,) = shot.beats
    assert (shot.name, beat.framing, beat.prompt) == ("1-1", "close", "A red ball")
    assert beat.duration is not None
    assert beat.duration.at(Fraction(1)) == Fraction(9, 2)
    assert beat.light == "daylight"


def test_shots_without_an_end_last_until_the_next_begins_and_wrong_times_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Start,End,Description\n00:00:00:00,,a ball\n00:00:02:00,00:00:03:12,a cube\n0:09,0:08,a star\nx,y,a sun\n"
    )
    done = bring(path, None)
    told = [(remark.mark.line, remark.message) for remark in done.remarks if remark.mark]
    assert [line for line, _ in told] == [3, 4, 5]
    assert "nothing says at which rate" in told[0][1]
    assert done.remarks[0].hint.endswith("as in `FPS: 25`")
    assert "does not come after" in told[1][1]
    assert "`x` is not a time" in told[2][1]
    found = storyboard.read(done.path)
    assert found.board is not None
    assert [shot.beats[0].duration is not None for shot in found.board.shots] == [True, False, False, False]


def test_a_table_of_shots_that_sora_wrote_comes_back(tmp_path: Path) -> None:
    done = brought(
        "Scene,Shot,Duration,Transition,Description,On-screen text\n"
        "harbour,arrival,2s,,'@mara runs,\nharbour,lamp,1s,dissolve 6f,a lamp,The end\n",
        "a.csv",
        tmp_path,
    )
    assert done.board is not None
    one, two = done.board.shots
    assert (one.name, two.name) == ("arrival", "lamp")
    assert one.beats[0].prompt == "mara runs"
    assert (two.transition.kind, two.transition.duration) == ("dissolve", Duration(frames=6))
    assert two.title is not None
    assert two.title.text == "The end"


def test_a_list_in_two_columns_and_one_of_frames(tmp_path: Path) -> None:
    found = brought("Bild;Ton\nEin Ball;Wellen\n", "a.csv", tmp_path)
    assert found.board is not None
    assert [shot.beats[0].prompt for shot in found.board.shots] == ["Ein Ball"]
    (tmp_path / "board.yaml").unlink()
    found = brought("VIDEO,AUDIO\nA ball,MUSIC: piano\n", "b.csv", tmp_path)
    assert found.board is not None
    assert "sound: piano" in (tmp_path / "board.yaml").read_text()
    (tmp_path / "board.yaml").unlink()
    brought("Shot Code,Sequence,Description,Cut Duration\nA_10,A,A ball,48\n", "c.csv", tmp_path)
    assert "duration: 48f" in (tmp_path / "board.yaml").read_text()


BROKEN = {
    "open.fountain": ("EXT. SEA - DAY\n\n/* never closed\n\nWaves.\n", "boneyard"),
    "note.fountain": ("EXT. SEA - DAY\n\nWaves [[never closed.\n", "note"),
    "empty.fountain": ("", "nothing to shoot"),
    "bytes.fountain": (b"\x00\x01\x02", "not a text file"),
    "film.csv": ("a,b\n1,2\n", "no row names the columns"),
    "foo.csv": ("Shot,Duration,Foo\n1,4,a ball\n", "no column says what is seen"),
    "head.csv": ("Scene,Shot,Description\n", "no shot in this list"),
    "quote.csv": ('Scene,Shot,Description\n1,1,"never closed\n', "this is not a list"),
    "failed.csv": ("Scene,Shot,Description\n1,1,#REF!\n", "#REF! is an error of the spreadsheet"),
    "json.storyboarder": ("{", "not a Storyboarder project"),
    "list.storyboarder": ('{"boards": []}', "not a Storyboarder project"),
    "script.fdx": ("<xml/>", "is not a script of Final Draft"),
    "cut.fdx": ("<FinalDraft><Content><Paragraph>", "is not a script of Final Draft"),
    "script.pages": ("", "does not know this kind of file"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_by_name_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    text, words = BROKEN[name]
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SoraError, match=words) as caught:
        bring(path, None)
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_list_whose_reels_are_files_begins_on_them_and_a_timeline_in_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    lines = "001  clip.mp4 V C 00:00:00:00 00:00:00:12 01:00:00:00 01:00:00:12\n"
    done = bring(_saved(tmp_path / "a.edl", f"TITLE: x\n{lines}"), None)
    assert "from: clip.mp4" in done.path.read_text()
    (tmp_path / "a.fcpxmld").mkdir()
    with pytest.raises(RequestError) as caught:
        bring(tmp_path / "a.fcpxmld", None)
    assert caught.value.hint == "name the file Info.fcpxml in it"


def _saved(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="cannot read"):
        bring(tmp_path / "none.fountain", None)


def test_what_is_not_fit_for_a_storyboard_is_told_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f"Scene,Shot,Description\n1,1,{'word ' * 5000}\n")
    with pytest.raises(StoryboardError, match="at most 20,000"):
        bring(path, None)
    assert list(tmp_path.iterdir()) == [path]


def project(folder: Path, **more: object) -> Path:
    (folder / "images").mkdir()
    for number in (1, 2):
        Image.new("RGB", (32, 18), "navy").save(folder / "images" / f"board-{number}-AA.png")
    boards = [
        {"url": "board-1-AA.png", "newShot": True, "shot": "1A", "duration": 1500, "action": "MARA walks",
         "dialogue": "MARA: Hello.", "notes": "slow"},
        {"url": "board-2-AA.png", "newShot": False, "shot": "1B", "action": "Mara stops"},
        {"url": "board-3-AA.png", "newShot": True, "shot": "2A"},
    ]  # fmt: skip
    path = folder / "film.storyboarder"
    path.write_text(
        json.dumps({"fps": 24, "aspectRatio": 1.7777, "defaultBoardTiming": 2000, "boards": boards, **more})
    )
    return path


def test_boards_become_shots_that_begin_on_their_pictures(tmp_path: Path) -> None:
    made = bring(project(tmp_path), None)
    board = storyboard.load(made.path)
    first, second = board.shots
    assert (first.name, second.name, board.size.aspect, board.fps) == ("1A", "2A", (16, 9), 24)
    assert first.beats[0].start is not None
    assert first.beats[0].start.path == tmp_path / "images" / "board-1-AA.png"
    assert [beat.prompt for beat in first.beats] == ["@mara walks", "@mara stops"]
    assert (first.beats[0].dialogue[0].cast, first.beats[0].dialogue[0].line) == ("mara", "Hello.")
    assert [remark.message for remark in made.remarks] == [
        "board 3 (2A): no action is written: its number stands for it", "board 3 (2A): its picture is not there",
    ]  # fmt: skip
    text = made.path.read_text()
    assert "# its board: images/board-2-AA.png" in text
    assert "# slow" in text


def test_a_storyboard_away_from_its_pictures_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "boards"
    folder.mkdir()
    with pytest.raises(RequestError, match="outside the storyboard's folder"):
        bring(project(folder), tmp_path / "elsewhere" / "board.yaml")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("words", "means"),
    [("4", "4s"), ("4 sec.", "4s"), ("4 s.", "4s"), ("2,5", "2.5s"), ('4"', "4s"), ("1:05", "65s"), ("96f", "96f"),
     ("~3 s", "3s"),
     ("00:00:03:00", "3s"), ("1500 ms", "1.5s"), ("1m30s", "90s")],
)  # fmt: skip
def test_a_length_is_read_as_people_write_it(words: str, means: str) -> None:
    assert length(words) == means


@pytest.mark.parametrize("words", ["12' 6\"", "6'", "5ft 3in", "8 feet", "16 in", "6\N{PRIME}3\N{DOUBLE PRIME}"])
def test_a_length_of_film_stock_is_refused_with_a_word(words: str) -> None:
    with pytest.raises(Wrong, match="film stock"):
        length(words)


@pytest.mark.parametrize("words", ["1/8", "2 3/8 pgs", "1/8 page"])
def test_a_length_of_script_is_refused_with_a_word(words: str) -> None:
    with pytest.raises(Wrong, match="of script"):
        length(words)


@pytest.mark.parametrize(
    ("words", "means"),
    [("WS", "wide"), ("Extreme Wide Shot", "extreme wide"), ("M.C.U.", "medium close"), ("Close-Up", "close"),
     ("ECU", "detail"), ("O.T.S.", "over-shoulder"), ("over-the-shoulder", "over-shoulder"), ("Two Shot", "two"),
     ("Drone", "aerial"), ("P.O.V.", "pov"), ("pov shot", "pov"), ("Totale", "wide"), ("hero", "")],
)  # fmt: skip
def test_a_size_is_known_in_its_usual_spellings(words: str, means: str) -> None:
    assert framing(words) == means


def test_text_that_yaml_would_take_for_something_else_comes_through(tmp_path: Path) -> None:
    words = [
        "off",
        "12",
        "- a list",
        "key: value",
        "'single'",
        '"double"',
        "back\\slash",
        "${x} and $",
        "# no comment",
        "yes",
    ]
    rows = "".join(f'1,{number},"{word.replace(chr(34), chr(34) * 2)}"\n' for number, word in enumerate(words, 1))
    found = brought(f"Scene,Shot,Description\n{rows}", "a.csv", tmp_path)
    assert found.board is not None
    assert [shot.beats[0].prompt for shot in found.board.shots] == words


PROSE = (
    st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=200)
    .map(partial(unicodedata.normalize, "NFC"))
    .filter(str.strip)
)
"""With composed letters: a name behind `@` is read so, however it was typed."""


@given(PROSE, PROSE)
@example("0E0", "0o7")  # numbers in YAML 1.2, text in 1.1
def test_any_text_is_read_back_as_it_was_written(prompt: str, line: str) -> None:
    tree: dict[str, Tree] = {
        "title": "x",
        "shots": [Noted({"prompt": prompt, "dialogue": [Inline({"line": line})]}, [line])],
    }
    found = storyboard.read_text(written(tree), folder=Path(), name="x")
    assert found.board is not None
    beat = found.board.shots[0].beats[0]
    assert (beat.prompt, beat.dialogue[0].line) == (prompt.strip(), line.strip())


def test_words_over_the_picture_are_titles_and_asides_to_cutters_no_pictures(tmp_path: Path) -> None:
    text = (
        'EXT. BEACH - DAY\n\nSUPER: "One year later"\n\nWaves roll.\n\nINTERCUT WITH:\n\nINT. HUT - NIGHT\n\n'
        "A lamp.\n\nCHYRON: Paris, 1987\n\nBACK TO SCENE\n\nIt burns.\n\nEXT. HILL - DAY\n\nTITLE: Fin\n"
    )
    found = brought(text, "a.fountain", tmp_path)
    assert found.board is not None
    told = [(shot.title and shot.title.text, [beat.prompt for beat in shot.beats]) for shot in found.board.shots]
    assert told == [
        ("One year later", ["Waves roll."]), ("Paris, 1987", ["A lamp.", "It burns."]), ("Fin", ["exterior, hill"]),
    ]  # fmt: skip
