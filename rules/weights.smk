# The models of the config, and where the weights of models and baselines lie.
from diffusion_classifier.config.methods import is_shipped
from diffusion_classifier.config.checks.model_checks import weights_folder
from diffusion_classifier.config.seeds import network_folder as shipped_network


def model(name):
    """The config's entry of a model."""
    return config["models"][name]


def trained_part(name):
    """What of a model's entry decides its weights."""
    return {key: model(name)[key] for key in ("family", "preprocess", "training")}


def text_encoder(wildcards):
    """The CLIP whose text encoder a model starts its training from, as wildcards; or None."""
    name = model(wildcards.model)["training"].get("text_encoder")
    return name and SimpleNamespace(model=name)


def text_encoder_folder(wildcards):
    clip = text_encoder(wildcards)
    return clip and model_folder(clip)


def text_encoder_files(wildcards):
    clip = text_encoder(wildcards)
    return model_files(clip) if clip else []


def base_folder(wildcards):
    """Where a model's weights are, before a LoRA is merged into them."""
    name = wildcards.model
    weights = model(name)["weights"]
    if weights == "train":
        return f"{RESULTS}/models/{name}"
    if isinstance(weights, dict):
        return fetched_folder("models", name)
    return str(weights_folder(HERE, name, weights))


def model_folder(wildcards):
    """The folder that is loaded: the weights as they are, or with the LoRA merged."""
    if "lora" in model(wildcards.model):
        return f"{RESULTS}/models/{wildcards.model}"
    return base_folder(wildcards)


def folder_files(folder):
    """The files of a model's folder, if it is not made here."""
    if folder.startswith(f"{RESULTS}/"):
        return []
    return sorted(
        str(path) for path in Path(folder).rglob("*") if path.suffix in (".json", ".safetensors")
    )


def weights_files(name):
    """The files of a model's weights, before a LoRA is merged into them, if they are given."""
    return folder_files(base_folder(SimpleNamespace(model=name)))


def lora_files(name):
    """The file of a model's LoRA, if it has one."""
    return [model(name)["lora"]["weights"]] if "lora" in model(name) else []


def base_files(wildcards):
    """What a job depends on that loads a model's weights before a LoRA: files, or a made folder."""
    return given("models", wildcards.model) or [base_folder(wildcards)]


def model_files(wildcards):
    """What a job depends on that loads a model: the files of its folder, or the folder as made."""
    merged = "lora" in model(wildcards.model)
    return [model_folder(wildcards)] if merged else base_files(wildcards)


def trained_models():
    return [name for name, spec in config["models"].items() if spec["weights"] == "train"]


def lora_models():
    return [name for name, spec in config["models"].items() if "lora" in spec]


def fetched_folder(kind, name):
    """Where weights are kept that were fetched; `kind` is the config's section of `name`."""
    return f"{RESULTS}/weights/{kind}/{name}"


def fetched(kind):
    """The entries of a section of the config whose weights are fetched."""
    return [name for name, spec in config[kind].items() if isinstance(spec.get("weights"), dict)]


def network_folder(name):
    """The folder of a network METHOD/PROMPTS: where it is made, or lies with the project."""
    method, _, prompts = name.partition("/")
    if is_shipped(baseline_spec(config, method)):
        return str(shipped_network(HERE, *split_seed(config, method), prompts))
    return f"{RESULTS}/baselines/{name}"


def network_files(name):
    """What a job depends on that loads a network: its files, or the folder as made."""
    return folder_files(network_folder(name)) or [network_folder(name)]


def pretrained_folder(wildcards):
    """The folder of a network that others trained."""
    name = split_seed(config, wildcards.pretrained)[0]
    weights = config["baselines"][name]["weights"]
    return fetched_folder("baselines", name) if isinstance(weights, dict) else weights


def pretrained_files(name):
    """The files of a network that others trained, if they are given."""
    method = SimpleNamespace(pretrained=name)
    return folder_files(pretrained_folder(method))


def pretrained_inputs(wildcards):
    """What a job depends on that loads such a network: files, or a made folder."""
    name = split_seed(config, wildcards.pretrained)[0]
    return given("baselines", name) or [pretrained_folder(wildcards)]


def evaluated_clip(wildcards):
    return model(baseline_spec(config, wildcards.clip)["model"])


def baseline_model(method):
    """Wildcards of the model that a baseline uses."""
    return SimpleNamespace(model=baseline_spec(config, method)["model"])
