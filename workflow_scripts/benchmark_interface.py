"""Time the Python interface, in turns with the workflow's jobs on the same images and on many.

Ways: `interface` and `jobs` on few images, `many interface` and `many jobs` on all, all with the
same race and learned timesteps; `default` is the interface on few images before calibration. Every
way decodes and encodes its images; loading the model is not timed.
In: data, prompts, latents, conditions, the noise bank, the model, the density of timesteps. Out:
CSV, one line per turn: `repeat,way,images,evaluations,passes,seconds`.
"""

from job import compute, engine_inputs, job

with job(snakemake) as snakemake:
    from functools import partial

    import pandas as pd
    import torch

    from diffusion_classifier import files
    from diffusion_classifier.benchmarks.interface import Work, turns
    from diffusion_classifier.cli.classifier import DiffusionClassifier
    from diffusion_classifier.cli.fitted import Fitted
    from diffusion_classifier.data.preprocess import Preprocess
    from diffusion_classifier.data.prompt_sets import read_prompts
    from diffusion_classifier.data.sources.image_source import decode
    from diffusion_classifier.data.stored_images import encoded_images_of, read_labels
    from diffusion_classifier.denoisers.families import family
    from diffusion_classifier.denoisers.speed import Speed, accelerate
    from diffusion_classifier.engine.encoders import image_encoder
    from diffusion_classifier.engine.engine import Engine, Inputs
    from diffusion_classifier.engine.error_files import error_dataset
    from diffusion_classifier.progress import Silence
    from diffusion_classifier.scores.calibration import Calibration
    from diffusion_classifier.selection.candidates import candidates
    from diffusion_classifier.selection.learned_timesteps import learned_samples
    from diffusion_classifier.selection.pruning import prediction_table
    from diffusion_classifier.selection.racing import gap_race

    device, dtype = compute(snakemake)
    given, params = snakemake.input, snakemake.params
    torch.set_num_threads(params.threads)
    race, spec = params.race, params.spec
    prompts, densities = read_prompts(given.prompts), pd.read_csv(given.timesteps)
    class_of, inputs = prompts["classidx"].to_numpy(), engine_inputs(given)
    data = read_labels(given.data)[["image", "label"]]
    numbers = inputs.images[: spec["many"]].tolist()
    encoded = encoded_images_of(given.data, numbers)

    class Counted(DiffusionClassifier):
        """Keeps the engine of the last call, which counts its evaluations."""

        def engine(self, *asked):
            self.last, pairs = super().engine(*asked)
            return self.last, pairs

    def loaded(**settings):
        return Counted.from_pretrained(
            params.folder,
            family=params.family,
            preprocess=params.preprocess,
            device=str(device),
            dtype=dtype,
            loss=race["loss"],
            batch_size=params.batch_size,
            progress=False,
            **settings,
        )

    classifier = loaded(
        stages=params.stages, race={"z": race["z"], "minimum": race.get("minimum", 3)}
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

    def interface(used, count):
        pictures = [{"bytes": encoded[number], "path": None} for number in numbers[:count]]
        used.rank(pictures, prompts)
        return Work(count, *used.last.batches.counts)

    samples = learned_samples(densities, params.stages["samples"], race["loss"])[0]
    denoiser = family(params.family).load(params.folder, device, dtype)
    accelerate(denoiser, Speed(compile=False), 0)
    form = Preprocess(**params.preprocess)
    encode = image_encoder(params.folder, form, device, dtype, params.family)

    def jobs(count):
        """What the rules latents, errors and predictions do, without reading and writing files."""
        images = inputs.images[:count]
        latents = torch.stack([encode(decode(encoded[number])) for number in images.tolist()])
        own = Inputs(latents, images, inputs.conditions, inputs.noise)
        chosen = data[data["image"].isin(images.tolist())]
        pairs = candidates(chosen, prompts)
        engine = Engine(denoiser, own, params.batch_size, device, dtype)
        measure = partial(engine.errors, progress=Silence())
        errors = gap_race(measure, pairs, samples, class_of, race, [], densities, Silence())
        stage = error_dataset(errors, pairs, samples, {"seconds": 0.0})
        prediction_table([stage], pairs, class_of, chosen, race["combine"], race["loss"])
        return Work(count, *engine.batches.counts)

    few, many = spec["images"], len(numbers)
    ways = {
        "interface": partial(interface, classifier, few),
        "jobs": partial(jobs, few),
        "default": partial(interface, loaded(), few),
        "many interface": partial(interface, classifier, many),
        "many jobs": partial(jobs, many),
    }
    files.write_csv(turns(ways, spec["repeats"]), snakemake.output[0])
