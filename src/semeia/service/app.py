"""Answer HTTP: POST /predict and /embed, GET /health and /metrics, each refusal one line of JSON.

Nothing of a request is written down or said again: messages name fields, and a fault of ours its place alone.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from semeia import __version__
from semeia.bounds import most
from semeia.errors import InputError, how_to_mend, how_to_report, printable
from semeia.service.served import Served

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

Answer = Mapping[str, object]
PATIENCE = 60  # seconds for a body to arrive
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass
class Counts:
    """What was asked and how long it took, by path and status."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)  # by path: a sum, then counts up to each bucket

    def add(self, path: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self.answers[path, status] += 1
        row = self.seconds.setdefault(path, [0.0] * (1 + len(BUCKETS)))
        row[0] += seconds
        for place, bucket in enumerate(BUCKETS, start=1):
            row[place] += seconds <= bucket

    def text(self) -> str:
        """The counts as Prometheus reads them."""
        lines = ["# HELP semeia_requests_total Requests answered.", "# TYPE semeia_requests_total counter"]
        lines += [
            f'semeia_requests_total{{path="{path}",status="{status}"}} {count}'
            for (path, status), count in sorted(self.answers.items())
        ]
        name = "semeia_request_seconds"
        lines += [f"# HELP {name} Seconds from the head of a request to its answer.", f"# TYPE {name} histogram"]
        for path, (total, *counts) in sorted(self.seconds.items()):
            number = sum(count for (one, _), count in self.answers.items() if one == path)
            named = zip((*map(str, BUCKETS), "+Inf"), (*counts, number), strict=True)
            lines += [f'{name}_bucket{{path="{path}",le="{bucket}"}} {count:.0f}' for bucket, count in named]
            lines += [f'{name}_sum{{path="{path}"}} {total:.6f}', f'{name}_count{{path="{path}"}} {number}']
        return "\n".join(lines) + "\n"


class TooLargeError(InputError):
    """A body is larger than the bound."""


def make_app(served: Served, *, hosts: tuple[str, ...] = ("*",)) -> "FastAPI":
    """Make the application.

    Args:
        served: the model.
        hosts: names that a request may call this machine by; a page of the open web that points its own name here is
            refused.
    """
    from fastapi import FastAPI, Request
    from fastapi.exceptions import HTTPException
    from fastapi.middleware.trustedhost import TrustedHostMiddleware
    from fastapi.responses import JSONResponse, PlainTextResponse, Response
    from fastapi.telemetry import TelemetryConfig

    # The pages of documentation that FastAPI makes load their scripts from the open web.
    # Its telemetry could be sent elsewhere by the environment.
    silent = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)
    app = FastAPI(version=__version__, docs_url=None, redoc_url=None, openapi_url=None, telemetry=silent)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    counts = Counts()

    async def answered(request: Request, ask: Callable[[Answer], Answer]) -> Response:
        started, (status, answer) = time.perf_counter(), await _answer(request, ask)
        counts.add(request.url.path, status, time.perf_counter() - started)
        return JSONResponse(answer, status)

    @app.post("/predict")
    async def predict(request: Request) -> Response:
        return await answered(request, served.predict)

    @app.post("/embed")
    async def embed(request: Request) -> Response:
        return await answered(request, served.embed)

    @app.get("/health")
    async def health() -> Response:
        return JSONResponse(served.about())

    @app.get("/metrics")
    async def metrics() -> Response:
        return PlainTextResponse(counts.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def elsewhere(request: Request, error: HTTPException) -> Response:
        words = "there is POST /predict, POST /embed, GET /health, GET /metrics"
        return JSONResponse({"error": words}, error.status_code)

    return app


async def _answer(request: "Request", ask: Callable[[Answer], Answer]) -> tuple[int, Answer]:
    """A status and an answer, whatever comes in."""
    from fastapi.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect

    try:
        raw = await asyncio.wait_for(_body(request), PATIENCE)
        return 200, await run_in_threadpool(lambda: ask(_object(raw)))
    except TooLargeError as error:
        return 413, {"error": printable(str(error))}
    except TimeoutError:
        return 408, {"error": f"the body did not arrive within {PATIENCE} seconds"}
    except ClientDisconnect:
        return 400, {"error": "the connection was closed before the body had arrived"}
    except InputError as error:
        return 422, {"error": printable(" ".join(str(error).split()))}
    except Exception as error:
        words = how_to_mend(error)
        return (503 if words else 500), {"error": words or how_to_report(error, __version__)}


async def _body(request: "Request") -> bytes:
    bound = most("SEMEIA_MOST_BODY_BYTES")
    claimed = request.headers.get("content-length", "0")
    parts, size = [], int(claimed) if claimed.isdigit() else 0
    if size <= bound:
        size = 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > bound:
                break
    if size > bound:
        raise TooLargeError(
            f"the body is larger than {bound} bytes; send less. (SEMEIA_MOST_BODY_BYTES moves the bound.)"
        )
    return b"".join(parts)


def _object(raw: bytes) -> Answer:
    """The JSON object of a body.

    Raises:
        InputError: it is something else.
    """

    def refuse(word: str) -> NoReturn:
        raise InputError(f"the body holds {word}, which is no JSON number; send null for what is not known")

    try:
        content = json.loads(raw, parse_constant=refuse)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError("the body is not JSON") from error
    except ValueError as error:  # a number of thousands of digits
        if isinstance(error, InputError):
            raise
        raise InputError("the body is not JSON to be read") from error
    if not isinstance(content, dict):
        raise InputError("the body must be an object: observations, covariates, explain")
    return content
