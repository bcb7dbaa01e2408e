"""What a client hears when something cannot be: OpenAI's shape of an error."""

from __future__ import annotations

import errno
import os
import sqlite3

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sora_cli.data import fault_words
from sora_cli.errors import SoraError

_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Refusal(Exception):
    """A request that is not done: its status, what is wrong, a word for programs, and the parameter that is wrong."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None, *, wait: int = 0) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.wait = status, message, code, param, wait

    def response(self, *, close: bool = False) -> JSONResponse:
        """As it is sent. With `close`, and where the body was not read to its end, nothing more is read."""
        kind = _KINDS.get(self.status, "server_error" if self.status >= 500 else "invalid_request_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        headers = {"Retry-After": str(self.wait)} if self.wait else {}
        headers |= {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        headers |= {"Connection": "close"} if close or self.status in {408, 413} else {}
        return JSONResponse({"error": error}, self.status, headers)


def missing(what: str, name: str) -> Refusal:
    """There is no such thing, or it is somebody else's: which of the two is not told."""
    return Refusal(404, f"no {what} {name[:80]!r}", "not_found")


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


def _of_the_disk(error: Exception) -> str:
    """What the disk of the server refuses, or its list of orders, which others hold too long; else nothing."""
    if isinstance(error, sqlite3.OperationalError):
        return str(error)
    return os.strerror(error.errno or 0) if isinstance(error, OSError) and error.errno in _DISK else ""


async def refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer for an error that was expected, and for a bug of ours."""
    if isinstance(error, Refusal):
        return error.response()
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:]) or None
        return Refusal(400, f"{where or 'the request'}: {fault_words(first)}", "invalid_value", where).response()
    if isinstance(error, HTTPException):
        return Refusal(error.status_code, str(error.detail), "invalid_request").response()
    if isinstance(error, SoraError):
        return Refusal(500, f"the server cannot do this now: {error.message}", "server_error").response()
    if why := _of_the_disk(error):
        return Refusal(503, f"the server cannot do this now: {why}", "server_error", wait=60).response()
    return Refusal(500, "this is a bug in sora: the server's terminal says more", "server_error").response()
