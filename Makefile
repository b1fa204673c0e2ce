# make demo | test | check | fuzz | soak | drills | bench | conformance | pictures | docs
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Twice as many tests at a time as there are processors: half of their time they wait for a console to paint.
WORKERS ?= $(shell echo $$((2 * $$(nproc))))
PURE := $(BIN)/pytest -n $(WORKERS) --dist loadgroup -m 'not net'

.PHONY: demo test test-real test-alone check format fuzz soak drills bench interop conformance pictures docs lvs-dumps clean

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "hatui needs Python 3.11 or newer, this is " + sys.version.split()[0]'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: $(BIN)/.installed
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/hatui demo; else $(BIN)/hatui demo --script; fi

# All tests. Those that count pings or judge times closely run alone, last.
test: $(BIN)/.installed
	$(PURE)
	$(MAKE) --no-print-directory test-real test-alone

test-real: $(BIN)/.installed
	$(BIN)/pytest -n 3 --dist loadfile -m 'net and not alone'  # they mostly wait

test-alone: $(BIN)/.installed
	$(BIN)/pytest -m 'net and alone'

check: $(BIN)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(PURE)

format: $(BIN)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(BIN)/.installed
	$(BIN)/python -m tests.bench --json bench.json $(ROWS)

pictures: $(BIN)/.installed
	$(BIN)/python -m tests.pictures docs/pictures

docs: $(BIN)/.installed
	$(BIN)/hatui explain --page keywords > docs/keywords.md
	$(BIN)/python -m tests.docs
	$(BIN)/python -m tests.every_command

lvs-dumps: $(BIN)/.installed
	$(BIN)/python -m tests.config.record_lvs

interop: $(BIN)/.installed
	$(BIN)/python -m tests.net.interop $(KINDS)

# Every built-in drill x peer x command line and console, aborted and crashed ones: 9 minutes, nothing beside it.
drills: $(BIN)/.installed
	$(BIN)/python -m tests.net.drills

soak: $(BIN)/.installed
	$(BIN)/python -m tests.net.failovers 100
	$(BIN)/python -m tests.bench.soak
	$(BIN)/python -m tests.bench.soak --console --minutes 60

fuzz: $(BIN)/.installed
	$(BIN)/python -m tests.scenarios.fuzz --minutes 10
	$(BIN)/python -m tests.config.fuzz_config 600

conformance: $(BIN)/.installed
	$(BIN)/python -m tests.conformance

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
