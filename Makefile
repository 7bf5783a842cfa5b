# Two commands do the main things: `make demo` and `make test`. Both stand on `make setup`.

PYTHON ?= python3
LOANS ?= 60
SEEDS ?= 20
CHAOS_LOANS ?= 200
BIN := .venv/bin
# Tests, demo and chaos start processes by the hundred: each would compile our modules anew where this is set.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-long train bench chaos chaos-short lint careless types floors alerts lock release-histories upgrade-drill clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: .venv/.ready ## Make .venv with everything pinned, and nothing else

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Recobro needs Python 3.11 or newer; $(PYTHON) is older. Try: make setup PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## A 90-day campaign over real delinquent loans, on skipped time (LOANS=all for all 178)
	$(BIN)/python starter.py demo --loans $(LOANS)

test: setup ## The tests, in parallel, without the long ones
	$(BIN)/pytest -n auto --dist worksteal

test-long: setup ## The long ones: whole stacks killed, restored and searched for names, each benchmark once
	$(BIN)/pytest -n auto --dist worksteal -m long

train: setup ## Train what understands replies from replies/data, and measure it on the messages kept apart
	$(BIN)/python starter.py replies train

bench: setup ## Figures of speed and scale beside their bars, into var/bench.json and var/bench.svg
	$(BIN)/python -m benchmarks

# Debian's package is unpacked, not installed; elsewhere, install libfaketime, or that fault is counted as not possible.
var/faketime:
	@mkdir -p $@ && { [ -n "$$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null)" ] || { command -v apt-get >/dev/null && cd $@ \
		&& { apt-get download -qq libfaketime 2>/dev/null || { apt-get update -qq && apt-get download -qq libfaketime 2>/dev/null; }; } \
		&& dpkg -x libfaketime_*.deb . && rm libfaketime_*.deb; }; } || { cd $(CURDIR) && rm -rf $@; echo "libfaketime could not be had: no worker's clock will be wrong" >&2; }

chaos: setup var/faketime ## Campaigns under kills, cuts and floods of faults, judged by the world's own log (two hours; SEEDS=20 CHAOS_LOANS=200)
	$(BIN)/python -m chaos --seeds $(SEEDS) --loans $(CHAOS_LOANS)

# Seeds that between them kill every process, lock and fill the database, and double, reorder, delay and replay webhooks.
chaos-short: setup ## The same for five minutes: one campaign on PostgreSQL, one on SQLite, of 20 loans each
	$(BIN)/python -m chaos --seed 3 --seed 10 --loans 20 --count 16 --out var/chaos-short.json --faults \
kill,kill-postgresql,locked,disk-full,refused,cut-after-effect,lost-commit,429,lost-answer,webhooks-doubled,webhooks-reordered,webhooks-delayed,webhooks-replayed,clock

lint: setup ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# bandit has no way to be silent about what is let through; whatever else it says is a finding, and fails.
careless: setup ## bandit: careless calls; what is let through says why
	@! $(BIN)/bandit --quiet --configfile pyproject.toml --recursive . 2>&1 | grep -v "but no failed test on"

types: setup ## mypy, strict
	$(BIN)/mypy --strict domain workflows activities config records providers intake replies web commands chaos benchmarks worker.py starter.py

floors: setup ## import-linter: each floor imports only the ones below it
	$(BIN)/lint-imports

# Debian's package is unpacked, not installed: nothing needs root and no service starts.
PROMTOOL := $(or $(shell command -v promtool),$(wildcard var/promtool/usr/bin/promtool))

alerts: ## Check the alert rules and run their tests (needs promtool)
	@test -n "$(PROMTOOL)" || { echo "promtool is not here: it comes with Prometheus (Debian: apt install prometheus)" >&2; exit 2; }
	$(PROMTOOL) check rules config/monitoring/alerts.yaml
	$(PROMTOOL) test rules config/monitoring/*.test.yaml

lock: ## Pin again what pyproject.toml asks for (needs uv)
	uv pip compile pyproject.toml --group dev --group bench --universal --generate-hashes --python-version 3.11 --no-header -o requirements.lock

release-histories: setup ## Record what this version's loans and campaigns leave, for every later version to replay
	$(BIN)/python -m tests.histories.record

upgrade-drill: setup ## Loans started by the last release, carried to their end by this checkout
	$(BIN)/python -m tests.upgrade.drill

clean: ## Remove .venv and everything that runs left in var/
	rm -rf .venv var
