# Which tables are wanted, of which methods and data sets.


def provenance_file(name):
    return f"{RESULTS}/tables/{name}-provenance.json"


def table_folders(name):
    """The diffusion models behind a table: name → the folder that is loaded."""
    asked = {config["evaluations"][method]["model"] for method, _ in questions(config, name)}
    return {model: model_folder(SimpleNamespace(model=model)) for model in sorted(asked)}


def table_weights(name):
    """The files of `table_folders`, of models made here the folders."""
    models = [SimpleNamespace(model=model) for model in table_folders(name)]
    return [file for model in models for file in model_files(model)]


def data_behind(name):
    """The data sets behind a table, as notebooks and provenance are told of them: file -> label."""
    asked = data_sets(config, name) if name in config["tables"] else []
    return {dataset_file(data): dataset(data)["label"] for data in asked}


def table_spec(name):
    """The config's entry of a table, or an empty one if it is not asked for."""
    return config["tables"].get(name, {"datasets": []})


def table_datasets(name):
    """The data sets of a table of accuracies."""
    return table_spec(name).get("datasets", [])


def table_loss(name):
    """The loss that a table compares and draws."""
    return table_spec(name).get("loss", "l2")


def table_prompts(name):
    """The set of prompts of each data set of a table."""
    return [dataset(data)["prompts"] for data in table_datasets(name)]


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


def method_spec(method):
    """The config's entry of an evaluation or a baseline method."""
    ours = method in METHODS["diffusion"]
    return config["evaluations"][method] if ours else baseline_spec(config, method)


def method_entry(method):
    """How a method is named and grouped in tables and figures."""
    return {
        "label": method_spec(method)["label"],
        "kind": method_kind(config, method),
        "group": method_group(config, method),
        "varies": method_varies(config, method),
    }


# --- the parts of a table: one that is not asked for is empty, and so left out of its notebook


def figures(titles, parts):
    """The figures of a table, name -> title: all but those of parts that it does not have."""
    return {name: title for name, title in titles.items() if parts.get(name, True)}


def has_baselines(table):
    """Whether there is a method to compare a diffusion classifier with, image by image."""
    return any(
        method_kind(config, method) in COMPARED_KINDS
        for method in (table_methods(table) if table in config["tables"] else [])
    )


def paired_file(table):
    return f"{RESULTS}/scores/{table}-paired.parquet"


def published_files(table):
    """The file of published numbers that a table is compared with, if any."""
    return [table_spec(table)["published"]] if "published" in table_spec(table) else []


def published_csv(table):
    return [f"{RESULTS}/tables/{table}-published.csv"] if published_files(table) else []


def published_parameters(table):
    """What a notebook is told of published numbers: where they are, and their names of ours."""
    if not published_files(table):
        return {}
    named = {method_entry(name)["group"]: method_spec(name) for name in table_methods(table)}
    return {
        "file": table_spec(table)["published"],
        "methods": {name: s["published"] for name, s in named.items() if "published" in s},
        "datasets": {n: dataset(n).get("published", n) for n in table_datasets(table)},
    }


def first_stages(table):
    """What a notebook is told of evaluations that leave classes out: label -> data set -> files.

    Of several trainings, the first.
    """
    found = {}
    for name in (name for name in table_methods(table) if name in METHODS["diffusion"]):
        spec = config["evaluations"][name]
        for data in table_datasets(table):
            if "prior" in spec or groups_of(config, name, data):
                files = {
                    "pairs": [pairs_file(name, data, 1, shard) for shard in shards(data)],
                    "prompts": f"{RESULTS}/prompts/{dataset(data)['prompts']}.csv",
                }
                found.setdefault(spec["label"], {}).setdefault(data, files)
    return found


def first_stages_files(table):
    every = [stage for stages in first_stages(table).values() for stage in stages.values()]
    return [file for stage in every for file in [*stage["pairs"], stage["prompts"]]]


def ceilings_csv(table):
    """Where it is said how accurate evaluations that leave classes out can be, if there are any."""
    asked = table in config["tables"] and first_stages(table)
    return [f"{RESULTS}/tables/{table}-ceilings.csv"] if asked else []


# --- all of it


def wanted():
    """What `snakemake` makes when asked for nothing in particular.

    Every table's page and parts, and the benchmarks if the config has any.
    """
    return [
        file
        for name in config["tables"]
        for file in [f"{RESULTS}/tables/{name}.html", *table_parts(name)]
    ] + benchmark_files()


def table_parts(name):
    """What a page writes besides its table; asked for, so that a part new in the config is made."""
    shown = {
        "robustness": robustness_figures,
        "accuracy": accuracy_figures,
        "winoground": winoground_figures,
    }
    figures = [f"{RESULTS}/figures/{name}-{figure}.svg" for figure in shown[name]()]
    lists = accuracy_confusions() + accuracy_trend_csv() if name == "accuracy" else []
    return [provenance_file(name)] + figures + published_csv(name) + ceilings_csv(name) + lists
