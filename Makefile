# SPDX-License-Identifier: MIT
#
# The everyday commands. Each sets up what it needs (lab/setup, Debian 12) and is quick the second time.
# All that is generated lies under $(LAB).

LAB ?= $(CURDIR)/.lab
export LAB
ARCH ?= arm64

.PHONY: help setup build build-arm64 build-ppc64 check check-quick check-full demo monitor bench fuzz lint coverage install clean

help:
	@echo "make build       libguestdbg and guestdbg for this machine, and static ones for arm64"
	@echo "make check       all tests: unit, transcripts, fuzzers, scenarios in emulated hosts with KVM"
	@echo "make check-quick the tests that need no emulated host"
	@echo "make check-full  check, on every host kernel and CPU"
	@echo "make demo        GDB debugs Debian's kernel, with a transcript; ARCH=arm64 (default), ppc64 or el2"
	@echo "make monitor     the EL2 monitor's image"
	@echo "make bench       figures beside QEMU's stub, to docs/benchmarks.md; ARCH=ppc64 beside a bare loop"
	@echo "make fuzz        each fuzzer for FUZZ_SECONDS (default 60)"
	@echo "make lint        clang-format, clang-tidy, shellcheck"
	@echo "make coverage    line coverage of the unit tests"
	@echo "make install     into PREFIX (default /usr/local), under DESTDIR"
	@echo "make clean       removes builds and logs; the lab stays (remove $(LAB) to be rid of it)"

build:
	lab/setup build
	tools/build native arm64

build-ppc64:
	lab/setup ppc64
	tools/build ppc64

check:
	lab/setup build
	tests/run

check-quick:
	lab/setup build
	tests/run --quick

check-full:
	lab/setup build
	tests/run --full

demo:
	@case "$(ARCH)" in arm64 | ppc64 | el2) ;; *) echo "make demo: ARCH is arm64, ppc64 or el2"; exit 1 ;; esac
	@lab/setup $(if $(filter el2,$(ARCH)),arm64,$(ARCH))
	@tools/build native $(if $(filter el2,$(ARCH)),arm64,$(ARCH))
	@examples/demo/$(ARCH)

monitor:
	lab/setup build
	tools/build arm64
	@ls -l "$(LAB)"/build/arm64/src/monitor/arm64/guestdbg-el2*

ifeq ($(ARCH),ppc64)
bench:
	lab/setup ppc64
	tools/build ppc64
	bench/power
else
bench:
	lab/setup bench freestanding
	tools/build arm64
	bench/run
	bench/el2
endif

fuzz:
	lab/setup build
	tests/run fuzz

lint:
	lab/setup build lint
	tools/build native arm64
	tools/lint

coverage:
	lab/setup build coverage
	tools/build coverage
	meson test -C "$(LAB)/build/coverage"
	gcovr --root . --filter src/ --object-directory "$(LAB)/build/coverage" --html-details "$(LAB)/coverage.html" --txt
	@echo "in detail: $(LAB)/coverage.html"

PREFIX ?= /usr/local
install:
	lab/setup build
	tools/build native
	meson configure "--prefix=$(PREFIX)" "$(LAB)/build/native"
	meson install -C "$(LAB)/build/native"
	@[ -n "$(DESTDIR)" ] || ldconfig || echo "ldconfig did not run: see to it that the library is found"

clean:
	rm -rf "$(LAB)/build" "$(LAB)/log" "$(LAB)/fuzz" "$(LAB)"/coverage*
