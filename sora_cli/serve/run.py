"""Runs a server until it is asked to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from sora_cli.errors import RequestError
from sora_cli.lock import Lock
from sora_cli.serve.app import app
from sora_cli.serve.batches import Batches
from sora_cli.serve.clerk import Clerk
from sora_cli.serve.desk import Desk
from sora_cli.serve.keeper import Caller, WorkerKeeper
from sora_cli.serve.queue import Queue
from sora_cli.serve.settings import Settings

AT_ONCE = 1000
"""Connections at once; more are turned away."""
GOODBYE = 5
"""Seconds that requests have to end, once the server is asked to stop."""


def run(settings: Settings, say: Callable[[str], None]) -> None:
    """Listen, accept orders and make their films, until a signal; `say` tells the owner what happens.

    Raises:
        RequestError: the address cannot be had, or another server works in the folder.
        StoreError: the folder cannot be written.
    """
    queue = Queue(settings.folder)
    lock = Lock.take(settings.folder / "server.lock")
    if lock is None:
        hint = "--folder names another one"
        raise RequestError(f"another server works in {settings.folder}", hint=hint)
    with lock, _listening(settings) as door:
        queue.tidy()
        batches = Batches(queue)
        batches.tidy()
        keeper, caller = WorkerKeeper(queue, say), Caller(queue, settings, say)
        desk = Desk(settings, queue, keeper.wake)
        clerk = Clerk(desk, batches, say)
        server = uvicorn.Server(
            uvicorn.Config(
                app(desk, batches, lambda: keeper.alive),
                log_level="warning",
                limit_concurrency=AT_ONCE,
                timeout_graceful_shutdown=GOODBYE,
                server_header=False,
            )
        )
        keeper.start()
        clerk.start()
        if settings.webhook:
            caller.start()
        try:
            host, port = door.getsockname()[:2]
            say(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}/v1, films in {settings.folder}")
            server.run(sockets=[door])
        finally:
            clerk.stop()
            caller.stop()
            keeper.stop()


def _listening(settings: Settings) -> socket.socket:
    """A socket at the server's address; whatever port is free where 0 is asked for."""
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        hint = "--port names another one; 0 takes any that is free"
        message = f"cannot listen on {settings.host}, port {settings.port}: {error.strerror or error}"
        raise RequestError(message, hint=hint) from error
