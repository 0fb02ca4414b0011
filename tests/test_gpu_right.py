"""The part `right` of the GPU check finds wrong numbers."""

import warnings

import numpy as np
import torch
import yaml
from gpu_checks import check, held, written

from diffusion_classifier.denoisers.families import FAMILIES
from diffusion_classifier.gpu_check import golden, right, tiny
from diffusion_classifier.gpu_check.check import HELD
from diffusion_classifier.gpu_check.decisions import Decided, _compare
from diffusion_classifier.gpu_check.right import synchronisations, tf32
from diffusion_classifier.gpu_check.shipped import SHIPPED


def not_held(check):
    return [name for name, there in held(check).items() if not there]


def test_errors_other_than_the_golden_ones_are_found():
    asked = check()
    golden.golden(asked, tolerance=0)
    assert [name for name in not_held(asked) if "errors" in name or "bound" in name]
    assert not [name for name in not_held(asked) if "pruning" in name]


def test_an_engine_that_differs_from_the_plain_network_is_found(monkeypatch):
    seeds = iter(range(2 * len(FAMILIES)))
    made = tiny.denoiser
    monkeypatch.setattr(tiny, "denoiser", lambda *given: made(*given, seed=next(seeds)))
    asked = check()
    right.families(asked)
    assert not_held(asked) == [f"engine as the plain network, {family}" for family in tiny.NETWORKS]


def test_other_decisions_are_found():
    same = Decided(np.array([[5, 2], [5, 5]]), np.array([0, 0]))
    earlier = Decided(np.array([[5, 3], [5, 5]]), same.predictions)
    other = Decided(same.samples, np.array([0, 1]))
    asked = check()
    for found in (same, earlier, other):
        _compare(asked, "race", torch.float32, found, same)
    rows = [row["held"] for row in written(asked) if row["table"] == HELD]
    assert rows == [True, False, False]


def test_a_step_that_fails_does_not_keep_the_others(monkeypatch):
    def broken(check):
        raise RuntimeError("no kernel for this device")

    for name in ("golden", "arithmetics", "batch_loop"):
        monkeypatch.setattr(right, name, lambda check, tolerance=0: None)
    monkeypatch.setattr(right, "families", broken)
    monkeypatch.setattr(right, "decisions", lambda check: check.row("t", reached=True))
    asked = check()
    right.right(asked)
    assert written(asked)[-1] == {"table": "t", "reached": True}
    assert not_held(asked) == ["every step ends"]


def test_shipped_models_are_measured_as_the_default_config_does(root):
    config = yaml.safe_load((root / "config.yaml").read_text())
    prompts = {"digits-dit": "digits", "scenes-sd": "shapes"}
    for name, shipped in SHIPPED.items():
        model, asked = config["models"][name], config["prompts"][prompts[name]]
        preprocess = vars(shipped.preprocess)
        assert model["family"] == shipped.family
        assert preprocess == preprocess | model["preprocess"]
        assert [shipped.template] == asked["templates"] and list(shipped.classes) == asked[
            "classes"
        ]


def test_every_family_has_a_tiny_network():
    assert set(tiny.NETWORKS) == set(FAMILIES)


def test_synchronisations_are_counted(monkeypatch):
    modes = []

    def mode(name):
        modes.append(name)
        warnings.warn("It may not notice all synchronizing operations", stacklevel=1)

    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", mode)
    with synchronisations(torch.device("cuda")) as found:
        for _ in range(2):
            warnings.warn("called a synchronizing CUDA operation (at …)", stacklevel=1)
    assert len(found) == 2 and all(__file__ in place for place in found)
    assert modes == ["warn", "default"]


def test_tf32_is_as_it_was_afterwards():
    settings = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [setting.allow_tf32 for setting in settings]
    for allowed in (True, False):
        with tf32(allowed):
            assert [setting.allow_tf32 for setting in settings] == [allowed, allowed]
    assert [setting.allow_tf32 for setting in settings] == before
