# One short command a task. Needs python3 (3.11 or newer), gcc, node (20.19 or newer) and npm; the rest is set up here.
SHELL := /bin/bash
PY := .venv/bin/python
# Compiled .pyc files quarter the start-up time; some environments switch them off.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: build run test attack soak bench bench-research peers pages paint fuzz fuzz-strategies campaign model-check drill drill-mutants mutants deaths proof lint lock docs picture coverage version sdist wheels wheel-check release-notes clean

build: .venv/ready otrade/web/static/index.html

.venv/bin/python:
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "OTrade needs Python 3.11 or newer")'
	python3 -m venv .venv
	$(PY) -m pip install --quiet --upgrade pip

# What the engine runs with and is built by, then what the tests need beside it: exact versions, and the hash of each file.
.venv/run: requirements/run.txt | .venv/bin/python
	$(PY) -m pip install --quiet --require-hashes -r $<
	touch $@

.venv/tools: requirements/test.txt .venv/run
	$(PY) -m pip install --quiet --require-hashes -r $<
	touch $@

# What only the documentation needs: neither engine nor tests install it.
.venv/docs: requirements/docs.txt .venv/run
	$(PY) -m pip install --quiet --require-hashes -r $<
	touch $@

# Write these three anew: the newest versions that pyproject.toml allows.
lock: .venv/bin/python
	$(PY) -m pip install --quiet uv==0.13.9
	$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > .venv/build.in
	$(LOCK) pyproject.toml .venv/build.in --output-file requirements/run.txt
	$(LOCK) pyproject.toml .venv/build.in --extra test --constraint requirements/run.txt --output-file requirements/test.txt
	$(LOCK) pyproject.toml --extra docs --constraint requirements/run.txt --constraint requirements/test.txt --output-file requirements/docs.txt

LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"

SOURCES := $(shell find otrade -name '*.pyx' -o -name '*.pxd' -not -name otk.pxd -not -name types.pxd -not -name notes.pxd) \
	$(wildcard otrade/_core/*.py otrade/_core/*/*.py) otrade/_core/crc32c.h setup.py
