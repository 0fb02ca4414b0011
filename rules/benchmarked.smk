# What is benchmarked: small named functions over the config's section `benchmark`, if it has one.

BENCHMARK = config.get("benchmark", {})
BENCHMARK_RULES = [
    "benchmark_miniature",
    "benchmark_full_size",
    "benchmark_growth",
    "benchmark_ttest",
    "benchmark_policies",
    "benchmark_shares",
    "benchmarks",
]


def tables_pages():
    """The pages of all tables: what is there when the run proper is done."""
    return [f"{RESULTS}/tables/{name}.html" for name in config["tables"]]


def benchmark_only():
    """Data sets and evaluations that no table has: their jobs are no part of the run proper."""
    shown = set()
    for table in config["tables"].values():
        shown |= {table.get("dataset"), *table.get("datasets", []), *table["methods"]}
    policies = BENCHMARK.get("policies", {})
    asked = {name for policy in policies.values() for name in policy.values()}
    return sorted({BENCHMARK["shard"]["dataset"], *policies, *asked} - shown)


def timed_inputs(wildcards):
    """What rule errors takes of an evaluation's first shard, but for the pairs."""
    first = SimpleNamespace(evaluation=wildcards.evaluation, dataset=wildcards.dataset, shard=0)
    return {
        "latents": latents_file(first),
        "conditions": conditions_file(first),
        "noise": noise_file(first),
        "model": evaluated_model_files(first),
    }


def miniature_dtypes(entry):
    """The dtypes in which a timed evaluation is run: its own, if no others are asked for."""
    own = config["evaluations"][entry["evaluation"]].get("dtype", "float32")
    return entry.get("dtypes", [own])


def miniature_spec(wildcards):
    """The config's entry of a timed evaluation, with how often it is repeated."""
    asked = (wildcards.evaluation, wildcards.dataset)
    return next(
        entry | {"repeats": BENCHMARK["miniature"]["repeats"]}
        for entry in BENCHMARK["miniature"]["models"]
        if (entry["evaluation"], entry["dataset"]) == asked
    )


def growth_wildcards():
    """The evaluation whose cost is followed as it grows."""
    spec = BENCHMARK["growth"]
    return SimpleNamespace(evaluation=spec["evaluation"], dataset=spec["dataset"])


def benchmark_records():
    """The records of all comparisons of engine and plain loop."""
    if not BENCHMARK:
        return []
    folder, full = f"{RESULTS}/benchmarks/throughput", BENCHMARK["full_size"]
    return [
        f"{folder}/miniature/{entry['evaluation']}/{entry['dataset']}/{dtype}.json"
        for entry in BENCHMARK["miniature"]["models"]
        for dtype in miniature_dtypes(entry)
    ] + [
        f"{folder}/full_size/{network}/{dtype}.json"
        for network in full["networks"]
        for dtype in full["dtypes"]
    ]


def shard_predictions():
    spec = BENCHMARK["shard"]
    return f"{RESULTS}/predictions/{spec['evaluation']}/{spec['dataset']}.parquet"


def shard_jobs():
    """The jobs that classify the shard's images, from data to predictions, as they are logged."""
    name, data = BENCHMARK["shard"]["evaluation"], BENCHMARK["shard"]["dataset"]
    wildcards = SimpleNamespace(evaluation=name, dataset=data, shard=0)
    stages = [*all_stages(wildcards)]
    outputs = [latents_file(wildcards), conditions_file(wildcards), noise_file(wildcards)]
    outputs += [timesteps_file(wildcards)] if learned(wildcards) else []
    jobs = [Path(file).relative_to(RESULTS).with_suffix("").as_posix() for file in outputs]
    jobs += [f"dataset/{data}", f"prompts/{dataset(data)['prompts']}"]
    if grouped := groups(wildcards):
        stages.append(GROUPS)
        jobs += [f"prompts/{grouped['prompts']}"]
        jobs += [f"conditions/{evaluation(wildcards)['model']}/{grouped['prompts']}"]
        jobs += [f"group_pairs/{name}/{data}/{shard}" for shard in shards(data)]
    for shard in shards(data):
        jobs += [f"pairs/{name}/{data}/{shard}"]
        jobs += [f"prune/{name}/{data}/stage{stage}/{shard}" for stage in stages if stage > 1]
        jobs += [
            f"errors/{name}/{data}/stage{stage}/{shard}-{part}"
            for stage in stages
            for part in range(class_parts(name))
        ]
    return [*jobs, f"predictions/{name}/{data}"]


