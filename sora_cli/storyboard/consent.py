"""Consent: that somebody agreed to be shown, as it is written in the cast."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from pathlib import Path

from sora_cli.storyboard import forms
from sora_cli.storyboard.model import Consent
from sora_cli.storyboard.shapes import Form, Key, Listed, Needed, OneOf, Plain, Shape
from sora_cli.storyboard.values import Text

RELEASES = ("pdf", "txt", "md", "png", "jpg", "jpeg", "tif", "tiff", "heic", "wav", "mp3", "m4a", "mp4", "mov", "asc")
"""What a release may be: a page, a scan, a recording."""


def day(value: object) -> date:
    """A day: `2026-11-03`."""
    told = forms.written(value)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", told):
        with suppress(ValueError):
            return date.fromisoformat(told)
    raise forms.expected("a day", value, "write year, month and day: 2026-11-03")


_Day = Plain(day, {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
_Texts: Shape[list[str] | str] = OneOf(Listed(Text, 1), Text)


class ConsentForm(Form):
    """That a real person agreed to be shown; the film tells a hash of it and nothing that it says."""

    who = Needed(_Texts, "Who agreed: one person, or a list where several are shown at once.")
    statement = Needed(Text, "What they agreed to, in their words.")
    date = Needed(_Day, "The day they agreed: 2026-11-03.")
    file = Needed(Text, "The release that they signed or spoke: a document, a scan or a recording.")
    scope = Key(_Texts, "Titles of the films that it holds for; all films where not written.")
    until = Key(_Day, "The last day that it holds.")
    revoked = Key(_Day, "The day that they took it back.")


def consent_of(form: ConsentForm, path: Path) -> Consent:
    """The consent of a form; `path` is its release."""
    who, scope = _several(form.who), _several(form.scope)
    return Consent(who, form.statement, form.date, path, scope, form.until, form.revoked)


def _several(written: list[str] | str | None) -> tuple[str, ...]:
    return () if written is None else (written,) if isinstance(written, str) else tuple(written)
