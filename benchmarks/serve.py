"""The claim: a prediction over HTTP costs little beside the model's own call.

Prints the machine; then requests a second and the median and 95th percentile of milliseconds, over loopback from one
client and from four at once (a process of its own), of the health page, which is the price of HTTP alone, of POST
/predict without and with its explanation, and of the same in this process: the whole answer from the same body, and
the bare call of the model on a unit that is read already. All with the default network for pictures, made up, on one
thread; the file is a PNG of 256 x 256 pixels with noise, which hardly compresses.

    python benchmarks/serve.py            # 200 requests each
"""

import argparse
import base64
import io
import json
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


def measured(words: str, ask: Callable[[], object], count: int, clients: int = 1) -> float:
    """Asks so many times, prints what it took, and gives the median of seconds."""
    ask()

    def once(_: int) -> float:
        begin = perf_counter()
        ask()
        return perf_counter() - begin

    begin = perf_counter()
    if clients == 1:
        each = [once(number) for number in range(count)]
    else:
        with ThreadPoolExecutor(clients) as pool:
            each = list(pool.map(once, range(count)))
    rate, median = count / (perf_counter() - begin), statistics.median(each)
    slow = float(np.percentile(each, 95))
    print(f"{words:<52} {rate:8.1f} {1000 * median:9.2f} {1000 * slow:9.2f}", flush=True)
    return median


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
        bare = measured(
            "the model's call, unit read already", lambda: served.first.score(unit, np.arange(1), hide=()), count
        )
        whole = measured("in this process: body to answer, plain", lambda: served.predict(plain), count)
        measured("in this process: body to answer, explained", lambda: served.predict(body), count // 4)
        command = [sys.executable, "-m", "semeia", "serve", str(run), "--port", "0"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            assert server.stderr is not None
            address = (
                next(line for line in server.stderr if "answers at " in line).partition("answers at ")[2].split()[0]
            )
            limits = httpx.Limits(max_keepalive_connections=CLIENTS)
            with httpx.Client(base_url=address, trust_env=False, timeout=60, limits=limits) as client:
                raw, raw_explained = json.dumps(plain).encode(), json.dumps(body).encode()
                expected = served.predict(plain)["probability"]
                assert client.post("/predict", content=raw).json()["probability"] == expected
                measured("GET /health, one client", lambda: client.get("/health").raise_for_status(), count)
                ask = lambda: client.post("/predict", content=raw).raise_for_status()  # noqa: E731
                served_median = measured("POST /predict, plain, one client", ask, count)
                measured(f"POST /predict, plain, {CLIENTS} clients", ask, count, CLIENTS)
                explained = lambda: client.post("/predict", content=raw_explained).raise_for_status()  # noqa: E731
                measured("POST /predict, explained, one client", explained, count // 4)
        finally:
            server.terminate()
            server.wait(20)
    print(f"POST /predict, plain, over the model's call (p50):          {served_median / bare:6.2f}")
    print(f"POST /predict, plain, over the same in this process (p50):  {served_median / whole:6.2f}")


if __name__ == "__main__":
    main()
