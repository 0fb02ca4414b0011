"""Which files of a repository are needed, and their plain names."""

from diffusion_classifier.weights.hub_files import needed, plain


def test_clip_of_transformers_and_of_open_clip():
    both = [
        "config.json", "preprocessor_config.json", "model.safetensors", "pytorch_model.bin",
        "tf_model.h5", "vocab.json", "open_clip_model.safetensors", "open_clip_config.json",
        "onnx/model.safetensors", "tokenizer.json", "spiece.model", "README.md",
    ]  # fmt: skip
    assert set(needed("a/b", both, None, None)) == {
        "config.json", "preprocessor_config.json", "model.safetensors", "vocab.json",
        "open_clip_config.json", "tokenizer.json", "spiece.model",
    }  # fmt: skip
    # as timm publishes them: model.safetensors is the image tower alone
    timm = ["config.json", "model.safetensors", "open_clip_config.json"]
    for weights in ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"):
        assert set(needed("a/b", [*timm, weights], None, None)) == {*timm[::2], weights}
    assert plain("open_clip_pytorch_model.bin", None) == "open_clip_pytorch_model.safetensors"


def test_flux_without_its_checkpoint_in_one_file():
    """As black-forest-labs/FLUX.1-schnell lists its files."""
    parts = {
        "transformer": ["diffusion_pytorch_model", 3],
        "text_encoder_2": ["model", 2],
        "text_encoder": ["model", 1],
        "vae": ["diffusion_pytorch_model", 1],
    }
    expected = ["model_index.json", "scheduler/scheduler_config.json"]
    expected += ["tokenizer/vocab.json", "tokenizer/merges.txt"]
    expected += ["tokenizer_2/spiece.model", "tokenizer_2/tokenizer.json"]
    for part, (stem, shards) in parts.items():
        numbers = [f"-{n:05}-of-{shards:05}" for n in range(1, shards + 1)] if shards > 1 else [""]
        expected += [f"{part}/config.json", *(f"{part}/{stem}{n}.safetensors" for n in numbers)]
        expected += [f"{part}/{stem}.safetensors.index.json"] if shards > 1 else []
    others = ["flux1-schnell.safetensors", "ae.safetensors", "schnell_grid.jpeg", "README.md"]
    pipeline = {part: ["transformers", "Class"] for part in (*parts, "tokenizer", "tokenizer_2")}
    pipeline |= {"_class_name": "FluxPipeline", "scheduler": ["diffusers", "Class"]}
    assert set(needed("a/b", expected + others, pipeline, None)) == set(expected)


def test_a_lora_is_what_else_there_is():
    files = ["pytorch_lora_weights.safetensors", "README.md", "optimizer.bin"]
    assert needed("a/b", files, None, None) == files[:1]


def test_plain_names():
    # the two orders of a variant and a shard, and the index that goes with them
    assert plain("t/model.fp16-00001-of-00002.safetensors", "fp16") == (
        "t/model-00001-of-00002.safetensors"
    )
    assert plain("t/model-00001-of-00002.fp16.safetensors", "fp16") == (
        "t/model-00001-of-00002.safetensors"
    )
    assert plain("t/model.safetensors.index.fp16.json", "fp16") == "t/model.safetensors.index.json"
    assert plain("t/pytorch_model-00001-of-00002.bin", None) == "t/model-00001-of-00002.safetensors"
    assert plain("t/pytorch_model.bin.index.json", None) == "t/model.safetensors.index.json"
    assert plain("pytorch_lora_weights.safetensors", None) == "pytorch_lora_weights.safetensors"
