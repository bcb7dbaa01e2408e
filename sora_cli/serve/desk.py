"""Where orders are accepted: written down, checked, put into the queue."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from sora_cli import atomic, texts
from sora_cli.bounded import Json
from sora_cli.errors import SoraError
from sora_cli.flows import ordered
from sora_cli.flows.ordered import BOARD, Ordered
from sora_cli.serve.characters import Characters
from sora_cli.serve.forms import VideoRequest
from sora_cli.serve.queue import Full, Kind, Order, Queue
from sora_cli.serve.refusals import Refusal, missing
from sora_cli.serve.settings import Settings
from sora_cli.serve.worker import told

OURS = re.compile(r"sora-2(-[a-z0-9-]{1,40})?")
"""Names of the models that are no more: the server's own engine stands in for each."""
_PICTURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp"}
_DATA = re.compile(r"data:image/[a-z+.-]{1,40};base64,")


class Desk:
    """Accepts the orders of one server; `wake` says that there is work."""

    def __init__(self, settings: Settings, queue: Queue, wake: Callable[[], None]) -> None:
        self.settings, self.queue, self._wake = settings, queue, wake
        self.characters = Characters(queue)

    def find(self, name: str, client: str, kind: Kind) -> Order:
        """An order of a client.

        Raises:
            Refusal: it has none of this name and kind.
        """
        try:
            order = self.queue.require(name, client)
        except KeyError:
            raise missing(kind, name) from None
        if order.kind != kind:
            raise missing(kind, name)
        return order

    def film(self, order: Order) -> Path:
        """The film of an order.

        Raises:
            Refusal: it is not made.
        """
        if order.status != "completed":
            raise Refusal(409, f"{order.id} is {order.status.replace('_', ' ')}: there is no film", "not_ready")
        return self.queue.place(order.id) / ordered.FILM

    def remove(self, order: Order) -> None:
        """Remove an order with all its files; one that is being made stops first, and nobody sees it meanwhile."""
        if not self.queue.remove(order.id, order.client):
            self._wake()

    def cancel(self, order: Order) -> Order:
        """Make an order no more, and give it as it is now; one that is being made stops soon."""
        self.queue.cancel(order.id, order.client)
        self._wake()
        return self.find(order.id, order.client, order.kind)

    def accept(
        self,
        kind: Kind,
        client: str,
        board: str | Mapping[str, object],
        facts: Mapping[str, Json],
        files: Mapping[str, BinaryIO] = MappingProxyType({}),
    ) -> Order:
        """Write an order down, check it, and put it into the queue: from then on it is made, whatever is killed.

        `board` is a storyboard's text, or the data of one that was made of a request; `files` are those that it names.

        Raises:
            Refusal: it cannot be filled, or the client has too many.
        """
        name = self.queue.new_id(kind)
        folder = self.queue.place(name)
        try:
            for place, told in files.items():
                with atomic.aside(folder / place) as part, part.open("xb") as file:
                    shutil.copyfileobj(told, file)
            data = None if isinstance(board, str) else board
            atomic.write(folder / BOARD, board if isinstance(board, str) else ordered.text(board))
            found = ordered.check(folder, self.settings.limits, data)
            order = self.queue.add(name, client, kind, {**facts, **_measured(kind, found)}, self.settings.waiting)
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, SoraError):
                raise _refusal(error, folder) from None
            raise
        self._wake()
        return order

    # -- videos ----------------------------------------------------------------------------------

    def order_video(self, client: str, facts: Mapping[str, Json], picture: BinaryIO | None = None) -> Order:
        """Order a video: its facts are `prompt`, `model`, `seconds`, `size`, `seed`, and `beats` of words and seconds.

        Raises:
            Refusal: as `accept` does, or there is no such model.
        """
        model = str(facts["model"])
        engine = self.settings.engine if OURS.fullmatch(model) else model
        if engine and engine not in {*ordered.engines(), self.settings.engine}:
            message = f"no model {model!r}: there are sora-2, {', '.join(ordered.engines())}"
            raise Refusal(404, message, "model_not_found", "model")
        file = f"input-reference.{_suffix(picture)}" if picture else ""
        known = [self.characters.require(str(name), client) for name in _listed(facts, "characters")]
        named = {**facts, "input": file}
        with contextlib.ExitStack() as opened:
            files: dict[str, BinaryIO] = {
                f"{each.id}.webp": opened.enter_context(self.characters.place(each.id).open("rb")) for each in known
            }
            if picture is not None:
                files[file] = picture
            return self.accept("video", client, _board(named, engine), named, files)

    def order_from(self, source: Order, prompt: str, *, seconds: str | None = None) -> Order:
        """Order a video that goes on from another: with other words, or, with `seconds`, for so much longer.

        Engine, size and seed stay, and the picture that it began on. What is longer begins with the takes of the other,
        which are not made again.

        Raises:
            Refusal: as `order_video` does.
        """
        self.film(source)
        facts = {key: value for key, value in source.facts.items() if key not in {"input", "film_seconds", "line"}}
        beats = _listed(facts, "beats") if seconds else []
        added = [prompt, seconds or facts["seconds"]]
        whole = float(str(facts["seconds"])) + float(seconds or 0)
        changed: dict[str, Json] = {
            **facts,
            "prompt": prompt,
            "beats": [*beats, added],
            "seconds": f"{whole:g}",
            "remixed_from": source.id,
        }
        if not source.fact("input"):
            return self.order_video(source.client, changed)
        with (self.queue.place(source.id) / source.fact("input")).open("rb") as picture:
            return self.order_video(source.client, changed, picture)

    def known_film(self, client: str, film: BinaryIO) -> Order:
        """The order whose film a client sent back.

        Raises:
            Refusal: it is no film that was made for this client here.
        """
        found = self.queue.known_film(hashlib.file_digest(film, "sha256").hexdigest(), client)  # type: ignore[arg-type]
        if found is None:
            hint = "send a video as it was downloaded from here, or its id"
            raise Refusal(400, f"the film is none that this server made: {hint}", "unknown_video", "video")
        return found


