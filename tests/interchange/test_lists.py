"""Lists as other programs and countries write them: which scene a row is in, what its cells mean, in which letters."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.errors import StoryboardError
from sora_cli.flows.bring import bring
from sora_cli.interchange.moves import move
from sora_cli.interchange.said import spoken
from sora_cli.texts import decoded

HEAD = "Scene,Shot,Description,Duration\n"


def brought(text: str, folder: Path, name: str = "a.csv") -> tuple[list[tuple[str, str, str, list[str]]], str]:
    """Name, setting, light and shots' names of each scene; and what was told."""
    (folder / name).write_text(text, encoding="utf-8")
    done = bring(folder / name, None)
    board = storyboard.load(done.path)
    scenes = [(one.name, one.setting, one.light, [shot.name for shot in one.shots]) for one in board.scenes]
    return scenes, "\n".join(remark.message for remark in done.remarks)


@pytest.mark.parametrize(
    ("rows", "scenes"),
    [
        (
            f"{HEAD}INT. KITCHEN - NIGHT,1,a kettle,4\nINT. KITCHEN - NIGHT,2,a cup,4\nEXT. STREET - DAY,1,a bus,3\n",
            [
                ("kitchen", "interior, kitchen", "night", ["kitchen-1", "kitchen-2"]),
                ("street", "exterior, street", "daylight", ["street-1"]),
            ],
        ),
        (
            "Shot,Description\nSCENE 1 - BEACH,\n1,a ball\n2,a cube\nScene 2: The forest,\n1,a star\n",
            [
                ("scene-1-beach", "beach", "", ["scene-1-beach-1", "scene-1-beach-2"]),
                ("scene-2-the-forest", "The forest", "", ["scene-2-the-forest-1"]),
            ],
        ),
        (f"{HEAD}1.0,2.0,a ball,4.0\n1.0,3.0,a cube,4.0\n", [("scene-1", "", "", ["1-2", "1-3"])]),
        (f"{HEAD}1,1,a ball,4\nTotal,,,4\nSumme:,,,4\n", [("scene-1", "", "", ["1-1"])]),
    ],
    ids=["headings", "rows of their own", "gaps", "totals"],
)
def test_each_row_is_in_its_scene(tmp_path: Path, rows: str, scenes: object) -> None:
    assert brought(rows, tmp_path) == (scenes, "")


def test_whether_it_is_inside_or_outside_is_read_in_each_way_that_headings_say_it(tmp_path: Path) -> None:
    cells = ["Int.", "Exterior", "Innen/Außen", "A", "нат", "内外", "Day"]
    rows = "".join(f"{number},{cell},pier {number},a ball\n" for number, cell in enumerate(cells))
    scenes, _ = brought(f"Shot,INT/EXT,Location,Description\n{rows}", tmp_path)
    sides = [
        "interior, ",
        "exterior, ",
        "interior and exterior, ",
        "exterior, ",
        "exterior, ",
        "interior and exterior, ",
        "",
    ]
    assert [setting for _, setting, *_ in scenes] == [f"{side}pier {number}" for number, side in enumerate(sides)]


@pytest.mark.parametrize(
    "columns",
    ["Shot Description,Shot Duration", "SHOT DESCRIPTION,SHOT LENGTH (SEC)", "Prompt,Clip length in seconds",
     "Opis,Czas trwania", "Beskrivning,Längd", "Aksiyon,Süre", "Popis,Délka záběru", "설명,시간(초)"],
)  # fmt: skip
def test_a_length_is_found_under_its_longer_and_foreign_names(tmp_path: Path, columns: str) -> None:
    brought(f"Shot,{columns}\n1,a ball,4\n", tmp_path)
    (shot,) = storyboard.load(tmp_path / "a.yaml").shots
    assert shot.beats[0].duration is not None
    assert shot.beats[0].duration.seconds == 4


def test_how_long_a_shot_takes_to_shoot_is_no_length_and_what_is_avoided_no_comment(tmp_path: Path) -> None:
    told = brought("Shot,Subject,Action,Est. Time,Seed,Negative prompt\n1,Ann,Ann runs,30m,7.0,text\n", tmp_path)[1]
    (shot,) = storyboard.load(tmp_path / "a.yaml").shots
    (beat,) = shot.beats
    assert (beat.prompt, beat.duration, beat.seed, beat.avoid) == ("Ann runs", None, 7, "text")
    assert "`Est. Time`: kept as comments" in told
    assert "`x` is not a seed" in brought("Shot,Action,Seed\n1,Ann runs,x\n", tmp_path)[1]


