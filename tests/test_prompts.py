"""What each family of models is told: golden prompts of 43 beats, and laws that hold for all of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from msgspec.structs import replace

from sora_cli import storyboard, terms
from sora_cli.cli.main import main
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard
from sora_cli.engines.cards import known
from sora_cli.engines.dialect import Part
from sora_cli.engines.family_options import LTX2_AVOIDS
from sora_cli.engines.options import WAN_AVOIDS
from sora_cli.engines.tokens import estimate, length
from sora_cli.plan import phrases
from sora_cli.plan.negative import without_contradictions
from sora_cli.plan.played import starts
from sora_cli.plan.prompt import Frames, Prompt, name_cast, write
from sora_cli.plan.speaking import muted
from sora_cli.plan.survey import plan_takes
from sora_cli.storyboard.model import Beat
from tests.boards import CARD, board

GOLDEN = Path(__file__).parent / "golden" / "prompts"
ENGINES = (
    "nano", "wan2.2-t2v-a14b", "wan2.2-i2v-a14b", "ltx-2.3", "ltx-2.5", "minimax-h3", "helios-base", "flux-2-klein",
    "qwen-image",
)  # fmt: skip
CARDS = {entry.card.name: entry.card for entry in known()}
BOARD = storyboard.load(GOLDEN / "beats.yaml")
BEATS = {shot.name: shot.beats[0] for shot in BOARD.shots}
LITTLE = frozenset(
    (
        "a",
        "an",
        "the",
        "and",
        "of",
        "in",
        "on",
        "at",
        "to",
        "it",
        "its",
        "is",
        "are",
        "her",
        "his",
        "with",
        "up",
        "off",
        "shot",
    )
)


@cache
def told(engine: str, name: str) -> Prompt:
    """A beat's prompt of a take of 124 frames at 24 a second; a silent model's shots have no picture's first frame."""
    given = Frames(first=name.startswith("picture: "), seconds=124 / 24)
    return write(BEATS[name], BOARD.cast, CARDS[engine], given)


@pytest.mark.parametrize("engine", ENGINES)
def test_golden_prompts(engine: str) -> None:
    now = "\n".join(f"## {name}\n{told(engine, name).text}\n" for name in BEATS)
    path = GOLDEN / f"{engine}.txt"
    if os.environ.get("SORA_GOLDEN") == "write":
        path.write_text(now, encoding="utf-8")
    assert now == path.read_text(encoding="utf-8")


def words(text: str) -> set[str]:
    """The content words of a text, without their endings."""
    found = re.findall(r"[^\W_]+", text.lower())
    return {re.sub(r"(ing|ed|es|ly|s)$", "", word) for word in found if word not in LITTLE}


def written(beat: Beat, card: EngineCard) -> Iterator[tuple[str, str]]:
    """What the author wrote, by key, with what stands for it in the model's dialect."""
    yield "prompt", re.sub(r"@\w+", "", beat.prompt)
    yield from ((f"cast {name}", BOARD.cast[name].looks) for name in beat.cast)
    yield from (("setting", beat.setting), ("style", beat.style), ("mood", beat.mood))
    for kind in ("framing", "angle", "lens", "depth of field", "pace"):
        name = getattr(beat, kind.replace(" ", "_"))
        yield kind, phrases.term(card.dialect, kind, name) if name else ""
    plain = card.dialect.form == "plain"
    hour = phrases.hour(card.dialect, beat.light)
    light = {"tags": ", ".join(phrases.light_tags(card.dialect, beat.light)), "plain": hour or beat.light}
    yield "light", light.get(card.dialect.form) or phrases.light_phrase(card.dialect, beat.light)
    moves = phrases.plain_camera if plain else phrases.camera
    yield "camera", moves(card.dialect, beat.camera) if beat.camera else ""
    if card.makes_sound and not muted(beat):
        yield "sound", beat.sound_text
        yield from (("dialogue", line.line) for line in beat.dialogue)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", BEATS)
