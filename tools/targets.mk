# What a person calls. Every target here also parses without PostgreSQL; those that need it install it
# first (`deps`) and then call make again, which by then finds PGXS.

.PHONY: demo-time help deps deps-test deps-bench deps-lint test test-core test-asserts test-valgrind test-faults test-fuzz test-sqlsmith test-matrix test-upgrade test-deb test-static test-full deb dist unit lint quickstart quickstart-stop bench bench-regression bench-forecast bench-history bench-index format build-for-tests

SUBMAKE = +@$(MAKE) --no-print-directory
DEPS    = @sh tools/deps.sh '$(PG_CONFIG)'
BUILD_DIR ?= build

help:
	@echo "make                 build the extension"
	@echo "make install         install it into the PostgreSQL of PG_CONFIG ($(PG_CONFIG))"
	@echo "make installcheck    SQL and isolation tests against a running server that preloads it"
	@echo "make test            everything: packages, -Werror build, install, unit, lint, SQL, isolation, TAP"
	@echo "make unit            unit tests of the pure core alone (ASan, UBSan)"
	@echo "make lint            the checks of test/lint alone"
	@echo "make quickstart      a private server with a demo workload and real recommendations"
	@echo "make quickstart-stop  stop and remove it"
	@echo "make demo-time       four weeks of a shop in a minute: what became slower, and why"
	@echo "make bench           overhead beside pg_stat_statements and pg_qualstats, two hours; QUICK=1 some minutes"
	@echo "make bench-regression  false alarms and delays of detectors of changed levels"
	@echo "make bench-forecast  how well forecasts and days to a limit hold on what comes after them"
	@echo "make bench-history  what recorded history takes: bytes a day, time and memory of a recording"
	@echo "make bench-index     what the index advisor chooses against published algorithms, and what that takes"
	@echo "make deps            the packages for building and testing (Debian)"
	@echo "make test-full       all suites, about two hours; each by itself:"
	@echo "     test-static     clang-tidy, cppcheck"
	@echo "     test-asserts    our tests on a server with assertions, built from Debian's source package"
	@echo "     test-core       the server's own suites with pg_assist preloaded, against without"
	@echo "     test-faults     processes killed and failing inside; no memory, space, workers; clock; restarts; promotion"
	@echo "     test-valgrind   SQL tests under memcheck"
	@echo "     test-fuzz       libFuzzer on every parser"
	@echo "     test-sqlsmith   random queries, all functions called on what was captured"
	@echo "     test-matrix     test and test-core on PostgreSQL 15, 17, 18 (bare Debian releases by debootstrap)"
	@echo "     test-upgrade    pg_upgrade between them"
	@echo "make deb             Debian packages of the last commit, in build/deb; test-deb (root, throw-away system) tests them"
	@echo "make dist            an archive of the last commit for PGXN"
	@echo "make format          clang-format all sources"
	@echo "PG_CONFIG=/path/to/pg_config selects another PostgreSQL"

# Packages: a set for building and testing, one more for benchmarks, one for format and tidy.
deps deps-test:
	$(DEPS) build test
deps-bench:
	$(DEPS) build test bench
deps-lint:
	$(DEPS) lint

# TESTS selects parts (unit lint sql isolation tap), ONLY files within them: make test TESTS=tap ONLY=restart
test: deps-test
	$(SUBMAKE) build-for-tests WERROR=1
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)' bash test/run.sh $(TESTS)

# The server's own suites, on a server with assertions built from Debian's source package.
# SUITES selects parts (regress isolation contrib recovery), WAYS how (without preloaded visited).
test-core:
	$(DEPS) build test core
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)' bash test/core/run.sh $(SUITES)

# Our own tests on that server, and its SQL tests under valgrind. TESTS and ONLY as for `make test`.
test-asserts:
	$(DEPS) build test core
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)/asserts' bash test/asserts.sh $(TESTS)
test-valgrind:
	$(DEPS) build test core
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)' bash test/valgrind/run.sh $(TESTS)

# clang-tidy and cppcheck.
test-static: deps-lint
	@bash test/static.sh

# Everything: see test/full.sh. SUITES selects.
test-full:
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)' bash test/full.sh $(SUITES)

# Processes killed, stopped, cancelled and failing in the middle of what they do; no memory, no space, no workers;
# the clock set; restarts; promotion. ONLY, FAULT_SECONDS and FAULT_RESTARTS: see test/faults.sh.
test-faults:
	$(DEPS) build test core
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)' bash test/faults.sh

