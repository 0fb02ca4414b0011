"""Time the Python interface on a few images, in turns with a job of the workflow on many.

In: data, prompts, latents, conditions, the noise bank, the model, the density of timesteps. Out:
CSV, one line per turn: `repeat,way,images,seconds`.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    from functools import partial

    import pandas as pd
    import torch

    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.interface import turns
    from diffusion_classifier.cli.classifier import DiffusionClassifier
    from diffusion_classifier.cli.fitted import Fitted
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images_of
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.engine.engine import Engine
    from diffusion_classifier.progress import Silence
    from diffusion_classifier.scores.calibration import Calibration
    from diffusion_classifier.selection.candidates import candidates
    from diffusion_classifier.selection.learned_timesteps import learned_samples
    from diffusion_classifier.selection.racing import gap_race

    device, dtype = compute(snakemake)
    given, params = snakemake.input, snakemake.params
    torch.set_num_threads(params.threads)
    race, spec = params.race, params.spec
    prompts, densities = read_prompts(given.prompts), pd.read_csv(given.timesteps)
    class_of, inputs = prompts["classidx"].to_numpy(), engine_inputs(given)

    numbers = inputs.images[: spec["images"]].tolist()
    encoded = encoded_images_of(given.data, numbers)
    pictures = [decode(encoded[number]) for number in numbers]
    classifier = DiffusionClassifier.from_pretrained(
        params.folder,
        family=params.family,
        preprocess=params.preprocess,
        device=str(device),
        dtype=dtype,
        stages=params.stages,
        race={"z": race["z"], "minimum": race.get("minimum", 3)},
        loss=race["loss"],
        batch_size=params.batch_size,
        progress=False,
    )
    classifier.fitted = Fitted(
        densities,
        Calibration(float(inputs.latents[0].numel())),
        race["loss"],
        tuple(prompts["classname"]),
        "{}",
        tuple(inputs.latents.shape[1:]),
        classifier.model.timesteps,
        params.folder,
    )

    pairs = candidates(pd.DataFrame({"image": inputs.images.numpy()}), prompts)
    samples = learned_samples(densities, params.stages["samples"], race["loss"])[0]
    denoiser = family(params.family).load(params.folder, device, dtype)

    def interface():
        return classifier.rank(pictures, prompts)["image"].nunique()

    def whole_job():
        engine = Engine(denoiser, inputs, params.batch_size, device, dtype)
        measure = partial(engine.errors, progress=Silence())
        gap_race(measure, pairs, samples, class_of, race, [], densities, Silence())
        return len(inputs.images)

    found = turns({"interface": interface, "job": whole_job}, spec["repeats"])
    files.write_csv(found, snakemake.output[0])