def test_every_word_of_the_author_is_told_or_told_as_left_out(engine: str, name: str) -> None:
    beat, card, prompt = BEATS[name], CARDS[engine], told(engine, name)
    there = words(prompt.text)
    for left in prompt.left_out:
        there |= words(left.words) | words(dict(written(beat, card)).get(left.key, ""))
    for key, text in written(beat, card):
        assert words(text) <= there, (key, words(text) - there)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_golden_prompt_is_longer_than_its_model_reads(engine: str) -> None:
    limit = CARDS[engine].prompt_tokens
    assert all(not limit or estimate(told(engine, name).text) <= limit for name in BEATS if name != "many lights")


def test_each_dialect_has_a_place_for_every_part() -> None:
    silent = {Part.SPEECH, Part.SOUND}
    for card in CARDS.values():
        placed = set(chain.from_iterable(card.dialect.order)) | set(card.dialect.drops)
        placed |= {Part.SOUND} if card.dialect.fields else set()
        assert placed | (set() if card.makes_sound else silent) == set(Part), card.name
        assert card.dialect.guide


def test_nano_is_told_in_phrases_that_it_was_taught() -> None:
    card = CARDS["nano"]
    dialect = card.dialect
    phrases_of = (dialect.terms, dialect.moves, dialect.avoids, dialect.lights, dialect.hours)
    told = {word for table in phrases_of for phrase in table.values() for word in re.findall("[a-z]+", phrase)}
    assert card.words is not None
    assert told <= card.words
    keys = {"setting": "a beach", "light": "sundown", "framing": "extreme close-up", "camera": "slow truck left"}
    told_so = "a beach at sunset. detail shot. a woman with red hair waits. slow tracking left"
    assert shot("nano", **keys).text == told_so
    assert shot("nano", setting="a beach at sunset", light="sunset").text.startswith("a beach at sunset, sunset.")
    assert shot("nano", setting="a beach", light="warm light").text.startswith("a beach, warm light.")
    moved = {"static": "static camera", "pan": "pan", "orbit": "orbit camera", "pan leftwards": "pan left",
             "slow dolly forward": "slow push in", "past her to the sea": "past her to the sea"}  # fmt: skip
    assert {words: shot("nano", camera=words).text.rpartition(". ")[2] for words in moved} == moved


def test_dialects_name_terms_that_there_are() -> None:
    for card in CARDS.values():
        for key in card.dialect.terms:
            kind = next(kind for kind in terms.TABLE if key.startswith(f"{kind} "))
            assert key.removeprefix(f"{kind} ") in terms.TABLE[kind], key
        assert set(card.dialect.moves) | set(card.dialect.avoids) <= set(terms.MOVES)


def test_articles_fit_the_words_that_a_dialect_has_for_a_term() -> None:
    for dialect in {id(made.card.dialect): made.card.dialect for made in known()}.values():
        for kind in (Part.FRAMING, Part.ANGLE, Part.LENS):
            told = [phrases.view(dialect, {Part.SETTING: "the harbour", kind: name}) for name in terms.TABLE[kind]]
            articles = re.findall(r"\b(an?) ([a-z])", "\n".join(told))
            assert all((article == "an") is (letter in "aeiou") for article, letter in articles), told


def test_a_moving_camera_avoids_what_its_dialect_says_behind_the_author_s_words(tmp_path: Path) -> None:
    deaf = replace(CARDS["nano"], name="deaf", abilities=frozenset())

    def avoided(engine: str = "nano", **keys: object) -> str:
        shots = [{"prompt": "a red ball rolls", "duration": "1s", **keys}]
        film = storyboard.from_data({"engine": engine, "shots": shots}, folder=tmp_path)
        return plan_takes(film, {**CARDS, "deaf": deaf}.__getitem__).takes[0].avoid

    assert avoided() == avoided(camera="static") == avoided(camera="past her to the sea") == ""
    assert avoided(camera="slow pan left") == avoided(camera="pull back") == "static camera"
    assert avoided(camera="pan left", sent="a red ball rolls. pan left") == "static camera"
    assert avoided(camera="zoom out", avoid="text, logos") == "text, logos, static camera"
    assert avoided(camera="zoom out", avoid="Static camera, text") == "Static camera, text"
    assert avoided(camera="zoom out", engine="wan2.2-t2v-a14b") == ""
    assert avoided(camera="zoom out", avoid="text", engine="deaf") == ""


