"""The kinds of baselines that a config may name. A new one is a module here and a line below."""

from __future__ import annotations

from importlib import import_module

from .baseline import Baseline

BASELINES: dict[str, str] = {
    "logistic_regression": "classical:Logistic",
    "k_nearest": "classical:KNearest",
    "resnet": "trained_networks:ResNet",
    "vit": "trained_networks:ViT",
    "pretrained": "imagenet_networks:ImageNetNetwork",
    "probe": "probe:FeatureProbe",
    "clip": "zero_shot:ZeroShotClip",
    "gaussian": "gaussian:GeneratedGaussians",
    "chance": "chance:Chance",
}
"""`kind` in the config -> the module in this folder and the Baseline in that module."""


def baseline(kind: str) -> type[Baseline]:
    """Import the module of a `kind` of baselines and return its class."""
    module, _, name = BASELINES[kind].partition(":")
    return getattr(import_module(f".{module}", __package__), name)
