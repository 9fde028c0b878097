"""The claim: a prediction over HTTP costs little beside the model's own call.

Prints the machine; then calls a second, and the median and 95th percentile of milliseconds, taking turns: of the bare
call of the model on a unit that is read already; of the whole answer in this process, from the same body; of POST
/predict over loopback, to a process of its own; and of the health page, the price of HTTP alone. Then both with an
explanation, and four clients at once. The default network for pictures and a table, made up, on one thread; the file
is a PNG of 256 x 256 pixels of noise.

    python benchmarks/serve.py            # 200 requests each
"""

import argparse
import base64
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import httpx
import numpy as np
import torch
from PIL import Image
from shared.table import row
from shared.watch import processor

from semeia.archive.atomic import write_json
from semeia.data.dataset import array_dataset
from semeia.data.modalities import Picture, Table
from semeia.encoders.patient import EncoderSettings
from semeia.learning.cells import Cell
from semeia.learning.finetune import FinetuneSettings, finetune, fresh_model
from semeia.learning.loop import LoopSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.service.served import load_served
from semeia.service.unit import read_unit

CLIENTS = 4
CALL, HERE = "the model's call, unit read already", "here: from the body to the answer, plain"
POST = "POST /predict, plain"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def make_model(run: Path) -> None:
    """A run folder with one network that was fitted for two steps: what it says does not change what it costs."""
    rng = np.random.default_rng(0)
    pictures, readings = rng.integers(0, 256, (32, 64, 64), dtype=np.uint8), rng.normal(size=(32, 8))
    data = array_dataset({"image": (Picture(values=("display",)), pictures), "reading": (Table(), readings)})
    rows, steps = np.arange(32), OptimiserSettings(steps=2, batch=16)
    start = fresh_model(data, rows, modalities=("image", "reading"), settings=EncoderSettings(), seed=0)
    settings = FinetuneSettings(scratch=steps, pretrained=steps, loop=LoopSettings(device="cpu", save_every=0))
    folder = run / Cell("made_up", "finetune", 1.0, 0).name
    labels = (rows % 2).astype(float)
    finetune(data, rows, labels, start=start, mode="finetune", pretrained=False, settings=settings, folder=folder)
    write_json(run / "run.json", {"kind": "export", "study": "benchmark", "config": {"outcome": "made_up"}})


def request() -> dict:
    """A body: a picture and a reading."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (256, 256), dtype=np.uint8)).save(file, "PNG")
    items = {f"item{number}": 0.5 for number in range(8)}
    image = {"file": base64.b64encode(file.getvalue()).decode()}
    return {"observations": {"image": image, "reading": {"items": items}}}


def seconds_of(ask: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = perf_counter()
    ask()
    return perf_counter() - begin


def shown(words: str, each: list[float], rate: float) -> float:
    """Prints one row, and gives the median of seconds."""
    median, slow = statistics.median(each), float(np.percentile(each, 95))
    print(f"{words:<52} {rate:8.1f} {1000 * median:9.2f} {1000 * slow:9.2f}", flush=True)
    return median


def in_turn(asks: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """Asks each in turn, so that what else the machine does meets all alike; medians of seconds."""
    for ask in asks.values():
        ask()
    each: dict[str, list[float]] = {words: [] for words in asks}
    for _ in range(count):
        for words, ask in asks.items():
            each[words].append(seconds_of(ask))
    return {words: shown(words, times, len(times) / sum(times)) for words, times in each.items()}


def main() -> None:
    """Print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200, help="of each kind")
    count = parser.parse_args().requests
    torch.set_num_threads(1)
    print(f"{processor()}, Python {platform.python_version()}, torch {torch.__version__}, {count} requests each")
    print(f"{'':<52} {'a second':>8} {'p50 ms':>9} {'p95 ms':>9}")
    with tempfile.TemporaryDirectory() as folder:
        run, body = Path(folder) / "run", request()
        make_model(run)
        served = load_served(run, arm=None, mode=None, fraction=None)
        plain, unit = {**body, "explain": False}, read_unit(body, served.first.modalities)
        command = [sys.executable, "-m", "semeia", "serve", str(run), "--port", "0"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | ONE_THREAD)
        try:
            assert server.stderr is not None
            line = next(line for line in server.stderr if "answers at " in line)
            address = line.partition("answers at ")[2].split()[0]
            limits = httpx.Limits(max_keepalive_connections=CLIENTS)
            with httpx.Client(base_url=address, trust_env=False, timeout=60, limits=limits) as client:

                def post(content: bytes) -> httpx.Response:
                    return client.post("/predict", content=content).raise_for_status()

                raw, raw_explained = json.dumps(plain).encode(), json.dumps(body).encode()
                assert post(raw).json()["probability"] == served.predict(plain)["probability"]
                took = in_turn(
                    {
                        CALL: lambda: served.first.score(unit, np.arange(1), hide=()),
                        HERE: lambda: served.predict(plain),
                        POST: lambda: post(raw),
                        "GET /health": lambda: client.get("/health").raise_for_status(),
                    },
                    count,
                )
                explained = {
                    "the same here, explained": lambda: served.predict(body),
                    "POST /predict, explained": lambda: post(raw_explained),
                }
                in_turn(explained, max(count // 8, 1))
                begin = perf_counter()
                with ThreadPoolExecutor(CLIENTS) as pool:
                    each = list(pool.map(lambda _: seconds_of(lambda: post(raw)), range(count)))
                shown(f"POST /predict, plain, {CLIENTS} clients at once", each, count / (perf_counter() - begin))
        finally:
            server.terminate()
            server.wait(20)
    for other, against in ((CALL, "the model's call alone"), (HERE, "the whole answer in one process")):
        row(POST, ours=1000 * took[POST], other=1000 * took[other], unit="ms", against=against)
    print(f"POST /predict over the model's call (medians):          {took[POST] / took[CALL]:6.2f}")
    print(f"POST /predict over the whole answer here (medians):     {took[POST] / took[HERE]:6.2f}")


if __name__ == "__main__":
    main()
