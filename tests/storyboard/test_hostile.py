"""Files that mean harm: each gets a clear word within a second and 200 MB, and none gets a traceback.

The time is the processor's, so that a busy machine does not fail the test.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sora_cli.plan import survey
from sora_cli.storyboard import read, read_text, starter
from tests.boards import catalogue
from tests.memory import forget, peak
from tests.storyboard.boards import reading
from tests.storyboard.test_stories import WHOLE

MEGABYTE = 1024 * 1024

TEXTS: dict[str, Callable[[], str]] = {
    "alias bomb": lambda: "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)),
    "merge bomb": lambda: "x: &x {" + ", ".join(f"k{n}: 1" for n in range(3000)) + "}\n"
    + "".join(f"y{n}: {{<<: *x}}\n" for n in range(4_000)),
    "deep lists": lambda: "[" * MEGABYTE,
    "deep mappings": lambda: "{a: " * 400_000,
    "deep dashes": lambda: "- " * MEGABYTE,
    "deep keys": lambda: "? " * MEGABYTE,
    "deep indents": lambda: "".join(" " * n + "a:\n" for n in range(1900)),
    "long scalar": lambda: "shots: ['" + "x" * (2 * MEGABYTE - 20) + "']",
    "long key": lambda: "k" * MEGABYTE + ": 1",
    "long line": lambda: "shots: [" + "a, " * 400_000 + "]",
    "many shots": lambda: "shots:\n" + "- a\n" * 400_000,
    "many wrong shots": lambda: "shots:\n" + "- {a: 1}\n" * 9_000,
    "many keys": lambda: "".join(f"k{n}: 1\n" for n in range(150_000)),
    "many duplicates": lambda: "seed: 1\n" * 200_000,
    "many anchors": lambda: "".join(f"x-{n}: &a{n} 1\n" for n in range(90_000)),
    "many documents": lambda: "---\n" * 500_000,
    "many directives": lambda: "%TAG !a! tag:a:\n" * 100_000 + "---\nshots: [a]",
    "many tags": lambda: "shots: [" + "!a x, " * 100_000 + "]",
    "many links": lambda: "shots:\n" + "".join(f"- {{prompt: a, name: n{n}, from: q{n}}}\n" for n in range(4_000)),
    "many circles": lambda: "shots:\n" + "".join(f"- {{prompt: a, name: n{n}, from: n{n}}}\n" for n in range(4_000)),
    "many mentions": lambda: "cast: {a: b}\nshots:\n" + ("- '" + "@b " * 6_000 + "'\n") * 100,
    "many files": lambda: "shots:\n" + "".join(f"- {{prompt: a, reference: {n}.png}}\n" for n in range(4_000)),
    "variable bomb": lambda: "vars:\n  a0: " + "x" * 999 + "\n"
    + "".join(f"  a{n + 1}: ${{a{n}}}${{a{n}}}\n" for n in range(60)) + "shots: ['${a60}']",
    "variables everywhere": lambda: "vars: {a: " + "x" * 19_000 + "}\nshots:\n" + "- ${a}\n" * 9_000,
    "unset variables": lambda: "shots: ['" + "${a}" * 4_900 + "']",
    "style for all": lambda: "style: " + "x" * 19_000 + "\nshots:\n" + "- {prompt: a, style: b}\n" * 4_000,
    "options for all": lambda: "options: {" + ", ".join(f"k{n}: 1" for n in range(5_000)) + "}\nshots:\n"
    + "- {prompt: a, options: {b: 1}}\n" * 4_000,
    "aliases of a long text": lambda: "x-a: &a " + "x" * 19_000 + "\nshots:\n" + "- *a\n" * 9_000,
    "long number": lambda: "seed: " + "9" * 19_000 + "\nshots: [a]",
    "big exponent": lambda: "output: {fps: 1e999999999}\nshots: [{prompt: a, duration: 1e999999999}]",
    "object": lambda: "shots: !!python/object/apply:os.system ['touch owned']",
    "escape codes": lambda: 'shots: ["\\e]0;owned\\a\\e[2J"]\n"\\e[31m": 1\n',
    "direction marks": lambda: "shots: [a]\n\u202etitel: x\n",
    "unclosed quote": lambda: "'" * (MEGABYTE + 1),
    "colons": lambda: "a:" * MEGABYTE,
    "comments": lambda: "#\n" * MEGABYTE,
}  # fmt: skip

BYTES: dict[str, Callable[[], bytes]] = {
    "NUL bytes": lambda: b"shots: [a]\n" + b"\0" * 1000,
    "random bytes": lambda: random.Random(1).randbytes(MEGABYTE),  # noqa: S311  no secret
    "UTF-16": lambda: "shots: [a]".encode("utf-16"),
    "UTF-16 without its mark": lambda: "shots: [a]".encode("utf-16-le"),
    "surrogates": lambda: b"title: \xed\xa0\x80\nshots: [a]",
    "overlong": lambda: b"title: \xc0\xaf\nshots: [a]",
    "100 MB": lambda: b"a" * (100 * MEGABYTE),
}

CHILD = """
import json, resource, sys, time
from pathlib import Path
from sora_cli.storyboard import read
from tests.memory import peak
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
told = {}
for path in map(Path, sys.argv[1:]):
    start = time.process_time()
    problems = read(path).problems
    text = "".join(map(str, problems))
    escapes = "\\x1b" in text or "\\u202e" in text
    told[path.stem] = [time.process_time() - start, peak() // 1024, len(problems), text[:300], escapes]
print(json.dumps(told))
"""


def test_the_corpus_of_horrors(tmp_path: Path) -> None:
    paths = []
    for number, (name, make) in enumerate({**TEXTS, **BYTES}.items()):
        made = make()
        paths.append(tmp_path / f"{number} {name}.yaml")
        paths[-1].write_bytes(made if isinstance(made, bytes) else made.encode())
    command = [sys.executable, "-c", CHILD, *map(str, paths)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stderr
    for name, (seconds, megabytes, problems, text, escapes) in json.loads(ran.stdout).items():
        assert seconds < 1, (name, seconds)
        assert megabytes < 200, (name, megabytes)
        assert 0 < problems <= 201, name
        assert "Traceback" not in text
        assert not escapes, name
    assert not (Path.cwd() / "owned").exists()


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.yaml").write_bytes(b"#" * 3 * MEGABYTE)
    small = (Path(__file__)).stat()
    monkeypatch.setattr(Path, "stat", lambda *_args, **_options: small)
    assert "at most" in str(read(tmp_path / "film.yaml").problems[0])


PIECES = (
    *(
        "shots:",
        "- ",
        "  ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: *a",
        "!!str ",
        "!x ",
        "'",
        '"',
        "|",
        ">",
        "%",
        "@mara",
    ),
    *(
        "${a}",
        "${",
        "\t",
        "\r\n",
        "\0",
        "\x1b[31m",
        "\ud800",
        "\u202e",
        "😀",
        "off",
        "null",
        "1e9",
        "-",
        ": ",
        "\n",
        "#",
    ),
    *("from: previous", "from: x.png", "to: ../x", "duration: 0", "title: ", "beats:", "x" * 300, "---", "...", "?"),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A right storyboard with some of its text cut out, repeated, swapped or written over."""
    text = draw(st.sampled_from((WHOLE, starter())))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 60)))
        put = draw(st.one_of(st.sampled_from(PIECES), st.just(""), st.just(text[start:end] * 2), st.text(max_size=8)))
        text = text[:start] + put + text[end:]
    return text