.venv/ready: .venv/run $(SOURCES)
	$(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

otrade/web/static/index.html: $(shell find web -path web/node_modules -prune -o -type f -print)
	cd web && npm ci --ignore-scripts --no-audit --no-fund --silent && npm run --silent build
	touch $@

run: build
	.venv/bin/otrade run

lint: build .venv/tools
	$(PY) -m ruff check .
	PATH="$$PWD/.venv/bin:$$PATH" cython-lint otrade bench
	$(PY) -m mypy
	$(PY) -m tests.prose
	cd web && npm run --silent check

# The documentation as a site, in build/docs/site: a link or anchor that leads nowhere is an error. To read it with its search: python3 -m http.server -d build/docs/site
docs: .venv/ready .venv/docs
	$(PY) -m docs.site.make_site

# A browser for the page's tests: the system's, or one that is fetched where that may be; without one they say that they are skipped.
.venv/browser: .venv/tools
	if .ci/browser $(PY); then touch $@; fi

test: lint .venv/browser
	cd web && npm test --silent
	$(PY) -m pytest -n 3 --dist worksteal --ignore tests/page  # three on two cores: a third of their time they wait for a process or a socket
	$(PY) -m pytest -n 2 -rs --dist loadfile tests/page  # the tests of a file share one engine, and go on where the one before left it

# Which lines of Python the tests run, branches too (about half as long again as the tests): a table, and build/coverage/index.html. TESTS names a part of them.
TESTS := tests --ignore tests/page
coverage: build .venv/tools
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest -n 2 $(TESTS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage html --quiet
	$(PY) -m coverage report | tee build/coverage/report.txt

# ------------------------------------------------------------------------------------------ release
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' otrade/__init__.py)
version:
	@echo $(VERSION)

# What CHANGELOG.md says of this version.
release-notes:
	@awk '/^## \[/ { here = index($$0, "[$(VERSION)]") } here' CHANGELOG.md

# The source with its page, from which every wheel is built: no wheel needs Node.
sdist: build
	rm -rf dist && mkdir dist
	$(PY) -c "from setuptools import build_meta; build_meta.build_sdist('dist')"

# Wheels of dist/otrade-*.tar.gz for this machine, in the containers of cibuildwheel (needs pipx and, on Linux, Docker); pyproject.toml says which.
wheels:
	pipx run cibuildwheel==4.3.5 --output-dir dist dist/otrade-$(VERSION).tar.gz

# The same without containers, for this Python alone: a wheel of the sdist in an environment of its own trades a paper day.
WHEEL := build/wheel
wheel-check: sdist
	rm -rf $(WHEEL) && mkdir -p $(WHEEL)/day
	python3 -m venv $(WHEEL)/venv
	$(WHEEL)/venv/bin/pip wheel --quiet --no-deps --wheel-dir $(WHEEL) dist/otrade-$(VERSION).tar.gz
	$(WHEEL)/venv/bin/pip install --quiet $(WHEEL)/otrade-*.whl
	cd $(WHEEL)/day && ../venv/bin/otrade init && ../venv/bin/otrade run --speed max --no-page

bench: build .venv/tools
	$(PY) bench/setup.py build_ext --inplace --build-temp build/bench > build/bench.log 2>&1 || (cat build/bench.log; exit 1)
	$(PY) -m pytest bench -o addopts= -q
	$(PY) -m bench.peers --short

# A backtest of five million ticks beside NautilusTrader and backtrader, trades compared one by one (about ten minutes).
bench-research: build .venv/tools build/venv-peers/ready
	$(PY) -m bench.research

# The peers' own environment; one that does not install on this Python is left out, with a word.
build/venv-peers/ready: pyproject.toml | .venv/bin/python
	mkdir -p build && python3 -m venv build/venv-peers
	$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["peers-research"], sep="\n")' | \
		while read peer; do build/venv-peers/bin/python -m pip install --quiet "$$peer" numpy || echo "left out, it does not install here: $$peer"; done
	touch $@

# What strangers can do to our ports: every attack for seconds, on loopback; then an engine with a position open, its page and its hooks (about five minutes).
attack: build .venv/tools
	$(PY) -m tests.attack
	$(PY) -m tests.attack.whole

# Twenty sessions with the page's real server killed, hung and brought back while they trade.
soak: build .venv/tools
	OTRADE_SOAK_SESSIONS=20 $(PY) -m pytest -n0 -s --timeout 3600 tests/server/test_soak.py

# Tick to order beside C, the vendor's SDK and asyncio, in full (about a quarter of an hour).
peers: build .venv/tools
	$(PY) -m bench.peers

# What a hundred open pages cost the trading, a minute at a time (about ten minutes).
pages: build .venv/tools
	$(PY) -m bench.peers --scenario pages --rounds 3

# How long until the page shows something, beside a page of one word (two minutes, in Chromium).
paint: build .venv/browser
	$(PY) -m bench.first_paint

# The picture of README and docs, of a paper day as the page is now (a minute, in Chromium).
picture: build .venv/browser
	$(PY) -m tests.page.picture

# The wire under the address and undefined-behaviour sanitisers, in a build of its own.
FUZZ := build/fuzz
fuzz: build .venv/tools
	rm -rf $(FUZZ) && mkdir -p $(FUZZ) && git ls-files -z setup.py pyproject.toml README.md LICENSE otrade tests | xargs -0 cp --parents -t $(FUZZ)
	cd $(FUZZ) && OTRADE_SANITIZE=1 $(CURDIR)/$(PY) setup.py -q build_ext --inplace
	cd $(FUZZ) && LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
		UBSAN_OPTIONS=halt_on_error=1 PYTHONMALLOC=malloc PYTHONPATH=. $(CURDIR)/$(PY) -m tests.core.codecs.fuzz_wire

# Strategy files, mutated: compiled between guard pages against plain Python; then kernels straight at the last gate (twenty minutes).
fuzz-strategies: build .venv/tools
	$(PY) -m tests.strategy.fuzz --seconds 600
	$(PY) -m tests.strategy.fuzz_gate --kernels 1000

campaign: build .venv/tools
	$(PY) -m tests.core.orders.campaign --sequences 100000

# Every order of events around one bracket, to a depth: a million states (about ten minutes on one core).
model-check: build .venv/tools
	$(PY) -m tests.model

# The fault drill: 10,000 sessions with everything going wrong (about an hour on two cores).
drill: build
	.venv/bin/otrade drill --seeds 10000

# Bugs planted one at a time in a copy of the tree, each to be caught by the drill.
drill-mutants: build .venv/tools
	$(PY) -m tests.drill.mutants

# Small changes of what decides orders, 400 of them one at a time, each to be noticed by a test or by the drill (about an hour on two busy cores).
mutants: build .venv/tools
	$(PY) -m tests.mutation

# An engine that dies after every single journal record about orders, and after each is followed by another one.
deaths: build .venv/tools
	OTRADE_DEATH_STRIDE=1 $(PY) -m pytest -n 2 --timeout 7200 tests/live/reconciliation/test_bracket_recovery.py -k "death_at"

# Everything that is too long for `make test` (some hours on two cores).
proof: test attack soak model-check drill drill-mutants mutants campaign deaths fuzz fuzz-strategies

clean:
	rm -rf build dist .venv *.egg-info otrade/web/static web/node_modules
	find otrade bench -path bench/peers -prune -o \( -name '*.so' -o -name '*.c' \) -exec rm {} +
