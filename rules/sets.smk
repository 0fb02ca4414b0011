# Data sets and prompts: what they are made of, and which files they become.
from diffusion_classifier.data.sources.folder import fingerprint


def dataset(name):
    """The config's entry of a data set."""
    return config["datasets"][name]


def direct_datasets():
    return [name for name, spec in config["datasets"].items() if "source" in spec]


def adversarial_datasets():
    return [name for name, spec in config["datasets"].items() if "pool" in spec]


def dataset_file(name):
    return f"{RESULTS}/data/{name}.parquet"


def dataset_files(name):
    """The user's own files that a data set is made of."""
    spec = dataset(name)
    if spec["source"] == "folder":
        try:
            files = fingerprint(spec["path"], spec.get("metadata"), spec.get("strict", False))
        except InputError as error:
            sys.exit(f"{config_file()}: datasets.{name}.path: {error}")
        return [str(Path(spec["path"]) / file) for file in files]
    named = [spec.get("file"), spec["indices"] if isinstance(spec.get("indices"), str) else None]
    return [file for file in named if file]


def synthetic_datasets():
    return [name for name, spec in config["datasets"].items() if "model" in spec]


def generator(wildcards):
    """Wildcards of the model that made a synthetic data set."""
    return SimpleNamespace(model=dataset(wildcards.dataset)["model"])


def registered(wildcards):
    """The entries of the library's registries that a data set uses: its source, and its shift."""
    spec = dataset(wildcards.dataset)
    return spec["source"], *(value for key, value in spec.get("shift", {}).items() if key == "kind")


def shard_count(name):
    return dataset(name).get("shards", 1)


def shards(name):
    return range(shard_count(name))


def prompts_file(wildcards):
    return f"{RESULTS}/prompts/{dataset(wildcards.dataset)['prompts']}.csv"


def prompts_spec(name):
    """What of a set of prompts' entry decides its prompts."""
    return {key: value for key, value in config["prompts"][name].items() if key != "groups"}


def prompts_files(name):
    """The CSV that a set of prompts is read from, if it is."""
    spec = config["prompts"][name]
    return [spec["file"]] if "file" in spec else []


def prompts_source(wildcards):
    """What a set of prompts is read from, if from anything: a user's CSV or a data set."""
    spec = config["prompts"][wildcards.prompts]
    if "captions" in spec:
        return dataset_file(spec["captions"])
    if isinstance(spec.get("classes"), str):
        return str(HERE / "resources" / "classes" / f"{spec['classes']}.csv")
    return given("prompts", wildcards.prompts)
