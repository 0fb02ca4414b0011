# `make reproduce` runs the main job, `make verify` compares its numbers with the expected ones,
# `make benchmark` times it, `make gpu-check` does so on a GPU and proves its numbers there,
# `make test` runs the tests; each sets up all it needs by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
CORES ?= all
CONFIG ?= config.yaml
VERIFY := diffusion-classifier verify
MEASURED := policies policies-compared classes class-exponents throughput shares growth

# Snakemake keeps a cache there, and does not start without
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
export XDG_CACHE_HOME ?= $(CURDIR)/.cache
endif
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: reproduce verify costs status benchmark gpu-check test drill load rehearse lint format env clean

reproduce: $(READY)
	snakemake --cores $(CORES) --report results/report.html --report-after-run
	@cat results/tables/*/table.txt
	@echo "The report, with all tables and figures: results/report.html"
	@$(VERIFY) || echo "The run is complete; \`make verify\` compares its numbers again, and fails if they differ."

# whether a run of config.yaml found the numbers in resources/expected; fails if it did not
verify: $(READY)
	@$(VERIFY)

# what a config takes before anything runs; of another: make costs CONFIG=config/paper.yaml
costs: $(READY)
	@diffusion-classifier costs --configfile $(CONFIG)

# how far a run is; of another config: make status CONFIG=config/paper.yaml
status: $(READY)
	@diffusion-classifier status --configfile $(CONFIG)

# the main job by itself, as what it is spent on is asked (nothing, if it is done); then the rest
benchmark: $(READY)
	snakemake --cores $(CORES)
	snakemake --snakefile benchmarks/Snakefile --cores $(CORES) \
		--configfile config.yaml config/benchmark.yaml config/many-classes.yaml \
		--report results/report.html --report-after-run
	@cat results/benchmarks/machine.txt
	@for name in $(MEASURED); do \
		test ! -f results/benchmarks/$$name.csv || { echo; echo "# $$name"; cat results/benchmarks/$$name.csv; }; \
	done
	@echo; echo "The report, with all tables and figures: results/report.html"

# on a machine with a GPU; anywhere: make gpu-check ARGS=--rehearse; see docs/gpu.md
gpu-check: $(READY)
	@python -m diffusion_classifier.gpu_check $(ARGS)

# side by side, a file at a time: what a file's tests share is made once; in the order of
# tests/conftest.py. One thread each: more would wait for each other
test: $(READY)
	OMP_NUM_THREADS=1 python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# faults, and what becomes of a run after them
drill: $(READY)
	OMP_NUM_THREADS=1 python -m pytest -m "drill or not drill" tests/test_faults.py tests/test_slurm.py \
		tests/test_store.py tests/test_empty_folders.py tests/test_kubernetes.py

# a campaign of 20,000 jobs: how long until it runs, and how much memory it takes
load: $(READY)
	python tests/campaign.py

# the paper's config on tiny stand-ins of all models and data sets
rehearse: $(READY)
	python -m pytest -m slow

lint: $(READY)
	ruff check . && ruff format --check .
	snakefmt --check Snakefile rules benchmarks
	snakemake --lint
	snakemake --snakefile benchmarks/Snakefile --configfile config.yaml config/benchmark.yaml config/many-classes.yaml --lint

format: $(READY)
	ruff check --fix . && ruff format .
	snakefmt Snakefile rules benchmarks

env: $(READY)

# the lock file pins every package, for Python 3.11 to 3.13; torch pins its own CUDA libraries, which
# are not listed. The library and its command are installed from here, so that an edit counts at once
$(READY): envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), expected Python 3.11, 3.12 or 3.13; name" \
			"one: make PYTHON=/path/to/python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	pip install --disable-pip-version-check --quiet --requirement envs/requirements.lock
	pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf results .snakemake $(VENV)
