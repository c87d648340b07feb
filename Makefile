# Two commands on a fresh machine: `make demo` and `make test`. Each does all its set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint benchmarks clean

demo: $(INSTALLED)
	$(BIN)/acdc-optical demo --out demo

# One thread for each of the two workers: threads that outnumber the cores wait for one another, spinning.
test: export OMP_NUM_THREADS = 1
test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmarks: $(INSTALLED)
	$(BIN)/python -m tests.benchmarks.accuracy
	$(BIN)/python -m tests.benchmarks.lenses
	$(BIN)/python -m tests.benchmarks.speed
	$(BIN)/python -m tests.benchmarks.waves
	$(BIN)/python -m tests.benchmarks.memory
	$(BIN)/python -m tests.benchmarks.tolerances
	$(BIN)/python -m tests.benchmarks.training
	$(BIN)/python -m tests.benchmarks.rounding
	$(BIN)/python -m tests.benchmarks.robustness
	$(BIN)/python -m tests.benchmarks.photon_budget
	$(BIN)/python -m tests.benchmarks.cascades
	$(BIN)/python -m tests.benchmarks.exact_cascades
	$(BIN)/python -m tests.benchmarks.layout
	$(BIN)/python -m tests.benchmarks.bright
	$(BIN)/python -m tests.benchmarks.phases
	$(BIN)/python -m tests.benchmarks.binary
	$(BIN)/python -m tests.benchmarks.etched_cascades
	$(BIN)/python -m tests.benchmarks.imperfections
	$(BIN)/python -m tests.benchmarks.characterisation
	MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=8589934592 $(BIN)/python -m tests.benchmarks.steps
	MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=8589934592 $(BIN)/python -m tests.benchmarks.fabrication

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache
