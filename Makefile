# `make reproduce` runs the main job, `make test` the tests; each sets up all it needs by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
CORES ?= all

export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: reproduce test rehearse lint format env clean

reproduce: $(READY)
	snakemake --cores $(CORES) --report results/report.html --report-after-run
	@cat results/tables/*.txt
	@echo "The report, with all tables and figures: results/report.html"

# side by side, a file at a time: what a file's tests share is made once. One thread each: more
# would wait for each other
test: $(READY)
	OMP_NUM_THREADS=1 python -m pytest -n auto --maxprocesses 4 --dist loadfile

# the paper's config on tiny stand-ins of all models and data sets
rehearse: $(READY)
	python -m pytest -m slow

lint: $(READY)
	ruff check . && ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint

format: $(READY)
	ruff check --fix . && ruff format .
	snakefmt Snakefile rules

env: $(READY)

# the lock file pins every package; torch pins its own CUDA libraries, which are not listed
$(READY): envs/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "$(PYTHON) is not Python 3.11; name one: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	pip install --disable-pip-version-check --quiet --requirement envs/requirements.lock
	@touch $@

clean:
	rm -rf results .snakemake $(VENV)
