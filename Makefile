# lakemill: `make demo` shows it, `make test` tests it. Both need Python 3.11 and make, and install the rest themselves.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SDK2 := .venvs/sdk2
SDK3 := .venvs/sdk3
PEERS := .venvs/peers
FLINK := .venvs/flink
SPARK := .venvs/spark
DBT := .venvs/dbt

# lakemill starts many processes: where none keeps its byte code, each would compile all of it anew, for a second.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv clients flink spark demo test test-all bench bench-algorithms fuzz lint check docs pictures lock clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

venv: $(VENV)/.installed ## Make .venv with everything lakemill and its tests need.

# Each SageMaker SDK excludes the other, and dbt asks for an older PyAthena.
clients: $(SDK2)/.installed $(SDK3)/.installed $(DBT)/.installed ## Make one environment for each SageMaker SDK, and for dbt.

flink: $(FLINK)/.installed ## Make an environment with PyFlink, for Flink applications (needs Java 17).

spark: $(SPARK)/.installed ## Make an environment with PySpark, for Spark jobs with RDDs, MLlib or ORC (needs Java 17).

# torch comes first and by itself: asked for as somebody's dependency, pip takes a CUDA build of several gigabytes.
$(VENV)/.installed: requirements/lock.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q torch==2.13.0
	$(BIN)/python -m pip install -q -r requirements/lock.txt
	$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@

$(SDK2)/.installed: requirements/sdk2.txt
	$(PYTHON) -m venv $(SDK2)
	$(SDK2)/bin/python -m pip install -q --upgrade pip
	$(SDK2)/bin/python -m pip install -q -r requirements/sdk2.txt
	@touch $@

$(FLINK)/.installed: requirements/flink.txt
	$(PYTHON) -m venv $(FLINK)
	$(FLINK)/bin/python -m pip install -q --upgrade pip
	$(FLINK)/bin/python -m pip install -q -r requirements/flink.txt
	@touch $@

$(SPARK)/.installed: requirements/spark.txt
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install -q --upgrade pip
	$(SPARK)/bin/python -m pip install -q -r requirements/spark.txt
	@touch $@

$(DBT)/.installed: requirements/dbt.txt
	$(PYTHON) -m venv $(DBT)
	$(DBT)/bin/python -m pip install -q --upgrade pip
	$(DBT)/bin/python -m pip install -q -r requirements/dbt.txt
	@touch $@

$(PEERS)/.installed: requirements/peers.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install -q --upgrade pip
	$(PEERS)/bin/python -m pip install -q "setuptools<81" -r requirements/peers.txt
	@touch $@

# One peer is a program for Node.js; without npm it is left out of the benchmarks.
$(PEERS)/.kinesalite: $(PEERS)/.installed
	npm install --silent --no-fund --prefix $(PEERS) kinesalite@3.3.3 || echo "npm is missing: kinesalite is left out"
	@touch $@

$(SDK3)/.installed: requirements/sdk3.txt
	$(PYTHON) -m venv $(SDK3)
	$(SDK3)/bin/python -m pip install -q --upgrade pip
	$(SDK3)/bin/python -m pip install -q torch==2.13.0
	$(SDK3)/bin/python -m pip install -q -r requirements/sdk3.txt
	@touch $@

demo: venv $(SDK2)/.installed ## Carry real data the whole way: bucket, training, endpoint, batch job.
	$(BIN)/lakemill demo

test: venv clients ## Run the tests (under 20 minutes on 2 cores).
	$(BIN)/python -m pytest -m "not slow" -q -n 3 --dist worksteal

test-all: venv clients ## Run all tests, the slow ones too, and look for examples that fail.
	$(BIN)/python -m pytest -q --hypothesis-profile searching

bench: venv clients $(PEERS)/.kinesalite ## Measure lakemill beside its peers and write docs/benchmarks.md.
	$(BIN)/python -m bench

bench-algorithms: venv $(PEERS)/.installed ## Measure the algorithms only.
	$(BIN)/python -m bench --only algorithms

FUZZ_SECONDS ?= 720
fuzz: venv ## Fuzz the record parsers, guided by coverage: an hour in all (FUZZ_SECONDS for each).
	test -d .venvs/fuzz/atheris || $(BIN)/python -m pip install -q --target .venvs/fuzz atheris==3.0.0
	for target in csv libsvm recordio json jsonlines; do \
		PYTHONPATH=.venvs/fuzz $(BIN)/python -m tests.fuzz $$target --seconds $(FUZZ_SECONDS) || exit 1; done

lint: venv ## Check style and types.
	$(BIN)/ruff check src tests bench examples docs
	$(BIN)/ruff format --check src tests bench examples docs
	$(BIN)/mypy

check: lint test ## What the build does.

docs: venv ## Generate the reference pages and build the site into site/.
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

pictures: venv ## Draw the pictures of the algorithms' pages anew (LAKEMILL_BENCH_DATA: more data).
	for script in docs/pictures/*.py; do $(BIN)/python -m docs.pictures.$$(basename $$script .py) || exit 1; done

lock: venv ## Write requirements/lock.txt from what .venv holds.
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu//' > requirements/lock.txt

clean: ## Remove what was built (not the environments).
	rm -rf site build dist .pytest_cache .ruff_cache .mypy_cache
