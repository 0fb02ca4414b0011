# What each notebook is given: what papermill puts into its parameters cell.


# --- the robustness notebook

ROBUSTNESS_FIGURES = {
    "paired": "paired comparison",
    "effective": "effective robustness",
    "timesteps": "accuracy per timestep",
    "evaluations": "accuracy against cost",
    "examples": "examples",
}


def shown_method(table):
    """The diffusion classifier that a notebook looks into: the table's first."""
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
    return notebook_parameters("robustness", input, output) | {
        "paired": input.paired,
        "predictions": dict(zip(spec["datasets"], input.predictions)),
        "data": dict(zip(spec["datasets"], input.data)),
        "curve_dataset": spec["curves"]["dataset"],
        "curve_errors": list(input.curve_errors),
        "curve_predictions": {
            config["evaluations"][shown_method("robustness")]["label"]: input.curve_schedule
        },
        "datasets": {name: dataset(name)["label"] for name in spec["datasets"]},
        "descriptions": {n: dataset(n).get("description", "") for n in spec["datasets"]},
        "chosen_by": {
            name: dataset(name)["wrong_by"] for name in spec["datasets"] if "pool" in dataset(name)
        },
        "plot_losses": [spec["loss"]],
    }


# --- the accuracy notebook

ACCURACY_FIGURES = {
    "methods": "accuracy of all methods",
    "paired": "paired comparison",
    "timesteps": "accuracy per timestep",
    "reconstructions": "one-step reconstructions",
    "confusion": "confusion matrix",
    "examples": "examples",
}


def accuracy_curves():
    """Error files of the accuracy curves: data set -> files."""
    curves = config["tables"]["accuracy"]["curves"]
    return {
        name: errors_files(
            SimpleNamespace(evaluation=curves["evaluation"], dataset=name),
            stages=[1],
            shards=shards(name),
        )
        for name in curves["datasets"]
    }


def accuracy_reconstructions():
    name = config["tables"]["accuracy"]["reconstructions"]["dataset"]
    return f"{RESULTS}/reconstructions/{shown_method('accuracy')}/{name}.nc"


def accuracy_parameters(input, output):
    """What papermill puts into the accuracy notebook's parameters cell."""
    spec = config["tables"]["accuracy"]
    return notebook_parameters("accuracy", input, output) | {
        "paired": input.paired,
        "predictions": dict(zip(spec["datasets"], input.predictions)),
        "data": dict(zip(spec["datasets"], input.data)),
        "prompts": dict(zip(spec["datasets"], input.prompts)),
        "curve_errors": accuracy_curves(),
        "curve_labels": {n: dataset_file(n) for n in spec["curves"]["datasets"]},
        "reconstructions": input.reconstructions,
        "recon_dataset": spec["reconstructions"]["dataset"],
        "confusion_datasets": spec["confusion"],
        "datasets": {name: dataset(name)["label"] for name in spec["datasets"]},
        "descriptions": {n: dataset(n).get("description", "") for n in spec["datasets"]},
    }


# --- the Winoground notebook

WINOGROUND_FIGURES = {
    "scores": "scores per tag",
    "timesteps": "text score per timestep",
    "examples": "examples",
    "heatmaps": "error heat maps",
}


def winoground_dataset():
    return table_spec("winoground").get("dataset", "none")


def winoground_errors():
    """Error files of the diffusion classifier that the notebook looks into."""
    name = winoground_dataset()
    wildcards = SimpleNamespace(evaluation=shown_method("winoground"), dataset=name)
    return errors_files(wildcards, stages=[1], shards=shards(name))


def winoground_prompts():
    return f"{RESULTS}/prompts/{dataset(winoground_dataset())['prompts']}.csv"


def similarity_files(methods):
    return [f"{RESULTS}/similarities/{name}/{winoground_dataset()}.parquet" for name in methods]


def winoground_parameters(input, output):
    """What papermill puts into the Winoground notebook's parameters cell."""
    spec = config["tables"]["winoground"]
    return notebook_parameters("winoground", input, output) | {
        "data": input.data,
        "prompts": input.prompts,
        "errors": list(input.errors),
        "similarity": input.similarity,
        "maps": input.maps,
        "examples": spec.get("examples", 3),
        "preprocess": evaluated_model(SimpleNamespace(evaluation=shown_method("winoground")))[
            "preprocess"
        ],
        "description": dataset(spec["dataset"]).get("description", ""),
    }


def notebook_parameters(table, input, output):
    """What every notebook is told: where its scores are, where its table and figures go."""
    return {
        "library": str(HERE / "workflow_scripts"),
        "scores": input.scores,
        "table": str(Path(output.table).with_name(table)),
        "figure": str(Path(RESULTS) / "figures" / table),
        "subtitle": config["tables"][table]["subtitle"],
        "loss": config["tables"][table]["loss"],
    }
