# SPDX-License-Identifier: Apache-2.0
# How everything is built, tested and installed. `make help` lists the targets;
# CONTRIBUTING.md explains the conventions that make files appear here by
# their name alone.

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
MANDIR     ?= $(PREFIX)/share/man
DATADIR    ?= $(PREFIX)/share
DESTDIR    ?=
PKG_CONFIG ?= pkg-config
INSTALL    ?= install
PYTEST     ?= pytest-3
V          ?= 0
WERROR     ?= 0
VARIANT    ?= default
FUZZ_SECONDS ?= 60

ifeq ($(VARIANT),asan)
CFLAGS     ?= -O1 -g
else ifeq ($(VARIANT),coverage)
CFLAGS     ?= -O0 -g
else ifneq ($(filter fuzz analyze,$(VARIANT)),)
CFLAGS     ?= -O1 -g
else
CFLAGS     ?= -O2 -g
endif

MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

NAME := oc-octavia-adopt
B    := build/$(VARIANT)
EXE  := $(B)/$(NAME)

ifeq ($(V),0)
Q   := @
say  = @printf '  %-5s %s\n' '$1' '$2'
else
Q   :=
say  = @:
endif

# ---- what there is ---------------------------------------------------------

# Lowest first: the order in which an include may point (never upwards).
LAYERS := base http kube openstack ssh journal octavia change steps

# What a unit test of a layer is linked with.
CLIENTS       := kube openstack ssh journal
uses_base      := base
uses_http      := http base
uses_kube      := kube http base
uses_openstack := openstack http base
uses_ssh       := ssh base
uses_journal   := journal base
uses_octavia   := octavia base
uses_change    := change octavia $(CLIENTS) http base
uses_steps     := steps $(uses_change)
uses_plugin    := plugin $(uses_steps)

PKG_SRC    := $(sort $(wildcard pkg/*/*.c))
PLUGIN_SRC := $(sort $(wildcard plugin/*.c))
HEADERS    := $(sort $(wildcard pkg/*/*.h plugin/*.h))
FAKE_SRC   := $(sort $(wildcard tests/fake/*.c))
UNIT_ALL   := $(sort $(wildcard tests/unit/*.c))
UNIT_SRC   := $(filter $(foreach l,$(LAYERS) plugin,tests/unit/$l_%.c),$(UNIT_ALL))
# Files in tests/unit that no layer begins, and those in its folders, are help
# for the tests that include their header.
HELP_SRC   := $(filter-out $(UNIT_SRC),$(UNIT_ALL)) $(sort $(wildcard tests/unit/*/*.c))
# Benchmarks in C are linked as the unit tests are.
BENCH_SRC  := $(filter $(foreach l,$(LAYERS) plugin,tests/bench/$l_%.c),$(sort $(wildcard tests/bench/*.c)))
FUZZ_SRC   := $(filter $(foreach l,$(LAYERS) plugin,tests/fuzz/$l_%.c),$(sort $(wildcard tests/fuzz/*.c)))
FMT_SRC    := $(sort $(wildcard pkg/*/*.[ch] plugin/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch]))

objects = $(patsubst %.c,$(B)/%.o,$1)
PKG_OBJ    := $(call objects,$(PKG_SRC))
PLUGIN_OBJ := $(call objects,$(PLUGIN_SRC))
UNIT_EXE   := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
FUZZ_EXE   := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
BENCH_EXE  := $(patsubst %.c,$(B)/%,$(BENCH_SRC))
ALL_OBJ    := $(PKG_OBJ) $(PLUGIN_OBJ) \
	$(call objects,$(UNIT_SRC) $(HELP_SRC) $(FAKE_SRC) $(FUZZ_SRC) $(BENCH_SRC) tests/tools/fuzz_replay.c)

# ---- flags -----------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wimplicit-fallthrough \
	-Wswitch-enum -Wundef -Wnull-dereference

# Each is tried once for this compiler and left out where it doesn't work.
PROBE_CC := -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection -fno-common -fvisibility=hidden -fPIE \
	-ffile-prefix-map=$(CURDIR)=.
PROBE_LD := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed

# Goals that build nothing must work without compiler and libraries.
NO_BUILD := help clean faults fmt uninstall check demo asan coverage analyze check-reproducible fuzz fuzz-replay dist
BUILDING := $(filter-out $(NO_BUILD),$(or $(MAKECMDGOALS),all))

BASE_FLAGS := -std=gnu11 -D_GNU_SOURCE -Ipkg
ifneq ($(wildcard pkg/base/banned.h),)
BASE_FLAGS += -include pkg/base/banned.h
endif
ifeq ($(WERROR),1)
BASE_FLAGS += -Werror
endif

VARIANT_FLAGS :=
VARIANT_LINK  :=
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
ifeq ($(VARIANT),asan)
VARIANT_FLAGS := $(SANITIZE)
VARIANT_LINK  := $(SANITIZE)
else ifeq ($(VARIANT),coverage)
VARIANT_FLAGS := --coverage -fprofile-update=atomic
VARIANT_LINK  := --coverage
else ifeq ($(VARIANT),fuzz)
VARIANT_FLAGS := $(SANITIZE) -fsanitize=fuzzer-no-link
VARIANT_LINK  := $(SANITIZE)
else ifeq ($(VARIANT),analyze)
# Left out are the checks that gcc 12 gets wrong here: it doesn't know that the
# last of some words is there only if the first is, nor lists that hold
# themselves together.
VARIANT_FLAGS := -fanalyzer -Wno-analyzer-null-argument \
	-Wno-analyzer-null-dereference -Wno-analyzer-use-after-free
else
ifneq ($(and $(BUILDING),$(filter static,$(VARIANT))),)
# What is released: musl and static libraries of known versions.
STATIC := $(shell CC='$(CC)' tests/tools/static-libraries)
$(if $(STATIC),,$(error there are no static libraries))
override CC := $(STATIC)/bin/static-cc
override PKG_CONFIG := env PKG_CONFIG_LIBDIR=$(STATIC)/lib/pkgconfig pkg-config --static
VARIANT_FLAGS := -ffunction-sections -fdata-sections -ffile-prefix-map=$(STATIC)=static
VARIANT_LINK  := -Wl,--gc-sections
endif
# Fortification needs an optimizing build, and gets in the sanitizers' way.
PROBE_CC += -U_FORTIFY_SOURCE
PROBE_FORTIFY := -D_FORTIFY_SOURCE=3 -D_FORTIFY_SOURCE=2
endif

# VERSION alone in a release or without git; else with the commit.
VERSION := $(strip $(shell cat VERSION))
GIT_REV := $(shell git describe --always --dirty --match='v[0-9]*' 2>/dev/null)
ifeq ($(filter-out v$(VERSION),$(GIT_REV)),)
OA_VERSION := $(VERSION)
else
OA_VERSION := $(VERSION)-dev+$(GIT_REV)
endif

ifneq ($(BUILDING),)
# A file whose content changes only when the text does: whatever depends on it
# is built again when the flags differ from the last time.
$(shell mkdir -p $(B))
stamp = $(file >$1.new,$2)$(shell cmp -s $1.new $1 && rm -f $1.new || mv $1.new $1)
$(call stamp,$(B)/flags,$(CC) $(BASE_FLAGS) $(WARNINGS) $(PROBE_CC) \
	$(PROBE_LD) $(VARIANT_FLAGS) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS))
$(call stamp,$(B)/version,$(OA_VERSION))
# What is installed later (cmocka), or is another after an upgrade, is found.
$(call stamp,$(B)/library-versions,$(STATIC) $(shell for m in libcurl libgit2 yaml-0.1 \
	openssl zlib expat libssh2 cmocka; do \
	$(PKG_CONFIG) --modversion $$m 2>/dev/null || echo none; done))

include $(B)/libraries.mk
include $(B)/probed.mk
endif

$(B)/libraries.mk: tests/tools/find-libraries $(B)/library-versions $(wildcard pkg/ssh/libssh2-build)
	$(Q)PKG_CONFIG='$(PKG_CONFIG)' CC='$(CC)' tests/tools/find-libraries >$@.new
	$(Q)mv $@.new $@