def ttest(wildcards):
    """The config's entry of a race by paired t-test, the schedule it has, and the data set."""
    spec = BENCHMARK["ttest"][wildcards.ttest]
    where = SimpleNamespace(evaluation=spec["evaluation"], dataset=wildcards.dataset)
    return spec, where


def ttest_inputs(wildcards):
    _, where = ttest(wildcards)
    each = [SimpleNamespace(shard=shard, **vars(where)) for shard in shards(where.dataset)]
    return {
        "pairs": [pairs_file(where.evaluation, where.dataset, 1, s.shard) for s in each],
        "prompts": prompts_file(where),
        "data": dataset_file(where.dataset),
        "latents": [latents_file(shard) for shard in each],
        "conditions": conditions_file(where),
        "noise": noise_file(where),
        "model": evaluated_model_files(where),
    }


def ttest_samples(wildcards):
    """All samples of an evaluation's stages, in an order whose every beginning is spread evenly."""
    spec = stages(ttest(wildcards)[1])
    every = stage_samples(spec["samples"], spec.get("trials", 1), spec.get("grid"))
    return [[s.timestep, s.noise] for s in spread(sum(every, []))]


def policy_files():
    """Predictions of all policies, data set by data set."""
    return [
        (
            f"{RESULTS}/benchmarks/ttest/{name}/{dataset}.parquet"
            if name in BENCHMARK.get("ttest", {})
            else f"{RESULTS}/predictions/{name}/{dataset}.parquet"
        )
        for dataset, policies in BENCHMARK.get("policies", {}).items()
        for name in policies.values()
    ]


def policy_losses():
    """Data set → policy → the loss it goes by."""
    tests = BENCHMARK.get("ttest", {})
    return {
        dataset: {
            label: stages_of(config, tests.get(name, {}).get("evaluation", name), dataset)["loss"]
            for label, name in policies.items()
        }
        for dataset, policies in BENCHMARK.get("policies", {}).items()
    }


def policies_csv():
    """Evaluations and accuracy of every policy, where asked for."""
    return [f"{RESULTS}/benchmarks/policies.csv"] if BENCHMARK.get("policies") else []


def compared_csv():
    """Every policy against the first of its data set, where asked for."""
    return [f"{RESULTS}/benchmarks/policies-compared.csv"] if policies_csv() else []


BENCHMARK_FIGURES = {
    "throughput": "evaluations per second",
    "peak": "share of the machine's peak",
    "growth": "growth of cost",
    "shares": "what a whole run is spent on",
    "policies": "accuracy against evaluations per image",
}


def benchmark_figures():
    return figures(BENCHMARK_FIGURES, {"policies": policies_csv()})


def benchmark_parameters(input, output):
    """What papermill puts into the benchmark notebook's parameters cell."""
    return {
        "records": list(input.records),
        "growth": input.growth,
        "shares": input.shares,
        "rules": input.rules,
        "policies": next(iter(policies_csv()), ""),
        "compared": next(iter(compared_csv()), ""),
        "datasets": {name: spec["label"] for name, spec in config["datasets"].items()},
        "throughput": output.csv,
        "machine": output.txt,
        "figure": str(Path(RESULTS) / "figures" / "benchmarks"),
        "subtitle": BENCHMARK.get("subtitle", ""),
    }


def benchmark_files():
    """What `snakemake` makes of the benchmarks when asked for nothing in particular."""
    if not BENCHMARK:
        return []
    drawn = [f"{RESULTS}/figures/benchmarks-{name}.svg" for name in benchmark_figures()]
    return [f"{RESULTS}/benchmarks/benchmarks.html", *drawn]
