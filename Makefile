# SPDX-License-Identifier: Apache-2.0
# Entry point: each target calls the script that does the work.

MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z_ -]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo check check-debug check-differential check-builds check-mutants endurance coverage costs baseline costs-library bench bench-host fuzz kfuzz shell
demo: ## programs share a file, a heap and frames, in a VM; FILE=path shares another file, MEMORY=MB sets the guest's memory
	@scripts/deps python
	@scripts/demo

check: ## all tests: the harness's own, the library's on this machine, the driver's in VMs; KERNELS=, TESTS=, SCALE=
	@scripts/deps python
	@scripts/check

check-debug: ## the driver's tests on kernels built here: KASAN, lockdep, kmemleak, UBSAN; KCSAN; KERNELS=
	@scripts/deps python
	@scripts/check-debug

check-differential: ## random programs on the original driver and on ours; PROGRAMS=100000, SEED=
	@scripts/deps python
	@scripts/check-differential

check-builds: ## builds the driver for every kernel of qemu/kernels and boots each; KERNELS=, HEADERS="dir..." for others
	@scripts/deps python
	@scripts/check-builds

check-mutants: ## plants the bugs of tests/mutants, one at a time: each must be caught; MUTANTS=, SHARE=10
	@scripts/deps python
	@scripts/check-mutants

endurance: ## small guests where many want memory, for 15 minutes; SECONDS_EACH=, KERNELS=, MEMORY=
	@scripts/deps python
	@scripts/endurance

coverage: ## which lines and branches of the driver and the library the tests run, in build/coverage/html; SCALE=
	@scripts/deps python
	@scripts/coverage

costs: ## instructions of the driver's calls, compared with memfd's; KERNELS=, ASK="calls lives"
	@scripts/deps python
	@scripts/costs

baseline: ## writes what twelve operations cost now, for make check to compare with; KERNELS=
	@scripts/deps python
	@scripts/baseline

costs-library: ## nanoseconds of the library's calls, compared with raw ones; KERNELS= for guests too
	@scripts/deps python
	@scripts/costs-library

bench: ## the driver beside its peers, a table a question; KERNELS=, ASK="a c"
	@scripts/deps python
	@scripts/bench

bench-host: ## the same on this machine, without the driver; ASK=
	@scripts/deps python
	@scripts/bench --host

fuzz: ## coverage-guided fuzzing of received messages, under ASan and UBSan; SECONDS_EACH=600
	@scripts/deps python
	@scripts/fuzz

kfuzz: ## coverage-guided programs of calls to the driver, on debug kernels; SECONDS_EACH=300, SEED=, KERNELS=, REPLAY=file
	@scripts/deps python
	@scripts/kfuzz

shell: ## a prompt in a VM with the module loaded, the libraries and the tests; ADD="file..." adds files to /bin
	@scripts/deps python
	@scripts/shell

.PHONY: lint
lint: ## checkpatch, sparse, W=1, clang-tidy, clang-format, shellcheck, pyflakes, codespell, SPDX lines
	@scripts/deps python
	@scripts/lint

# For a VM of your own, not for the machine that you work on.
.PHONY: modules modules_install load unload
modules: ## kmod/ashmem.ko for KDIR, a kernel build tree (default: the running kernel's)
	@$(MAKE) -C kmod modules

modules_install: ## installs it for that kernel, as kbuild does (INSTALL_MOD_PATH is honoured)
	@$(MAKE) -C kmod modules_install

load: modules ## loads it on this machine; MODE=0600 sets the node's mode
	insmod kmod/ashmem.ko $(if $(MODE),mode=$(MODE))

unload: ## unloads it; fails while a region is open or mapped
	rmmod ashmem

.PHONY: lib tests install uninstall
lib: ## the libraries, shared and static, in build/lib; cmake --list-presets lists other builds
	@scripts/deps library
	@cmake --preset default
	@cmake --build build --parallel $$(nproc) --target libraries

tests: ## build/tests/ashmem-tests, static
	@scripts/deps build
	@cmake --preset default
	@cmake --build build --parallel $$(nproc) --target tests

install uninstall: ## the libraries, headers and the command ashmem, under PREFIX (/usr/local), LIBDIR and DESTDIR
	@scripts/deps python
	@scripts/install $@

.PHONY: deb check-packages sign
deb: ## Debian packages of the committed tree, in build/deb: driver (DKMS), libraries, tools
	@scripts/deps python
	@scripts/deb

check-packages: ## builds them, installs and removes them in small roots of Debian 12 and 13, and boots these; SUITES="bookworm trixie"
	@scripts/deps python
	@scripts/check-packages

sign: modules ## signs kmod/ashmem.ko for Secure Boot; KEY=, CERT= (default: DKMS's key), KDIR=
	@scripts/sign kmod/ashmem.ko

.PHONY: clean
clean: ## removes all that was built in this tree, not the cache
	rm -rf build
	@$(MAKE) -C kmod clean
