"""Fetching from the hub, against a small imitation of it: tree, files, terms, and no network."""

import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import UNet2DConditionModel
from hub_imitation import COMMIT, Handler
from huggingface_hub import constants
from transformers import CLIPTextConfig, CLIPTextModel

from diffusion_classifier.messages import InputError
from diffusion_classifier.weights.hub import fetch

TOKEN = "hf_thisIsASecretOfTheUser"
PIPELINE = {
    "_class_name": "StableDiffusionPipeline",
    "requires_safety_checker": True,
    "unet": ["diffusers", "UNet2DConditionModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "PNDMScheduler"],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "image_encoder": [None, None],
}


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def unet(seed):
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(4, 4), layers_per_block=1, norm_num_groups=2,
        cross_attention_dim=8, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), attention_head_dim=2,
    )  # fmt: skip


def text_encoder(seed):
    torch.manual_seed(seed)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=20, hidden_size=8, intermediate_size=16, num_hidden_layers=2,
            num_attention_heads=2, max_position_embeddings=8,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A Stable Diffusion with everything a real repository carries, and a DiT-like one of .bin."""
    folder = tmp_path_factory.mktemp("models")
    sd = folder / "sd"
    for seed, variant in ((1, None), (2, "fp16")):  # of other seeds, to tell them apart
        for part, model in (("unet", unet(seed)), ("text_encoder", text_encoder(seed))):
            size = "10KB" if variant else "10GB"
            model.save_pretrained(sd / part, variant=variant, max_shard_size=size)
    (sd / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"a pickle nobody needs")
    extra = {
        "model_index.json": json.dumps(PIPELINE).encode(),
        "tokenizer/vocab.json": b"{}",
        "tokenizer/merges.txt": b"#",
        "scheduler/scheduler_config.json": b"{}",
        "README.md": b"", ".gitattributes": b"", "v1-5-pruned.safetensors": b"all of it, again",
        "v1-5-pruned.ckpt": b"", "safety_checker/model.safetensors": b"",
        "unet/diffusion_pytorch_model.non_ema.safetensors": b"",
        "text_encoder/flax_model.msgpack": b"", "unet_onnx/model.safetensors": b"",
    }  # fmt: skip
    binary = folder / "bin"
    unet(3).save_pretrained(binary / "unet", safe_serialization=False)
    index = {"_class_name": "X", "unet": ["diffusers", "UNet2DConditionModel"]}
    (binary / "model_index.json").write_text(json.dumps(index))
    return {"owner/sd": files_of(sd) | extra, "owner/bin": files_of(binary)}


@pytest.fixture
def hub(models, tmp_path, monkeypatch):
    """The imitation, and a home whose cache is empty and whose user has a token."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hub = SimpleNamespace(
        repos=dict(models), gated={}, downloaded=[], tokens=set(), home=tmp_path / "home"
    )
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    server.hub.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", server.hub.address)
    template = server.hub.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(server.hub.home / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    yield server.hub
    server.shutdown()
    server.server_close()


def refused(*arguments, **options):
    """The message of the refusal: one line, without the token and without the home."""
    with pytest.raises(InputError) as caught:
        fetch(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message and TOKEN not in message and "/home" not in message
    return message


def same(found, expected):
    found, expected = found.state_dict(), expected.state_dict()
    assert set(found) == set(expected)
    return all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_pipeline_is_laid_out_without_what_nobody_reads(hub, tmp_path):
    fetch("owner/sd", "main", tmp_path / "sd")
    expected = {
        "model_index.json", "hub.json", "unet/config.json", "text_encoder/config.json",
        "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors",
        "tokenizer/vocab.json", "tokenizer/merges.txt", "scheduler/scheduler_config.json",
    }  # fmt: skip
    found = files_of(tmp_path / "sd")
    assert set(found) == expected
    assert set(hub.downloaded) == expected - {"hub.json"}
    assert hub.tokens == {f"Bearer {TOKEN}"}
    # diffusers' way of saying that a component is absent, so that the folder is a whole pipeline
    index = json.loads(found["model_index.json"])
    assert index["safety_checker"] == [None, None] and not index["requires_safety_checker"]
    assert index["unet"] == PIPELINE["unet"]
    assert same(UNet2DConditionModel.from_pretrained(tmp_path / "sd", subfolder="unet"), unet(1))
    record = json.loads(found["hub.json"])
    assert (record["repo"], record["revision"], record["commit"]) == ("owner/sd", "main", COMMIT)
    assert record["files"] == {name: len(found[name]) for name in sorted(expected - {"hub.json"})}
    assert TOKEN not in str(found) and str(tmp_path) not in str(found)


def test_files_are_linked_from_the_cache_not_copied(hub, tmp_path):
    fetch("owner/sd", COMMIT, tmp_path / "sd")
    weights = tmp_path / "sd" / "unet" / "diffusion_pytorch_model.safetensors"
    assert weights.stat().st_nlink == 2 and not weights.is_symlink()


def test_other_file_systems_get_copies(hub, tmp_path, monkeypatch):
    def across(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", across)
    fetch("owner/sd", COMMIT, tmp_path / "sd")
    weights = tmp_path / "sd" / "unet" / "diffusion_pytorch_model.safetensors"
    assert weights.stat().st_nlink == 1
    assert weights.read_bytes() == hub.repos["owner/sd"]["unet/diffusion_pytorch_model.safetensors"]


def test_a_variant_in_shards_is_found_under_plain_names(hub, tmp_path):
    fetch("owner/sd", "main", tmp_path / "sd", variant="fp16")
    assert any("fp16-00001-of-" in name for name in hub.downloaded)
    assert not any("fp16" in name for name in files_of(tmp_path / "sd"))
    for kind, part, expected in (
        (UNet2DConditionModel, "unet", unet(2)),
        (CLIPTextModel, "text_encoder", text_encoder(2)),
    ):
        model = kind.from_pretrained(tmp_path / "sd", subfolder=part, use_safetensors=True)
        assert same(model, expected)


def test_patterns_leave_components_out(hub, tmp_path):
    fetch("owner/sd", "main", tmp_path / "sd", patterns=["unet/*", "scheduler/*"])
    found = files_of(tmp_path / "sd")
    assert {name.split("/")[0] for name in found if "/" in name} == {"unet", "scheduler"}
    assert json.loads(found["model_index.json"])["text_encoder"] == [None, None]


def test_pickled_weights_are_converted(hub, tmp_path):
    fetch("owner/bin", "main", tmp_path / "dit")
    assert not list((tmp_path / "dit").rglob("*.bin"))
    model = UNet2DConditionModel.from_pretrained(
        tmp_path / "dit", subfolder="unet", use_safetensors=True
    )
    assert same(model, unet(3))
    made = json.loads((tmp_path / "dit" / "hub.json").read_text())["made_from"]
    assert list(made.values()) == ["unet/diffusion_pytorch_model.bin"]


def test_a_malicious_pickle_is_refused_without_naming_the_cache(hub, tmp_path):
    hub.repos["owner/evil"] = {
        **hub.repos["owner/bin"], "unet/diffusion_pytorch_model.bin": b"\x80\x02cos\nsystem\n."
    }  # fmt: skip
    message = refused("owner/evil", "main", tmp_path / "evil")
    assert message.startswith("owner/evil: unet/diffusion_pytorch_model.bin: found")
    assert not (tmp_path / "evil").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".evil")]


def test_offline_with_everything_cached(hub, tmp_path, monkeypatch):
    fetch("owner/sd", "main", tmp_path / "online", variant="fp16")
    hub.tokens.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for revision in ("main", COMMIT):
        fetch("owner/sd", revision, tmp_path / revision, variant="fp16")
        online, offline = files_of(tmp_path / "online"), files_of(tmp_path / revision)
        assert json.loads(offline.pop("hub.json"))["commit"] == COMMIT
        online.pop("hub.json")
        assert online == offline
    assert not hub.tokens  # nobody was asked
    # what the first call did not fetch is missing now, and said to be
    message = refused("owner/sd", "main", tmp_path / "plain")
    assert "found text_encoder/model.safetensors, unet/diffusion_pytorch_model" in message
    assert "`hf download owner/sd --revision main`" in message


def test_offline_with_nothing_cached(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = refused("owner/sd", COMMIT, tmp_path / "sd")
    assert f"`hf download owner/sd --revision {COMMIT}`" in message and "HF_HUB_OFFLINE" in message


@pytest.mark.parametrize(
    "answer",
    [(401, {"X-Error-Code": "GatedRepo"}), (403, {"X-Error-Code": "GatedRepo"}), (403, {})],
    ids=["not logged in", "not accepted", "a token without that right"],
)
def test_terms_to_accept(hub, tmp_path, answer):
    hub.gated["owner/sd"] = answer
    message = refused("owner/sd", "main", tmp_path / "sd")
    assert "accept the terms on https://huggingface.co/owner/sd, then set HF_TOKEN" in message
    assert not (tmp_path / "sd").exists()


def test_names_that_do_not_exist(hub, tmp_path):
    assert "found no such model" in refused("owner/other", "main", tmp_path / "x")
    assert "found no revision 'v2'" in refused("owner/sd", "v2", tmp_path / "x")
    assert "found no revision" in refused("owner/sd", COMMIT[::-1], tmp_path / "x")
    assert "expected OWNER/NAME" in refused("owner/a/b", "main", tmp_path / "x")
    assert "no weights of the variant 'bf16'" in refused(
        "owner/sd", "main", tmp_path / "x", variant="bf16"
    )


def test_a_component_without_usable_weights_is_named(hub, tmp_path):
    files = dict(hub.repos["owner/bin"])
    files["unet/diffusion_flax_model.msgpack"] = files.pop("unet/diffusion_pytorch_model.bin")
    hub.repos["owner/flax"] = files
    assert "found no weights in unet/" in refused("owner/flax", "main", tmp_path / "x")


def test_by_the_environment_alone(hub, tmp_path, root):
    """As a rule script runs it: the endpoint, the home and the token from the environment."""
    code = (
        "import sys; from diffusion_classifier.weights.hub import fetch;"
        "fetch('owner/bin', 'main', sys.argv[1])"
    )
    environment = {
        **os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(hub.home), "HF_TOKEN": TOKEN,
    }  # fmt: skip
    environment.pop("HF_HUB_OFFLINE", None)
    for offline in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / offline)],
            env=environment | {"HF_HUB_OFFLINE": offline}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert TOKEN not in done.stdout + done.stderr
    assert files_of(tmp_path / "0") == files_of(tmp_path / "1")
