# Everything is installed into .venv and a cache folder outside the checkout; nothing else is needed but Python, make, git.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
export PYTHONPATH := $(CURDIR)/tests
N ?= 500
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install demo demo-down test properties check lint docs generate observe pictures bench kubevirt-real realnode realnode-tools threats image image-tools lock clean

help: ## Show what can be done
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install the locked dependencies into .venv

$(INSTALLED): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Berth needs Python 3.11 or newer: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked dependencies (a minute the first time)"
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED) ## Bring up a real control plane, run the operator, apply the examples, explain one; REAL=1: on a real node
	@REAL="$(REAL)" $(BIN)/python -m ground.demo up

demo-down: $(INSTALLED) ## Stop everything that `make demo` started
	@$(BIN)/python -m ground.demo down

test: $(INSTALLED) lint ## Run everything: the quick checks, and all tests, on real control planes too
	@$(BIN)/python -m ground.toolchain
	@HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup $(if $(BERTH_SEED),--hypothesis-seed=$(BERTH_SEED))

properties: $(INSTALLED) ## The seventeen properties of policy, thousands of random examples each; BERTH_SEED=N repeats a run
	@$(BIN)/python -m ground.toolchain
	@HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest -q -n $(WORKERS) tests/properties

check: $(INSTALLED) lint ## The quick loop: format, lint, types, import contracts, generated files, unit tests
	@$(BIN)/python -m pytest -q -m "not ground" -n $(WORKERS)

lint: $(INSTALLED)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@mkdir -p build && $(BIN)/lint-imports > build/imports.log 2>&1 || (cat build/imports.log; exit 1)
	@$(BIN)/python -m generate --check

docs: $(INSTALLED) ## Build the pages as a site into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

generate: $(INSTALLED) ## Write all generated files: CRDs, golden cases, tables in docs
	@$(BIN)/python -m generate

observe: $(INSTALLED) ## 320 Workloads in all states, a real Prometheus, and every query of the dashboards and rules
	@$(BIN)/python -m dashboards

pictures: $(INSTALLED) ## As observe, and draw the dashboards into docs/pictures; needs node, npm, and Chromium
	@$(BIN)/python -m dashboards --pictures

bench: $(INSTALLED) ## Measure pods against a bare client, and machines beside pods, on empty control planes: N=500, N=2000 for real
	@$(BIN)/python -m bench --count $(N)

kubevirt-real: $(INSTALLED) ## Hold Berth and the simulated KubeVirt against recordings of the real one: VERDICTS=, TIMELINES=
	@$(BIN)/python -m ground.toolchain
	@VERDICTS="$(VERDICTS)" TIMELINES="$(TIMELINES)" $(BIN)/python -m kubevirt_real

realnode: $(INSTALLED) ## Run Workloads on a real node with kubelet, runc and gVisor: on Debian, as root; TESTS="-k NAME" for some
	@$(BIN)/python -m realnode $(TESTS)

realnode-tools: $(INSTALLED) ## Install what a real node needs from Debian packages: on Debian, as root
	@test "$$(id -u)" = 0 && command -v apt-get >/dev/null || (echo "make realnode-tools: needs Debian, and root" >&2; exit 1)
	@packages=$$($(BIN)/python -m ground.node.lacking packages) || \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $$packages >/dev/null)

threats: $(INSTALLED) ## Try the sixty threats on a real control plane, and print what refused each
	@$(BIN)/python -m ground.toolchain
	@$(BIN)/python -m threats

image: $(INSTALLED) ## Build the container image into build/image, and its bill of materials
	@$(BIN)/python -m image build
	@$(BIN)/python -m image sbom

image-tools: ## Install what builds the image from Debian packages: on Debian, as root
	@test "$$(id -u)" = 0 && command -v apt-get >/dev/null || (echo "make image-tools: needs Debian, and root" >&2; exit 1)
	@for tool in buildah mmdebstrap runc; do command -v $$tool >/dev/null || missing=1; done; test -z "$$missing" || \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends buildah mmdebstrap runc >/dev/null)

lock: $(INSTALLED) ## Bring the lock files up to date with pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --all-extras pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --all-extras --group dev pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --group build -o requirements-build.lock

clean: ## Remove what was built in the checkout
	@rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis
