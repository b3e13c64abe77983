"""Embeddings come from the network as torchvision means it, and a missing or broken input is told clearly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import ResNet50_Weights, get_model, resnet50

from app.domain.errors import InvalidInput, JobCancelled
from workers.engines.decoding import ImageRef
from workers.engines.embeddings import CropSize, Embedder, crop_for_network, embed_images, embed_into_file
from workers.engines.matching import find_semantic


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network of the right shape with weights of its own: seeded, not trained."""
    torch.manual_seed(7)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(resnet50(weights=None).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def embedder(weights):
    return Embedder(weights, device="cpu", batch_size=8)


def test_crops_are_torchvisions_own(draw):
    preset = ResNet50_Weights.IMAGENET1K_V2.transforms()
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (preset.mean, preset.std))
    for size in ((300, 200), (201, 333), (32, 32), (500, 232), (233, 700)):
        image = draw(1, size)
        crop = crop_for_network(image, CropSize(preset.resize_size[0], preset.crop_size[0]))

        ours = (torch.from_numpy(crop.copy()).permute(2, 0, 1).float().div(255) - mean) / std
        assert torch.equal(ours, preset(image)), size


def test_vectors_are_the_features_before_the_classifier(draw, save, weights, embedder):
    reference = resnet50(weights=None)
    reference.load_state_dict(torch.load(weights, weights_only=True))
    reference.fc = torch.nn.Identity()
    refs = [save(f"{i}.png", draw(i)) for i in range(3)]
    inputs = torch.stack([ResNet50_Weights.IMAGENET1K_V2.transforms()(Image.open(ref.path)) for ref in refs])
    with torch.inference_mode():
        features = reference.eval()(inputs)

    keys, vectors, problems = embed_images(refs, embedder)

    assert (keys, problems) == (["0.png", "1.png", "2.png"], [])
    assert (vectors.shape, vectors.dtype) == ((3, 2048), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    expected = torch.nn.functional.normalize(features).numpy()
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_copies_are_found_among_other_pictures(draw, save, embedder):
    train = [save(f"train/{i:02}.png", draw(i, (120, 90))) for i in range(8)]
    test = [save(f"test/{i}.jpg", draw(i, (120, 90)), quality=90) for i in (1, 3, 6, 40)]
    train_keys, train_vectors, _ = embed_images(train, embedder)
    test_keys, test_vectors, _ = embed_images(test, embedder)

    best = {}
    for found in find_semantic(test_keys, test_vectors, train_keys, train_vectors, min_similarity=0.5):
        best.setdefault(found.test_image, found)

    closest = {key: best[key].train_image for key in ("test/1.jpg", "test/3.jpg", "test/6.jpg")}
    assert closest == {
        "test/1.jpg": "train/01.png",
        "test/3.jpg": "train/03.png",
        "test/6.jpg": "train/06.png",
    }
    assert min(best[key].similarity for key in closest) > best["test/40.jpg"].similarity


def test_vectors_in_a_file_are_the_same(draw, save, tmp_path, embedder, monkeypatch):
    refs = [save(f"{i}.png", draw(i)) for i in range(4)]
    (tmp_path / "1.png").write_text("no image")
    monkeypatch.setattr(embedder, "batch_size", 2)
    keys, vectors, problems = embed_images(refs, embedder)

    in_file = embed_into_file(tmp_path / "vectors", refs, embedder)

    assert (in_file[0], in_file[2]) == (keys, problems)
    assert np.array_equal(in_file[1][0:99], vectors)


def test_unreadable_images_are_reported_and_the_others_embedded(draw, save, tmp_path, embedder):
    (tmp_path / "text.jpg").write_text("no image")
    bad = [ImageRef("text.jpg", tmp_path / "text.jpg"), ImageRef("gone.jpg", tmp_path / "gone.jpg")]
    told = []

    keys, vectors, problems = embed_images(
        [bad[0], save("good.png", draw(1)), bad[1]], embedder, on_progress=told.append
    )

    assert (keys, len(vectors)) == (["good.png"], 1)
    assert [(p.key, p.status) for p in problems] == [("text.jpg", "not_an_image"), ("gone.jpg", "missing")]
    assert told[-1] == 3


def test_embedding_stops_when_asked_to(draw, save, embedder):
    with pytest.raises(JobCancelled):
        embed_images([save("a.png", draw(1))] * 9, embedder, should_stop=lambda: True)


def test_batches_shrink_until_the_device_has_room(draw, weights, monkeypatch):
    embedder = Embedder(weights, device="cpu", batch_size=8)
    crops = np.stack([np.asarray(draw(i, (224, 224))) for i in range(3)])
    at_once = embedder.embed(crops)
    network = embedder._network

    def with_room_for_two(batch):
        if len(batch) > 2:
            raise torch.cuda.OutOfMemoryError("no room")
        return network(batch)

    monkeypatch.setattr(embedder, "_network", with_room_for_two)

    np.testing.assert_allclose(embedder.embed(crops), at_once, atol=1e-6)
    assert embedder.batch_size == 2


def test_memory_that_runs_out_for_a_single_image_is_an_error(draw, embedder, monkeypatch):
    def without_room(batch):
        raise torch.cuda.OutOfMemoryError("no room")

    monkeypatch.setattr(embedder, "_network", without_room)
    monkeypatch.setattr(embedder, "batch_size", 4)

    with pytest.raises(torch.cuda.OutOfMemoryError):
        embedder.embed(np.stack([np.asarray(draw(1, (224, 224)))]))


@pytest.mark.parametrize(
    "content", [None, b"", b"no weights", {"layer": torch.zeros(1)}, [1, 2]], ids=lambda c: type(c).__name__
)
def test_weights_that_do_not_fit_are_refused_with_what_to_do(tmp_path, content):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)

    with pytest.raises(InvalidInput, match="WINNOW_WEIGHTS"):
        Embedder(path, device="cpu")


