"""A page as one file: its style and its script are in it, and a policy that forbids it the network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import escape
from pydantic import JsonValue

from sora_cli import __version__
from sora_cli.page.data import Page
from sora_cli.page.plots import HEIGHT, WIDTH

_HEAD = 4_000
"""Bytes in which a page says whose it is."""


def render(page: Page) -> str:
    """The HTML of a page. All that comes from outside is escaped; only the style and script of this room are not."""
    style, script = _own("page.css"), _own("page.js")
    template, policy = _templates().get_template("page.html"), _policy(style, script, media="blob:")
    return template.render(
        page=page, policy=policy, style=style, script=script, version=__version__, plot=(WIDTH, HEIGHT)
    )


def render_player(title: str, source: str, story: Mapping[str, JsonValue]) -> str:
    """The HTML that plays a story by choice; its films lie beside it, and it asks for nothing else."""
    style, script = _own("player.css"), _own("player.js")
    policy = _policy(style, script, media="'self' file:")  # of a page on a disk `self` is not its folder
    template = _templates().get_template("player.html")
    return template.render(
        title=title, source=source, story=story, policy=policy, style=style, script=script, version=__version__
    )


def _policy(style: str, script: str, *, media: str) -> str:
    """What a page may load: its own style and script, pictures in it, and films from there."""
    return (
        f"default-src 'none'; img-src data:; media-src {media}; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def is_page_of(path: Path, source: str) -> bool:
    """Whether a file is a page that `render` made of the film or storyboard of this name."""
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", "replace")
    wanted = '<meta name="generator" content="sora ', f'<meta name="source" content="{escape(source)}">'
    return all(each in head for each in wanted)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("sora_cli.page", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = _clock
    return made


def _own(name: str) -> str:
    return files("sora_cli.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:05.2f}"
