# pg_assist: build and install by PGXS. `make help` lists what a person calls (tools/targets.mk).
#
# Sources are found by wildcard, here and in CMakeLists.txt: a new file is listed nowhere.
# PG_CONFIG=/path/to/pg_config selects another PostgreSQL. This file must also parse where there is none
# yet: `make deps` installs one.

EXTENSION  = pg_assist
MODULE_big = pg_assist
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" pg_assist.control)

SOURCES := $(sort $(wildcard src/*.cpp src/*/*.cpp src/*/*/*.cpp))
PGQ_OBJ := $(if $(wildcard src/sqlparse/pgq_shim.c),src/sqlparse/pgq.o)
OBJS    := $(SOURCES:.cpp=.o) $(PGQ_OBJ)

SQL_PIECES := $(sort $(wildcard sql/*.sql))
SCRIPT     := $(EXTENSION)--$(EXTVERSION).sql
UPDATES    := $(notdir $(wildcard sql/updates/*.sql))
DATA_built  = $(SCRIPT) $(UPDATES)
DATA        = $(wildcard sql/released/*.sql)

# `make installcheck` runs these against a running server that preloads the library.
REGRESS        := $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS    = --inputdir=test
ISOLATION      := $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
# 15 looks for expected output beside the input as well, newer ones only where they are told.
ISOLATION_OPTS  = --inputdir=test/isolation $(if $(filter-out 15,$(MAJORVERSION)),--expecteddir=test/isolation)

EXTRA_CLEAN = $(SCRIPT) $(UPDATES) build src/sqlparse/*.o $(OBJS:.o=.d)

PG_CONFIG ?= pg_config
PGXS      := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

# Server headers are given as system headers: the warnings are about our own code.
WARNINGS    = -Wall -Wextra -Wshadow -Wclobbered -Wno-unused-parameter -Wno-missing-field-initializers -Wno-psabi \
              $(if $(WERROR),-Werror)
DEPFLAGS    = -MMD -MP
PG_CPPFLAGS = -I$(CURDIR)/include -I$(CURDIR)/src $(DEPFLAGS) $(if $(FAULTS),-DASSIST_FAULTS)
PG_CFLAGS   = -std=gnu11 -fPIC -Wno-declaration-after-statement $(if $(WERROR),-Werror)
# Without guesses at the type behind a std::pmr::memory_resource*: GCC 16 guesses wrong, and warns of what it would do.
PG_CXXFLAGS = -std=c++20 -fPIC -fvisibility-inlines-hidden -fno-devirtualize-speculatively $(WARNINGS) -Wno-register -Wno-volatile \
              -isystem $(shell $(PG_CONFIG) --includedir-server)
SHLIB_LINK  = -lstdc++ -Wl,--version-script=$(CURDIR)/exports.map

.DEFAULT_GOAL := all
include tools/targets.mk

ifeq ($(wildcard $(PGXS)),)
all install installcheck clean:
	@echo "$(PG_CONFIG): no PostgreSQL development files. Run 'make deps', or set PG_CONFIG." >&2; exit 1
else
# PGXS leaves PG_CXXFLAGS out of bitcode: clang would parse C++14 and fail.
override with_llvm = no
include $(PGXS)

# The hot path has no exceptions and no standard containers: see src/capture/README.md.
# Canaries guard functions with buffers only (-strong adds them wherever a local's address is taken).
src/capture/%.o: override CXXFLAGS += -fno-exceptions -fno-rtti -fvisibility=hidden -fno-stack-protector -fstack-protector -fno-plt
# Sums over histograms: several buckets at a time.
src/pg/store/take.o: override CXXFLAGS += -O3
-include $(OBJS:.o=.d)
$(OBJS): Makefile

# libpg_query's symbols collide with the server's: they are made local before our own link.
src/sqlparse/pgq.o: src/sqlparse/localize.sh src/sqlparse/pgq_exports.txt src/sqlparse/pgq_stack.o src/sqlparse/pgq_shim.o
	LD='$(LD)' sh src/sqlparse/localize.sh $@ src/sqlparse/pgq_stack.o src/sqlparse/pgq_shim.o

$(SCRIPT): $(SQL_PIECES) pg_assist.control
	cat $(SQL_PIECES) > $@

# An update takes a topic that is new in its version from the install script's own piece: "-- include: 70_history.sql".
$(UPDATES): %.sql: sql/updates/%.sql $(SQL_PIECES)
	awk '/^-- include: / { piece = "sql/" $$3; while ((status = (getline line < piece)) > 0) print line; \
	     if (status < 0) { print piece " is not there" >"/dev/stderr"; exit 1 } next } { print }' $< > $@

# The version script is part of the link.
$(shlib): exports.map
endif
