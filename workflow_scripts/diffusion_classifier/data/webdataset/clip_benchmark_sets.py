"""The data sets of CLIP_benchmark in the form of webdataset, on the hub as clip-benchmark/wds_NAME.

The names are those of its list benchmark/webdatasets.txt. Test images and classes are those of
DataComp's list of the same tasks, where it has them. Checking a config reads this without a
network.
"""

from __future__ import annotations

from dataclasses import dataclass

from diffusion_classifier.messages import InputError, known

OWNER = "clip-benchmark"
"""The organisation of the hub that has the data sets."""


@dataclass(frozen=True)
class BenchmarkSet:
    """A data set of CLIP_benchmark.

    `task` is its name there, such as `vtab/cifar10`; `images` are those of its split `test`;
    `revision` is a commit that is known to hold it. None stands for what is not known.
    """

    task: str
    classes: int | None = None
    images: int | None = None
    revision: str | None = None

    @property
    def dataset(self) -> str:
        """Its repository on the hub: a slash in the name becomes a dash."""
        return f"{OWNER}/wds_{self.task.replace('/', '-')}"


_SETS = (
    BenchmarkSet("imagenet1k", 1000, 50_000, "b24c7a5a3ef12df09089055d1795e2ce7c7e7397"),
    BenchmarkSet("imagenetv2", 1000, 10_000),
    BenchmarkSet("imagenet_sketch", 1000, 50_889),
    BenchmarkSet("imagenet-a", 200, 7_500),
    BenchmarkSet("imagenet-r", 200, 30_000),
    BenchmarkSet("imagenet-o", 200, 2_000),
    BenchmarkSet("objectnet", 113, 18_574),
    BenchmarkSet("fer2013", 7, None, "9399b94167523fe5c40b3a857e24ef931ee4395b"),
    BenchmarkSet("voc2007", 20, 14_976),
    BenchmarkSet("sun397", 397, 108_754),
    BenchmarkSet("cars", 196, 8_041),
    BenchmarkSet("fgvc_aircraft", 100, 3_333),
    BenchmarkSet("mnist", 10, 10_000),
    BenchmarkSet("stl10", 10, 8_000),
    BenchmarkSet("gtsrb", 43, 12_630, "1c13eff0803d2b02c9dc8dfe85e67770b3f0f3c5"),
    BenchmarkSet("country211", 211, 21_100, "1699f138f0558342a1cbf99f7cf36b4361bb5ebc"),
    BenchmarkSet("renderedsst2", 2, 1_821, "66b9a461eda025201dd147e5f390f5984c33643a"),
    BenchmarkSet("vtab/caltech101", 102, 6_085),
    BenchmarkSet("vtab/cifar10", 10, 10_000),
    BenchmarkSet("vtab/cifar100", 100, 10_000),
    BenchmarkSet("vtab/clevr_count_all", 8, 15_000, "8b5dce4d5393a04fb58b9261b22a881b02e379b1"),
    BenchmarkSet(
        "vtab/clevr_closest_object_distance",
        6,
        15_000,
        "ec9c04224a95836ca0344a6000ec8d8bc8a6d4f2",
    ),
    BenchmarkSet("vtab/diabetic_retinopathy", 5),
    BenchmarkSet("vtab/dmlab", 6),
    BenchmarkSet("vtab/dsprites_label_orientation"),
    BenchmarkSet("vtab/dsprites_label_x_position"),
    BenchmarkSet("vtab/dsprites_label_y_position"),
    BenchmarkSet("vtab/dtd", 47, 1_880),
    BenchmarkSet("vtab/eurosat", 10, 5_400),
    BenchmarkSet("vtab/kitti_closest_vehicle_distance", 4, 711),
    BenchmarkSet("vtab/flowers", 102, 6_149),
    BenchmarkSet("vtab/pets", 37, 3_669),
    BenchmarkSet("vtab/pcam", 2, 32_768, "502695fe1a141108650e3c5b91c8b5e0ff84ed49"),
    BenchmarkSet("vtab/resisc45", 45, 6_300),
    BenchmarkSet("vtab/smallnorb_label_azimuth"),
    BenchmarkSet("vtab/smallnorb_label_elevation"),
    BenchmarkSet("vtab/svhn", 10, 26_032),
)

BENCHMARK_SETS = {each.task.rpartition("/")[2]: each for each in _SETS}
"""`benchmark` in the config -> the data set. The list's other three have captions, not classes."""

CAPTIONED = ("mscoco_captions", "flickr8k", "flickr30k")
"""Data sets of the list that are for retrieval: an image has captions and no class."""


def benchmark_key(name: str) -> str:
    """The key of BENCHMARK_SETS that `name` means: `wds/vtab/cifar10` -> `cifar10`."""
    name = name.removeprefix(f"{OWNER}/").removeprefix("wds_").removeprefix("wds/")
    return name.removeprefix("vtab/").removeprefix("vtab-")


def benchmark_set(name: str, where: str) -> BenchmarkSet:
    """The data set that `name` means, in any of CLIP_benchmark's spellings.

    Raises InputError, beginning with `where`, for an unknown one and for one that has no classes.
    """
    key = benchmark_key(name)
    if key in CAPTIONED:
        raise InputError(
            f"{where}: found `{name}`, whose images have captions and no classes, expected one of "
            f"{', '.join(BENCHMARK_SETS)}; choose another"
        )
    known(where, key, BENCHMARK_SETS, "data set of CLIP_benchmark")
    return BENCHMARK_SETS[key]
