"""How a server is set up: where it listens, to whom, and how much it takes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import re
from pathlib import Path

from msgspec import Struct, field

from sora_cli.errors import RequestError
from sora_cli.flows.ordered import OrderLimits

LEAST_TOKEN = 16
"""Characters of a token: a shorter one is guessed."""
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
"""An origin as browsers send it. `*` is none: with it any page that is open would order films here."""
TOKENS, SECRET = "SORA_TOKEN", "SORA_WEBHOOK_SECRET"
"""Variables of the environment: what stands on a command line is seen by every user of the machine."""


class Settings(Struct, frozen=True, kw_only=True):
    """`folder` keeps orders and films; `tokens` are what clients must send, none where anybody on this machine may."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8000
    tokens: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    """Whose pages a browser lets ask and read, each as browsers write it: none unless the owner says so."""
    engine: str = ""
    """What `sora-2` and `sora-2-pro` mean here; where empty, the engine that need not be named."""
    limits: OrderLimits = field(default_factory=OrderLimits)
    upload: int = 64 << 20
    """Bytes of a request that sends files."""
    rate: int = 60
    """Orders a minute, of each client."""
    waiting: int = 200
    """Orders of each client that may wait."""
    webhook: str = ""
    secret: str = ""

    def __post_init__(self) -> None:
        """Refuse what would leave the door open."""
        if not self.tokens and not self.local:
            hint = f"give --token, or set {TOKENS}; or leave --host out: then only this machine is heard"
            raise RequestError(f"--host {self.host} would let everybody in", hint=hint)
        if short := [token for token in self.tokens if len(token) < LEAST_TOKEN or not token.isascii()]:
            hint = "python -c 'import secrets; print(secrets.token_urlsafe())' makes one"
            raise RequestError(f"a token of {len(short[0])} characters is guessed", hint=hint)
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                hint = "write scheme and host, and the port where there is one: http://localhost:3000"
                raise RequestError(f"--origin {origin}: not the origin of a page", hint=hint)
        if self.webhook:
            self._check_webhook()

    def _check_webhook(self) -> None:
        if not self.webhook.startswith(("http://", "https://")):
            raise RequestError(f"--webhook {self.webhook}: not an address", hint="begin it with https://")
        try:
            key = base64.b64decode(self.secret.removeprefix("whsec_") + "==")
        except binascii.Error:
            key = b""
        if len(key) < 24:
            hint = f"set {SECRET} to whsec_ and the base64 of 24 to 64 random bytes"
            raise RequestError("a webhook is signed, and its secret is missing or short", hint=hint)

    @property
    def local(self) -> bool:
        """Whether only this machine is heard."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def client(self, sent: str) -> str | None:
        """Who sends this token: a name that tells nothing of it. None for who may not come in.

        Without tokens whatever is sent parts one client of this machine from another.
        """
        same = [hmac.compare_digest(sent.encode(), token.encode()) for token in self.tokens]
        if self.tokens and not any(same):
            return None
        return hashlib.sha256(f"sora-client {sent}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


def default_folder() -> Path:
    """Where orders and their films are kept when nobody says."""
    import platformdirs

    return platformdirs.user_data_path("sora") / "served"


def from_environment(name: str) -> str:
    """A secret that the environment holds, or nothing."""
    return os.environ.get(name, "")
