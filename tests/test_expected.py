"""The comparison of a run with expected numbers, for fabricated results."""

import re
import shutil

import pandas as pd
import pytest

from diffusion_classifier import files
from diffusion_classifier.cli.commands import main
from diffusion_classifier.operations.expected import KEYS, NUMBERS, compare
from diffusion_classifier.scores.accuracy import LONG

METHODS = {
    "Diffusion Classifier [L2]": "diffusion",
    "CLIP": "more-data",
    "Chance": "chance",
    "Logistic regression": "baseline",
    "k-NN": "baseline",
    "ResNet": "baseline",
    "ViT": "baseline",
    "SD features": "more-data",
    "Timm": "baseline",
}
IMAGES = {"mnist": 700, "adversarial": 300}
FITTED = [name for name, kind in METHODS.items() if kind not in ("diffusion", "chance")]


def table(name):
    """Every method on every data set, in two metrics; numbers that differ from row to row."""
    rows = [
        dict(zip(KEYS, (name, method, dataset, metric), strict=True), images=IMAGES[dataset])
        for method in METHODS
        for dataset in IMAGES
        for metric in ("top1", "mean_per_class")
    ]
    value = [50 + 0.5 * number for number in range(len(rows))]
    measured = pd.DataFrame(rows).assign(value=value, evaluations=2.5)
    return measured.assign(
        low=measured["value"] - 2, high=measured["value"] + 2, trainings=1,
        least=measured["value"], most=measured["value"],
    )[LONG].round(4)  # fmt: skip


RESULT, EXPECTED = "results/tables/accuracy/table.csv", "expected/accuracy.csv"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run of two tables, whose numbers have been made the expected ones."""
    folder = tmp_path_factory.mktemp("run")
    labels = [k for k in range(10) for _ in range(70)]
    scores = pd.DataFrame({"method": METHODS.keys(), "kind": METHODS.values()})
    scores = scores.assign(group="g", loss="", name=scores["method"])
    for name in ("accuracy", "robustness"):
        files.write_csv(table(name), folder / f"results/tables/{name}/table.csv")
        files.write_parquet(scores, folder / f"results/scores/{name}.parquet")
    # other numbers beside the tables
    files.write_csv(table("accuracy"), folder / "results/tables/accuracy/trend.csv")
    for dataset, images in IMAGES.items():
        data = pd.DataFrame({"image": range(images), "label": labels[:images]})
        files.write_parquet(data, folder / f"results/data/{dataset}.parquet")
    assert verify(folder, "--write") == 0
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it, to change."""
    return shutil.copytree(finished, tmp_path / "run")


def verify(folder, *options):
    paths = ["--results", folder / "results", "--expected", folder / "expected"]
    return main(["verify", *map(str, [*paths, *options])])


