"""What stands around the shots of notes: sign-offs, what holds for the film; times and headings beside shots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sora_cli import storyboard
from sora_cli.errors import StoryboardError
from sora_cli.flows.bring import bring
from sora_cli.interchange import around

SHOTS = "**Shot 1 (4s):** a ball.\n\n**Shot 2 (3s):** a cube.\n\n"
DE_BYE, JA_BYE = "Soll ich es ausarbeiten?\n", "ご不明な点があればお知らせください。\n"


def brought(text: str, folder: Path) -> tuple[storyboard.Storyboard, str]:
    """The storyboard of notes, and its text."""
    (folder / "a.md").write_text(text, encoding="utf-8")
    path = bring(folder / "a.md", None).path
    return storyboard.load(path), path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("behind", "style", "comment"),
    [
        ("Style: noir\n", "noir", ""),
        ("**Total Duration:** 7 s\n**Overall Style:** noir\n**Aspect Ratio:** 16:9\n", "noir", "# Total Duration: 7 s"),
        ("---\n## Style Notes\n- noir\n- soft light\n\n### Music\nPiano.\n", "noir, soft light", "# Music: Piano"),
        ("## Visual Style & Mood\n\nnoir\n", "noir", ""),
        ("Thanks,\nJane\n", "", "# Thanks, Jane"),
        ("Best regards,\n\nJane Doe\n", "", "# Best regards, Jane Doe"),
        ("Style: noir\n\nWould you like me to change it?\n", "noir", "# Would you like me to change it?"),
    ],
)
def test_what_stands_below_the_last_shot_is_none_of_its_prompt(
    tmp_path: Path, behind: str, style: str, comment: str
) -> None:
    board, text = brought(SHOTS + behind, tmp_path)
    ball, cube = [shot.beats[0] for shot in board.shots]
    assert (ball.prompt, cube.prompt, cube.style) == ("a ball", "a cube", style)
    assert comment in text
    assert ("16:9" in text) == ("16:9" in behind)


@pytest.mark.parametrize("text", ["a ball\na cube\nStyle: noir\n", "Style: noir\na ball\na cube\n"])
def test_a_style_among_plain_prompts_is_no_shot(tmp_path: Path, text: str) -> None:
    board, _ = brought(text, tmp_path)
    assert [(shot.beats[0].prompt, shot.beats[0].style) for shot in board.shots] == [
        ("a ball", "noir"), ("a cube", "noir"),
    ]  # fmt: skip


def test_what_each_shot_says_is_the_last_ones_too(tmp_path: Path) -> None:
    """Shots with empty lines between their parts; and what one shot alone may have."""
    text = "Shot 1: a ball.\n\nStyle: noir\n\nDuration: 4s\n\nShot 2: a cube.\n\nStyle: ink\n\nMood: calm\n"
    board, _ = brought(text, tmp_path)
    assert [shot.beats[0].prompt for shot in board.shots] == ["a ball", "a cube"]
    assert [(shot.beats[0].style, shot.beats[0].mood) for shot in board.shots] == [("noir", ""), ("ink", "calm")]
    board, text = brought("1. a ball\n2. a cube\n\nBest of all: it spins.\n", tmp_path)
    assert board.shots[1].beats[0].prompt == "a cube. Best of all: it spins"


def test_headings_beside_a_framing_are_the_scene(tmp_path: Path) -> None:
    text = (
        "SHOT 1 - WIDE - EXT. BEACH - DAY\nWaves.\n\nSHOT 2 - EXT. BEACH - DAY - CLOSE UP (4s)\nA crab.\n\n"
        "SHOT 3 - MEDIUM SHOT - INT. HUT - NIGHT (3s)\nA lamp.\n"
    )
    board, _ = brought(text, tmp_path)
    assert [(scene.setting, scene.light) for scene in board.scenes] == [
        ("exterior, beach", "daylight"),
        ("interior, hut", "night"),
    ]
    beats = [shot.beats[0] for shot in board.shots]
    assert [(beat.framing, beat.prompt) for beat in beats] == [
        ("wide", "Waves"), ("close", "A crab"), ("medium", "A lamp"),
    ]  # fmt: skip
    assert [beat.duration and beat.duration.seconds for beat in beats[1:]] == [4, 3]


@pytest.mark.parametrize(
    "text",
    [
        "Second 0-4: a ball\nSecond 4-7: a cube\n",
        "- **Seconds 0\N{EN DASH}4:** a ball\n- **Seconds 4\N{EN DASH}7:** a cube\n",
        "- 0:00-0:04: a ball\n- 0:04-0:07: a cube\n",
        "[Sec 0 to 4] a ball\n[Sec 4 to 7] a cube\n",
    ],
)
def test_times_behind_their_unit_or_a_bullet_are_lengths(tmp_path: Path, text: str) -> None:
    beats = [shot.beats[0] for shot in brought(text, tmp_path)[0].shots]
    told = [(beat.prompt, beat.duration and beat.duration.seconds) for beat in beats]
    assert told == [("a ball", 4), ("a cube", 3)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("storyboard: 1\ntitle: x\nshots:\n  - prompt: a ball\n", 1),
        ("Here it is:\n\n```yaml\ntitle: x\nshots:\n  - prompt: a ball\n```\n", 5),
        ('```json\n{"shots": [{"prompt": "a ball"}]}\n```\n', 2),
        ('{"title": "x", "scenes": [{"shots": ["a ball"]}]}\n', 1),
    ],
)
def test_a_storyboard_in_a_text_is_told_as_that(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(StoryboardError, match="has a storyboard's form") as told:
        brought(text, tmp_path)
    (problem,) = told.value.problems
    assert problem.mark is not None
    assert (problem.mark.line, problem.hint.endswith("sora check a.yaml")) == (line, True)


def test_a_title_has_no_pictures_and_quotes_about_it(tmp_path: Path) -> None:
    assert brought(f'# \U0001f3ac **"The Light"**\n\n{SHOTS}', tmp_path)[0].title == "The Light"


@pytest.mark.parametrize(("text", "hint"), [("Shot 1: a ball\n", "sora import"), ("shot_1:\n  prompt: x\n", "a list")])
def test_shots_that_are_keys_are_told_with_what_to_write(tmp_path: Path, text: str, hint: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(StoryboardError) as told:
        storyboard.load(tmp_path / "a.yaml")
    assert hint in told.value.problems[0].hint


@pytest.mark.parametrize(
    ("text", "prompts", "lengths", "comment"),
    [
        (
            f"Klar! Hier:\n\n- **Einstellung 1** (4 Sek.): ein Ball\n- **Einstellung 2** (3 s): ein Kegel\n\n{DE_BYE}",
            ["ein Ball", "ein Kegel"],
            [4, 3],
            "# Soll ich es ausarbeiten?",
        ),
        (
            f"もちろんです。\n\nカット1 (4秒)\n映像: 赤い球\n音: 波\n\nカット2 (3秒)\n映像: 箱\n\n{JA_BYE}",
            ["赤い球", "箱"],
            [4, 3],
            "# ご不明な点",
        ),
        ("**اللقطة ١ (٤ ثوانٍ)**\nالوصف: كرة\n\n**اللقطة ٢ (٣ ثوانٍ)**\nالوصف: مكعب\n", ["كرة", "مكعب"], [4, 3], ""),  # noqa: RUF001  Arabic
        ("**शॉट 1 (4 सेकंड)**\nदृश्य: गेंद\n\n**शॉट 2 (3 सेकंड)**\nदृश्य: घन\n", ["गेंद", "घन"], [4, 3], ""),
        ("Shot 1 (3s): a ball. Shot 2 (4s): a cube. Shot 3: a cone.", ["a ball", "a cube", "a cone"], [3, 4, 2], ""),
        ("- [ ] Shot 1: a ball *(4s)*\n- [x] Shot 2: a cube *(3s)*\n", ["a ball", "a cube"], [4, 3], ""),
        ("Scene 1 → Pier\n→ Wide: a ball (3s)\n\nScene 2 → Hut\n→ a lamp (2s)\n", ["a ball", "a lamp"], [3, 2], ""),
    ],
)  # fmt: skip
def test_shots_are_read_in_the_words_and_digits_of_a_chats_language(
    tmp_path: Path, text: str, prompts: list[str], lengths: list[int], comment: str
) -> None:
    board, written = brought(text, tmp_path)
    assert [shot.beats[0].prompt for shot in board.shots] == prompts
    told = [shot.beats[0].duration for shot in board.shots]
    assert [each.seconds if each else 2 for each in told] == lengths
    assert comment in written


def test_a_prompt_in_the_parts_that_makers_of_models_advise_is_one_shot(tmp_path: Path) -> None:
    text = (
        "A woman stands on the pier.\n\nCinematography:\nCamera shot: wide shot, low angle\nMood: tense\n\n"
        'Actions:\n- She turns\n- She waves\n\nDialogue:\n- Mara: "It burns."\n'
    )
    board, _ = brought(text, tmp_path)
    (shot,) = board.shots
    (beat,) = shot.beats
    assert (beat.prompt, beat.framing, beat.mood) == (
        "A woman stands on the pier. She turns. She waves",
        "wide",
        "tense",
    )
    assert [line.line for line in beat.dialogue] == ["It burns."]


def test_what_holds_for_the_film_is_nobodys_line_and_how_one_shot_is_lit_not_the_next_ones(tmp_path: Path) -> None:
    text = (
        '**Shot 1:** a ball.\n**Lighting:** warm morning sun\n\n**Shot 2:** a cube.\n**Dialogue:** "Now."\n\n---\n\n'
        "**Style notes:** noir.\n**Format:** 9:16, 24fps\n\nWould you like more?\n"
    )
    board, written = brought(f"Mood: calm\n\n{text}", tmp_path)
    beats = [shot.beats[0] for shot in board.shots]
    assert [(beat.light, beat.style, beat.mood) for beat in beats] == [
        ("warm morning sun", "noir.", "calm"), ("", "noir.", "calm"),
    ]  # fmt: skip
    assert [[line.line for line in beat.dialogue] for beat in beats] == [[], ["Now."]]
    assert "aspect: 9:16" in written.replace('"', "")
    assert "fps: 24" in written.replace('"', "")
    assert "aspect: 9:16" in brought(f"Resolution: 1080x1920\n\n{SHOTS}", tmp_path)[1].replace('"', "")


def test_sounds_among_what_is_said_are_not_spoken(tmp_path: Path) -> None:
    rows = {"Upbeat music starts.": "", "VO: It stops.": "It stops.", "(wind)": "", 'BOY: "Wait!"': "Wait!"}
    for column in ("Audio", "Audio/Dialogue", "Audio / VO", "VO & SFX"):
        table = f"| Visual | {column} |\n|---|---|\n" + "".join(f"| a ball | {cell} |\n" for cell in rows)
        board, _ = brought(table, tmp_path)
        said = ["".join(line.line for line in shot.beats[0].dialogue) for shot in board.shots]
        assert said == list(rows.values()), column


@pytest.mark.parametrize(
    "text",
    [
        (
            '### Scene 1: Pier (0-4s)\n* **Visuals:** A ball.\n* **Sound:** Waves.\n* **Text Overlay:** "Now"\n'
            "* **Purpose:** a hook\n\n### Scene 2: Hut (4-7s)\n* **Purpose:** the end\n* **Visuals:** A lamp.\n"
        ),
        (
            "**Szene 1: Pier (4 Sekunden)**\n- Bild: A ball.\n- Ton: Waves.\n- Texteinblendung: x\n\n"
            "**Szene 2: Hut (3 s)**\n- Bild: A lamp.\n"
        ),
        (
            "**Scène 1 : Pier (4 secondes)**\n- Visuel : A ball.\n- Ambiance sonore : Waves.\n- Musique : x\n\n"
            "**Scène 2 : Hut (3 s)**\n- Visuel : A lamp.\n"
        ),
    ],
)
def test_items_of_a_scene_that_have_names_are_no_shots(tmp_path: Path, text: str) -> None:
    board, _ = brought(text, tmp_path)
    ball, lamp = [shot.beats[0] for shot in board.shots]
    assert (ball.prompt, lamp.prompt) == ("A ball", "A lamp")
    assert [float(beat.duration.seconds or 0) for beat in (ball, lamp) if beat.duration] == [4, 3]
    assert [each.setting for each in board.scenes] == ["Pier", "Hut"]


def test_two_columns_in_one_narrators_in_other_languages_and_tables_with_tabs(tmp_path: Path) -> None:
    table = "| 镜号 | 画面内容 | 台词/旁白 |\n|---|---|---|\n| 1 | 球 | 旁白: 它在燃烧 |\n"
    board, _ = brought(f"{table}| 2 | 灯 | 无 |\n", tmp_path)
    assert [[(line.cast, line.line) for line in shot.beats[0].dialogue] for shot in board.shots] == [
        [("", "它在燃烧")],
        [],
    ]
    board, _ = brought('Shot 1: a ball.\nSprecher: "Da."\n\nShot 2: a cube.\n', tmp_path)
    assert [(line.cast, line.line) for line in board.shots[0].beats[0].dialogue] == [("", "Da.")]
    board, _ = brought("Shot 1\tWide\ta ball\t4s\nShot 2\tClose\ta cube\t3s\n", tmp_path)
    assert [(shot.beats[0].prompt, shot.beats[0].framing) for shot in board.shots] == [
        ("a ball", "wide"),
        ("a cube", "close"),
    ]


def test_a_spoken_line_in_a_column_of_audio_is_said(tmp_path: Path) -> None:
    """Persons and commands make a line, as the name of a sound has none."""
    for name, said, heard in (
        ("Audio", "Goodbye.", "Rain."),
        ("Audio", "I love this music.", "Soft music as she walks in."),
        ("Audio/Dialogue", "We will fight", "Waves"),
        ("Audio", "Listen to the silence.", "Silence."),
        ("Audio/Dialogue", "I hear footsteps. Hide!", "Footsteps. Wind."),
        ("VO & SFX", "It was the last summer", "wind"),
    ):
        (tmp_path / "a.csv").write_text(f"Shot,Description,{name}\n1,a pier,{said}\n2,a man,{heard}\n")
        board = storyboard.load(bring(tmp_path / "a.csv", None).path)
        pier, man = [shot.beats[0] for shot in board.shots]
        assert ([line.line for line in pier.dialogue], man.dialogue) == ([said], ()), said
        (tmp_path / "a.yaml").unlink()


def test_words_like_a_chats_are_a_shots_where_it_has_none_so_far(tmp_path: Path) -> None:
    text = (
        "**Shot 1**\nHere is the sea.\n\n**Shot 2**\nA man.\nDialogue:\nI hope you come home.\n\n"
        "Shot A: her hands\n\nLet me know what you think.\n"
    )
    board, file = brought(text, tmp_path)
    assert board.shots[0].beats[0].prompt == "Here is the sea"
    assert "I hope you come home." in board.shots[1].beats[0].dialogue[0].line
    assert "# Let me know" in file


def test_a_mood_or_a_size_above_prompts_is_the_films(tmp_path: Path) -> None:
    for text in ("Mood: dark\na ball\na cube\n", "- Mood: dark\n- a ball\n- a cube\n"):
        board, file = brought(text, tmp_path)
        assert [shot.beats[0].prompt for shot in board.shots] == ["a ball", "a cube"]
        assert "\nmood: dark\n" in file
    board, file = brought("Resolution: 640x480\nShot 1: a ball\n", tmp_path)
    assert [shot.beats[0].prompt for shot in board.shots] == ["a ball"]
    assert 'aspect: "4:3"' in file


def test_a_shot_with_a_letter_among_a_scenes_items_is_one(tmp_path: Path) -> None:
    board, _ = brought("## Scene 1: Kitchen\n**Visual:** a cook\n- Shot A: her hands\n- Shot B: the knife\n", tmp_path)
    assert "her hands" in board.shots[0].beats[0].prompt


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("Shot 1: A lake.\nKlar, dass niemand da ist.\nShot 2: A hill.\nSure, it is green.\n",
         ["A lake. Klar, dass niemand da ist", "A hill. Sure, it is green"]),
        ("Shot 1: a ball\n\nSure! Here are more:\n\nShot 2: a cube\nI hope you like it!\n", ["a ball", "a cube"]),
        ("Shot 1: She is at the door of\nJON'S HOUSE\nand knocks.\nShot 2: JON'S HOUSE\nis dark. See JON'S HOUSE\n",
         ["She is at the door of JON'S HOUSE and knocks", "JON'S HOUSE is dark. See JON'S HOUSE"]),
        ("Image 1: a cat. Image 2: a dog. Both sit on a sofa.", ["Image 1: a cat. Image 2: a dog. Both sit on a sofa"]),
        ("Image 1: a cat\nImage 2: a dog\nThe cat of image 1 runs\n",
         ["Image 1: a cat. Image 2: a dog. The cat of image 1 runs"]),
        ("Image 1: a cat. Image 2: a dog. It runs.", ["a cat", "a dog. It runs"]),
        ("Scene 1: Pier. Shot 1: a ball. Shot 2: a box. Scene 2: Hut. Shot 1: a lamp.", ["a ball", "a box", "a lamp"]),
        ("Scene 1, Shot 1: a ball. Scene 1, Shot 2: a cube. Scene 2, Shot 1: a lamp.", ["a ball", "a cube", "a lamp"]),
        ("Shot 1: a ball. Shot 3: a cube.", ["a ball. Shot 3: a cube"]),
        ('Shot 1: a ball\nShot 2: Neon sign: "Open"\n', ["a ball", 'Neon sign: "Open"']),
    ],
)  # fmt: skip
def test_words_stay_with_their_shot(tmp_path: Path, text: str, prompts: list[str]) -> None:
    """Beside words of a chat, names of places, pictures that are put together, and shots in one line."""
    board, _ = brought(text, tmp_path)
    assert [beat.prompt for shot in board.shots for beat in shot.beats] == prompts
    assert not any(beat.dialogue for shot in board.shots for beat in shot.beats)


def test_a_line_in_small_letters_below_who_speaks_is_spoken(tmp_path: Path) -> None:
    board, _ = brought("Shot 1: Mara at the door.\nMARA\nhello there.\nShot 2: a cube\n", tmp_path)
    assert [line.line for line in board.shots[0].beats[0].dialogue] == ["hello there."]


@pytest.mark.parametrize(
    ("text", "moods"),
    [
        ("Shot 1: a ball.\nShot 2: a cube.\n\nMood: calm\n", ["calm", "calm"]),
        ("1. a ball\n2. a cube\n\nMood: calm\n\nWould you like more?\n", ["calm", "calm"]),
        ("Shot 1\nVisual: a ball\n\nShot 2\nVisual: a cube\n\nMood: calm\n", ["", "calm"]),
        ("Shot 1: a ball\nMood: tense\nShot 2: a cube\n\nMood: calm\n", ["tense", "calm"]),
        ("## Shot 1\na ball\n\n## Shot 2\n\nMood: calm\n\na cube\n", ["", "calm"]),
    ],
)
def test_a_mood_apart_below_words_at_the_end_is_the_films(tmp_path: Path, text: str, moods: list[str]) -> None:
    board, _ = brought(text, tmp_path)
    assert [shot.beats[0].mood for shot in board.shots] == moods


def test_long_notes_take_no_more_than_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """For each part all below it was looked at: ten thousand lines took minutes."""
    looked: list[int] = []

    def about(told: Sequence[str], labels: Sequence[str], *, headed: bool, below: bool) -> list[str]:
        del labels, headed, below
        looked.append(len(told))
        return []

    monkeypatch.setattr(around, "_about", about)
    lines = [*enumerate(["a ball rolls", ""] * 1000, 1)]
    assert around.ended(lines, str) == (lines, [])
    assert max(looked) < 400


def test_farewells_and_offers_of_a_chat_are_in_no_prompt(tmp_path: Path) -> None:
    """One below another without an empty line too, beside a tip; what somebody might say stays."""
    for behind in (
        "Feel free to tweak these.\nEnjoy!\n",
        "\nHappy filming! \U0001f3ac\n",
        "\nThese prompts are designed for one model. Feel free to tweak them!\n",
        "\nIf you want, I can make a version with dialogue.\nI can also add music.\n",
        "\n---\nTip: keep the seed.\nWant a version with dialogue?\n",
        "\nYou can adjust the colours.\n\nGood luck with your project!\n",
    ):
        board, text = brought(f"1. A ball.\n2. A cube.\n{behind}", tmp_path)
        assert [shot.beats[0].prompt for shot in board.shots] == ["A ball", "A cube"], behind
        assert all(f"# {line}" in text for line in behind.splitlines() if line not in {"", "---"})
    board, _ = brought("1. A ball.\n2. A cube.\n\nYou can go.\n\nIf you need me, call.\n", tmp_path)
    assert board.shots[1].beats[0].prompt == "A cube. You can go. If you need me, call"


def test_the_names_of_sounds_are_not_spoken(tmp_path: Path) -> None:
    sounds = (
        "Waves, gulls.",
        "Rain on the roof; wind.",
        "Footsteps on gravel.",
        "listen to the wind",
        "Wings flapping.",
    )
    said = ("The sea is calm tonight.", "Home at last.", "listen to your heart", "Every journey begins with one step.")
    for cell in (*sounds, *said):
        board, _ = brought(f"Shot 1: a ball.\nAudio: {cell}\n\nShot 2: a cube.\n", tmp_path)
        beat = board.shots[0].beats[0]
        assert (beat.sound_text, len(beat.dialogue)) == (("", 1) if cell in said else (cell, 0)), cell