$(B)/probed.mk: tests/tools/probe-flags $(B)/flags
	$(Q)tests/tools/probe-flags '$(CC) $(CFLAGS)' '$(PROBE_CC)' \
		'$(PROBE_FORTIFY)' '$(PROBE_LD)' >$@.new
	$(Q)mv $@.new $@

COMPILE = $(CC) $(BASE_FLAGS) $(WARNINGS) $(PROBED_CC) $(VARIANT_FLAGS) \
	$(LIBRARY_CFLAGS) $(EXTRA) -MMD -MP $(CPPFLAGS) $(CFLAGS)
LINK = $(CC) $(PROBED_LD) $(VARIANT_LINK) $(CFLAGS) $(LDFLAGS)

# ---- objects, libraries, program -------------------------------------------

$(B)/plugin/%.o: EXTRA = -DOA_VERSION='"$(OA_VERSION)"'
$(PLUGIN_OBJ): $(B)/version
$(B)/tests/%.o: EXTRA = -Itests -Itests/fake -Itests/unit -Iplugin -I. \
	$(CMOCKA_CFLAGS) -DOA_VERSION='"0.0.0-test"'

$(B)/%.o: %.c $(B)/flags $(B)/libraries.mk
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(COMPILE) -c $< -o $@

# One static library a layer, so that a test can leave a layer out and put a
# fake in its place, and a broken layer doesn't keep those below from building.
define layer_library
$(B)/lib/$1.a: $2 | $(B)/flags
	$$(call say,AR,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)rm -f $$@
	$$(Q)$$(AR) crs $$@ $2
endef
$(foreach l,$(LAYERS),$(eval $(call layer_library,$l,$(filter $(B)/pkg/$l/%,$(PKG_OBJ)))))
$(eval $(call layer_library,plugin,$(filter-out $(B)/plugin/main.o,$(PLUGIN_OBJ))))

libraries = $(foreach l,$1,$(B)/lib/$l.a)
group = -Wl,--start-group $(filter %.a,$1) -Wl,--end-group

$(EXE): $(B)/plugin/main.o $(call libraries,$(uses_plugin))
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(call group,$^) $(LIBRARY_LIBS)

# build/oc-octavia-adopt is the default variant, whatever it is built with.
build/$(NAME): build/default/$(NAME)
	$(Q)ln -sf default/$(NAME) $@

.PHONY: all
ifeq ($(VARIANT),default)
all: build/$(NAME)
else
all: $(EXE)
endif

# ---- unit tests ------------------------------------------------------------

# A test includes the header of the fake that it wants (tests/fake/fake_kube.h,
# or the .c itself); the fake then stands instead of pkg/kube.
ifneq ($(BUILDING),)
TEST_INCLUDES := $(shell grep -HoE '^.include "[a-z0-9_./]*"' $(UNIT_SRC) $(BENCH_SRC) /dev/null | \
	sed -n 's,^\(.*\):.include "\(.*/\)*\([a-z0-9_]*\.[ch]\)"$$,\1:\3,p')
endif
includes_of = $(patsubst $1:%,%,$(filter $1:%,$(TEST_INCLUDES)))
fake_name = $(patsubst fake_%,%,$(basename $(notdir $1)))
# Those whose header is included are linked; those whose .c is, are there.
fakes_linked = $(foreach f,$(FAKE_SRC) $(HELP_SRC),$(if \
	$(filter $(basename $(notdir $f)).h,$(call includes_of,$1)),$f))
fakes_used = $(foreach f,$(FAKE_SRC),$(if $(filter \
	$(basename $(notdir $f)).h $(notdir $f),$(call includes_of,$1)),$f))
test_layer = $(firstword $(subst _, ,$(basename $(notdir $1))))
# With a fake, what only the real layer needs isn't needed either.
only_steps := change octavia openstack ssh journal
test_libraries = $(call libraries,$(filter-out \
	$(foreach f,$(call fakes_used,$1),$(call fake_name,$f) $(only_$(call fake_name,$f))),\
	$(uses_$(test_layer))))

define unit_test
$(patsubst %.c,$(B)/%,$1): $(call objects,$1 $(call fakes_linked,$1)) \
		$(call test_libraries,$1)
