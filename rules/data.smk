# Images and prompts: what there is to recognise, and what it may be called.
from plan.given_files import SECTIONS


rule given:
    output:
        layout.given("{section}", "{name}"),
    log:
        f"{layout.logs}/given/{{section}}/{{name}}.log",
    benchmark:
        f"{layout.benchmarks}/given/{{section}}/{{name}}.tsv"
    wildcard_constraints:
        section=one_of(SECTIONS),
        name="[^/]+",
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        identity=of_job(plan.given.identity),
    script:
        "../workflow_scripts/given.py"


rule dataset:
    input:
        files_of(plan.data.sources),
    output:
        layout.data("{dataset}"),
    log:
        f"{layout.logs}/dataset/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/dataset/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.with_key("source")),
    localrule: WITHOUT_DISK
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=code("dataset", entries=plan.data.registered),
        spec=of_job(plan.data.images),
    script:
        "../workflow_scripts/dataset.py"


rule adversarial_dataset:
    input:
        pool=of_job(plan.data.pool),
        network=files_of(plan.baselines.filter_inputs),
    output:
        data=layout.data("{dataset}"),
        indices=layout.indices("{dataset}"),
    log:
        f"{layout.logs}/adversarial_dataset/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/adversarial_dataset/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.with_key("pool")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("adversarial_dataset"),
        folder=of_job(plan.baselines.filter_folder),
        limit=of_job(plan.data.limit),
        seed=of_job(plan.data.seed),
        preprocess=of_job(plan.baselines.filter_preprocess),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/adversarial_dataset.py"


rule synthetic_dataset:
    input:
        prompts=of_job(plan.data.prompts),
        model=files_of(plan.generators.inputs),
    output:
        layout.data("{dataset}"),
    log:
        f"{layout.logs}/synthetic_dataset/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/synthetic_dataset/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.with_key("model")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.generators.memory),
        runtime=growing(240),
        gpu=GPU,
    params:
        code=code("synthetic_dataset"),
        folder=of_job(plan.generators.folder),
        truncate=of_job(plan.generators.truncate),
        size=of_job(plan.generators.size),
        sampling=of_job(plan.data.sampling),
        seed=of_job(plan.data.seed),
        device=config["compute"]["device"],
        dtype=of_job(plan.data.dtype),
    script:
        "../workflow_scripts/synthetic_dataset.py"


rule kept_drawings:
    input:
        drawings=of_job(plan.judges.drawings),
        prompts=of_job(plan.data.prompts),
        model=files_of(plan.judges.inputs),
        ticked=files_of(plan.judges.ticked),
    output:
        layout.data("{dataset}"),
    log:
        f"{layout.logs}/kept_drawings/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/kept_drawings/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.with_key("drawn")),
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(plan.judges.memory),
        runtime=growing(60),
        gpu=GPU,
    params:
        code=code("kept_drawings", entries=plan.judges.entries),
        spec=of_job(plan.judges.spec),
        setting=of_job(plan.judges.setting),
        ticked=of_job(plan.judges.ticked_file),
        device=config["compute"]["device"],
        dtype="float32",
    script:
        "../workflow_scripts/kept_drawings.py"


# asked for by a person who wants to tick drawings: snakemake results/drawings/NAME
rule drawing_files:
    input:
        layout.data("{dataset}"),
    output:
        directory(layout.drawings("{dataset}")),
    log:
        f"{layout.logs}/drawing_files/{{dataset}}.log",
    benchmark:
        f"{layout.benchmarks}/drawing_files/{{dataset}}.tsv"
    wildcard_constraints:
        dataset=one_of(plan.data.with_key("model")),
    localrule: WITHOUT_DISK
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("drawing_files"),
    script:
        "../workflow_scripts/drawing_files.py"


rule prompts:
    input:
        files_of(plan.data.prompts_source),
    output:
        layout.prompts("{prompts}"),
    log:
        f"{layout.logs}/prompts/{{prompts}}.log",
    benchmark:
        f"{layout.benchmarks}/prompts/{{prompts}}.tsv"
    conda:
        "../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("prompts"),
        spec=of_job(plan.data.prompts_spec),
    script:
        "../workflow_scripts/prompts.py"
