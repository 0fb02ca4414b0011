# Which tables are wanted, of which methods and data sets.


def table_spec(name):
    """The config's entry of a table, or an empty one if it is not asked for."""
    return config["tables"].get(name, {"datasets": []})


def table_datasets(name):
    """The data sets of a table of accuracies."""
    return table_spec(name)["datasets"]


def table_prompts(name):
    """The set of prompts of each data set of a table."""
    return [dataset(data)["prompts"] for data in table_datasets(name)]


def tasks(name):
    """The sets of prompts of a table, each once: what a classifier is trained for."""
    return list(dict.fromkeys(table_prompts(name)))


def method_predictions(table, method):
    """The predictions that one job makes: a method's, on all data sets of a table."""
    # without the table nobody asks for them, but the rule needs an output all the same
    datasets = table_datasets(table) or ["none"]
    return [f"{RESULTS}/predictions/{method}/{name}.parquet" for name in datasets]


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


def method_entry(method):
    """How a method is named and grouped in tables and figures."""
    if method in METHODS["diffusion"]:
        return {
            "label": config["evaluations"][method]["label"],
            "kind": "diffusion",
            "group": method,
        }
    spec = baseline_spec(config, method)
    kind = "chance" if spec["kind"] == "chance" else "baseline"
    return {"label": spec["label"], "kind": kind, "group": split_seed(config, method)[0]}


def wanted():
    """What `snakemake` makes when asked for nothing in particular: every table's page."""
    return [f"{RESULTS}/tables/{name}.html" for name in config["tables"]]
