"""What models of transformers put out, for the tests' process or for one that spares imports."""

import importlib
import sys

import pandas as pd
import torch

from diffusion_classifier.baselines import small_networks as networks
from diffusion_classifier.baselines import synthetic
from diffusion_classifier.denoisers.families import FAMILIES, family
from diffusion_classifier.startup import lean_diffusers, lean_transformers
from diffusion_classifier.training.augment import Augmentation
from diffusion_classifier.training.loop import Optimisation

PROMPTS = pd.DataFrame({"prompt": ["a cat"], "classname": ["cat"], "classidx": [0]})
CPU = torch.device("cpu")
SPARED = ("peft", "scipy", "sklearn", "torchvision", "torch._dynamo", "torch.distributed.tensor")


def made(root):
    """Sums of what every family is told of a prompt, and of a sampled image; a network's loss."""
    found = []
    for name in FAMILIES:
        told = family(name).encode_prompts(f"{root}/{name}", PROMPTS, CPU, torch.float32)
        found += [float(value.double().sum()) for value in told.values()]
    on = {"size": 16, "seed": 0, "device": CPU, "dtype": torch.float32}
    sampling = {"per_class": 1, "guidance": 2, "steps": 2}
    image = synthetic.sample_images(f"{root}/stable-diffusion", PROMPTS, **sampling, **on)
    labels = torch.tensor([0, 1])
    images = labels.float().view(2, 1, 1, 1).expand(2, 1, 8, 8)
    steps = Optimisation(steps=3, batch_size=2, learning_rate=1e-3)
    network, curve = networks.train("resnet", {}, images, labels, steps, Augmentation())
    networks.save(network, f"{root}/saved")
    return [*found, sum(image["bytes"][0]), curve[-1]["loss"]]


if __name__ == "__main__":
    with lean_transformers(), lean_diffusers():
        found = made(sys.argv[1])
    print(*(name for name in SPARED if name in sys.modules))
    print(*found)
    for name in SPARED:
        importlib.import_module(name)
    print(torch.compile(lambda x: x + 1, backend="eager")(torch.ones(1)).item())