@settings(max_examples=150)
@given(mutated())
def test_a_mutated_storyboard_is_read_or_refused(text: str) -> None:
    found = reading(text)
    assert found.board is not None or found.problems
    problems = found.problems
    if found.board is not None:  # as far as understood: its takes are looked at too
        problems += survey(found.board, catalogue()).problems
    told = "".join(str(problem).replace("\n", "") for problem in problems)
    assert told.isprintable() or "\x1b" not in told


@pytest.mark.parametrize("key", ["scenes", "shots"])
def test_a_storyboard_that_lost_all_its_shots_is_refused_for_what_is_wrong(key: str) -> None:
    found = reading(f"{key}:\ncolour: red\n{key}: [a ball]\n")
    assert found.board is not None
    assert found.problems
    survey(found.board, catalogue())


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from(PIECES)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=6), st.sampled_from(("shots", "prompt", "from", "look"))), inner),
    ),
    max_leaves=12,
)
KEYS = (
    "scenes",
    "shots",
    "cast",
    "vars",
    "output",
    "look",
    "sound",
    "provenance",
    "policy",
    "title",
    "options",
    "seed",
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_any_data_is_read_or_refused(data: dict[str, object]) -> None:
    text = json.dumps(data)  # which is YAML, too, but for what JSON itself gets wrong
    found = read_text(text, folder=Path(), name="any")
    assert found.board is not None or found.problems


def test_a_long_film_is_read_in_time_that_grows_with_it() -> None:
    forget()
    before = peak()

    def seconds(shots: int) -> float:
        text = "shots:\n" + "".join(f"  - {{name: s{n}, prompt: a ball, duration: 2s}}\n" for n in range(shots))
        start = time.process_time()
        assert reading(text).board is not None
        return time.process_time() - start

    seconds(100)
    assert seconds(8000) < 30 * max(seconds(1000), 0.05)  # eight times as long; a square of it would be 64 times
    assert (peak() - before) // 1024 < 1000
