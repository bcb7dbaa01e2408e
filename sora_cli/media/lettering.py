"""Fonts: the first one here that has all letters of a text."""

from __future__ import annotations

from PIL import ImageFont

from sora_cli.errors import MediaError, RequestError

SYSTEM_FONTS = (
    "DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc", "PingFang.ttc", "msyh.ttc", "YuGothR.ttc", "malgun.ttf",
)  # fmt: skip
"""Fonts to look for where Pillow's own, which has little beyond ASCII, lacks a letter."""

_NO_LETTER = "\U0010fffe"
"""A code point that is no letter, and never will be: how it is drawn tells how a missing one is."""
_ANY_SIZE = 12


def face_for(text: str, own: str = "") -> str:
    """The font that has all letters of `text`: the file `own` where one is named, else Pillow's (an empty name), else
    one of the system's, by its file's name.

    Raises:
        RequestError: none has them (they would come out as empty boxes), or `own` is no font.
    """  # noqa: D205  the summary needs two lines
    lacking: list[str] = []
    for name in (own,) if own else ("", *SYSTEM_FONTS):
        try:
            font = load_font(name, _ANY_SIZE)
        except OSError as error:
            if own:
                raise RequestError(f"cannot use {own} as a font: {error}", hint="name a .ttf or .otf file") from error
            continue
        none = bytes(font.getmask(_NO_LETTER))
        missing = [letter for letter in dict.fromkeys(text) if letter.strip() and bytes(font.getmask(letter)) == none]
        if not missing:
            return name
        lacking = min(lacking or missing, missing, key=len)  # of the font that comes nearest
    raise RequestError(f"{text[:40]!r} cannot be lettered: {own or 'no font here'} has no {' '.join(lacking[:8])}")


def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font by its file's name or path; Pillow's own where the name is empty. Raises OSError where it is none."""
    if name:
        return ImageFont.truetype(name, size)
    own = ImageFont.load_default(size=size)
    if not isinstance(own, ImageFont.FreeTypeFont):
        raise MediaError("this Pillow was built without FreeType", hint="pip install --force-reinstall pillow")
    return own
