"""Lines break between words, in every script; a word is cut last."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import features

from sora_cli.errors import RequestError
from sora_cli.media.lettering import broken, drawable, face_for, load_font

WORDS = {
    "Latin": "A very long title of a film that nobody has seen before, and nobody will",
    "accents": "Übergrößenträger: ein völlig überzogener Titel für früh müde Zuschauer",
    "Cyrillic": "Очень длинное название фильма, который никто никогда не увидит",
    "Greek": "Ένας πολύ μεγάλος τίτλος για μια ταινία που κανείς δεν είδε",  # noqa: RUF001
    "Korean": "아무도 보지 못한 영화의 아주 긴 제목입니다 그리고 끝",
    "Arabic": "عنوان طويل جدا لفيلم لم يشاهده أحد من قبل",
    "Hindi": "एक बहुत लंबा शीर्षक जिसे किसी ने नहीं देखा",
    "marks": "well-known facts -- at http://x.y/z (and more...) 50% off, 1,000.5",
}


@pytest.mark.parametrize("script", WORDS)
@pytest.mark.parametrize("room", range(13, 40, 3))
def test_no_word_is_cut(script: str, room: int) -> None:
    text = WORDS[script]
    lines = broken(text, room, len)
    assert (lines is None) == (max(map(len, text.split())) > room)
    if lines is not None:
        assert " ".join(lines) == text
        assert max(map(len, lines)) <= room


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("「はい」と言った。", ["「はい」", "と", "言った。"]),
        ("这是一个很长的标题。", ["这是一个", "很长的标", "题。"]),
        ("ចុងក្រោយ", ["ចុង", "ក្រោ", "យ"]),
    ],
)
def test_scripts_without_spaces_break_between_letters(text: str, lines: list[str]) -> None:
    assert broken(text, 4, len) == lines


def test_thai_breaks_between_words_and_in_one_that_is_too_wide_between_syllables() -> None:
    text = "ลูกบอลสีแดงกลิ้งไปตามชายหาดตอนพระอาทิตย์ตก"
    assert broken(text, 12, len) == ["ลูกบอลสีแดง", "กลิ้งไปตาม", "ชายหาดตอน", "พระอาทิตย์ตก"]
    assert broken("เป็นเรื่องไทย", 7, len) == ["เป็น", "เรื่อง", "ไทย"]
    assert broken("เป็นเรื่องไทย", 4, len) is None
    assert broken("เป็นเรื่องไทย", 4, len, "parts") == ["เป็น", "เรื่", "อง", "ไทย"]


def test_japanese_breaks_between_phrases_and_in_one_that_is_too_wide_between_letters() -> None:
    text = "今日は、とても良い天気です。"
    assert broken(text, 5, len) == ["今日は、", "とても良い", "天気です。"]
    assert broken(text, 4, len) == ["今日は、", "とても", "良い天気", "です。"]
    assert broken("東京タワーのtwo wordsを見上げる", 12, len) == ["東京タワーのtwo", "wordsを見上げる"]


def test_a_word_is_cut_last() -> None:
    assert broken("one two-three", 8, len) is None
    assert broken("one two-three", 8, len, "parts") == ["one two-", "three"]
    assert broken("one two-three", 4, len, "parts") is None
    assert broken("one two-three", 4, len, "letters") == ["one", "two-", "thre", "e"]
    assert broken("e\u0301" * 4, 4, len, "letters") == ["e\u0301e\u0301", "e\u0301e\u0301"]


@given(
    text=st.text("ab é-字คำเ,.。 \n", max_size=60), room=st.integers(3, 20), cut=st.sampled_from(("words", "letters"))
)
def test_nothing_is_lost_and_every_line_fits(text: str, room: int, cut: str) -> None:
    lines = broken(text, room, len, cut)  # type: ignore[arg-type]
    if lines is not None:
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert all(len(line) <= room for line in lines)
    else:
        assert cut == "words" or room < 4


def test_real_letters_are_measured() -> None:
    measure = load_font("", 40).getlength
    lines = broken(WORDS["Latin"], 500, measure)
    assert lines is not None
    assert max(map(measure, lines)) <= 500 < measure(" ".join(lines[:2]))


def test_a_syllable_of_burmese_stays_whole() -> None:
    assert broken("စောင့်သည်", 7, len) == ["စောင့်", "သည်"]


def test_a_word_is_cut_first_where_its_writer_lets_it() -> None:
    assert broken("Schiff\u00adfahrts\u00adgesell\u00adschaft", 13, len) == ["Schifffahrts-", "gesellschaft"]
    assert broken("Schiff\u00adfahrt", 12, len) == ["Schifffahrt"]
    assert broken("one\u200btwo\u200bthree", 6, len) == ["onetwo", "three"]
    assert broken("เป็น\u200bเรื่อง\u200bไทย", 7, len) == ["เป็น", "เรื่อง", "ไทย"]
    assert broken("10\u00a0000\u202fkm away", 9, len) == ["10\u00a0000\u202fkm", "away"]


def test_lines_are_read_the_way_of_their_paragraph() -> None:
    assert broken("הסרט Winter Light של", 8, len) == ["הסרט", "\u200fWinter", "\u200fLight של"]
    assert broken("Film של\nשומר 1", 5, len) == ["Film", "\u200eשל", "שומר", "1"]  # noqa: RUF001


@pytest.mark.parametrize("blank", ["\t", "\u00a0", "\u202f", "\u3000"])
def test_a_space_is_never_drawn_as_a_box(blank: str) -> None:
    face = face_for(f"one{blank}two")
    font = load_font(face, 20)
    assert bytes(font.getmask(drawable(f"one{blank}two", face))) == bytes(font.getmask("one two"))
    assert drawable("so\u00adft\u200b", "") == "soft"


def test_scripts_that_need_shaping_are_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    assert face_for("Home é") is not None
    with pytest.raises(RequestError, match="finds no FriBidi") as caught:
        face_for("שומר", "DejaVuSans.ttf")
    assert "install FriBidi" in caught.value.hint


def test_letters_that_no_font_here_has_are_named() -> None:
    with pytest.raises(RequestError, match="no font here has \U0010fff0"):
        face_for("a\U0010fff0")
