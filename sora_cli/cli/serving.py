"""The command that serves films by HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from sora_cli.cli import complete, console
from sora_cli.cli.session import SIZES, TIMES, amount, interruptible
from sora_cli.packages import EXTRAS, require


class DoorOptions(Struct, frozen=True):
    """Where a server listens, and to whom."""

    host: Annotated[str, typer.Option(help="Listen at this address; 0.0.0.0 is all of the machine's.")] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=0, max=65535, help="Listen at this port; 0 takes a free one.")] = 8000
    token: Annotated[
        list[str] | None,
        typer.Option(metavar="TOKEN", help="Accept this token; repeatable, one for each client. Or set SORA_TOKEN."),
    ] = None
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="Let pages of this origin ask from a browser, such as http://localhost:3000; repeatable.",
        ),
    ] = None


class OrderOptions(Struct, frozen=True):
    """What clients may ask for."""

    longest: Annotated[str, typer.Option("--longest", metavar="TIME", help="Make no film longer than 60s or 5m.")] = (
        "60s"
    )
    upload: Annotated[str, typer.Option("--upload", metavar="SIZE", help="Refuse requests larger than this.")] = "64MB"
    rate: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="Accept this many orders a minute from each client.")
    ] = 60
    waiting: Annotated[int, typer.Option(min=1, metavar="COUNT", help="Let this many orders of each client wait.")] = (
        200
    )


def serve(
    door: DoorOptions,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="FOLDER", help="Keep orders and their films here.")
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            "--engine", "--model", autocompletion=complete.engines, help="Use this engine for requests to `sora-2`."
        ),
    ] = "",
    webhook: Annotated[
        str, typer.Option(metavar="URL", help="Report each film to this address; SORA_WEBHOOK_SECRET signs.")
    ] = "",
    *,
    orders: OrderOptions,
) -> None:
    """Make films for programs, by the Sora video API as it was."""
    for package in EXTRAS["serve"]:
        require("`sora serve`", package)
    from sora_cli.engines import catalogue
    from sora_cli.flows.ordered import OrderLimits
    from sora_cli.serve import run, settings

    catalogue.card(engine or None)  # each order would fail without it
    set_up = settings.Settings(
        folder=folder or settings.default_folder(),
        host=door.host,
        port=door.port,
        tokens=tuple(door.token or filter(None, [settings.from_environment(settings.TOKENS)])),
        origins=tuple(door.origin or ()),
        engine=engine,
        limits=OrderLimits(seconds=float(amount(orders.longest, TIMES, "--longest") or 0)),
        upload=amount(orders.upload, SIZES, "--upload") or 0,
        rate=orders.rate,
        waiting=orders.waiting,
        webhook=webhook,
        secret=settings.from_environment(settings.SECRET),
    )
    with interruptible():
        run.run(set_up, console.say)