def edited(path, edit):
    """Change a CSV file of texts in place."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    edit(frame).to_csv(path, index=False)


def shifted(path, row, number, by):
    """Add `by` to one number of a table."""

    def edit(frame):
        frame.loc[row, number] = str(round(float(frame.loc[row, number]) + by, 4))
        return frame

    edited(path, edit)


def row_of(method, dataset="mnist", metric="top1"):
    rows = table("accuracy")
    chosen = (rows[KEYS[1:]] == [method, dataset, metric]).all(axis=1)
    return chosen.idxmax()


def test_the_same_numbers_are_as_expected(finished, capsys):
    assert verify(finished) == 0
    count = 2 * len(table("accuracy")) * len(NUMBERS)
    assert capsys.readouterr().out == f"{count} of {count} numbers as expected\n"
    assert sorted(path.name for path in (finished / "expected").iterdir()) == [
        "accuracy.csv", "robustness.csv",
    ]  # fmt: skip
    written = pd.read_csv(finished / "expected" / "accuracy.csv", dtype=str)
    assert list(written) == [*LONG, "tolerance"]
    assert set(written["images"]) == {"700", "300"}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("method", METHODS)
def test_a_number_that_differs_is_found(run, capsys, method, number):
    row = row_of(method)
    shifted(run / "results/tables/robustness/table.csv", row, number, 1)
    assert verify(run) == 1
    lines = capsys.readouterr().out.splitlines()
    count = 2 * len(table("accuracy")) * len(NUMBERS)
    assert lines[-1] == f"{count - 1} of {count} numbers as expected"
    assert lines[0].split() == ["method", "dataset", "metric", "number", "expected", "found",
                                "tolerance"]  # fmt: skip
    (found,) = [line for line in lines if "robustness" in line]
    wanted = table("robustness").loc[row, number]
    twice = ("low", "high", "least", "most")
    share = {"value": 0.2857, **dict.fromkeys(twice, 0.5714)}.get(number, 0)
    tolerance = f"{share if method in FITTED else 0:.4g}"
    message = ["mnist", "top1", number, f"{wanted:g}", f"{wanted + 1:g}", tolerance]
    assert found.split()[-6:] == message
    assert method in found


@pytest.mark.parametrize(
    ("dataset", "metric", "images", "step"),
    [
        ("mnist", "top1", 2, 100 / 700),
        ("adversarial", "top1", 1, 100 / 300),
        ("mnist", "mean_per_class", 2, 100 / 700),
        ("adversarial", "mean_per_class", 1, 100 / 5 / 20),  # classes of 70 images, one of 20
    ],
)
@pytest.mark.parametrize("method", ["Chance", "ResNet"])
def test_near_ties_are_tolerated_where_processors_differ(
    run, method, dataset, metric, images, step
):
    before, row = table("accuracy"), row_of(method, dataset, metric)

    def same(shift):
        moved = before.copy()
        moved.loc[row, "value"] += shift
        moved.loc[row, ["low", "most"]] += 1.8 * shift
        moved.loc[row, ["high", "least"]] -= 1.8 * shift
        files.write_csv(moved.round(4), run / "results/tables/accuracy/table.csv")
        return compare(run / "results", run / "expected").equal

    tolerated = images if method == "ResNet" else 0
    assert same(tolerated * step) and same(-tolerated * step)
    assert not same((tolerated + 1) * step) and not same(-(tolerated + 1) * step)


def test_more_trainings_decide_more_often(run):
    for path in (run / "results/tables").glob("*/table.csv"):
        edited(path, lambda frame: frame.assign(trainings="5"))
    verify(run, "--write")
    written = pd.read_csv(run / "expected" / "accuracy.csv").set_index(KEYS[1:])["tolerance"]
    assert written["ResNet", "mnist", "top1"] == pytest.approx(10 / 35, abs=1e-4)
    assert written["ResNet", "adversarial", "top1"] == pytest.approx(4 / 15, abs=1e-4)


def test_trainings_of_a_group_are_named_by_it(run):
    for name in ("accuracy", "robustness"):
        path = run / f"results/scores/{name}.parquet"
        scores = files.read_parquet(path)
        group = scores["kind"].map({"diffusion": "df"}).fillna("other")
        group[scores["method"] == "ResNet"] = "nets"
        loss = scores["kind"].map({"diffusion": "l2"}).fillna("")
        seeds = scores["method"] + " 0"
        files.write_parquet(scores.assign(group=group, loss=loss, method=seeds), path)
        names = {"ResNet": "nets", "Diffusion Classifier [L2]": "df [L2]"}
        edited(
            run / f"results/tables/{name}/table.csv",
            lambda frame, names=names: frame.assign(method=frame["method"].replace(names)),
        )
    assert verify(run, "--write") == 0
    written = pd.read_csv(run / "expected" / "accuracy.csv").set_index(KEYS[1:])["tolerance"]
    assert written["nets", "mnist", "top1"] == pytest.approx(2 / 7, abs=1e-4)
    assert written["df [L2]", "mnist", "top1"] == 0


@pytest.mark.parametrize("file", [RESULT, EXPECTED])
@pytest.mark.parametrize("change", ["lacks", "has one too many"])
def test_a_row_on_one_side_alone_is_said(run, capsys, file, change):
    def edit(frame):
        if change == "lacks":
            return frame.drop(index=3)
        return pd.concat([frame, frame.iloc[[3]].assign(method="Another")])

    edited(run / file, edit)
    assert verify(run) == 1
    message, end = capsys.readouterr().out.splitlines()
    row = "Another" if change != "lacks" else "Diffusion Classifier [L2]"
    assert message.endswith(f": accuracy, {row}, adversarial, mean_per_class")
    unexpected = (file == EXPECTED) == (change == "lacks")
    assert ("not expected" in message, "not in the run" in message) == (unexpected, not unexpected)
    assert end.endswith(f", 1 row not {'expected' if unexpected else 'found'}")
    expected = len(pd.read_csv(run / "expected/accuracy.csv")) + len(table("robustness"))
    equal = expected - (not unexpected)
    assert end.startswith(f"{equal * len(NUMBERS)} of {expected * len(NUMBERS)} numbers")


def test_a_table_that_is_not_expected_is_said(run, capsys):
    (run / "expected" / "robustness.csv").unlink()
    assert verify(run) == 1
    rows = len(table("robustness"))
    assert f"numbers as expected, {rows} rows not expected" in capsys.readouterr().out


def text(path, message):
    path.write_text(message, encoding="utf-8")


HEADER = ",".join([*LONG, "tolerance"])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("results", shutil.rmtree, r"accuracy\S*csv: found no such.*run `make reproduce` first"),
        (RESULT, lambda p: p.unlink(), r"accuracy\S*csv: found no such.*`make reproduce` first"),
        ("expected", shutil.rmtree, "expected: found no CSV file"),
        (RESULT, lambda p: text(p, ""), r"accuracy\S*csv: cannot be read .*run `make reproduce`"),
        (RESULT, lambda p: (p.unlink(), p.mkdir()), r"accuracy\S*csv: cannot be read .*reproduce"),
        (EXPECTED, lambda p: p.write_bytes(b"\xff\xfe\x00,"), "cannot be read .*verify --write"),
        (EXPECTED, lambda p: text(p, f"{HEADER}\na,b\n" + "," * 30), "csv: cannot be read"),
        *[
            (path, lambda p, name=name: edited(p, lambda f: f.drop(columns=name)),
             fr"accuracy\S*csv: found the columns .*but `{name}` is missing")
            for path in (RESULT, EXPECTED) for name in LONG
        ],
        (EXPECTED, lambda p: edited(p, lambda f: f.drop(columns="tolerance")), "`tolerance` is m"),
        *[
            (path, lambda p: edited(p, lambda f: f.assign(low="many")),
             r"accuracy\S*csv: found 'many' as `low` in line 2, expected a number")
            for path in (RESULT, EXPECTED)
        ],
        *[
            (EXPECTED, lambda p, x=x: edited(p, lambda f: f.assign(tolerance=x)), "the tolerance ")
            for x in ("-1", "inf", "")
        ],
        *[
            (path, lambda p: edited(p, lambda f: pd.concat([f, f.iloc[[1]]])),
             r"found accuracy, Diffusion Classifier \[L2\], mnist, mean_per_class again in line 38")
            for path in (RESULT, EXPECTED)
        ],
        (EXPECTED, lambda p: edited(p, lambda f: f.assign(table="other")), "found 'other' as `tab"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_compared_is_one_line(run, capsys, name, change, message):
    change(run / name)
    assert verify(run) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("verify: ") and err.count("\n") == 1
    assert re.search(message, err), err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("results/tables", "found no table of a run; run `make reproduce` first"),
        ("results/data/mnist.parquet", "mnist.parquet: cannot be read"),
    ],
)
def test_what_cannot_be_expected_is_one_line(run, capsys, name, message):
    path = run / name
    shutil.rmtree(path) if path.is_dir() else path.write_bytes(b"no")
    assert verify(run, "--write") == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
