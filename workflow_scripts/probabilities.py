"""Calibrate the probabilities of a table's methods, fuse some of them, and score all.

In: errors of evaluations and predictions of baselines, on the table's data sets and on calibration
images; images and prompts. No network is evaluated. Out: scores with intervals, points of
reliability diagrams and of accuracy against coverage, and the fitted parameters (Parquet).
"""

from job import job

with job(snakemake) as snakemake:
    import numpy as np
    import pandas as pd

    from diffusion_classifier import files
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.stored_images import read_labels
    from diffusion_classifier.scores.calibration import of_scores
    from diffusion_classifier.scores.method_probabilities import Asked, Probabilities, Question
    from diffusion_classifier.selection.evidence import evidence, joined

    params, made = snakemake.params, snakemake.output
    labels = {name: read_labels(path) for name, path in params.data.items()}
    class_of = {
        name: read_prompts(path)["classidx"].to_numpy() for name, path in params.prompts.items()
    }

    def asked(source):
        """What one training says about a data set, from its errors or its predictions."""
        dataset, loss = source["dataset"], source["loss"]
        if "errors" in source:
            shards = [
                evidence([files.read_dataset(path) for path in shard], class_of[dataset], loss,
                         source["combine"])
                for shard in source["errors"]
            ]  # fmt: skip
            found = joined(shards)
        else:
            table = files.read_parquet(source["predictions"])
            table = table[table["loss"] == loss].sort_values("image")
            scores = np.stack(table["scores"].to_numpy())
            found = of_scores(table["image"].to_numpy(), scores)
        label = labels[dataset].set_index("image").loc[found.images, "label"].to_numpy()
        return Asked(found, label, source["scale"])

    found = Probabilities(snakemake.wildcards.table, params.priors)
    for question in params.questions:
        sides = [list(map(asked, question[side])) for side in ("asked", "calibration")]
        found.add(Question(question["method"], question["dataset"], *sides))
    for fusion in params.fusions:
        for dataset in params.datasets:
            found.add_fusion(fusion["label"], fusion["of"], fusion["with"], dataset)
    files.write_parquet(found.scores(), made.scores)
    files.write_parquet(found.curves("reliability"), made.reliability)
    files.write_parquet(found.curves("coverage"), made.coverage)
    files.write_parquet(pd.DataFrame(found.parameters), made.parameters)
