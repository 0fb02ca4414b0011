"""Tiny random networks of timm and torchvision."""

from diffusion_classifier.files import write_json, write_tensors

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def save_torchvision(folder, name, model, transforms):
    write_tensors(model.state_dict(), folder / "model.safetensors")
    config = {"torchvision": name, "weights": "Some_Weights.IMAGENET1K_V1"}
    write_json(config | {"transforms": transforms}, folder / "config.json")
