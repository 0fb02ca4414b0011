# Which tables are wanted, and what their notebooks are given.


def table_datasets():
    """The data sets of all tables, each once."""
    return list(dict.fromkeys(n for table in config["tables"].values() for n in table["datasets"]))


def table_methods(name):
    """All methods of a table: a baseline with seeds is one method per seed."""
    listed = config["tables"][name]["methods"]
    return [
        method
        for method in METHODS["diffusion"] + METHODS["baseline"]
        if method in listed
        or (method in METHODS["baseline"] and split_seed(config, method)[0] in listed)
    ]


def predictions_files(name):
    """The predictions of all methods of a table on all its data sets."""
    return [
        f"{RESULTS}/predictions/{method}/{dataset}.parquet"
        for method in table_methods(name)
        for dataset in config["tables"][name]["datasets"]
    ]


def table_spec(name):
    """The config's entry of a table, or an empty one if it is not asked for."""
    return config["tables"].get(name, {"datasets": []})


def method_entry(method):
    """How a method is named and grouped in tables and figures."""
    if method in METHODS["diffusion"]:
        return {
            "label": config["evaluations"][method]["label"],
            "kind": "diffusion",
            "group": method,
        }
    spec = baseline_spec(config, method)
    return {"label": spec["label"], "kind": "baseline", "group": split_seed(config, method)[0]}


# --- the robustness notebook

ROBUSTNESS_FIGURES = {
    "paired": "paired comparison",
    "effective": "effective robustness",
    "timesteps": "accuracy per timestep",
    "evaluations": "accuracy against cost",
    "examples": "examples",
}


def shown_method(table):
    """The diffusion classifier whose predictions are shown as examples: the table's first."""
    return next(method for method in table_methods(table) if method in METHODS["diffusion"])


def shown_predictions(table):
    return [
        f"{RESULTS}/predictions/{shown_method(table)}/{name}.parquet"
        for name in config["tables"][table]["datasets"]
    ]


def curve_wildcards(table):
    return SimpleNamespace(**config["tables"][table]["curves"])


def curve_errors(table):
    wildcards = curve_wildcards(table)
    return errors_files(wildcards, stages=[1], shards=shards(wildcards.dataset))


def curve_schedule(table):
    """The table's own predictions on the curves' images: the pruned schedule to compare."""
    return f"{RESULTS}/predictions/{shown_method(table)}/{curve_wildcards(table).dataset}.parquet"


def robustness_parameters(input, output):
    """What papermill puts into the notebook's parameters cell."""
    spec = config["tables"]["robustness"]
    stem = str(Path(output.table).with_name("robustness"))
    return {
        "library": str(HERE / "workflow_scripts"),
        "scores": input.scores,
        "paired": input.paired,
        "predictions": dict(zip(spec["datasets"], input.predictions)),
        "data": dict(zip(spec["datasets"], input.data)),
        "curve_dataset": spec["curves"]["dataset"],
        "curve_errors": list(input.curve_errors),
        "curve_predictions": {
            config["evaluations"][shown_method("robustness")]["label"]: input.curve_schedule
        },
        "table": stem,
        "figure": str(Path(RESULTS) / "figures" / "robustness"),
        "datasets": {name: dataset(name)["label"] for name in spec["datasets"]},
        "descriptions": {n: dataset(n).get("description", "") for n in spec["datasets"]},
        "chosen_by": {
            name: dataset(name)["wrong_by"] for name in spec["datasets"] if "pool" in dataset(name)
        },
        "subtitle": spec["subtitle"],
        "loss": spec["loss"],
        "plot_losses": [spec["loss"]],
    }


def wanted():
    """What `snakemake` makes when asked for nothing in particular: every table's page."""
    return [f"{RESULTS}/tables/{name}.html" for name in config["tables"]]
