"""Lists as spreadsheets save them: every way is read, or told as what it is."""

from __future__ import annotations

import zipfile
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sora_cli import packages
from sora_cli.errors import MachineError, RequestError
from sora_cli.events import Note, Recording, Silent
from sora_cli.flows.batch import entries
from sora_cli.flows.rows import read_rows

TWO = {1: {"hero": "a red ball", "seed": "1"}, 2: {"hero": "a blue cube", "seed": "2"}}


def rows(folder: Path, text: str | bytes, heard: Recording | None = None) -> dict[int, dict[str, str]]:
    path = folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_rows(path, heard or Silent())


@pytest.mark.parametrize(
    "text",
    [
        "hero,seed\na red ball,1\na blue cube,2\n",
        "hero;seed\r\na red ball;1\r\na blue cube;2\r\n",
        "hero\tseed\na red ball\t1\na blue cube\t2",
        "\ufeffhero,seed\na red ball,1\na blue cube,2\n,\n,\n \t, \n",
        "hero,seed,,\na red ball,1,,\na blue cube,2,,\n,,,\n",
        "sep=;\nhero;seed\na red ball;1\na blue cube;2\n",
        " hero , seed\na red ball,1\na blue cube,2\n\n\n",
        '"hero","seed"\n"a red ball","1"\n"a blue cube","2"\n',
        "hero\tseed\na red ball\t1\na blue cube\t2\n".encode("utf-16"),
        "hero,seed\na red ball,1\na blue cube,2\n".encode("utf-16-le"),
        "hero,seed\na red ball,1\na blue cube,2\n".encode("utf-16-be"),
        "hero,seed\na red ball,1\na blue cube,2\n".encode("utf-32"),
        "hero, seed\n a red ball , 1\n\u00a0a blue cube\u200b,2\n\u200b,\ufeff\n",
        'hero, seed\n"a red ball", "1"\n"=""a blue cube""","=""2"""\n',
        "sep=;\rhero;seed\ra red ball;1\ra blue cube;2\r",
        '"sep=;"\r\nhero;seed\r\na red ball;1\r\na blue cube;2\r\n',
        "hero\uff0cseed\na red ball\uff0c1\na blue cube\uff0c2\n",
    ],
)
def test_one_list_in_the_ways_of_many_spreadsheets(tmp_path: Path, text: str | bytes) -> None:
    heard = Recording()
    assert rows(tmp_path, text, heard) == TWO
    assert heard.events == []


