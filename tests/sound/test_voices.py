"""Voices: they say what is written, as long as was planned, the same way every time, and each in its own pitch."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sora_cli.errors import MediaError, RequestError
from sora_cli.sound.speech import Speaker, VoiceLine
from sora_cli.sound.voices import Unspeakable, cards, find
from sora_cli.sound.voices.base import spread
from sora_cli.sound.voices.catalogue import of_file
from sora_cli.sound.voices.english import pronounced, sounded, unreadable
from sora_cli.store import Store
from tests.sound.hearing import pitch, transcript, word_error

RATE = 48_000
QUICK = (
    "Margaret left the harbor at seven thirty with forty two lanterns.",
    "Did anyone tell Daniel that the bridge is closed?",
    "Run! The tide is coming in!",
)


def phonemes(text: str, **more: bool) -> str:
    return " ".join(word.phonemes for word in sounded(text, {}, **more))


# -- text ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("3:45", "three forty five"), ("3:05", "three oh five"), ("7:00", "seven o'clock"), ("10 km", "ten kilometers"),
        ("1/2", "one half"), ("5°C", "five degrees Celsius"), ("café", "cafe"), ("$240", "two hundred forty dollars"),
        ("21st", "twenty first"),
    ],
)  # fmt: skip
def test_figures_are_read_out(text: str, like: str) -> None:
    assert phonemes(text).replace("ˌ", "ˈ") == phonemes(like).replace("ˌ", "ˈ")


def test_every_written_word_has_its_own_phonemes() -> None:
    text = 'He said: "Stop!" and paid $12.50 - at 3:45 p.m., in Téo\'s well-known café...'
    words = sounded(text, {})
    assert [word.text for word in words] == text.split()
    assert all(word.phonemes for word in words)


def test_words_of_other_scripts_are_told_and_left_out() -> None:
    text = "Привет Mara, 東京 is far. Naïve Þór!"
    assert unreadable(text, {}) == ("Привет", "東京")
    assert [word.text for word in sounded(text, {})] == ["Mara,", "is", "far.", "Naïve", "Þór!"]
    assert unreadable(text, {"東京": "TOH-kyoh"}) == ("Привет",)
    assert [word.text for word in sounded("東京!", {"東京": "TOH-kyoh"})] == ["東京!"]


def test_pronunciations_are_respelled_or_phonemes() -> None:
    assert pronounced("MAH-ra") == "mˈɑɹɑ"
    assert pronounced("ma-RAH").index("ˈ") > 2
    assert pronounced("/mˈɛɹə/") == "mˈɛɹə"
    (word,) = sounded("\"Mara's,", {"mara": "/mˈɛɹə/"})
    assert word.phonemes == "“mˈɛɹəz,"
    assert sounded("Maracas", {"mara": "/mˈɛɹə/"}) == sounded("Maracas", {})


def test_british_has_its_own_vowels_and_an_r_that_links() -> None:
    assert phonemes("father", british=True) == "fˈɑːðə"
    assert phonemes("lot", british=True) == "lˈɒt"
    assert phonemes("far away", british=True).startswith("fˈɑːɹ ")
    assert phonemes("far, away", british=True).startswith("fˈɑː, ")


# -- the catalogue ---------------------------------------------------------------------------------------------


def test_there_are_eight_english_voices_apart_in_pitch_manner_or_accent() -> None:
    found = cards()
    assert len([card for card in found if card.language.startswith("en")]) >= 8
    assert len({card.revision for card in found}) == len(found)
    for one, other in combinations(found, 2):
        apart = abs(np.log2(one.pitch / other.pitch)) * 12  # half tones
        assert apart > 1 or one.language != other.language, (one, other)


def test_a_voice_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(RequestError, match="no voice 'en-us-22'") as caught:
        find("en-us-22")
    assert "en-us-2" in caught.value.hint


def test_a_file_of_a_style_vector_is_a_voice_and_another_file_is_none(tmp_path: Path) -> None:
    style = np.zeros((510, 1, 256), np.float32)
    style.tofile(tmp_path / "bf_emma.bin")
    assert of_file(tmp_path / "bf_emma.bin").card.language == "en-GB"
    before = of_file(tmp_path / "bf_emma.bin").card.revision
    (style + 1).tofile(tmp_path / "bf_emma.bin")
    assert of_file(tmp_path / "bf_emma.bin").card.revision != before
    (tmp_path / "words.bin").write_text("no numbers")
    with pytest.raises(MediaError, match="cannot use"):
        of_file(tmp_path / "words.bin").speak("Hello", {})
    with pytest.raises(MediaError, match="No such file"):
        of_file(tmp_path / "none.bin")


# -- speech ----------------------------------------------------------------------------------------------------


def test_lines_are_understood_in_three_voices() -> None:
    pairs = [(text, transcript(find(name).speak(text, {}).samples))
             for name, text in zip(("en-us-1", "en-gb-1", "en-us-8"), QUICK, strict=True)]  # fmt: skip
    assert word_error(pairs) <= 0.05, pairs


def test_a_line_begins_with_its_first_sound_and_its_words_are_in_order() -> None:
    speech = find("en-us-2").speak("It is still burning, Mara. Why?", {})
    loud = np.abs(speech.samples) > 0.01 * np.abs(speech.samples).max() * 0.999
    assert loud[0]
    assert [word.text for word in speech.words] == ["It", "is", "still", "burning,", "Mara.", "Why?"]
    places = [place for word in speech.words for place in (word.start, word.end)]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] <= len(speech.samples)
    # Between the two sentences nothing is said.
    end, start = speech.words[4].end, speech.words[5].start
    quiet = speech.samples[end + (start - end) // 3 : start - (start - end) // 3]
    assert len(quiet) > 0.05 * RATE
    assert np.abs(quiet).max() < 0.1 * np.abs(speech.samples).max()


def test_the_pitch_on_a_voices_card_is_its_own() -> None:
    for name in ("en-us-3", "en-us-8"):
        card, speech = find(name).card, find(name).speak(QUICK[0], {})
        assert pitch(speech.samples) == pytest.approx(card.pitch, rel=0.15)


@pytest.mark.parametrize("text", ["...", "— !", "東京"])
def test_a_line_without_a_word_is_told(text: str) -> None:
    with pytest.raises(Unspeakable, match=r"nothing to say|cannot read '東京'"):
        find("en-us-1").speak(text, {})


SPEAK = """
import hashlib
from sora_cli.sound.voices import find
print(hashlib.sha256(find("en-us-1").speak("The lamp is out.", {}).samples.tobytes()).hexdigest())
"""


def test_two_runs_are_bit_equal() -> None:
    here = hashlib.sha256(find("en-us-1").speak("The lamp is out.", {}).samples.tobytes()).hexdigest()
    there = subprocess.run([sys.executable, "-c", SPEAK], capture_output=True, text=True, check=True, env=os.environ)
    assert there.stdout.strip() == here


def test_a_spoken_line_is_kept_and_is_as_long_as_was_measured(tmp_path: Path) -> None:
    told: list[VoiceLine] = []
    speaker = Speaker(Store(tmp_path), told.append)
    line = VoiceLine("The lamp is out.", "en-us-1")
    said = speaker.measure(line)
    kept, rate = soundfile.read(speaker.path(line), dtype="float32")
    assert (len(kept), rate) == (said.length, RATE)
    again = Speaker(Store(tmp_path), told.append).measure(line)
    assert again == said
    assert len(told) == 1
    # Damaged, it is said again, and is the same.
    speaker.path(line).write_bytes(b"fLaC")
    assert np.array_equal(soundfile.read(Speaker(Store(tmp_path)).path(line), dtype="float32")[0], kept)


def test_a_line_has_another_key_where_it_sounds_otherwise(tmp_path: Path) -> None:
    key = Speaker(Store(tmp_path)).key
    line = VoiceLine("Mara is here.", "en-us-1")
    assert key(line) == key(VoiceLine("Mara is here.", "en-us-1", say={"tom": "TOM"}))
    others = [VoiceLine("Mara is here!", "en-us-1"), VoiceLine("Mara is here.", "en-us-2"),
              VoiceLine("Mara is here.", "en-us-1", say={"Mara": "MAH-ra"})]  # fmt: skip
    assert len({key(line), *map(key, others)}) == 4


def test_words_that_nobody_measured_fill_their_time() -> None:
    words = spread("A longer word.", 1000)
    assert [word.text for word in words] == ["A", "longer", "word."]
    assert (words[0].start, words[-1].end) == (0, 1000)
    assert spread("", 1000) == ()