# libFuzzer on every parser, FUZZ_SECONDS each.
test-fuzz:
	$(DEPS) build fuzz
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)' bash test/fuzz/run.sh $(TARGETS)

# Random queries with every function called on what was captured, SECONDS in all (default 600).
test-sqlsmith:
	$(DEPS) build test core sqlsmith
	@PG_CONFIG='$(PG_CONFIG)' BUILD_DIR='$(BUILD_DIR)' bash test/sqlsmith/run.sh $(SECONDS)

# All tests on PostgreSQL 15, 17 and 18: bare Debian releases by debootstrap. RELEASES="trixie" selects.
test-matrix:
	$(DEPS) matrix
	@BUILD_DIR='$(BUILD_DIR)' bash test/matrix/run.sh $(RELEASES)
# pg_upgrade between them, after test-matrix.
test-upgrade:
	@bash test/matrix/upgrade.sh $(RELEASES)

# The last commit as Debian packages, one for each PostgreSQL of this Debian, and as archive for PGXN.
deb:
	$(DEPS) deb
	@BUILD_DIR='$(BUILD_DIR)' bash tools/deb.sh
dist:
	@mkdir -p '$(BUILD_DIR)'
	git archive --format zip --prefix=$(DIST)/ -o '$(BUILD_DIR)/$(DIST).zip' HEAD
DIST = $(EXTENSION)-$(shell sed -n '/"version"/{s/[^:]*: "\(.*\)".*/\1/p;q}' META.json)

# Builds the packages, installs and tests them, removes them. As root, in a system to throw away.
test-deb: deb
	@BUILD_DIR='$(BUILD_DIR)' bash test/deb/run.sh

unit:
	@BUILD_DIR='$(BUILD_DIR)' bash test/run.sh unit
lint:
	@PG_CONFIG='$(PG_CONFIG)' bash test/run.sh lint

quickstart:
	$(DEPS) build
	$(SUBMAKE) build-for-tests
	@PG_CONFIG='$(PG_CONFIG)' bash tools/quickstart/run.sh
quickstart-stop:
	@PG_CONFIG='$(PG_CONFIG)' bash tools/quickstart/run.sh stop

# What it costs. BENCH selects parts (instructions memory select load background analysis), QUICK=1 makes it short:
# make bench BENCH="instructions load" QUICK=1
bench: deps-bench
	$(SUBMAKE) build-for-tests
	@PG_CONFIG='$(PG_CONFIG)' QUICK='$(QUICK)' bash test/bench/run.sh $(BENCH)

# False alarms and delays of detectors of changed levels, on synthetic series. SERIES of each kind.
bench-regression:
	@BUILD_DIR='$(BUILD_DIR)' bash test/bench/regression/run.sh $(SERIES)

# What the index advisor chooses and what that takes, against its bars. BENCH selects parts (tpch sizes joins oltp whatif saas).
bench-index: deps-bench
	$(SUBMAKE) build-for-tests
	@PG_CONFIG='$(PG_CONFIG)' bash test/bench/index/run.sh $(BENCH)

# Errors and bands of forecasts, and days to a limit, on synthetic series. SERIES of each kind.
bench-forecast:
	@BUILD_DIR='$(BUILD_DIR)' bash test/bench/forecast/run.sh $(SERIES)

# A shop whose clock is put ahead: a plan breaks, a setting is changed, an index is dropped.
demo-time:
	$(DEPS) build
	$(SUBMAKE) build-for-tests
	@PG_CONFIG='$(PG_CONFIG)' bash tools/demo_time/run.sh

# Bytes of history a day, before and after adding up. INTERVALS of a minute.
bench-history:
	$(DEPS) build
	$(SUBMAKE) build-for-tests
	@PG_CONFIG='$(PG_CONFIG)' bash test/bench/history/history.sh $(INTERVALS)

# Build with two jobs; install with sudo only where this user may not write.
build-for-tests:
	@echo "== build with $$($(PG_CONFIG) --version)"
	$(SUBMAKE) -s -j2 all
	@echo "== install into $$($(PG_CONFIG) --pkglibdir)"
	@if [ -w "$$($(PG_CONFIG) --pkglibdir)" ]; then $(MAKE) -s --no-print-directory install; \
	 elif command -v sudo >/dev/null; then sudo $(MAKE) -s --no-print-directory install PG_CONFIG='$(PG_CONFIG)'; \
	 else echo "this user may not write there and sudo is not installed: run as root or set PG_CONFIG" >&2; exit 1; fi

format: deps-lint
	clang-format -i $$(git ls-files -co --exclude-standard '*.cpp' '*.hpp' '*.h' '*.c')
