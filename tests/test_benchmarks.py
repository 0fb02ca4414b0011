"""Benchmarks: the loop's numbers are the authors', FLOPs are those published, shares add up."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file
from torch import nn

from diffusion_classifier import benchmark_plots, network_time
from diffusion_classifier.benchmarks import growth, machine, models, peak, shares, summary
from diffusion_classifier.benchmarks import plain_loop as loop
from diffusion_classifier.benchmarks.flops import evaluation_flops, forward_flops
from diffusion_classifier.benchmarks.policies import COLUMNS as POLICIES
from diffusion_classifier.benchmarks.policies import COMPARED
from diffusion_classifier.benchmarks.subjects import Subject
from diffusion_classifier.benchmarks.throughput import (
    all_pairs,
    check_same,
    compare,
    measured,
    spaced_samples,
)
from diffusion_classifier.configuration import check_config
from diffusion_classifier.denoisers import family
from diffusion_classifier.errors import Inputs
from diffusion_classifier.files import write_json
from diffusion_classifier.forward_process import ForwardProcess
from diffusion_classifier.messages import InputError
from diffusion_classifier.notebooks import execute
from diffusion_classifier.schedules import Sample

CPU = torch.device("cpu")
SHIPPED = {"dit": "digits-dit", "stable-diffusion": "scenes-sd"}


def shipped(root, name, dtype=torch.float32):
    """A shipped model with normal latents, noises and texts: 3 images, 5 prompts."""
    folder = str(root / "resources/models" / SHIPPED[name])
    plain = models.plain_model(name, folder, CPU, dtype)
    config, generator = plain.network.config, torch.Generator().manual_seed(0)
    shape = (config.in_channels, config.sample_size, config.sample_size)
    text = {"text": torch.randn(5, 24, config.get("cross_attention_dim") or 1, generator=generator)}
    inputs = Inputs(
        torch.randn(3, *shape, generator=generator),
        torch.tensor([4, 7, 8]),
        {"class_labels": torch.arange(5)} if name == "dit" else text,
        torch.randn(20, *shape, generator=generator),
    )
    denoiser = family(name).load(folder, CPU, dtype)
    return Subject(plain, denoiser, inputs, 7, CPU, dtype)


# --- the loop


def test_the_loop_finds_the_errors_of_the_authors(golden):
    tensors = load_file(golden / "inputs.safetensors")
    network = UNet2DConditionModel.from_config(
        json.loads((golden / "unet_config.json").read_text())
    )
    network.load_state_dict(load_file(golden / "unet.safetensors"))
    process = ForwardProcess(tensors["alphas_cumprod"])
    model = loop.PlainModel(network.eval(), process, "stable-diffusion")
    texts = {"text": tensors["text_embeddings"]}
    inputs = Inputs(tensors["latents"], torch.arange(3), texts, tensors["noise"])
    expected = json.loads((golden / "expected.json").read_text())["eval_error"]
    samples = list(map(Sample, expected["timestep"], expected["noise"]))
    pairs = pd.DataFrame({"image": expected["image"], "prompt": expected["prompt"]})
    found = loop.plain_errors(model, inputs, pairs, samples, CPU, torch.float32)
    for loss in ("l1", "l2", "huber"):
        # the golden data pairs the n-th prompt with the n-th sample
        assert np.diag(found[loss]) == pytest.approx(expected[loss], rel=1e-5)


@pytest.mark.parametrize("name", SHIPPED)
def test_loop_and_engine_find_the_same(root, name):
    subject = shipped(root, name)
    # neither sorted nor complete: 11 pairs × 9 samples, so batches end within an image
    pairs = all_pairs([8, 4, 7], 5).sample(11, random_state=0).reset_index(drop=True)
    plain, engine = (run() for run in subject.runs(pairs, spaced_samples(9)).values())
    assert set(plain) == {"l1", "l2", "huber"} | ({"vlb"} if name == "dit" else set())
    for loss, values in plain.items():
        assert values.shape == (11, 9) and values.dtype == np.float32
        assert engine[loss] == pytest.approx(values, rel=2e-5)
    spread = np.ptp(plain["l2"], axis=0) / plain["l2"].mean(axis=0)
    assert spread.min() > 1e-3  # pairs do differ


def test_the_loop_goes_image_by_image_in_batches_of_32(root, monkeypatch):
    subject, seen = shipped(root, "dit"), []
    forward = subject.plain.network.forward

    def counting(x_t, **given):
        seen.append(len(x_t))
        return forward(x_t, **given)

    monkeypatch.setattr(subject.plain.network, "forward", counting)
    subject.runs(all_pairs([4, 7], 5), spaced_samples(8))["plain"]()
    assert seen == [32, 8, 32, 8]


# --- the comparison


def test_a_comparison_of_different_numbers_fails():
    errors = {"l2": np.array([[1.0, 2.0]], "float32")}
    off = {"l2": np.array([[1.0, 2.001]], "float32")}
    assert check_same(errors, errors, torch.float32) == 0
    assert check_same(errors, off, torch.bfloat16) == pytest.approx(5e-4, rel=1e-3)
    with pytest.raises(FloatingPointError, match=r"l2 errors differ .* up to 0\.0005 .* float32"):
        check_same(errors, off, torch.float32)
    with pytest.raises(FloatingPointError, match="differ"):
        check_same(errors, {"l2": np.full((1, 2), np.nan, "float32")}, torch.bfloat16)
    with pytest.raises(FloatingPointError, match="losses differ"):
        check_same(errors, errors | {"l1": errors["l2"]}, torch.float32)


def test_an_engine_that_mistakes_one_prompt_for_another_is_caught(root):
    subject = shipped(root, "stable-diffusion")
    predict = subject.denoiser.predict_shared
    subject.denoiser.predict_shared = lambda query, prepared: predict(
        replace(query, prompt=torch.zeros_like(query.prompt)), prepared
    )
    with pytest.raises(FloatingPointError, match="differ from the plain loop's"):
        compare(subject, all_pairs([4], 2), spaced_samples(2), repeats=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_record_has_what_the_table_needs(root, dtype, monkeypatch):
    monkeypatch.setattr(peak, "matmul_peak", lambda *_: 1e11)
    monkeypatch.setattr("diffusion_classifier.benchmarks.throughput.matmul_peak", lambda *_: 1e11)
    subject = shipped(root, "dit", dtype)
    record = measured("DiT", subject, all_pairs([4], 5), spaced_samples(2), repeats=2)
    record = json.loads(json.dumps(record))
    assert {name: len(s) for name, s in record["seconds"].items()} == {"plain": 2, "engine": 2}
    assert record["evaluations"] == 10 and record["difference"] <= record["tolerance"]
    assert list(summary.rates([record])["engine"]) == ["plain", "engine"]


def test_rates_are_medians_of_interleaved_repeats():
    record = {
        "model": "m", "dtype": "float32", "evaluations": 100, "flops": 2e9, "peak": 1e12,
        "seconds": {"plain": [2.0, 4.0, 8.0], "engine": [1.0, 2.5, 2.0]},
    }  # fmt: skip
    rows = summary.rates([record]).set_index("engine")
    assert list(summary.rates([record])[summary.COLUMNS]) == [
        "model", "dtype", "engine", "evaluations_per_second", "ratio", "share_of_peak",
    ]  # fmt: skip
    assert rows.loc["plain", "evaluations_per_second"] == 25 and rows.loc["plain", "ratio"] == 1
    engine = rows.loc["engine"]
    assert engine["evaluations_per_second"] == 50
    # of each repeat: 2, 1.6, 4; not of the medians, which would be 2 too, nor of the sums
    assert list(engine[["ratio", "ratio_low", "ratio_high"]]) == [2, 1.6, 4]
    assert engine["share_of_peak"] == pytest.approx(50 * 2e9 / 1e12)
    assert engine["share_of_peak_high"] == pytest.approx(100 * 2e9 / 1e12)


# --- FLOPs and peak


def test_flops_of_products_are_2mnk():
    assert peak.matmul_flops(3, 5, 7) == 2 * 3 * 5 * 7
    linear = nn.Linear(30, 50)
    assert forward_flops(linear, torch.zeros(4, 30)) == peak.matmul_flops(4, 50, 30)
    convolution = nn.Conv2d(8, 16, 3, padding=1)
    of_each_output = 2 * 8 * 3 * 3
    assert forward_flops(convolution, torch.zeros(1, 8, 10, 10)) == 16 * 10 * 10 * of_each_output


@pytest.fixture(scope="module")
def stable_diffusion_2():
    spec = models.FULL_SIZE["stable-diffusion-2"]
    with torch.device("meta"):
        return UNet2DConditionModel(**spec.config).to("meta").eval()


def by_hand(unet, text):
    """FLOPs of convolutions and linear layers by their shapes, and of attention by its: a pair."""
    layers, attention = [], []

    def layer(module, _, output):
        kernel = getattr(module, "kernel_size", (1, 1))
        inputs = getattr(module, "in_channels", None) or module.in_features
        layers.append(2 * output.numel() * inputs * kernel[0] * kernel[1])

    def products(module, args, kwargs, _):
        hidden, told = args[0], kwargs.get("encoder_hidden_states")
        keys = hidden if told is None else told
        # Q·K and its product with V
        attention.append(2 * 2 * hidden.shape[1] * keys.shape[1] * module.inner_dim)

    for module in unet.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(layer)
        elif type(module).__name__ == "Attention":
            module.register_forward_hook(products, with_kwargs=True)
    with torch.inference_mode():
        latent = torch.empty(1, 4, 64, 64, device="meta")
        unet(latent, torch.zeros(1, device="meta"), encoder_hidden_states=text.to("meta"))
    return sum(layers), sum(attention)


def test_flops_of_stable_diffusion_2_counted_by_hand(stable_diffusion_2):
    assert sum(p.numel() for p in stable_diffusion_2.parameters()) == 865_910_724  # the release's
    text = torch.empty(1, 77, 1024)
    counted = evaluation_flops(stable_diffusion_2, {"text": text})
    assert counted == sum(by_hand(stable_diffusion_2, text))
    assert counted == pytest.approx(0.8e12, rel=0.01)


def test_flops_are_the_published_ones():
    """SD 1.4: BK-SDM's count (issue 53), without attention's products; DiT: Peebles & Xie 2023."""
    config = models.FULL_SIZE["stable-diffusion-2"].config | {
        "attention_head_dim": 8, "cross_attention_dim": 768, "use_linear_projection": False,
    }  # fmt: skip
    with torch.device("meta"):
        unet = UNet2DConditionModel(**config).to("meta").eval()
    layers, _ = by_hand(unet, torch.empty(1, 77, 768))
    assert layers / 2 == pytest.approx(338_749_194_240, rel=1e-3)
    with torch.device("meta"):
        dit = models.network_class("dit")(**models.FULL_SIZE["dit-xl-2"].config)
    flops = evaluation_flops(dit, {"class_labels": torch.zeros(1, dtype=torch.int64)})
    assert flops / 2 == pytest.approx(118.6e9, rel=1e-3)


def test_the_peak_is_no_lower_than_any_product():
    found = peak.matmul_peak(CPU, torch.float32, sizes=(64, 256), repeats=3)
    assert 1e8 < found < 1e15


# --- growth and shares


def test_exponents_of_known_growth():
    rows = [
        (varied, count, engine, repeat, count, factor * count**power * (1 + repeat))
        for varied, power in (("classes", 1.0), ("images", 0.5))
        for engine, factor in (("plain", 3.0), ("engine", 1.0))
        for count in (1, 4, 16)
        for repeat in range(3)
    ]
    found = summary.exponents(pd.DataFrame(rows, columns=growth.COLUMNS))
    found = found.set_index(["varied", "engine"])["exponent"]
    assert found["classes", "plain"] == pytest.approx(1)
    assert found["images", "engine"] == pytest.approx(0.5)


def test_growth_measures_what_it_says(root):
    subject = shipped(root, "dit")
    counts = {"classes": [1, 5], "images": [1, 3], "timesteps": [1, 2]}
    found = growth.growth(subject, counts, repeats=2)
    assert list(found.columns) == growth.COLUMNS and len(found) == 3 * 2 * 2 * 2
    # the others at the larger of two counts
    expected = {("classes", 1): 6, ("classes", 5): 30, ("images", 1): 10, ("timesteps", 1): 15}
    of = found.drop_duplicates(["varied", "count"]).set_index(["varied", "count"])["evaluations"]
    assert {key: of[key] for key in expected} == expected
    with pytest.raises(InputError, match=r"benchmark.growth.classes: found 6, .* the 5 prompts"):
        growth.growth(subject, counts | {"classes": [6]}, repeats=1)
    with pytest.raises(InputError, match=r"benchmark.growth.images: found 9, .* the 3 images"):
        growth.growth(subject, counts | {"images": [9]}, repeats=1)


JOBS = {  # job -> seconds, ended at, in networks
    "dataset/digits": (4.0, 104.0, None),
    "errors/staged/digits/stage1/0-0": (20.0, 124.0, 15.0),
    "errors/staged/digits/stage1/0-1": (10.0, 120.0, 6.0),
    "accuracy": (6.0, 206.0, 0.0),  # the run was taken up again after a break
    "errors/staged/large/stage1/0-0": (100.0, 400.0, 90.0),
    "benchmark_growth": (50.0, 500.0, 0.0),
}


@pytest.fixture
def records(tmp_path):
    for job, (seconds, ended, network) in JOBS.items():
        tsv, log = tmp_path / f"jobs/{job}.tsv", tmp_path / f"logs/{job}.log"
        tsv.parent.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        tsv.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:04\t100\n")
        os.utime(tsv, (ended, ended))
        if network is not None:
            log.write_text(f"10/10 evaluations\nin networks: {network:.3f} s\n")
    return shares.job_records(tmp_path / "jobs", tmp_path / "logs")


def test_shares_of_a_run(records):
    assert list(records["rule"]) == [
        "accuracy", "benchmark_growth", "dataset", "errors", "errors", "errors",
    ]  # fmt: skip
    run = shares.without(records, ["large"], ["benchmark_growth"])
    found = shares.run_shares("whole run", run, cores=2)
    assert list(found) == shares.RUN_COLUMNS
    assert found["jobs"] == 4 and found["job_seconds"] == 40 and found["network_seconds"] == 21
    assert found["wall_seconds"] == 4 + 20 + 6  # 100-104, 104-124 with 110-120 in it, 200-206
    assert found["outside_of_jobs"] == pytest.approx(1 - 21 / 40)
    assert found["outside_of_cores"] == pytest.approx(1 - 21 / 60)
    rules = shares.rule_shares("whole run", run).set_index("rule")
    assert list(rules.index) == ["errors", "accuracy", "dataset"]
    assert rules.loc["errors", ["jobs", "seconds", "network"]].tolist() == [2, 30, 21]


def test_time_in_networks_is_what_was_logged(monkeypatch):
    monkeypatch.setattr(network_time, "_spent", [])
    clock = iter([0.0, 2.0, 10.0, 10.5])
    monkeypatch.setattr(network_time.time, "perf_counter", lambda: next(clock))

    @network_time.in_network()
    def evaluate():
        return "answer"

    with network_time.in_network():
        pass
    assert evaluate() == "answer"
    log = f"loading\n{network_time.log_line()}\ndone\n"
    assert network_time.logged_seconds(log) == 2.5
    assert network_time.logged_seconds("in networks: not said\n") == 0


# --- what is shown


def test_the_machine_is_described_without_names():
    found = machine.describe(CPU, 1)
    said = machine.sentence(found)
    assert found["cores"] >= 1 and found["memory_gib"] > 0 and torch.__version__ in said
    uname = os.uname()
    assert uname.nodename not in said and os.path.expanduser("~") not in json.dumps(found)


FRAMES = ("growth", "shares", "rules", "policies", "compared")


def policy_rows(folder):
    """Two policies by hand, and the second beside the first; written to `folder`, too."""
    policies = pd.DataFrame(
        [("mnist", "paper", 300, 1375, 96.0, 93.1, 97.7), ("mnist", "race", 300, 64, 95.7, 93, 97)],
        columns=POLICIES,
    )
    compared = pd.DataFrame([("mnist", "race", 21.48, -0.3, -1.6, 0.9, 1.0)], columns=COMPARED)
    policies.to_csv(folder / "policies.csv", index=False)
    compared.to_csv(folder / "compared.csv", index=False)
    return policies, compared


def test_policies_are_drawn_with_their_intervals(tmp_path):
    policies, compared = policy_rows(tmp_path)
    figure = benchmark_plots.policies_plot(policies, {"mnist": "MNIST"})
    (ax,) = figure.axes
    assert ax.get_xscale() == "log" and ax.get_title(loc="left") == "MNIST"
    drawn = {c.get_label(): c.lines[0].get_xydata()[0].tolist() for c in ax.containers}
    assert drawn == {"paper": [1375, 96.0], "race": [64, 95.7]}
    table = summary.policy_table(policies, {"mnist": "MNIST"})
    assert table.iloc[0].tolist() == ["MNIST", "paper", 300, "1,375.0", "96.0 [93.1, 97.7]"]
    table = summary.comparison_table(compared, {})
    assert table.iloc[0].tolist() == ["mnist", "race", "21.5", "-0.3 [-1.6, +0.9]", "1"]


def test_the_notebook_runs(root, tmp_path, records):
    record = {
        "model": "DiT", "dtype": "float32", "evaluations": 100, "flops": 2e9, "peak": 1e12,
        "seconds": {"plain": [2.0, 4.0], "engine": [1.0, 2.5], "compiled": [0.9, 2.0]},
        "difference": 1e-7,
        "between_prompts": 0.1, "tolerance": 1e-4, "machine": machine.describe(CPU, 1),
    }  # fmt: skip
    write_json(record, tmp_path / "record.json")
    run = shares.run_shares("whole run", records, 2)
    pd.DataFrame([run]).to_csv(tmp_path / "shares.csv", index=False)
    shares.rule_shares("whole run", records).to_csv(tmp_path / "rules.csv", index=False)
    rows = [
        (v, n, e, 0, n, 1.0 * n) for v in ("classes", "images") for n in (1, 2) for e in
        summary.ENGINES
    ]  # fmt: skip
    pd.DataFrame(rows, columns=growth.COLUMNS).to_csv(tmp_path / "growth.csv", index=False)
    policy_rows(tmp_path)
    given = {
        "library": str(root / "workflow_scripts"),
        "records": [str(tmp_path / "record.json")],
        "figure": str(tmp_path / "figure"),
        "throughput": str(tmp_path / "throughput.csv"),
        "machine": str(tmp_path / "machine.txt"),
    } | {name: str(tmp_path / f"{name}.csv") for name in FRAMES}
    execute(root / "notebooks/benchmarks.ipynb", tmp_path / "done.ipynb", given)
    table = pd.read_csv(tmp_path / "throughput.csv")
    assert list(table.columns) == summary.COLUMNS
    assert list(table["engine"]) == ["plain", "engine", "compiled"]
    assert (tmp_path / "machine.txt").read_text().startswith("Measured on ")
    drawn = {path.stem for path in tmp_path.glob("figure-*.svg")}
    names = ("throughput", "peak", "growth", "shares", "policies")
    assert drawn == {f"figure-{name}" for name in names}


# --- the config


@pytest.fixture
def config(root):
    found = yaml.safe_load((root / "config.yaml").read_text())
    added = yaml.safe_load((root / "config/benchmark.yaml").read_text())
    for section in ("datasets", "evaluations"):
        found[section] |= added[section]
    return found | {"benchmark": added["benchmark"]}


def test_the_default_config_asks_for_no_benchmark(root):
    assert "benchmark" not in yaml.safe_load((root / "config.yaml").read_text())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda b: b["shard"].update(dataset="mnits"), r"benchmark.shard.dataset: .*`mnits`"),
        (lambda b: b["growth"].update(evaluation="sd"), r"benchmark.growth.evaluation: .*`sd`"),
        (lambda b: b["growth"].update(timesteps=[1, 999]), r"benchmark.growth.timesteps: .*250"),
        (lambda b: b["shard"].update(dataset="scenes-captions"), r"has no `prompts`"),
        (lambda b: b["full_size"].update(networks=["sdxl"]), r"expected one of `stable-diff"),
    ],
)
def test_mistakes_in_the_config_are_named(root, config, change, said):
    check_config(config, root)
    change(config["benchmark"])
    with pytest.raises(InputError, match=said):
        check_config(config, root)


def test_benchmarks_come_after_the_tables(root, tmp_path):
    """A dry run of both config files in an empty folder: the whole run, then what is timed."""
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", root / "Snakefile", "--directory",
        tmp_path, "--dry-run", "--cores", "2", "--configfile", root / "config.yaml",
        root / "config/benchmark.yaml",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"NO_COLOR": "1"}
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    jobs = re.findall(r"^ *rule (\w+):$", said, re.M)
    for timed in ("benchmark_miniature", "benchmark_full_size", "benchmark_growth"):
        assert max(map(jobs.index, ("accuracy", "robustness", "winoground"))) < jobs.index(timed)
    assert "mnist-shard" in said and jobs.count("benchmark_full_size") == 4