def wanted(asked: VideoRequest, picture: BinaryIO | None = None) -> tuple[dict[str, Json], BinaryIO | None]:
    """The facts of a video that is asked for, and the picture that it begins on.

    Raises:
        Refusal: what should be a picture is none.
    """
    if asked.input_reference is not None:
        picture = io.BytesIO(data_picture(asked.input_reference.image_url))
    told = asked.model_dump(exclude={"input_reference"})
    told["characters"] = [each.id for each in asked.characters]
    told["seed"] = new_seed() if asked.seed is None else asked.seed
    return {**told, "beats": [[asked.prompt, asked.seconds]]}, picture


def new_seed() -> int:
    """A seed that nobody chose."""
    return secrets.randbelow(2**31)


def data_picture(address: str) -> bytes:
    """The picture in a `data:` address.

    Raises:
        Refusal: it holds none. Nothing is fetched from anywhere.
    """
    head = _DATA.match(address)
    if head is None:
        message = "image_url holds the picture itself, as data:image/png;base64,...; nothing is fetched"
        raise Refusal(400, message, "invalid_value", "input_reference")
    try:
        return base64.b64decode(address[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, "image_url is no base64", "invalid_value", "input_reference") from None


def _suffix(picture: BinaryIO) -> str:
    """What kind of picture it is, by its first bytes: nobody's file name is believed."""
    head = picture.read(12)
    picture.seek(0)
    for magic, suffix in _PICTURES.items():
        if head.startswith(magic) and (suffix != "webp" or head[8:] == b"WEBP"):
            return suffix
    raise Refusal(400, "input_reference is no PNG, JPEG or WebP picture", "invalid_value", "input_reference")


def _listed(facts: Mapping[str, Json], name: str) -> list[Json]:
    found = facts.get(name)
    return found if isinstance(found, list) else []


def _board(facts: Mapping[str, Json], engine: str) -> dict[str, object]:
    """The storyboard of a video: one shot. Its values name the fields of the request that they come from."""
    pairs = [each for each in _listed(facts, "beats") if isinstance(each, list)]
    seen = [f"{name}.webp" for name in _listed(facts, "characters")]
    shot: dict[str, object] = {
        **({"from": ordered.given("input_reference", facts["input"])} if facts["input"] else {}),
        **({"reference": ordered.given("characters", seen)} if seen else {}),
        "seed": ordered.given("seed", int(str(facts["seed"]))),
        "beats": [
            {"prompt": ordered.given("prompt", str(words)), "duration": ordered.given("seconds", f"{seconds}s")}
            for words, seconds in pairs
        ],
    }
    title = ordered.given("prompt", texts.phrase(str(facts["prompt"]), 80, 16) or "video")
    named = {"engine": ordered.given("model", engine)} if engine else {}
    return {"title": title, **named, "output": {"size": ordered.given("size", str(facts["size"]))}, "shots": [shot]}


def _measured(kind: Kind, found: Ordered) -> dict[str, Json]:
    """What the plan says of a film; a video's size and length are told as they were asked for."""
    if kind == "video":
        return {"film_seconds": found.seconds}
    return {"seconds": found.seconds, "size": f"{found.width}x{found.height}"}


def _refusal(error: SoraError, folder: Path) -> Refusal:
    if isinstance(error, Full):
        return Refusal(429, f"{error.message}: {error.hint}", "rate_limit_exceeded", wait=10)
    words = told(error, folder)
    mark = error.problems[0].mark if error.problems else None
    return Refusal(400, str(words["message"]), str(words["code"]), mark.typed or None if mark else None)
