"""The app: all paths behind the door, how the server is, and what it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fastapi import Depends, FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from sora_cli import __version__
from sora_cli.errors import SoraError
from sora_cli.serve.batch_routes import BatchRoutes
from sora_cli.serve.batches import Batches
from sora_cli.serve.desk import Desk
from sora_cli.serve.guard import Guard
from sora_cli.serve.refusals import Refusal, refused
from sora_cli.serve.storyboards import StoryboardRoutes
from sora_cli.serve.videos import VideoRoutes


def app(desk: Desk, batches: Batches, alive: Callable[[], bool]) -> FastAPI:
    """The app of one desk and its batches; `alive` says whether there is a worker."""
    made = FastAPI(
        title="sora",
        version=__version__,
        summary="The Sora video API as it was, on your own machine, and films of storyboards.",
        dependencies=[Depends(HTTPBearer(auto_error=False, description="the server's token"))],
    )
    made.include_router(VideoRoutes(desk).router)
    made.include_router(StoryboardRoutes(desk).router)
    made.include_router(BatchRoutes(batches).router)
    counted = CollectorRegistry()
    counted.register(_Orders(desk, alive))

    def health() -> JSONResponse:
        """Say whether films can be made."""
        works = alive()
        return JSONResponse({"status": "ok" if works else "no worker"}, 200 if works else 503)

    def metrics() -> Response:
        """Tell what is counted, for Prometheus."""
        return Response(generate_latest(counted), media_type=CONTENT_TYPE_LATEST)

    made.add_api_route("/healthz", health, methods=["GET"], response_model=None, tags=["server"])
    made.add_api_route("/healthz", health, methods=["HEAD"], response_model=None, include_in_schema=False)
    made.add_api_route("/metrics", metrics, methods=["GET"], response_class=Response, tags=["server"])
    for kind in (Refusal, RequestValidationError, HTTPException, SoraError, Exception):
        made.add_exception_handler(kind, refused)
    made.add_middleware(Guard, settings=desk.settings)
    if origins := desk.settings.origins:  # before the guard: a browser asks without a token whether it may ask
        made.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["openai-poll-after-ms", "retry-after"],
        )
    return made


class _Orders(Collector):
    """Counts orders when it is asked."""

    def __init__(self, desk: Desk, alive: Callable[[], bool]) -> None:
        self._desk, self._alive = desk, alive

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What is counted now."""
        orders = GaugeMetricFamily("sora_orders", "Orders that are kept, by status", labels=["status"])
        for status, count in self._desk.queue.counts().items():
            orders.add_metric([status], count)
        yield orders
        yield GaugeMetricFamily("sora_worker_up", "Whether there is a worker", float(self._alive()))