def test_what_a_dialect_avoids_is_shown_as_added(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "board.yaml"
    file.write_text("engine: nano\nshots:\n- {prompt: a red ball rolls, camera: pan left, avoid: text}\n", "utf-8")
    assert main(["plan", str(file), "--prompts"]) == 0
    shown = capsys.readouterr().out
    assert "avoids: text, static camera\n" in shown
    assert "added to what it avoids: static camera\n" in shown
    assert main(["plan", str(file), "--prompts", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["prompts"]
    assert [(each["avoid"], each["avoid_added"]) for each in told.values()] == [
        ("text, static camera", ["static camera"])
    ]


def test_words_that_nano_was_never_taught_are_told_where_they_stand_in_any_script(tmp_path: Path) -> None:
    text = (
        "engine: nano\ncast: {pip: a brass ball}\nstyle: oil paint\nshots:\n"
        "- {prompt: 一只红色的狐狸。它跳, mood: calm}\n- {prompt: كرة حمراء, lens: 35mm}\n"
        "- 🦊🌉 rolls 7 times, it\u2019s café\n- '@pip rolls'\n"
    )
    reading = storyboard.read_text(text, folder=tmp_path, name="board")
    assert reading.board is not None
    remarks = plan_takes(reading.board, catalogue.card).remarks
    told = [(each.mark.line, each.message.partition("does not know: ")[2]) for each in remarks if each.mark]
    assert [each for each in told if each[1]] == [
        (3, "oil, paint"), (5, "一只红色的狐狸, 它跳"), (5, "calm, mood"), (6, "كرة, حمراء"), (6, "35mm, lens"),
        (7, "🦊🌉, 7, times, café"), (8, "brass"),
    ]  # fmt: skip
    shown = {each.mark.line for each in remarks if each.mark and "ring or heart; `sora models`" in each.hint}
    assert shown == {5, 6, 7}  # where nothing that is asked for is among what it shows


# -- faults that there were ----------------------------------------------------------------------------------------


def shot(engine: str, given: Frames | None = None, **keys: object) -> Prompt:
    """What a shot of these keys is told."""
    cast = {"mara": {"looks": "a woman with red hair", "voice": "en-gb-1"}}
    board = storyboard.from_data({"cast": cast, "shots": [{"prompt": "@mara waits", **keys}]}, folder=Path())
    return write(board.shots[0].beats[0], board.cast, CARDS[engine], given)


def test_a_line_is_no_text_on_the_screen() -> None:
    told = shot("minimax-h3", dialogue=[{"cast": "mara", "line": 'He said "no".'}]).text
    assert '"' not in told
    assert "(S1) says: <d>[English] He said 'no'.</d>" in told
    assert "</d></d>" not in shot("minimax-h3", dialogue=[{"cast": "mara", "line": "a</d> b"}]).text.replace(" ", "")


def test_style_and_sound_stand_where_each_family_wants_them() -> None:
    keys = {"style": "ink drawing", "sound": "rain", "camera": "pan left", "setting": "a street"}
    told = {engine: shot(engine, **keys).text for engine in ENGINES}
    assert told["wan2.2-t2v-a14b"].startswith("Ink drawing.")
    assert told["ltx-2.3"].startswith("Style: ink drawing.")
    assert told["ltx-2.3"].index("waits") < told["ltx-2.3"].index("rain") < told["ltx-2.3"].index("camera")
    assert "[Shot 1] Ink drawing." in told["minimax-h3"]
    assert "overall_soundscape: Rain." in told["minimax-h3"]
    assert told["nano"] == "a street. a woman with red hair waits. pan left. ink drawing"


def test_a_first_frame_is_not_described_again() -> None:
    keys = {"setting": "a street", "style": "ink drawing", "framing": "wide", "light": "dusk", "camera": "pan left"}
    told = shot("wan2.2-i2v-a14b", Frames(first=True), **keys)
    assert told.text == "The camera pans left. The woman waits."
    assert {left.key for left in told.left_out} == {"setting", "style", "framing", "light", "looks of mara"}
    assert all(left.seen for left in told.left_out)


def test_breaks_and_stops_of_the_author_do_not_break_a_prompt() -> None:
    keys = {
        "setting": "a street.\n",
        "light": "dusk.",
        "style": "ink drawing.",
        "prompt": "@mara waits.\n\nIt rains.\n",
    }
    told = shot("minimax-h3", dialogue=[{"cast": "mara", "line": "One, two."}], **keys).text
    first = "[Shot 1] Ink drawing. A street at dusk. A woman with red hair waits. It rains. The woman (S1) says: "
    assert told.split("\n\n")[0] == f"integrated_multimodal_description: {first}<d>[English] One, two.</d>"


def test_parts_of_a_sentence_come_together() -> None:
    told = shot("ltx-2.3", setting="A park.", framing="two friends side by side", prompt="@mara waits").text
    assert told == "Two friends side by side, a park. A woman with red hair waits."
    assert shot("ltx-2.3", setting="The park", framing="WS").text.startswith("A wide shot shows the park.")
    near = shot("ltx-2.3", setting="The park", framing="CU").text
    assert near.startswith("A close-up, set in the park. A woman with red hair waits"), "it is no close-up of the park"
    wet = shot("ltx-2.3", setting="a harbour, wet after rain", framing="CU", light="soft dawn light").text
    assert wet.startswith("A close-up, set in a harbour, wet after rain, in soft light at dawn.")
    silent = shot("ltx-2.3", sound="off", dialogue=[{"cast": "mara", "line": "Hello."}]).text
    assert silent.endswith("The woman speaks."), "her lips move for the voice that is laid under it"


def test_what_scenes_are_headed_with_is_told_in_words_and_no_hour_twice() -> None:
    head = {"setting": "INT. TAXI - NIGHT", "framing": "MCU"}
    assert shot("ltx-2.3", **head).text.startswith("A medium close-up, interior, taxi, at night. A woman")
    assert shot("ltx-2.3", **head, light="neon").text.startswith(
        "A medium close-up, interior, taxi, in neon glow at ni"
    )
    assert shot("wan2.2-t2v-a14b", **head, light="dawn").text.startswith(
        "Dawn time, medium close-up shot. Interior, taxi"
    )
    assert shot("nano", **head).text.startswith("INT. TAXI - NIGHT"), "as it is written"
    twice = shot("ltx-2.3", setting="a street at night", light="night, neon", framing="WS").text
    assert twice.startswith("A wide shot shows a street at night in neon glow.")
    twice = shot("ltx-2.3", setting="a street at rush hour", light="golden hour", framing="WS").text
    assert twice.startswith("A wide shot shows a street at rush hour at golden hour.")
    assert shot("nano", setting="a kitchen.", light="neon").text.startswith("a kitchen, neon. ")


def test_lines_of_a_prompt_are_sentences_where_they_begin_as_such() -> None:
    told = shot("ltx-2.3", prompt="Rain falls\nA man waits with\nMara under a roof\n\nthunder\n- far away").text
    assert told == "Rain falls. A man waits with Mara under a roof. Thunder - far away."
    told = shot("ltx-2.3", prompt="Rain falls\n@mara waits with\n@mara").text
    assert told == "Rain falls. A woman with red hair waits with the woman with red hair."
    told = shot("wan2.2-i2v-a14b", Frames(first=True), prompt="Rain falls\n@mara waits").text
    assert told == "Rain falls. The woman waits."


def test_looks_are_called_by_their_noun_and_closed_by_a_comma() -> None:
    names = {"a tall, thin man in a coat": "the tall, thin man", "a woman, grey hair": "the woman", "Lena, 30": "Lena"}
    assert {looks: phrases.brief(looks) for looks in names} == names
    cast = {"lena": "Lena, 30, red coat", "tom": "a tall, thin man"}
    board = storyboard.from_data({"cast": cast, "shots": [{"prompt": "@lena sits by @tom and @lena."}]}, folder=Path())
    told = write(board.shots[0].beats[0], board.cast, CARDS["wan2.2-t2v-a14b"]).text
    assert told == "Lena, 30, red coat, sits by a tall, thin man and Lena, 30, red coat."


def test_two_who_are_alike_are_called_by_what_tells_them_apart() -> None:
    cast = {"ana": "a girl with black hair, in a uniform", "eva": "a girl with red hair, in a uniform"}
    lines = [{"cast": "eva", "line": "No."}]
    shots = [{"prompt": "@ana runs. @eva waits.", "dialogue": lines, "lens": "85mm"}]
    board = storyboard.from_data({"cast": cast, "shots": shots}, folder=Path())
    told = write(board.shots[0].beats[0], board.cast, CARDS["ltx-2.3"]).text
    assert told.startswith(
        "With an 85mm lens. A girl with black hair, in a uniform, runs. A girl with red hair, in a un"
    )
    assert told.endswith('The girl with red hair says, "No."')


def test_what_somebody_wears_owns_nothing() -> None:
    cast = {"mara": "A woman with grey hair, in a raincoat", "tom": "a fisherman", "ana": "a woman in red"}
    for prompt, told in {
        "@mara's hand shakes": "A woman with grey hair, in a raincoat. the woman's hand shakes",
        "@mara waits. @mara\u2019s cup": "A woman with grey hair, in a raincoat waits. the woman\u2019s cup",
        "@tom's hand shakes": "a fisherman's hand shakes",
        "He sees @mara": "He sees a woman with grey hair, in a raincoat",
        "@mara's hand, @ana": "A woman with grey hair, in a raincoat. the woman with grey hair's hand, a woman in red",
    }.items():
        board = storyboard.from_data({"cast": cast, "shots": [{"prompt": prompt}]}, folder=Path())
        assert name_cast(prompt, board.cast) == told


def test_a_tokenizer_that_cannot_be_read_leaves_an_estimate(tmp_path: Path) -> None:
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "tokenizer.json").write_text("{")
    assert not length("a ball", replace(CARD, location=tmp_path)).counted


def test_what_a_beat_changes_is_told_beside_a_first_frame() -> None:
    shots = [{"setting": "a street", "light": "day", "beats": ["a dog sits", {"prompt": "it rains", "light": "dusk"}]}]
    later = storyboard.from_data({"shots": shots}, folder=Path()).shots[0].beats[1]
    assert write(later, {}, CARDS["wan2.2-i2v-a14b"], Frames(first=True)).text == "Dusk. It rains."


@pytest.mark.parametrize(
    ("keys", "gone"),
    [
        ({"camera": "static"}, {"static", "still picture"}),
        ({"style": "watercolour animation"}, {"style", "works", "paintings", "images"}),
        ({"depth of field": "shallow"}, {"blurred details"}),
        ({"light": "overcast"}, {"overall gray"}),
        ({"prompt": "a crowd cheers"}, {"many people in the background"}),
        ({"prompt": "@mara waits, no crowd"}, set()),
        ({}, set()),
    ],
)
def test_what_is_avoided_by_default_does_not_contradict_the_author(keys: dict[str, object], gone: set[str]) -> None:
    board = storyboard.from_data(
        {"cast": {"mara": "a woman"}, "shots": [{"prompt": "@mara waits", **keys}]}, folder=Path()
    )
    kept, dropped = without_contradictions(WAN_AVOIDS, board.shots[0].beats[0])
    assert {words for words, _ in dropped} == gone
    assert set(WAN_AVOIDS.split(", ")) - gone == set(kept.split(", "))


@pytest.mark.parametrize(
    ("keys", "gone"),
    [
        (
            {"style": "3D animation"},
            {"cartoonish rendering", "3D CGI look", "stylized filters", "unrealistic materials"},
        ),
        ({"depth of field": "shallow"}, {"blurry", "out of focus", "motion blur"}),
        ({"depth of field": "deep"}, {"background too sharp"}),
        ({"camera": "handheld"}, {"camera shake", "jittery movement"}),
        ({"angle": "dutch"}, {"tilted camera"}),
        ({"light": {"key": "hard"}}, {"harsh shadows"}),
        ({"sound": "rain on a tin roof"}, {"background noise"}),
        ({"prompt": "a robot speaks in a tunnel"}, {"robotic voice", "distorted voice", "echo"}),
        ({"prompt": "@mara works hard in a field of grain on the deep sea"}, set()),
    ],
)
def test_what_ltx_avoids_for_picture_and_sound_does_not_either(keys: dict[str, object], gone: set[str]) -> None:
    board = storyboard.from_data(
        {"cast": {"mara": "a woman"}, "shots": [{"prompt": "@mara waits", **keys}]}, folder=Path()
    )
    kept, dropped = without_contradictions(LTX2_AVOIDS, board.shots[0].beats[0])
    assert {words for words, _ in dropped} == gone
    assert set(LTX2_AVOIDS.split(", ")) - gone == set(kept.split(", "))


def test_references_define_subjects(tmp_path: Path) -> None:
    for name in ("mara.png", "street.png"):
        (tmp_path / name).touch()
    data = {
        "cast": {"mara": {"looks": "a woman with red hair", "reference": "mara.png"}},
        "shots": [{"prompt": "@mara waits", "reference": ["mara.png", "street.png"]}],
    }
    board = storyboard.from_data(data, folder=tmp_path)
    told = write(board.shots[0].beats[0], board.cast, CARDS["minimax-h3"], Frames(references=True, seconds=5)).text
    labels = re.findall(r"^(\w+):", told, re.MULTILINE)
    assert labels == [each.label for each in CARDS["minimax-h3"].dialect.referenced]
    assert "<Subject 1> is a woman with red hair, from <Picture 1>." in told
    assert "<Picture 2> is a reference of the scene." in told
    assert "[Shot 1] <Subject 1> waits." in told


def test_a_voice_reference_belongs_to_who_speaks(tmp_path: Path) -> None:
    for name in ("mara.png", "mara.wav"):
        (tmp_path / name).touch()
    data = {
        "cast": {"mara": {"looks": "a woman", "reference": ["mara.png", "mara.wav"]}},
        "shots": [{"prompt": "@mara waits", "dialogue": [{"cast": "mara", "line": "Hello."}]}],
    }
    board = storyboard.from_data(data, folder=tmp_path)
    told = write(board.shots[0].beats[0], board.cast, CARDS["minimax-h3"], Frames(references=True, seconds=5)).text
    assert (
        "<Subject 1> is a woman, from <Picture 1>.\n<Audio 1> is the voice-timbre reference for <Subject 1> (S1)."
        in told
    )
    assert "summary: [reference generation + audio reference]" in told
    assert "<Subject 1> (S1) says: <d>[English] Hello.</d>" in told


def test_a_plan_shows_what_its_takes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "film.yaml"
    path.write_text("engine: wan2.2-ti2v-5b\nshots: [{prompt: a dog sits, mood: sad, camera: static}]\n")
    for words in (["--prompts"], ["--prompts", "--json"]):
        assert main(["plan", str(path), *words]) == 3, "the engine is not here, and it is planned all the same"
    told, _, document = capsys.readouterr().out.partition("{\n")
    assert "The camera is fixed. A dog sits." in told
    assert "left out, mood: sad" in told
    assert "not avoided: static, still picture (something stays still)" in told
    take = json.loads("{" + document)["prompts"]["scene-1/shot-1"]
    assert take["left_out"][0]["key"] == "mood"


def test_a_prompt_that_is_too_long_is_told_before_it_is_shot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    card = replace(CARD, prompt_tokens=20)
    remarks = plan_takes(board({"prompt": "a ball rolls " * 20}), lambda _: card).remarks
    assert [remark.message for remark in remarks] == ["the prompt has about 84 tokens, test reads 20"]
    film = board({"prompt": "a ball rolls " * 30}, engine="nano")
    told = [remark.message for remark in plan_takes(film, catalogue.card).remarks]
    assert any("nano reads 64: it ends at ...'" in message for message in told)
    monkeypatch.setattr("sora_cli.engines.tokens._tokenizer", None)  # what was counted is not counted again
    assert [remark.message for remark in plan_takes(film, catalogue.card).remarks] == told


# -- when lines are said -------------------------------------------------------------------------------------------


TIMED = re.compile(r"(?:At 00:([0-9.]+)|([0-9.]+) seconds? into the shot), [^.]*?(?:Word|word) ([0-9]+)")


@pytest.mark.parametrize("engine", ["ltx-2.3", "ltx-2.5", "minimax-h3"])
@pytest.mark.parametrize("speed", [0.75, 2])
def test_each_line_of_a_long_beat_is_told_once_at_its_time_in_its_take(engine: str, speed: float) -> None:
    lines = [{"cast": "mara", "line": f"Word {second}.", "at": f"{second}s"} for second in (21, 1, 13)]
    film = {"engine": engine, "cast": {"mara": {"looks": "a woman"}}, "output": {"fps": 24}}
    shot = {"prompt": "a", "duration": "24s", "dialogue": lines, "speed": speed}
    plan = plan_takes(board(shot, **film), CARDS.__getitem__)
    found = []
    for take, start in zip(plan.takes, starts(plan).values(), strict=True):
        for clock, seconds, second in TIMED.findall(take.prompt):
            found.append(int(second))
            at = (int(second) - start / 24) * speed + take.skip / 24
            assert float(clock or seconds) == pytest.approx(at, abs=0.05), (take.name, second)
    assert len(plan.takes) > 1
    assert sorted(found) == [1, 13, 21]


def test_lines_without_times_follow_those_before_them_into_the_next_take() -> None:
    lines = [{"line": f"Line {number} is {'long ' * 12}."} for number in range(6)]
    film = {"engine": "ltx-2.3", "output": {"fps": 24}}
    plan = plan_takes(board({"prompt": "a", "duration": "24s", "dialogue": lines}, **film), CARDS.__getitem__)
    told = [re.findall(r"Line ([0-9])", take.prompt) for take in plan.takes]
    assert list(chain.from_iterable(told)) == list("012345")
    assert all(told)


def test_speakers_keep_their_numbers_from_take_to_take() -> None:
    lines = [{"cast": "mara", "line": "One.", "at": 0}, {"cast": "tom", "line": "Two.", "at": "20s"}]
    film = {"engine": "minimax-h3", "cast": {"mara": "a woman", "tom": "a man"}}
    plan = plan_takes(board({"prompt": "a", "duration": "24s", "dialogue": lines}, **film), CARDS.__getitem__)
    assert [re.findall(r"\(S[0-9]\)", take.prompt) for take in plan.takes] == [["(S1)"], ["(S2)"]]


def test_a_time_that_the_sent_words_do_not_say_is_told() -> None:
    line = {"line": "Nobody came.", "at": "2s"}
    lost = shot("ltx-2.3", dialogue=[line], sent='Rain falls on @mara. A voice says, "Nobody came."').left_out
    assert [(left.key, left.words) for left in lost] == [("when something is heard", "2 seconds into the shot")]
    kept = 'Rain falls on @mara. 2 seconds into the shot, a voice says, "Nobody came."'
    assert not shot("ltx-2.3", dialogue=[line], sent=kept).left_out
