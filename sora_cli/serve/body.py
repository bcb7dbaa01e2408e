"""What a request sends, as fields and files; JSON and forms alike."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import BinaryIO, TypeVar

from fastapi import Request
from msgspec import Struct
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

from sora_cli.bounded import Json, parse_json
from sora_cli.data import fault_words
from sora_cli.serve.refusals import Refusal

Form = TypeVar("Form", bound=BaseModel)
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
_EACH = "[][id]"
"""What ends the name of a field that is one of a list of things named by their ids."""
_NESTED = re.compile(r"(\w{1,40})\[(\w{1,40})\]")


class Sent(Struct, frozen=True):
    """Fields and files of a request, by name."""

    fields: dict[str, Json]
    files: dict[str, BinaryIO]

    def form(self, kind: type[Form], **also: Json) -> Form:
        """The fields as this form.

        Raises:
            Refusal: a field is missing, wrong or unknown.
        """
        try:
            return kind.model_validate({**self.fields, **also})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or None
            code = {"extra_forbidden": "unknown_parameter", "missing": "missing_required_parameter"}.get(first["type"])
            message = f"{name or 'the request'}: {fault_words(first)}"
            raise Refusal(400, message, code or "invalid_value", name) from None


@asynccontextmanager
async def reading(request: Request, *files: str) -> AsyncIterator[Sent]:
    """The body of a request; `files` are the fields that may be files, which are open in here.

    Raises:
        Refusal: it is no form and no JSON object, or has other files.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORMS:
        async with request.form(max_files=2, max_fields=20, max_part_size=256 << 10) as form:
            yield _form(form, files)
        return
    if kind not in {"", "application/json"}:
        raise Refusal(
            415, f"cannot read {kind}: send application/json or multipart/form-data", "unsupported_media_type"
        )
    try:
        fields = parse_json(await request.body())
    except ValueError:
        raise Refusal(400, "the body is not JSON", "invalid_json") from None
    if not isinstance(fields, dict):
        raise Refusal(400, "the body is no JSON object", "invalid_json")
    yield Sent(fields, {})


def _form(form: FormData, names: Sequence[str]) -> Sent:
    sent = Sent({}, {})
    for key, value in form.multi_items():
        name, _, inner = key.partition("[") if _NESTED.fullmatch(key) else (key, "", "")
        if isinstance(value, UploadFile):
            if key not in names or key in sent.files:
                raise Refusal(400, f"{key[:80]} is no file of this request", "unknown_parameter", key[:80])
            sent.files[key] = value.file
            continue
        if key in sent.fields or (name in sent.fields and not inner):
            raise _twice(key)
        if key.endswith(_EACH):
            items = sent.fields.setdefault(key.removesuffix(_EACH), [])
            if not isinstance(items, list):
                raise _twice(key)
            items.append({"id": value})
        elif inner:
            own = sent.fields.setdefault(name, {})
            sent.fields[name] = {**(own if isinstance(own, dict) else {}), inner.rstrip("]"): value}
        else:
            sent.fields[key] = value
    return sent


def _twice(key: str) -> Refusal:
    return Refusal(400, f"{key[:80]} is there twice", "invalid_value", key[:80])
