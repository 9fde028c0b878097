"""Write a fitted model as ONNX, and hold what onnxruntime makes of it against torch before it is kept.

The graph begins where preprocessing ends: its inputs are the numbers that a modality's `prepare` gives, which tokens
there are, and when they were seen. Batch and visits are free; a unit without a modality has none of its tokens.
"""

import json
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import torch
from torch import nn

from semeia import __version__
from semeia.data.batch import Batch, Seen
from semeia.data.modalities import Signal, Table, Text, Vector, Volume
from semeia.data.modality import Arrays, Modality
from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.learning.linear import LinearModel
from semeia.learning.model import Model
from semeia.objectives.heads.pooled import PooledHead
from semeia.settings_json import to_plain

FILE = "model.onnx"
TOLERANCE = 1e-4  # of a probability
BATCHES = (1, 3)
VISITS = 2
SUFFIXES = ("", "_present", "_when")


@dataclass(frozen=True)
class Checked:
    """What the check of an ONNX file came to.

    Attributes:
        difference: largest between a probability of onnxruntime and of torch.
    """

    difference: float
    cases: int


class NetworkGraph(nn.Module):
    """Encoder and head in one: tensors of each modality in turn (`SUFFIXES`), to probabilities and what is pooled."""

    def __init__(self, encoder: PatientEncoder, head: PooledHead, places: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        for name, where in places.items():
            self.register_buffer(f"where_{name}", where)

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Probabilities of every class, [batch, class], and the embedding, [batch, modality, width]."""
        seen = {}
        for at, name in enumerate(self.encoder.kinds):
            values, present, when = inputs[3 * at : 3 * at + 3]
            where = getattr(self, f"where_{name}").expand(present.shape[0], present.shape[1], -1, -1)
            seen[name] = Seen(values, present, where, when)
        return _answer(self.encoder, self.head, Batch(seen))


class LinearGraph(nn.Module):
    """A linear model of columns, NaN where one is missing."""

    weight: torch.Tensor
    bias: torch.Tensor
    fill: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def __init__(self, model: LinearModel) -> None:
        super().__init__()
        for name in ("weight", "bias", "fill", "low", "high"):
            self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(getattr(model, name))))

    def forward(self, columns: torch.Tensor) -> torch.Tensor:
        """[batch, column] to probabilities of every class, [batch, class]."""
        known = torch.where(columns.isnan(), self.fill, columns)
        logits = torch.minimum(torch.maximum(known, self.low), self.high) @ self.weight + self.bias
        if logits.shape[1] > 1:
            return logits.softmax(1)
        chance = logits.sigmoid()
        return torch.cat([1 - chance, chance], 1)


def write_network(model: Model, path: Path) -> Checked:
    """Write a fine-tuned network."""
    if model.head is None:
        raise InputError("this model was only pretrained; fine-tune it before it can be exported")
    encoder, head = model.encoder.cpu().eval(), model.head.cpu().eval()
    modalities = model.preprocessing.modalities
    example = drawn(modalities, units=2)
    graph = NetworkGraph(encoder, head, {name: seen.where[:1, :1] for name, seen in example.items()}).eval()
    names = [f"{name}{suffix}" for name in encoder.kinds for suffix in SUFFIXES]
    batch = torch.export.Dim("batch")
    visits = {name: torch.export.Dim(f"{name}_visits") for name in encoder.kinds}
    shapes = [{0: batch, 1: visits[name]} for name in encoder.kinds for _ in SUFFIXES]
    about = {
        "modalities": {name: to_plain(one.seen_from(path.parent)) for name, one in modalities.items()},
        "task": to_plain(head.task),
        "verdict": model.verdict,
    }
    _write(
        graph, _flat(example, encoder), path, inputs=names, shapes=shapes, outputs=["probability", "patient_embedding"]
    )
    difference, cases, run = 0.0, _cases(modalities), _runner(path)
    for seen in cases:
        with torch.no_grad():
            expected = _answer(encoder, head, Batch(seen))[0]
        answer = run(dict(zip(names, _flat(seen, encoder), strict=True)))
        difference = max(difference, float(np.abs(answer - expected.numpy()).max()))
    return _kept(path, Checked(difference, len(cases)), about)


def write_linear(model: LinearModel, path: Path) -> Checked:
    """Write a linear model; its input is the columns that it was fitted to."""
    example = torch.zeros(2, len(model.fill), dtype=torch.float64)
    shapes = [{0: torch.export.Dim("batch")}]
    _write(LinearGraph(model).eval(), [example], path, inputs=["columns"], shapes=shapes, outputs=["probability"])
    rng, difference, run = np.random.default_rng(0), 0.0, _runner(path)
    spread = np.where(np.isfinite(model.high - model.low), model.high - model.low, 1.0)
    for rows in BATCHES:
        for share in (0.0, 0.5):
            columns = model.fill + spread * rng.normal(size=(rows, len(model.fill)))
            columns[rng.random(columns.shape) < share] = np.nan
            expected, answer = model.score_columns(columns), run({"columns": torch.from_numpy(columns)})
            chance = answer[:, 1] if expected.ndim == 1 else answer
            difference = max(difference, float(np.abs(chance - expected).max()))
    return _kept(path, Checked(difference, 2 * len(BATCHES)), {"columns": list(model.columns)})


def drawn(modalities: Mapping[str, Modality], *, units: int, visits: int = VISITS, seed: int = 0) -> dict[str, Seen]:
    """Draw what a model could see of some units: noise of the scale that each modality was fitted on."""
    rng, seen = np.random.default_rng(seed), {}
    for name, modality in modalities.items():
        arrays = _noise(modality, units * visits, rng)
        values, mask = modality.prepare(arrays, np.arange(units * visits))
        present = modality.present(mask)
        when = torch.from_numpy(np.sort(rng.uniform(0, 36, (units, visits)), 1).astype(np.float32))
        where = modality.placed(present.shape[1], when)
        cut = (units, visits)
        seen[name] = Seen(values.unflatten(0, cut).contiguous(), present.unflatten(0, cut).contiguous(), where, when)
    return seen


def _noise(modality: Modality, count: int, rng: np.random.Generator) -> Arrays:
    """Raw observations of a modality."""
    if isinstance(modality, Volume):
        values = rng.integers(0, 256, (count, modality.channels, *modality.crop.voxels), dtype=np.uint8)
        return Arrays(values, np.ones((count, modality.crop.voxels[0]), bool))
    if isinstance(modality, Table):
        scale = modality.known(modality.fitted)
        values = scale.mean + np.multiply(scale.sd, rng.normal(size=(count, len(scale.mean))))
        return modality.arrays(values.astype(np.float32), scale.items)
    if isinstance(modality, Vector):
        fitted = modality.known(modality.fitted)
        values = fitted.mean + np.multiply(fitted.sd, rng.normal(size=(count, fitted.regions, len(fitted.mean))))
        return modality.arrays(values.astype(np.float32))
    if isinstance(modality, Signal):
        leads = modality.known(modality.fitted)
        values = np.asarray(leads.mean)[:, None] + np.asarray(leads.sd)[:, None] * rng.normal(
            size=(count, modality.leads, modality.length)
        )
        return modality.arrays(values.astype(np.float32))
    if isinstance(modality, Text):
        return modality.arrays(np.array(["none", "no acute finding"] * count, object)[:count])
    raise InputError(f"{modality.describe()}: ONNX cannot be checked for a modality of this kind; leave --onnx out")


def _cases(modalities: Mapping[str, Modality]) -> list[dict[str, Seen]]:
    """Batches to be held against torch: all there, one visit, each modality missing in one row."""
    cases = []
    for rows in BATCHES:
        whole = drawn(modalities, units=rows, seed=rows)
        first = torch.arange(rows) == 0
        cases += [whole, drawn(modalities, units=rows, visits=1, seed=rows)]
        if len(whole) > 1:
            cases += [{**whole, name: seen.hidden(first)} for name, seen in whole.items()]
    return cases


def _answer(encoder: PatientEncoder, head: PooledHead, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    pooled, there = encoder.pool(encoder(batch), cells=head.cells)
    return head.task.probabilities(head(pooled, there).double()), pooled


def _flat(seen: Mapping[str, Seen], encoder: PatientEncoder) -> list[torch.Tensor]:
    return [x for name in encoder.kinds for x in (seen[name].values, seen[name].present, seen[name].when)]


def _write(
    graph: nn.Module,
    example: list[torch.Tensor],
    path: Path,
    *,
    inputs: list[str],
    shapes: Sequence[Mapping[int, object]],
    outputs: list[str],
) -> None:
    import onnx  # noqa: F401  (torch's exporter needs both, and says less clearly that they are missing)
    import onnxruntime  # noqa: F401
    import onnxscript  # noqa: F401

    exporter = logging.getLogger("torch.onnx")
    before = exporter.level
    exporter.setLevel(logging.ERROR)  # torchvision is not needed
    try:
        # The plain attention of torch: what is fused for a processor cannot always be taken apart again.
        plain = torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()), plain:
            warnings.simplefilter("ignore")
            # Of one input alone the shapes are its own, of several (`*inputs`) those of a tuple.
            dynamic = (tuple(shapes),) if isinstance(graph, NetworkGraph) else tuple(shapes)
            program = torch.export.export(graph, tuple(example), dynamic_shapes=dynamic, strict=False)
            made = torch.onnx.export(program, dynamo=True, input_names=inputs, output_names=outputs, verbose=False)
    except RuntimeError as error:  # torch's own kinds of it
        raise InputError(
            f"torch cannot write this network as ONNX ({type(error).__name__}): leave --onnx out"
        ) from error
    finally:
        exporter.setLevel(before)
    if made is None:
        raise RuntimeError("torch.onnx.export gives a program")
    made.save(path, external_data=False)


def _runner(path: Path) -> Callable[[Mapping[str, torch.Tensor]], np.ndarray]:
    """What onnxruntime makes of inputs: probabilities, [batch, class]."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, torch.Tensor]) -> np.ndarray:
        return np.asarray(session.run(["probability"], {name: value.numpy() for name, value in inputs.items()})[0])

    return run


def _kept(path: Path, checked: Checked, about: Mapping[str, object]) -> Checked:
    """Refuse a file that differs from torch; write into it what it is, and how its inputs are made."""
    import onnx

    if not checked.difference <= TOLERANCE:
        path.unlink()
        raise InputError(
            f"{path.name}: onnxruntime differs from torch by {checked.difference:.2g}, more than {TOLERANCE:g}; "
            "leave --onnx out"
        )
    model = onnx.load(path)
    words = {"semeia_version": __version__, "largest_difference": checked.difference, **about}
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in words.items()})
    onnx.save(model, path)
    return checked