endef
$(foreach t,$(UNIT_SRC) $(BENCH_SRC),$(eval $(call unit_test,$t)))

$(UNIT_EXE) $(BENCH_EXE):
	$(call say,LD,$@)
	$(if $(CMOCKA_LIBS),,$(error cmocka is missing; install it: apt-get install libcmocka-dev))
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $(call group,$^) $(CMOCKA_LIBS) $(LIBRARY_LIBS)

.PHONY: check-unit unit-programs
unit-programs: $(UNIT_EXE)
check-unit: $(UNIT_EXE)
	$(Q)tests/tools/run-unit $(B) $(UNIT_EXE)

# Each third effect of the torture tests: check-unit spoils them all.
.PHONY: asan
asan:
	$(Q)TORTURE_EVERY=3 $(MAKE) VARIANT=asan check-unit

# gcc's static analyzer, over what is built into the program.
.PHONY: analyze
analyze:
	$(Q)$(MAKE) VARIANT=analyze CC=gcc WERROR=1 all

# A handful of the tests that deal most with memory, and with no time limits: all
# takes much longer there.
VALGRIND_TESTS ?= base_value base_json base_yaml base_buf octavia_conf \
	octavia_pacemaker journal_read
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite --child-silent-after-fork=yes \
	--suppressions=$(CURDIR)/tests/tools/valgrind.supp
.PHONY: valgrind
valgrind: $(VALGRIND_TESTS:%=$(B)/tests/unit/%)
	$(Q)UNIT_WRAPPER='$(VALGRIND)' UNIT_SECONDS=900 tests/tools/run-unit $(B)/valgrind $^

# The program, built twice in places of other names.
.PHONY: check-reproducible
check-reproducible:
	$(Q)tests/tools/check-reproducible '$(MAKE)'

.PHONY: coverage
coverage:
	$(Q)$(MAKE) VARIANT=coverage check-unit
	$(Q)tests/tools/coverage build/coverage

# ---- fuzzing ---------------------------------------------------------------

# tests/fuzz/<layer>_<what>.c defines LLVMFuzzerTestOneInput; its inputs lie in
# tests/fuzz/corpus/<layer>_<what>/. `fuzz` searches with libFuzzer (clang),
# `fuzz-replay` runs every input once with any compiler, under the sanitizers.
ifeq ($(VARIANT),fuzz)
FUZZ_LINK := -fsanitize=fuzzer
else
FUZZ_MAIN := $(B)/tests/tools/fuzz_replay.o
endif
define fuzz_target
$(patsubst %.c,$(B)/%,$1): $(call objects,$1) $(FUZZ_MAIN) \
		$(call libraries,$(uses_$(call test_layer,$1)))
endef
$(foreach t,$(FUZZ_SRC),$(eval $(call fuzz_target,$t)))
$(FUZZ_EXE):
	$(call say,LD,$@)
	$(Q)$(LINK) $(FUZZ_LINK) -o $@ $(filter %.o,$^) $(call group,$^) $(LIBRARY_LIBS)

.PHONY: fuzz fuzz-run fuzz-replay fuzz-replay-run
fuzz:
	$(Q)$(MAKE) VARIANT=fuzz CC=clang fuzz-run
fuzz-run: $(FUZZ_EXE)
	$(Q)tests/tools/run-fuzz search $(FUZZ_SECONDS) $(FUZZ_EXE)
fuzz-replay:
	$(Q)$(MAKE) VARIANT=asan fuzz-replay-run
fuzz-replay-run: $(FUZZ_EXE)
	$(Q)tests/tools/run-fuzz replay 0 $(FUZZ_EXE)

# ---- everything that is tested ---------------------------------------------

.PHONY: check
check:
	$(Q)tests/tools/check '$(MAKE)' '$(PYTEST)'

# Every effect of start and rollback in the lab, each fails and each is where
# the program is killed: hours. TORTURE_EVERY=7 tries each seventh.
TORTURE_EVERY ?= 1
.PHONY: torture
torture: all
	$(Q)TORTURE_EVERY=$(TORTURE_EVERY) $(PYTEST) tests/e2e/test_torture.py -v --junitxml=build/torture.xml

