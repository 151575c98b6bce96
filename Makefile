# `make demo` runs the main job on real pictures, `make test` the tests; both set up .venv first, without root.
#
# PyPI's Linux build of torch brings several GB of CUDA. Where no GPU will train, take the CPU-only build instead:
#   make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS := --quiet --disable-pip-version-check --constraint .ci/constraints.txt \
             $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: demo test lint format schemas clean

demo: $(VENV)/demo.stamp
	$(BIN)/python -m training.demo

# Each worker computes in one thread: two that share their cores wait for each other more than they compute.
test: $(VENV)/dev.stamp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/inspector schema result | diff - deploy/mqtt/result.schema.json
	$(BIN)/inspector schema config | diff - configs/inspector/schema.json
	$(BIN)/inspector-train schema | diff - configs/training/schema.json
	$(BIN)/python -m deploy.grafana.generator --check

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

schemas: $(VENV)/dev.stamp
	$(BIN)/inspector schema result > deploy/mqtt/result.schema.json
	$(BIN)/inspector schema config > configs/inspector/schema.json
	$(BIN)/inspector-train schema > configs/training/schema.json
	$(BIN)/python -m deploy.grafana.generator

clean:
	rm -rf $(VENV) build

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || (echo "python3-venv is missing: apt-get install python3-venv"; exit 1)

$(VENV)/%.stamp: pyproject.toml .ci/constraints.txt | $(VENV)/bin/python
	@echo "installing line-inspector[$*] into $(VENV), several GB with torch; this takes some minutes"
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[$*]'
	@touch $@