@pytest.mark.parametrize("date", ["02-Jan", "Feb-01", "2026-02-01", "1/2/2026", "1.2.2026", "1月2日"])
def test_a_number_that_a_spreadsheet_made_a_date_of_is_told(tmp_path: Path, date: str) -> None:
    assert f"`{date}` is a date" in brought(f"{HEAD}1,{date},a ball,4\n", tmp_path)[1]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "场景,镜号,景别,画面内容,时长\n1,1,特写,红球滚动,4秒\n"),
        ("gb18030", "hero,place\n红球,海边\n蓝色立方体,森林\n"),
        ("big5", "場景,鏡號,景別,畫面內容,時長\n1,1,特寫,紅球滾動,4秒\n"),
        ("euc_kr", "씬,샷,내용,길이\n1,1,빨간 공이 구른다,4초\n"),
        ("euc_jp", "シーン,カット,内容\n1,1,赤いボールが転がる\n"),
        ("shift_jis", "シーン,カット,内容\n1,1,赤いボールが転がる\n"),
        ("cp1252", "Ângulo;Ação\nÁGUA;ÂNIMO\nÉ;ÇA\n"),
        ("cp1252", "Scène;Bild;Plano;Azione\n¿Qué?;løber på øen;m³;Perché è così, più giù\n"),
        ("cp1250", "Záběr,Popis,Délka\n1,Dívka běží přes most a křičí,3\n"),
        ("cp1250", "Ujęcie,Opis,Czas trwania\n1,Dziewczyna otwiera drzwi chaty, żółty liść spada,4\n"),
        ("cp1251", "Сцена;Кадр;Описание\n1;1;Красный мяч\n"),
        ("cp1250", "Jelenet;Leírás;Hossz\n1;Egy nő belép az erdőbe;3\n"),
        ("cp1250", "hero;place\nősz hajú nő;a tűz mellett\n"),
        ("cp1250", "hero;place\nO fată fără umbrelă;ploaia şi vântul\n"),
        ("cp1253", "Σκηνή;Περιγραφή;Διάρκεια\n1;μια κόκκινη μπάλα;3\n"),
        ("cp1254", "Sahne;Aç\u0131klama;Süre\n1;Kad\u0131n kap\u0131y\u0131 aç\u0131yor;3\n"),
        ("cp1255", "סצנה;תיאור;משך\n1;כדור אדום מתגלגל על הדשא;3\n"),
        ("cp1256", "مشهد;وصف;مدة\n1;كرة حمراء تتدحرج على العشب;3\n"),
        ("cp1257", "hero;place\nraudonas kamuolys;žalia žolė, šviesa\n"),
        ("cp874", "hero;place\nลูกบอลสีแดง;สนามหญ้า\n"),
        ("cp866", "hero;place\n1;красный мяч;трава\n"),
        ("cp850", "hero;place\nein Mädchen;Größe\n"),
        ("mac_roman", "hero;place\nein Mädchen;Größe\n"),
        ("cp1252", "hero;lloc\nuna pilota;l’època és això\n"),
        ("cp1252", "hero;place\nþað er rauður bolti;græn fjöll\n"),
        ("gb18030", "hero,place\n红球,海边\n"),
        ("mac_roman", "Plano,Descripción\n1,El corazón solo\n"),
        ("cp852", "Ujęcie,Opis\n1,Dziewczynka biegnie przez łąkę\n"),
        ("cp852", "Jelenet;Leírás\n1;Egy lány fut a mezőn\n"),
        ("cp857", "Sahne,Aç\u0131klama\n1,K\u0131z çay\u0131rda koşuyor\n"),
        ("cp775", "Aina,Apraksts\n1,Vējš pūš, jūra naktī\n"),
        ("cp1257", "Apraksts\nZēns brauc ar velosipēdu\n"),
        ("koi8_u", "Кадр,Описание\n1,Девочка бежит по лугу\n"),
        ("koi8_u", "Кадр,Опис\n1,Дівчина біжить\n"),
        ("mac_cyrillic", "Кадр,Описание\n1,Девочка бежит по лугу\n"),
        ("cp1251", "кадр,описание\n1,девочка бежит, моя земля\n"),
        ("cp737", "Σκηνή,Περιγραφή\n1,μια μικρή κόρη τρέχει\n"),
        ("mac_roman", "Scène;Plan;Valeur;Action;Durée\n1;1;Gros plan;Une fille à l’école;4\n"),
    ],
)
def test_a_short_list_is_read_in_the_letters_that_it_was_saved_in(encoding: str, text: str) -> None:
    assert decoded(text.encode(encoding))[0] == text


def test_of_a_workbook_the_sheet_of_shots_is_read_and_what_is_hidden_told(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title, book.active.sheet_state = "Choices", "hidden"
    for cells in (["Shot", "Type"], ["1", "CU"]):
        book.active.append(cells)
    book.create_sheet("Cover").append(["My film"])
    shots = book.create_sheet("Shots")
    for row in (["Shot", "Description"], [1, "a ball"], [2, "a cube"]):
        shots.append(row)
    shots.row_dimensions[3].hidden = shots.column_dimensions["A"].hidden = True
    book.active = 1
    book.save(tmp_path / "a.xlsx")
    done = bring(tmp_path / "a.xlsx", None)
    told = "sheet `Shots` is read; left out: `Cover`, `Choices`; hidden, and read too: row 3, column A"
    assert done.remarks[0].message.endswith(told)
    assert done.shots == 2


NOTED: dict[str, str] = {
    "numbers under a title": "# Film\n\n1. a ball (4s)\n2. a cube\n   - camera: pan left\n   - Duration: 3s\n\n---\n",
    "length behind a dash": "* a ball \N{EN DASH} 4s\n\N{BULLET} a cube | 3 sec\n  camera: pan left\n",
    "length with its name": "**Shot 1:** a ball. *Duration: 4 sec*\nShot 2: a cube (Length: 3s)\nCamera: pan left\n",
    "lines with names": "SHOT 1\nVisual: a ball\nDuration: 4s\nSHOT 2\nVisual: a cube\nLength: 3s\nCamera: pan left\n",
    "times": "[0:00-0:04] a ball\n[0:04-0:07] a cube\nCamera: pan left\n",
    "starts": "00:00 a ball\n00:04 - a cube\nCamera: pan left\nDuration: 3\n",
    "prompts": "Prompt: a ball\nDuration: 4\n\nPrompt: a cube\nDuration: 3\nCamera: pan left\n",
}


NOTED |= {
    "asides": "Shot 1: a ball. Duration: 4s.\nShot 2: a cube. Light: dusk. Camera: pan left, length: 3s\n",
    "bars": "a ball. Length: 4s | a cube. Length: 3s. Camera: pan left\n",
    "Wan2GP": "a ball [/duration=4s]\n[/duration=3s,/new_shot]\na cube. Camera: pan left\n",
}


NOTED |= {
    "parts between dashes": "**Shot 1.1** \N{EN DASH} *a ball* \N{EN DASH} 4s\n**Shot 1.2** - pan left - 3s - a cube\n",
    "parts between bars": "Shot 1 | a ball | 4s\nShot 2 | a cube | pan left | 3s\n",
    "brackets": "[Shot 1] a ball (0:00-0:04)\nShot 2 (pan left, 3s): a cube\n",
    "wide brackets": "镜头1：a ball（4秒）\n第2镜：a cube，3秒\nCamera: pan left\n",  # noqa: RUF001  as they are written
    "lengths of their own": "SHOT 1\na ball\n4 seconds\n\nSHOT 2\na cube\n(3 sec)\nCamera:\npan left\n",
    "headings of Markdown": "## Shot 1 (4s)\n**Prompt:** a ball\n## Shot 2 (3s)\n**Prompt:** a cube\n"
    "*Camera:* pan left\n",
    "names with lengths": "1. **Opening** (4 seconds): a ball\n2. **pan left** - a cube, 3s\n",
    "scenes": "Scene 1 (4s): a ball\nScene 2 [0:04-0:07] - a cube. Camera: pan left\n",
    "scenes with items": "**Scene 1 (0:00-0:04)**\n* **Visual:** a ball\n**Scene 2**\n* **Visual:** a cube\n"
    "* **Duration:** 3s\n* **Camera:** pan left\n",
    "scene and shot": "Scene 1, Shot 1: a ball, 4s\nScene 1, Shot 2: a cube, 3s\nCamera: pan left\n",
    "words for numbers": "Prompt one: a ball (4s)\nPrompt two: a cube (3s)\nCamera: pan left\n",
    "of a chat": "Sure! Here are the shots:\n\n1. a ball (4s)\n2. a cube (3s)\n   - Camera: pan left\n\nLet me know!\n",
    "boxes": "- [ ] a ball (4s)\n- [x] a cube (3s)\n  Camera: pan left\n",
    "an end": "0:00 a ball\n0:04 a cube\nCamera: pan left\n0:07 end\n",
}


def test_lists_as_programs_and_countries_write_them_are_read_whole(tmp_path: Path) -> None:
    """Airtable, a template of Google Sheets, and lists in German, French and Chinese."""
    for text, shot in {
        "Name,Shot ID,Scene,Shot Size,Movement,Action,Est. Length (s)\nx,1.1,1 - Beach,WS,Pan L,a ball,4.0\n": "1.1",
        "#,Shot,Scene,Movement,Description,Length\n1,Wide,1: Beach,pan left,a ball,0:04\n,,,,Total,0:04\n": "1-1",
        "Nr.;Szene;Einstellungsgröße;Kamera;Inhalt;Länge (Sek.)\n1;1. Beach;Totale;Schwenk links;a ball;4\n": "1-1",
        "Séquence;Plan;Valeur de plan;Mouvement;Description;Durée (s)\n1 - Beach;1A;Plan d'ensemble;"
        "Panoramique à gauche;a ball;4''\n": "1A",
        "镜号,场景,景别,运镜,画面内容,时长(秒)\n1,1 - Beach,远景,左摇,a ball,4\n": "1-1",
    }.items():
        ((_, setting, _, names),) = brought(text, tmp_path)[0]
        (beat,) = storyboard.load(tmp_path / "a.yaml").shots[0].beats
        assert (setting, names, beat.prompt, beat.framing, beat.camera) == (
            "Beach",
            [shot],
            "a ball",
            "wide",
            "pan left",
        )
        assert beat.duration is not None
        assert beat.duration.seconds == 4


def test_moves_of_the_camera_are_read_in_other_languages() -> None:
    for words, means in {
        "langsame Kamerafahrt": "slow tracking shot", "Statische Kamera": "static", "Fahrt nach links": "dolly left",
        "lent travelling avant": "slow dolly in", "Caméra portée": "handheld", "Paneo a la izquierda": "pan left",
        "Carrello avanti": "dolly in", "Fijo": "static", "缓慢推进": "slow dolly in", "固定": "static",
        "左へパン": "pan left", "고정": "static", "Панорама влево": "pan left", "Travelling": "tracking shot",
        "Tilt Up": "Tilt Up", "la caméra tombe": "la caméra tombe",
    }.items():  # fmt: skip
        assert move(words) == means


def test_who_speaks_in_a_column_of_sounds_is_heard(tmp_path: Path) -> None:
    brought('Bild;Ton\nAnna geht;Vögel\nAnna winkt;"Anna: ""Hallo!"""\nein Ball;Musik: Jazz\n', tmp_path)
    walk, wave, ball = [shot.beats[0] for shot in storyboard.load(tmp_path / "a.yaml").shots]
    assert [[line.line for line in beat.dialogue] for beat in (walk, wave, ball)] == [[], ["Hallo!"], []]
    assert [*spoken("マラ「こんにちは」")] == [("マラ", "こんにちは", "")]


def test_scripts_as_chats_and_text_programs_write_them_have_their_scenes_and_titles(tmp_path: Path) -> None:
    told = "Mara stands.\n\n{0}MARA{0}\nHello.\n\n{1}EXT. SEA - DAY{0}\n\nWaves.\n"
    page = "\ufeff      THE LIGHT\n\n      written by\n      Jane Doe\n\n\nFADE IN:\n\nEXT/INT CAR - NIGHT\n\n"
    for text, title in (
        ("## **INT. CAR - NIGHT**\n\n" + told.format("**", "### **"), "a"),
        (page + told.format("", ""), "THE LIGHT"),
    ):
        scenes, _ = brought(text, tmp_path, "a.md")
        board = storyboard.load(tmp_path / "a.yaml")
        assert [(light, len(shots)) for _, _, light, shots in scenes] == [("night", 1), ("daylight", 1)]
        assert board.title == title
        assert [line.line for line in board.shots[0].beats[0].dialogue] == ["Hello."]


def test_who_speaks_stands_behind_dialogue_or_answers_and_music_is_no_picture(tmp_path: Path) -> None:
    text = (
        'Shot 1: a pier\nDialogue (Mara): "Hello."\nTom: Hi.\nMusic: soft piano\nOn screen text: "THE END"\nShot 2: x\n'
    )
    brought(text, tmp_path, "a.md")
    shot = storyboard.load(tmp_path / "a.yaml").shots[0]
    assert [(line.cast, line.line) for line in shot.beats[0].dialogue] == [("mara", "Hello."), ("tom", "Hi.")]
    assert (shot.beats[0].prompt, shot.title and shot.title.text) == ("a pier", "THE END")
    assert "# Music: soft piano" in (tmp_path / "a.yaml").read_text()


def test_what_chats_say_of_the_camera_and_of_a_shots_title_is_in_its_place(tmp_path: Path) -> None:
    text = (
        '#### Shot 1: "The Drop" - 4 seconds\n- **Subject:** A ball\n- **Action:** rolls\n- **Mood:** calm\n'
        "- **Camera:** Close-up, low angle, 85mm lens, slow pan left\n\n"
        "#### Shot 2\nA cube.\n- **Camera:** Wide shot, drone\n"
    )
    brought(text, tmp_path, "a.md")
    ball, cube = [shot.beats[0] for shot in storyboard.load(tmp_path / "a.yaml").shots]
    assert (ball.framing, ball.angle, ball.lens, ball.camera) == ("close", "low", "85mm", "slow pan left")
    assert (ball.prompt, ball.mood) == ("A ball. rolls", "calm")
    assert (cube.prompt, cube.camera) == ("A cube", "Wide shot, drone")
    assert '# "The Drop"' in (tmp_path / "a.yaml").read_text()


CODES = (
    "#1 {} (4s)\n#2 {} (3s)", "S1: {} (4s)\nS2: {} - 3s", "SC01_SH010: {} (4s)\nSC02_SH010: {} (3s)",
    "1A. {} (4s)\n1B. {}, 3s", "Sc 1 Sh 1: {} (4s)\nSc 1 Sh 2 - {} (3s)", "SH010 {} (4s)\nSH020 {} (3s)",
    "SC01_SH010\n{}\n4s\n\nSC01_SH020\n{}\n3s", "1: {} (4s)\n2: {} (3s)", "[1] {} (4s)\n[2] {} (3s)",
    "\u2460 {} (4s)\n\u2461 {} (3s)", "1\ufe0f\u20e3 {} (4s)\n2\ufe0f\u20e3 {} (3s)",
    "### S1. {} (0-4s)\n\n### S2. {} (4-7s)",
    "**1A \u2013 Wide (4s)**\n{}\n**1B \u2013 Wide (3s)**\n{}", "Opening: {} (4s)\nEnding: {} (3s)",
    "Intro (0-4s): {}\nOutro (4-7s): {}", "First shot - {} (4s)\nLast shot - {} (3s)",
    "Image 1: {} (4s)\nImage 2: {} (3s)",
    "Part 1: {} (4s)\nPart 2: {} (3s)", "{} (4s)\n{} (3s)",
)  # fmt: skip
"""Shots that are called by codes, numbers and places, or by nothing."""
NOTED |= {
    "pictures before labels": "## \U0001f3ac Scene 1 (0\u20134 s)\n- \U0001f3ac **Action:** a ball\n"
    "## Scene 2 (4-7 s)\n- \U0001f3a5 **Camera:** pan left\n- \U0001f3ac **Action:** a cube\n",
    "a table": "| Shot # | Description | Camera Angle/Movement | Time |\n|:-:|-|-|-|\n| 1 | a ball | | ~4s |\n"
    "| 2 | a cube | pan left | 3 seconds |\n| | | | **Total** | 7 s |\n",
    "fences": "SHOT 1\n```text\na ball\n```\n4s\nSHOT 2\n```\na cube\n```\n3s\nCamera: pan left\n",
    "headings before words": "Shot 1: EXT. SEA - DAY. a ball. 4s\nShot 2: INT. HUT. a cube. 3s\nCamera: pan left\n",
    "tabs": "Shot 1:\tWide\ta ball\t4s\nShot 2:\tpan left\ta cube\t3s\n",
    "lines of scenes": "Scene 1\na ball (4s)\na cube (3s)\nCamera: pan left\n",
}
NOTED |= {each: each.format("a ball", "a cube") + "\nCamera: pan left\n" for each in CODES[:-1]}


def test_of_a_text_that_says_nowhere_where_a_shot_begins_each_line_is_one(tmp_path: Path) -> None:
    told = brought("a red ball rolls\na cube falls, wide shot\n", tmp_path, "a.txt")[1]
    assert [shot.beats[0].prompt for shot in storyboard.load(tmp_path / "a.yaml").shots] == [
        "a red ball rolls", "a cube falls, wide shot",
    ]  # fmt: skip
    assert told == "nothing here says where a shot begins: each line is taken as one"
    prose = "A man walks along the pier for a long time, and looks at the\nsea, where a boat has come into sight.\n"
    brought(prose, tmp_path, "a.txt")
    assert len(storyboard.load(tmp_path / "a.yaml").shots) == 1


def test_what_a_chat_tells_above_and_beside_its_shots_holds(tmp_path: Path) -> None:
    text = (
        '**Title:** "Light"\n**Negative prompt:** text, logos\n\n**Characters**\n- Mara: red hair, a blue coat\n\n'
        "**Shot 1: Wide (4s)**\nScene: Beach\nTime: Sunset\nMara walks.\n- Lighting: golden\n\n"
        "**Shot 2: The fall**\nLocation: Beach\nA cube falls.\n- Lighting: lamplight\n"
        "- Transition: Dissolve to next shot\n\n"
        "**Shot 3**\nA cone.\n- Transition: Fade to black\n"
    )
    scenes, told = brought(text, tmp_path, "a.md")
    board = storyboard.load(tmp_path / "a.yaml")
    walk, fall, cone = board.shots
    assert (board.title, walk.beats[0].avoid, board.cast["mara"].looks) == (
        "Light",
        "text, logos",
        "red hair, a blue coat",
    )
    assert [shot.beats[0].prompt for shot in board.shots] == ["@mara walks", "The fall. A cube falls", "A cone"]
    assert (walk.beats[0].framing, fall.beats[0].light, cone.transition.kind) == ("wide", "lamplight", "dissolve")
    assert walk.beats[0].light == "Sunset, golden"
    assert [each[1] for each in scenes] == ["Beach"]
    assert told.splitlines()[-1] == "no shot follows: `Fade to black` is left out"


@pytest.mark.parametrize("text", NOTED.values(), ids=NOTED)
def test_shots_are_read_out_of_notes_of_every_manner(tmp_path: Path, text: str) -> None:
    brought(text, tmp_path, "a.md")
    ball, cube = [shot.beats[0] for shot in storyboard.load(tmp_path / "a.yaml").shots]
    assert (ball.prompt.rstrip("."), cube.prompt, cube.camera) == ("a ball", "a cube", "pan left")
    assert [each.duration and each.duration.seconds for each in (ball, cube)] == [4, 3]


def test_who_speaks_in_notes_is_heard_and_labels_are_not(tmp_path: Path) -> None:
    text = (
        "Shot 1: Mara opens the door.\nMara: Hello.\nMARA (whispers): Who is there?\n"
        'Shot 2: a street.\n- Tom: "Me."\nNarrator: It was late.\nStyle: noir.\nText: "SALE"\n'
    )
    brought(text, tmp_path, "a.md")
    door, street = [shot.beats[0] for shot in storyboard.load(tmp_path / "a.yaml").shots]
    assert [(line.cast, line.line) for line in door.dialogue] == [("mara", "Hello."), ("mara", "Who is there?")]
    assert [(line.cast, line.line) for line in street.dialogue] == [("tom", "Me."), ("", "It was late.")]
    assert (door.prompt, street.prompt, street.style) == ("@mara opens the door", 'a street. Text: "SALE"', "noir")


def test_what_is_told_of_a_scene_is_in_it_and_not_in_the_scene_before(tmp_path: Path) -> None:
    text = (
        "Scene 1: Beach\nLight: sunset\n- a ball\n- a cube\n\nScene 2: Hut\nA kettle boils.\n\n"
        "Scene 3: Pier\nIt is late.\nShot 1: a boat\nSHOT 2 - EXT. SEA - DAY\na whale\n"
    )
    scenes, told = brought(text, tmp_path, "a.txt")
    assert [(setting, light, len(shots)) for _, setting, light, shots in scenes] == [
        ("Beach", "sunset", 2), ("Hut", "", 1), ("Pier", "", 1), ("exterior, sea", "daylight", 1),
    ]  # fmt: skip
    prompts = [shot.beats[0].prompt for shot in storyboard.load(tmp_path / "a.yaml").shots]
    assert prompts == ["a ball", "a cube", "A kettle boils", "a boat", "a whale"]
    assert "about the scene: It is late." in (tmp_path / "a.yaml").read_text()
    assert told == "no place in a storyboard for `about the scene`: kept as comments"


def test_one_shot_is_read_a_sound_of_notes_is_not_spoken_and_style_and_shape_hold_for_all(tmp_path: Path) -> None:
    brought("Style: watercolour\nAspect ratio: 16:9\n\nShot 1: CU - a ball\n- Audio: Birds\n", tmp_path, "a.md")
    (beat,) = storyboard.load(tmp_path / "a.yaml").shots[0].beats
    assert (beat.prompt, beat.framing, beat.dialogue) == ("a ball", "close", ())
    written = (tmp_path / "a.yaml").read_text()
    assert all(line in written for line in ("sound: Birds", "style: watercolour", 'output: {aspect: "16:9"}'))


def test_who_is_in_a_row_is_in_its_prompt_and_what_a_shot_goes_out_with_brings_in_the_next(tmp_path: Path) -> None:
    rows = "1,She walks,Mara,dissolve,-1\n2,Tom sits,Tom Reed; Ann,,-1\n3,a ball,,fade out,5\n"
    told = brought(f"Shot,Description,Characters,Transition Out,Seed\n{rows}", tmp_path)[1]
    shots = storyboard.load(tmp_path / "a.yaml").shots
    assert [shot.beats[0].prompt for shot in shots] == ["@mara. She walks", "@ann. Tom sits", "a ball"]
    assert [shot.transition.kind for shot in shots] == ["cut", "dissolve", "cut"]
    assert told.splitlines() == ["`-1` is not a seed: it is left out", "no shot follows: `fade out` is left out"]


def test_a_sound_in_a_column_of_audio_is_not_spoken(tmp_path: Path) -> None:
    brought('Video,Audio\na ball,waves on sand\na cube,"Nobody came."\n', tmp_path)
    ball, cube = storyboard.load(tmp_path / "a.yaml").shots
    assert ("sound: waves on sand" in (tmp_path / "a.yaml").read_text(), ball.beats[0].dialogue) == (True, ())
    assert [line.line for line in cube.beats[0].dialogue] == ["Nobody came."]


@pytest.mark.parametrize("words", [" " * 60_000, "- " * 30_000, "a | " * 20_000, "(4s) " * 15_000, "abc " * 50_000])
def test_hostile_notes_are_read_at_once(tmp_path: Path, words: str) -> None:
    begun = time.process_time()
    with contextlib.suppress(StoryboardError):  # a cell may be too long for a list, which is told
        brought(f"Shot 1: a{words}b\nShot 2: a cube\n", tmp_path, "a.txt")
    assert time.process_time() - begun < 5


def test_prose_and_scripts_are_not_taken_for_notes(tmp_path: Path) -> None:
    for text in (
        "A ball rolls.\n\nThen: a cube falls - 2 of them.\n",
        "EXT. SEA - DAY\n\nWaves.\n\nMARA\nAt 4:00 - now.\n",
    ):
        brought(text, tmp_path, "a.txt")
        assert len(storyboard.load(tmp_path / "a.yaml").shots) == 1


def test_what_stands_behind_the_time_of_a_heading_does_not_hide_it(tmp_path: Path) -> None:
    brought("EXT. PIER - DAY (1985)\n\nWaves.\n\nINT. HUT - NIGHT (CONTINUOUS)\n\nA lamp.\n", tmp_path, "a.fountain")
    scenes = storyboard.load(tmp_path / "a.yaml").scenes
    told = [(scene.setting, scene.light) for scene in scenes]
    assert told == [("exterior, pier, 1985", "daylight"), ("interior, hut", "night")]


def test_black_at_the_end_of_a_timeline_is_told(tmp_path: Path) -> None:
    events = (("001  ball", "00:00:00:00", "00:00:01:00"), ("002  BL", "00:00:01:00", "00:00:03:00"))
    lines = [f"{name} V C 00:00:00:00 00:00:01:00 {start} {end}\n" for name, start, end in events]
    told = brought("TITLE: x\n" + "".join(lines), tmp_path, "a.edl")[1]
    assert "48 frames of black at the end are left out" in told