# What was tried, how often, with how many losses; after `make check`.
.PHONY: faults
faults:
	$(Q)tests/tools/faults-table $(B) $(wildcard build/*.xml) >build/faults.md

.PHONY: bench demo
bench: all $(BENCH_EXE)
	$(Q)tests/tools/bench '$(B)'
demo:
	$(Q)tests/tools/demo

# ---- rules of the source ---------------------------------------------------

.PHONY: lint fmt
lint: $(call libraries,$(LAYERS) plugin)
	$(Q)LIBRARIES='$^' CC='$(CC)' LIBRARY_CFLAGS='$(LIBRARY_CFLAGS) $(CMOCKA_CFLAGS)' tests/tools/lint
fmt:
	$(Q)clang-format -i $(FMT_SRC)

# What the command table generates is kept in the repository, so that it can be
# read, packaged and cross-compiled: check-generated fails when it is stale.
.PHONY: generate check-generated
generate: all
	$(Q)tests/tools/generated write build/$(NAME)
check-generated: all
	$(Q)tests/tools/generated check build/$(NAME)

# ---- installation ----------------------------------------------------------

# kubectl and oc turn the dash inside a plugin's name into an underscore: they
# look for oc-octavia_adopt, never for oc-octavia-adopt.
LINKS := oc-octavia_adopt kubectl-octavia_adopt
COMPLETERS := oc_complete-octavia_adopt kubectl_complete-octavia_adopt
BASHDIR := $(DATADIR)/bash-completion/completions
ZSHDIR  := $(DATADIR)/zsh/site-functions
FISHDIR := $(DATADIR)/fish/vendor_completions.d
D := $(DESTDIR)

.PHONY: install uninstall
install: all
	$(INSTALL) -d '$D$(BINDIR)' '$D$(MANDIR)/man1' '$D$(BASHDIR)' '$D$(ZSHDIR)' '$D$(FISHDIR)'
	$(INSTALL) -m 755 $(EXE) '$D$(BINDIR)/$(NAME)'
	for l in $(LINKS); do ln -sf $(NAME) '$D$(BINDIR)'/$$l || exit 1; done
	for c in $(COMPLETERS); do \
		$(INSTALL) -m 755 completions/complete '$D$(BINDIR)'/$$c || exit 1; done
	$(INSTALL) -m 644 docs/$(NAME).1 '$D$(MANDIR)/man1/$(NAME).1'
	$(INSTALL) -m 644 completions/$(NAME).bash '$D$(BASHDIR)/$(NAME)'
	for l in $(LINKS); do ln -sf $(NAME) '$D$(BASHDIR)'/$$l || exit 1; done
	$(INSTALL) -m 644 completions/$(NAME).zsh '$D$(ZSHDIR)/_$(NAME)'
	$(INSTALL) -m 644 completions/$(NAME).fish '$D$(FISHDIR)/$(NAME).fish'

uninstall:
	rm -f '$D$(BINDIR)/$(NAME)' $(foreach l,$(LINKS) $(COMPLETERS),'$D$(BINDIR)/$l')
	rm -f '$D$(MANDIR)/man1/$(NAME).1' \
		$(foreach l,$(NAME) $(LINKS),'$D$(BASHDIR)/$l') \
		'$D$(ZSHDIR)/_$(NAME)' '$D$(FISHDIR)/$(NAME).fish'

# Where the archives of a release will lie, and the project's page: both go into
# the krew manifest, so that who publishes gives them.
DIST_URL ?= https://example.com/octavia-adopt/releases/v$(OA_VERSION)
HOMEPAGE ?= https://example.com/octavia-adopt

.PHONY: dist dist-archive
dist:
	$(Q)$(MAKE) VARIANT=static dist-archive
dist-archive: all
	$(Q)tests/tools/dist '$(EXE)' '$(OA_VERSION)' '$(DIST_URL)' '$(HOMEPAGE)' '$(STATIC)/share/licenses'

.PHONY: clean
clean:
	rm -rf build krew/octavia-adopt.yaml

.PHONY: help
help:
	@tests/tools/help

-include $(ALL_OBJ:.o=.d)
