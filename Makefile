# Needs python3 (3.11 or later), make, and apt for engines that are not installed. No root.

PYTHON ?= python3
ARGS ?=
MINUTES ?= 3
# One more than there are cores, since a test waits for its server a third of the time; four at most.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')

BIN := .venv/bin
# The output of pip matters only when it fails. Python compiles a module when it is first imported, which
# most modules of the packages never are.
install = $(BIN)/python -m pip -q --disable-pip-version-check --no-input install --no-compile $(1) \
	>.venv/install.log 2>&1 || { cat .venv/install.log >&2; exit 1; }
LOCK := pip compile pyproject.toml --universal --generate-hashes --no-strip-extras --no-header --no-annotate -q

# Every start of Python would compile each module again. The tests start it hundreds of times, and each
# of their processes has one core.
export PYTHONDONTWRITEBYTECODE :=
export OPENBLAS_NUM_THREADS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# pip and apt must not run twice at once under `make -j`: apt has a lock.
.NOTPARALLEL:
.PHONY: help demo test check bench lab notebooks pictures readme lock format tools clean

help: ## list the targets (the default)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile
	@echo 'ARGS="..." is passed to demo, test, lab, notebooks and lock.'

demo: .venv/runtime.stamp ## write the demo report to out/demo
	@$(BIN)/istio-usage demo -o out/demo $(ARGS)

# By modules, so that all tests of a module share its servers, in the order of tests/conftest.py. The lab
# compares CPU times, so it has the machine to itself; `make lab` runs it after a choice of tests by ARGS.
test: .venv/dev.stamp tools ## run the tests, some at a time
	@$(BIN)/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m 'not lab and not long' $(ARGS)
	$(if $(strip $(ARGS)),,@$(BIN)/pytest -m lab tests/lab)

check: .venv/dev.stamp ## lint, format, type and layer checks
	@$(BIN)/ruff check -q
	@$(BIN)/ruff format -q --check
	@$(BIN)/mypy
	@$(BIN)/python -m tests.locked
	@$(BIN)/python -m tests.wording
	@layers=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$layers"; exit 1; }
	@for notebook in notebooks/*.ipynb; do \
		test ! -e "$$notebook" || $(BIN)/nbstripout --verify "$$notebook" || exit 1; \
	done

bench: .venv/dev.stamp tools ## run the long tests, and the benchmarks one after the other
	@$(BIN)/pytest -n $(WORKERS) -m long
	@$(BIN)/pytest -n $(WORKERS) -m 'hypothesis and not long' --hypothesis-profile=many
	@.ci/each.sh 'tests/benchmarks/bench_*.py' $(BIN)/python

lab: .venv/dev.stamp tools ## run real Envoys under real load, for MINUTES=3, and test the result
	@LAB_MINUTES='$(MINUTES)' $(BIN)/pytest -m lab tests/lab $(ARGS)

notebooks: .venv/dev.stamp ## run every notebook from top to bottom
	@$(BIN)/pytest --nbmake notebooks $(ARGS)

pictures: .venv/dev.stamp tools ## draw the pictures of the Markdown pages again
	@.ci/pictures.sh

readme: .venv/dev.stamp ## put the current output into the Markdown pages
	@$(BIN)/python -m tests.readme
	@$(BIN)/python -m tests.lab.table

lock: .venv/dev.stamp ## pin the dependencies again (ARGS=--upgrade takes newer versions)
	@$(BIN)/uv $(LOCK) $(ARGS) --group build -o requirements.txt
	@$(BIN)/uv $(LOCK) $(ARGS) --group dev -c requirements.txt -o requirements-dev.txt

format: .venv/dev.stamp ## format the sources and apply safe fixes
	@$(BIN)/ruff check -q --fix-only
	@$(BIN)/ruff format -q

tools: ## fetch the engines of the tests into .tools/bin
	@.ci/tools.sh

clean: ## remove .venv, .tools, out/demo and caches
	@rm -rf .venv .tools out/demo .coverage .hypothesis .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +

.venv/made.stamp: .ci/venv.sh .ci/apt.sh
	@PYTHON='$(PYTHON)' .ci/venv.sh
	@touch $@

# Both lock files hold the build backend, so nothing is installed without a hash, and nothing depends on
# the registry's newest release. The development pins include the runtime pins.
project = $(call install,--require-hashes -r $(1)) && $(call install,--no-deps --no-build-isolation -e .)

.venv/runtime.stamp: .venv/made.stamp requirements.txt pyproject.toml
	@echo 'Installing the runtime pins into .venv'
	@$(call project,requirements.txt)
	@touch $@

.venv/dev.stamp: .venv/made.stamp requirements-dev.txt pyproject.toml
	@echo 'Installing the development pins into .venv'
	@$(call project,requirements-dev.txt)
	@touch .venv/runtime.stamp $@