def test_weights_that_cannot_be_downloaded_are_explained(monkeypatch, tmp_path):
    def no_network(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr("torch.hub.urlopen", no_network)

    with pytest.raises(InvalidInput, match=r"no route to host.*--weights PATH"):
        Embedder(None, device="cpu")


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return (open, (str(tmp_path / "canary"), "w"))

    torch.save({"weight": Harmful()}, tmp_path / "weights.pth")

    with pytest.raises(InvalidInput):
        Embedder(tmp_path / "weights.pth", device="cpu")

    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("device", ["warp", "cuda:99"])
def test_a_device_that_is_not_there_is_refused(weights, device):
    with pytest.raises(InvalidInput, match=device):
        Embedder(weights, device=device)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "swin_t"])
def test_any_classifier_of_torchvision_gives_what_it_hands_to_its_last_layer(name, draw, save, tmp_path):
    network = get_model(name, weights=None, num_classes=7)
    heard = []
    last = [part for part in network.modules() if isinstance(part, torch.nn.Linear)][-1]
    last.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    wrapped = {f"module.{key}": value for key, value in network.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": wrapped}, tmp_path / "checkpoint.pth")
    embedder = Embedder(tmp_path / "checkpoint.pth", device="cpu", model=name)
    crops = np.stack([crop_for_network(draw(i), embedder.crop_size) for i in range(2)])

    vectors = embedder.embed(crops)

    network.eval()
    with torch.inference_mode():
        pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float().div(255)
        network((pixels - embedder._mean) / embedder._std)
    np.testing.assert_allclose(vectors, torch.nn.functional.normalize(heard[0]).numpy(), atol=1e-5)


def test_an_unknown_model_is_refused_with_those_there_are(weights):
    with pytest.raises(InvalidInput, match=r"none of torchvision's models.*resnet50"):
        Embedder(weights, model="resnet51")
