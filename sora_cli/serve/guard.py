"""The door: who may come in, how much they may send, how often, and for how long."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sora_cli.serve.refusals import Refusal
from sora_cli.serve.settings import Settings

SENDING = 120.0
"""Seconds that a request may take to arrive."""
PLAIN = 2 << 20
"""Bytes of a request that sends no files, and is held in memory."""
REST, WAIT = 8 << 20, 2.0
"""Bytes and seconds that are still read of a request that is refused: most clients send all before they listen."""
WHOLE = 256 << 20
"""Bytes of one that is read to its end, where it says that it has no more."""
OPEN = {"/healthz"}
"""What answers without a token."""
MINUTE = 60.0
_MOST_CLIENTS = 10_000
_LOCAL = {"localhost", "127.0.0.1", "::1"}


class Guard:
    """Stands before the app. What it refuses is refused before the body is read: a little of it is, and thrown away."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._orders: dict[str, deque[float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            client = self._client(request)
            most = self._most(request)
            if request.method == "POST" and not request.url.path.endswith("/cancel"):
                self._count(client)
        except Refusal as refusal:
            await _read_on(receive, said if (said := _said(request)) <= WHOLE else REST)
            await refusal.response(close=True)(scope, receive, send)
            return
        scope.setdefault("state", {})["client"] = client
        await self._app(scope, _bounded(receive, most), send)

    def _client(self, request: Request) -> str:
        if not self._settings.tokens:  # who has the token may come through a proxy, under another name
            _require_of_here(request, self._settings.origins)
        words = request.headers.get("authorization", "").split(" ", 1)
        sent = words[1].strip() if len(words) == 2 and words[0].lower() == "bearer" else ""
        client = self._settings.client(sent)
        if client is None and request.url.path not in OPEN:
            message = (
                "the token is wrong: send `Authorization: Bearer` and the server's token (an OpenAI client's API key)"
            )
            raise Refusal(401, message, "invalid_api_key")
        return client or ""

    def _most(self, request: Request) -> int:
        """Bytes that a request may have; one that says that it has more is not read."""
        files = request.headers.get("content-type", "").lower().startswith("multipart/")
        most = self._settings.upload if files else PLAIN
        if _said(request) > most:
            raise _too_large(most)
        return most

    def _count(self, client: str) -> None:
        now, rate = time.monotonic(), self._settings.rate
        if len(self._orders) > _MOST_CLIENTS:
            self._orders = {name: when for name, when in self._orders.items() if when[-1] > now - MINUTE}
        times = self._orders.setdefault(client, deque(maxlen=rate))
        if len(times) == rate and times[0] > now - MINUTE:
            wait = int(times[0] + MINUTE - now) + 1
            raise Refusal(
                429, f"more than {rate} orders a minute; try again in {wait} s", "rate_limit_exceeded", wait=wait
            )
        times.append(now)


def _require_of_here(request: Request, origins: Collection[str]) -> None:
    """Refuse pages of the web that have a browser on this machine ask, under whatever name they reach it."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    origin = request.headers.get("origin")
    if host not in _LOCAL:
        raise Refusal(403, "this server answers this machine alone: ask it as 127.0.0.1", "wrong_host")
    if origin and origin not in origins and urlsplit(origin).hostname not in _LOCAL:
        raise Refusal(403, f"this server answers no pages of {origin[:80]}", "wrong_host")


def _too_large(most: int) -> Refusal:
    return Refusal(413, f"the request is larger than {most:,} bytes", "request_too_large")


def _said(request: Request) -> int:
    """The bytes that a request says it has; 0 where it says nothing."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else 0


async def _read_on(receive: Receive, left: int = REST) -> None:
    """Throw away what is still sent, as far as that is little: who is cut off while sending does not hear why."""
    more, left = True, max(left, REST)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WAIT):
            while more and left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                more = message.get("more_body", False)


def _bounded(receive: Receive, most: int) -> Receive:
    """Receives a body of at most `most` bytes, in a time that has an end."""
    left, until = most, time.monotonic() + SENDING
    over = False

    async def bounded() -> Message:
        nonlocal left, over
        if over:  # all was read: what comes now is that the client left
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise Refusal(408, f"the request took longer than {SENDING:g} s to arrive", "timeout") from None
        left -= len(message.get("body", b""))
        over = not message.get("more_body", False)
        if left < 0:
            if not over:
                await _read_on(receive)
            raise _too_large(most)
        return message

    return bounded
