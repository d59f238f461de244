# pg_assist: build, install and test. `make help` lists what a person calls.
#
# Objects are found by wildcard, here and in CMakeLists.txt: a new source file is listed nowhere.

EXTENSION = pg_assist
MODULE_big = pg_assist
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" pg_assist.control)

SOURCES = $(sort $(wildcard src/*.cpp src/*/*.cpp src/*/*/*.cpp))
OBJS = $(SOURCES:.cpp=.o) $(PGQ_OBJ)
HEADERS = $(wildcard include/assist/*.hpp src/*/*.h src/*/*.hpp src/*/*/*.hpp)
SQL_PIECES = $(sort $(wildcard sql/*.sql))
SCRIPT = $(EXTENSION)--$(EXTVERSION).sql
DATA_built = $(SCRIPT)
DATA = $(wildcard sql/updates/*.sql)
EXTRA_CLEAN = $(SCRIPT) build src/sqlparse/*.o

WARNINGS = -Wall -Wextra -Wshadow -Wclobbered -Wno-unused-parameter -Wno-missing-field-initializers
PG_CPPFLAGS = -I$(CURDIR)/include -I$(CURDIR)/src
PG_CFLAGS = -std=gnu11 -fPIC -Wno-declaration-after-statement
PG_CXXFLAGS = -std=c++20 -fPIC -fvisibility-inlines-hidden $(WARNINGS) -Wno-register -Wno-volatile -isystem $(shell $(PG_CONFIG) --includedir-server)
PGQ_OBJ = $(if $(wildcard src/sqlparse/pgq_shim.c),src/sqlparse/pgq.o)
SHLIB_LINK = -lstdc++ -Wl,--version-script=$(CURDIR)/exports.map

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
HAVE_PGXS := $(wildcard $(PGXS))

.DEFAULT_GOAL := all
include tools/targets.mk

ifneq ($(HAVE_PGXS),)
# PGXS leaves PG_CXXFLAGS out of bitcode: clang would parse C++14 and fail.
override with_llvm = no
include $(PGXS)

# The hot path has no exceptions and no standard containers: see src/capture/README.md.
src/capture/%.o: override CXXFLAGS += -fno-exceptions -fno-rtti
$(OBJS): $(HEADERS)

# libpg_query's symbols collide with the server's: they are made local before our own link.
PGQ_A = $(firstword $(wildcard /usr/lib/$(shell $(CC) -dumpmachine)/libpg_query.a /usr/lib/libpg_query.a /usr/local/lib/libpg_query.a))
src/sqlparse/pgq.o: src/sqlparse/pgq_stack.o src/sqlparse/pgq_shim.o src/sqlparse/pgq_exports.txt
	$(LD) -r -z muldefs -o $@.tmp $(filter %.o,$^) $(PGQ_A)
	objcopy --keep-global-symbols=src/sqlparse/pgq_exports.txt $@.tmp $@
	rm -f $@.tmp
endif

$(SCRIPT): $(SQL_PIECES) pg_assist.control
	cat $(SQL_PIECES) > $@
