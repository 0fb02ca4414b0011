# What each notebook is given: what papermill puts into its parameters cell.


# --- the robustness notebook

ROBUSTNESS_FIGURES = {
    "paired": "paired comparison",
    "effective": "effective robustness",
    "timesteps": "accuracy per timestep",
    "evaluations": "accuracy against cost",
    "examples": "examples",
}


def robustness_figures():
    curves = "curves" in table_spec("robustness")
    parts = {"paired": has_baselines("robustness"), "timesteps": curves, "evaluations": curves}
    return figures(ROBUSTNESS_FIGURES, parts)


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
    """Error files of the robustness curves, none if they are not asked for."""
    if "curves" not in table_spec(table):
        return []
    wildcards = curve_wildcards(table)
    return errors_files(wildcards, stages=[1], shards=shards(wildcards.dataset))


def curve_schedule(table):
    """The table's own predictions on the curves' images: the pruned schedule to compare."""
    if "curves" not in table_spec(table):
        return []
    return f"{RESULTS}/predictions/{shown_method(table)}/{curve_wildcards(table).dataset}.parquet"


def robustness_parameters(input, output):
    """What papermill puts into the notebook's parameters cell."""
    spec = config["tables"]["robustness"]
    return notebook_parameters("robustness", input, output) | {
        "predictions": dict(zip(spec["datasets"], input.predictions)),
        "data": dict(zip(spec["datasets"], input.data)),
        "curve_dataset": spec.get("curves", {}).get("dataset", ""),
        "curve_errors": list(input.curve_errors),
        "curve_predictions": {
            config["evaluations"][shown_method("robustness")]["label"]: schedule
            for schedule in [input.curve_schedule]
            if schedule
        },
        "datasets": {name: dataset(name)["label"] for name in spec["datasets"]},
        "descriptions": {n: dataset(n).get("description", "") for n in spec["datasets"]},
        "chosen_by": {
            name: dataset(name)["wrong_by"] for name in spec["datasets"] if "pool" in dataset(name)
        },
        "plot_losses": [table_loss("robustness")],
        "same_images": same_images(config, spec["datasets"][0], spec["datasets"][1:]),
    }


# --- the accuracy notebook

ACCURACY_FIGURES = {
    "methods": "accuracy of all methods",
    "trend": "accuracy and training",
    "paired": "paired comparison",
    "timesteps": "accuracy per timestep",
    "reconstructions": "one-step reconstructions",
    "confusion": "confusion matrix",
    "examples": "examples",
}


def accuracy_figures():
    spec = table_spec("accuracy")
    parts = {
        "trend": "trend" in spec,
        "paired": has_baselines("accuracy"),
        "timesteps": "curves" in spec,
        "reconstructions": "reconstructions" in spec,
        "confusion": "confusion" in spec,
    }
    return figures(ACCURACY_FIGURES, parts)


def accuracy_curves():
    """Error files of the accuracy curves: data set -> files."""
    curves = table_spec("accuracy").get("curves", {"datasets": []})
    return {
        name: errors_files(
            SimpleNamespace(evaluation=curves["evaluation"], dataset=name),
            stages=[1],
            shards=shards(name),
        )
        for name in curves["datasets"]
    }


def accuracy_reconstructions():
    spec = table_spec("accuracy").get("reconstructions")
    if spec is None:
        return []
    return f"{RESULTS}/reconstructions/{shown_method('accuracy')}/{spec['dataset']}.nc"


def accuracy_confusions():
    """The most confused pairs of classes, where confusions are asked for."""
    asked = "confusion" in table_spec("accuracy")
    return [f"{RESULTS}/tables/accuracy-confusions.csv"] if asked else []


def accuracy_trend():
    """Predictions of the versions of a model that the trend follows: label -> data set -> files.

    Trainings of one version share its label.
    """
    spec = table_spec("accuracy").get("trend", {"methods": []})
    found = {}
    for method in spec["methods"]:
        version = found.setdefault(version_of(config, method), {})
        for name in spec.get("datasets", table_datasets("accuracy")):
            file = f"{RESULTS}/predictions/{method}/{name}.parquet"
            version.setdefault(name, []).append(file)
    return found


def accuracy_trend_csv():
    return [f"{RESULTS}/tables/accuracy-trend.csv"] if accuracy_trend() else []


def accuracy_parameters(input, output):
    """What papermill puts into the accuracy notebook's parameters cell."""
    spec = config["tables"]["accuracy"]
    return notebook_parameters("accuracy", input, output) | {
        "predictions": dict(zip(spec["datasets"], input.predictions)),
        "data": dict(zip(spec["datasets"], input.data)),
        "prompts": dict(zip(spec["datasets"], input.prompts)),
        "curve_errors": accuracy_curves(),
        "curve_labels": {n: dataset_file(n) for n in accuracy_curves()},
        "reconstructions": input.reconstructions or "",
        "recon_dataset": spec.get("reconstructions", {}).get("dataset", ""),
        "confusion_datasets": spec.get("confusion", []),
        "trend": accuracy_trend(),
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


def winoground_figures():
    drawn = winoground_examples() > 0
    return figures(WINOGROUND_FIGURES, {"examples": drawn, "heatmaps": drawn})


def winoground_examples():
    """How many examples are drawn with heat maps."""
    return table_spec("winoground").get("examples", 3)


def winoground_maps():
    if not winoground_examples():
        return []
    return f"{RESULTS}/spatial/{shown_method('winoground')}/{winoground_dataset()}.nc"


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
        "maps": input.maps or "",
        "examples": winoground_examples(),
        "preprocess": evaluated_model(SimpleNamespace(evaluation=shown_method("winoground")))[
            "preprocess"
        ],
        "description": dataset(spec["dataset"]).get("description", ""),
    }


def notebook_parameters(table, input, output):
    """What every notebook is told: where its scores are, where its table and figures go."""
    compared = {
        "paired": paired_file(table) if has_baselines(table) else "",
        "first_stages": first_stages(table),
    }
    return ({} if table == "winoground" else compared | {"data_behind": data_behind(table)}) | {
        "scores": input.scores,
        "correct": input.correct,
        "table": str(Path(output.table).with_name(table)),
        "figure": str(Path(RESULTS) / "figures" / table),
        "subtitle": table_spec(table).get("subtitle", ""),
        "loss": table_loss(table),
        "published": published_parameters(table),
    }
