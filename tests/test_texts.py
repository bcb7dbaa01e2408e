"""Text that is cut short where a reader would pause, and texts in older encodings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sora_cli import texts


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (
            "An old keeper finds a message in a bottle on the beach and reads it",
            "An old keeper finds a message in a bottle",
        ),
        ("The girl in the red scarf walks to the pier of the harbour at dusk", "The girl in the red scarf walks"),
        ("The quick brown fox jumped over the very lazy dog of the baker", "The quick brown fox jumped"),
        ("It rains, and all of the gulls have gone to the other side", "It rains, and all of the gulls have gone"),
        ("two friends", "two friends"),
        ("a lamp.", "a lamp"),
    ],
)
def test_a_phrase_ends_where_one_pauses(text: str, cut: str) -> None:
    assert texts.phrase(text, 50, 10) == cut


@given(st.text(max_size=200), st.integers(4, 60))
def test_what_is_cut_is_a_head_that_fits_and_ends_with_a_word(text: str, letters: int) -> None:
    line = " ".join(text.split())
    head = texts.phrase(line, letters, 8)
    assert len(head) <= letters
    assert line.startswith(head)
    short = texts.shortened(line, letters)
    assert len(short) <= letters
    assert short == line or short.endswith("...")
    assert len(texts._at_word(line, letters)) * 2 >= min(len(line), letters)


def test_names_of_files_are_cut_between_words() -> None:
    assert texts.name("a-cafe-in-koln-where-it-rains", 20) == "a-cafe-in-koln-where"
    assert texts.name("x" * 30, 20) == "x" * 20


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Flickan går över ån"),
        ("cp1252", "Nr;Beschreibung\n1;Ein Mädchen läuft über die Straße\n2;Der Bär schläft"),
        ("cp1252", "été"),
        ("cp1252", "1;la città è così bella, perché è lì, più giù"),
        ("cp1252", "1;¿Dónde está la niña?\n2;20 m² de arena"),
        ("cp1252", "1;o cão corre na praia à tarde"),
        ("cp1252", "1;què és això? també aquí"),
        ("cp1252", "kuva;tyttö kävelee metsässä yöllä"),
        ("cp1252", "1,it\u2019s a café \u2013 \u201cblue\u201d hour"),
        ("mac_roman", "Bild;Beschreibung\n1;Ein Mädchen läuft über die Straße\n2;Der Bär schläft im Wald"),
        ("cp1250", "1;pes běží"),
        ("cp1250", "1;žlutý míč"),
        ("cp1250", "ujęcie;dziewczyna idzie przez łąkę"),
        ("cp1250", "2;mały chłopiec śpi"),
        ("cp1250", "1;dievča beží cez les, modrý čln"),
        ("cp1251", "кадр;описание\n1;красный мяч катится по траве"),
        ("cp932", "ショット,内容\n1,赤いボールが転がる\n2,猫が走る"),
        ("gb18030", "镜头,描述\n1,红球在草地上滚动\n2,小猫在跑"),
        ("big5", "鏡頭,描述\n1,紅球在草地上滾動"),
        ("euc_kr", "장면,설명\n1,빨간 공이 굴러간다"),
    ],
)
def test_short_texts_of_programs_without_unicode_keep_their_letters(encoding: str, text: str) -> None:
    assert texts.decoded(text.encode(encoding))[0] == text