def test_rows_without_a_value_make_no_film_and_keep_the_numbers_of_others(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("vars: {hero: red}\nshots: ['${hero}']\n")
    (tmp_path / "trail.csv").write_text("hero,seed\nred,1\n,\nblue,2\n,\n,\n")
    found = entries([tmp_path / "b.yaml", tmp_path / "trail.csv"], Silent())
    assert [(entry.row, entry.sets) for entry in found] == [
        (1, {"hero": "red", "seed": "1"}), (3, {"hero": "blue", "seed": "2"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", [",,\nhero,place\nred,sea; far\n", "\n;\n;;\nhero;place\nred;sea; far\n", " \nhero\tplace\nred\tsea; far\n"]
)
def test_rows_without_a_value_may_stand_above_the_names(tmp_path: Path, text: str) -> None:
    text = text.replace("sea; far", '"sea; far"')
    assert rows(tmp_path, text) == {1: {"hero": "red", "place": "sea; far"}}


def test_a_row_that_adds_up_the_others_makes_no_film_and_an_empty_cell_is_told(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("vars: {hero: red, place: sea, seed: 1}\nshots: ['${hero}']\n")
    for total in ("Total", "Summe:", "Total seconds", "Итого"):
        heard = Recording()
        (tmp_path / "a.csv").write_text(f"hero,place,seed\nred,lake,1\nTotal eclipse,,2\n,,\n{total},,3\n")
        found = entries([tmp_path / "b.yaml", tmp_path / "a.csv"], heard)
        assert [entry.row for entry in found] == [1, 2]
        assert [str(event).partition("a.csv: ")[2][:24] for event in heard.events] == [
            "row 4 adds up the others", "row 2: `place` is empty:",
        ]  # fmt: skip
    (tmp_path / "a.csv").write_text("hero,place\nSum,lake\nTotal,sea\nred,sea\n")
    assert len(entries([tmp_path / "b.yaml", tmp_path / "a.csv"], Silent())) == 3


def test_a_list_of_prompts_alone_is_told_what_makes_films_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt\na ball\na cube\n")
    with pytest.raises(RequestError) as told:
        entries([tmp_path / "a.csv"], Silent())
    assert "`vars: {prompt: a ball}` and `shots: ['${prompt}']`" in told.value.hint
    assert "sora import" in told.value.hint


def test_rows_that_a_spreadsheet_wrote_without_their_empty_ends_are_read_and_told(tmp_path: Path) -> None:
    heard = Recording()
    assert rows(tmp_path, "hero,seed\na,1\nb\n", heard) == {1: {"hero": "a", "seed": "1"}, 2: {"hero": "b"}}
    assert "row 2: fewer cells than columns" in str(heard.events[0])


def test_the_text_that_excel_calls_unicode_is_a_list_and_json_lines_are_none(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("vars: {hero: red, place: sea}\nshots: ['${hero}']\n")
    (tmp_path / "list.txt").write_bytes("hero\tplace\r\nblue\tlake\r\n".encode("utf-16"))
    (found,) = entries([tmp_path / "b.yaml", tmp_path / "list.txt"], Silent())
    assert found.sets == {"hero": "blue", "place": "lake"}
    with pytest.raises(RequestError, match="is JSON Lines, not a CSV list"):
        entries([tmp_path / "b.yaml", tmp_path / "rows.jsonl"], Silent())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (",hero,seed\n0,a red ball,1\n1,a blue cube,2\n", "counts the rows"),
        ("Unnamed: 0;hero;seed\n1;a red ball;1\n2;a blue cube;2\n", "counts the rows"),
        ("| hero | seed |\n|---|:-:|\n| a red ball | 1 |\n| a blue cube | 2 |\n", ""),
        ("hero,seed\na red ball,1\nhero,seed\na blue cube,2\n", "row 2 names the columns once more"),
        ("hero,seed\r\na red ball,1\r\na blue cube,2\r\n\x1a", ""),
    ],
)
def test_what_programs_write_beside_the_rows_makes_no_film(tmp_path: Path, text: str, told: str) -> None:
    heard = Recording()
    assert [*rows(tmp_path, text, heard).values()] == [*TWO.values()]
    assert told in " ".join(str(event) for event in heard.events)
    assert bool(told) == bool(heard.events)


@pytest.mark.parametrize("name", ["list.txt", "list"])
def test_a_text_whose_first_line_names_columns_is_a_list(tmp_path: Path, name: str) -> None:
    (tmp_path / "b.yaml").write_text("vars: {hero: red, place: sea}\nshots: ['${hero}']\n")
    (tmp_path / name).write_text("hero;place\nblue;lake\n")
    (found,) = entries([tmp_path / "b.yaml", tmp_path / name], Silent())
    assert found.sets == {"hero": "blue", "place": "lake"}


def test_quoted_newlines_marks_and_quotes_stay_in_their_cell(tmp_path: Path) -> None:
    text = 'hero;place\n"a ball,\n""red""; large";"the sea, the sky"\n'
    assert rows(tmp_path, text) == {1: {"hero": 'a ball,\n"red"; large', "place": "the sea, the sky"}}


def test_what_is_read_otherwise_than_written_is_told(tmp_path: Path) -> None:
    heard = Recording()
    assert rows(tmp_path, "hero;length\nMädchen, 3;1,5\n".encode("cp1252"), heard)[1] == {
        "hero": "Mädchen, 3", "length": "1.5",
    }  # fmt: skip
    told = [note.message for note in heard.of(Note)]
    assert "Windows-1252" in told[0]
    assert "1,5 is 1.5" in told[1]


def test_columns_with_a_meaning_are_known_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("Storyboard;OUTPUT\nb.yaml;one.mp4\n")
    (found,) = entries([tmp_path / "b.csv"], Silent())
    assert (found.board, found.output) == (tmp_path / "b.yaml", "one.mp4")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no rows"),
        ("hero,seed\n,\n,\n", "has no rows"),
        (",\n,\n", "has no rows"),
        ("hero,seed,hero\na,1,b\n", "two columns are called `hero`"),
        ("hero,,seed\na,b,1\n", "column 2 has no name, and a value in row 1"),
        ("hero,seed\na ball, red,1\n", "row 1 has 3 cells"),
        ('hero,seed\n"a,1\n', "is not a list"),
        (b"hero,seed\na\x81\x00,1\n", "is not a list"),
        (b"PK\x03\x04\x14\0[Content_Types].xml", "is not a list: it is a spreadsheet"),
        (b"hero,seed\na red ball,1\n\0\0\0\0", "is not a list: it is not a text file"),
        ("hero,seed\nred,1\n#REF!,2\n", "row 2: #REF! is an error of the spreadsheet"),
        ("hero;seed\n#BEZUG!;1\n", "row 1: #BEZUG! is an error of the spreadsheet"),
        ("# my films\nhero,seed\nred,1\n", "has 2 cells"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        rows(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("My films,,\n,,\nhero,place,seed\na,b,1\n", "the first row names the columns"),
        ("hero\na ball, red\n", "put quotes around cells that contain commas"),
        (
            "hero,place\n\u201ca ball\u201d,\u201cthe sea, day\u201d\n",
            'straight ones ("), not \u201cof this kind\u201d',
        ),
    ],
)
def test_what_to_do_of_a_list_is_true(tmp_path: Path, text: str, hint: str) -> None:
    with pytest.raises(RequestError) as caught:
        rows(tmp_path, text)
    assert hint in caught.value.hint


def test_a_quote_that_stays_open_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        rows(tmp_path, 'hero,seed\n"a,1\n')
    assert "a quote opens a cell" in caught.value.hint


def test_a_spreadsheet_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="is a spreadsheet"):
        entries([tmp_path / "list.ods"], Silent())
    monkeypatch.setattr(packages, "here", lambda _package: False)
    with pytest.raises(MachineError, match="a spreadsheet needs the package openpyxl") as caught:
        read_rows(tmp_path / "list.xlsx", Silent())
    assert caught.value.hint == "pip install 'sora-cli[sheets]'; or save the list as CSV, in UTF-8"


def workbook(path: Path, rows: list[list[object]], *, forms: dict[str, str] | None = None) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.create_sheet("Shots")
    for row in rows:
        book["Shots"].append(row)
    for place, form in (forms or {}).items():
        book["Shots"][place].number_format = form
    book["Shots"]["XFD1048576"] = "stray"
    book.create_sheet("Crew").append(["Ann"])
    book.save(path)
    return path


def test_a_share_that_is_shown_rounded_keeps_its_value(tmp_path: Path) -> None:
    path = workbook(tmp_path / "list.xlsx", [["a", "b"], [0.335, 0.5]], forms={"A2": "0%", "B2": "0.00%"})
    assert read_rows(path, Silent()) == {1: {"a": "33.5%", "b": "50.00%"}}


def test_a_list_in_json_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('\n[{"prompt": "a ball"}]')
    with pytest.raises(RequestError, match=r"a\.json is a list in JSON, not a CSV list") as caught:
        entries([tmp_path / "a.json"], Silent())
    assert caught.value.hint == "save the list as CSV, or as .xlsx"


def test_a_workbook_is_a_list_with_each_cell_as_its_program_shows_it(tmp_path: Path) -> None:
    clocks = [time(0, 0, 4), time(0, 4), timedelta(seconds=4.5)]
    rows: list[list[object]] = [["hero", "n", "a", "b", "c"], ["a red ball", 1, *clocks], [None], ["a cube", 2.5]]
    heard = Recording()
    path = workbook(tmp_path / "list.xlsx", rows, forms={"C2": "mm:ss", "D2": "h:mm"})
    assert read_rows(path, heard) == {
        1: {"hero": "a red ball", "n": "1", "a": "0:00:04", "b": "0:04", "c": "0:00:04.500"},
        3: {"hero": "a cube", "n": "2.5"},
    }
    assert "the sheet `Shots` is read; left out: `Crew`, cells beyond row 20,000 or column 200" in str(heard.events[0])


def test_numbers_of_a_workbook_are_as_they_are_shown_and_a_merged_cell_holds_for_its_rows(tmp_path: Path) -> None:
    rows: list[list[object]] = [[None], ["n", "level", "place"], [7, 0.5, "sea"], [12, 0.125, None], [3, 1, "wood"]]
    path = workbook(tmp_path / "list.xlsx", rows, forms={"A3": "000", "B3": "0%", "B4": "0.0%", "A4": "0"})
    import openpyxl

    book = openpyxl.load_workbook(path)
    book["Shots"].merge_cells("C3:C4")
    book.save(path)
    assert read_rows(path, Silent()) == {
        1: {"n": "007", "level": "50%", "place": "sea"},
        2: {"n": "12", "level": "12.5%", "place": "sea"},
        3: {"n": "3", "level": "1", "place": "wood"},
    }


def test_merged_cells_make_no_rows_and_names_of_columns_no_values(tmp_path: Path) -> None:
    import openpyxl

    table: list[list[object]] = [["a", "b"], [None, "(of b)"], ["x", "y"], [None, None], ["z", "1"], [None, "2"]]
    path = workbook(tmp_path / "list.xlsx", table)
    book = openpyxl.load_workbook(path)
    for cells in ("A1:A2", "A3:A4", "B3:B4", "A5:A6"):
        book["Shots"].merge_cells(cells)
    book.save(path)
    found = list(read_rows(path, Silent()).values())
    assert found == [{"b": "(of b)"}, {"a": "x", "b": "y"}, {"a": "z", "b": "1"}, {"a": "z", "b": "2"}]


def test_whole_numbers_as_google_writes_them_keep_their_zeros(tmp_path: Path) -> None:
    path = workbook(tmp_path / "list.xlsx", [["n"], [7], [-8]], forms={"A2": "000", "A3": "000"})
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data.replace(b"<v>7</v>", b"<v>7.0</v>"))
    assert read_rows(path, Silent()) == {1: {"n": "007"}, 2: {"n": "-008"}}


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04", None], ids=["empty", "text", "zip", "cut"])
def test_a_damaged_workbook_is_told(tmp_path: Path, data: bytes | None) -> None:
    path = workbook(tmp_path / "list.xlsx", [["a"], ["b"]])
    path.write_bytes(path.read_bytes()[:3000] if data is None else data)
    with pytest.raises(RequestError, match="damaged, or no workbook of Excel"):
        read_rows(path, Silent())


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with zipfile.ZipFile(tmp_path / "list.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * (65 << 20))
    with pytest.raises(RequestError, match="larger than 67,108,864 bytes when unpacked"):
        read_rows(tmp_path / "list.xlsx", Silent())


@given(
    cells=st.lists(
        st.lists(st.text("ab ,;|\t\n\"'", min_size=1).map(str.strip), min_size=2, max_size=2), min_size=1, max_size=4
    ),
    mark=st.sampled_from(",;\t|"),
)
def test_what_a_library_writes_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]], mark: str
) -> None:
    quoted = [mark.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    found = (
        rows(tmp_path_factory.mktemp("list"), "\r\n".join([f"x{mark}y", *quoted]))
        if any(cell.strip() for row in cells for cell in row)
        else {}
    )
    assert found == {
        number: {name: cell for name, cell in zip("xy", row, strict=True) if cell.strip()}
        for number, row in enumerate(cells, 1) if any(cell.strip() for cell in row)
    }  # fmt: skip
