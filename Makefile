# SPDX-License-Identifier: Apache-2.0
# Entry point: every target is one line of work done elsewhere.

MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z_ -]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo check check-debug check-differential costs costs-library fuzz shell
demo: ## the main job, in a VM, as a story; FILE=path hands over another file, MEMORY=MB gives the guest more
	@scripts/demo.sh

check: ## all tests: the harness's own, the library's on this machine, the driver's in VMs
	@scripts/deps.sh python
	@scripts/check

check-debug: ## the driver's tests on a kernel with KASAN, lockdep, kmemleak and UBSAN, built here
	@scripts/deps.sh python
	@scripts/check-debug

check-differential: ## random programs on the original driver and on ours; PROGRAMS=100000, SEED=
	@scripts/deps.sh python
	@scripts/check-differential

costs: ## what the driver takes beside memfd, in instructions; KERNELS=, ASK="calls lives"
	@scripts/deps.sh python
	@scripts/costs

costs-library: ## what the library's calls take beside raw ones, in nanoseconds; KERNELS= for guests too
	@scripts/deps.sh python
	@scripts/costs-library

fuzz: ## what other processes may send, coverage-guided, under ASan and UBSan; SECONDS_EACH=600
	@scripts/deps.sh python
	@scripts/fuzz

shell: ## a prompt in a VM with the module loaded, the library and the tools in place
	@scripts/shell.sh

.PHONY: lint
lint: ## checkpatch, sparse, W=1, clang-tidy, clang-format, shellcheck, pyflakes, codespell, SPDX lines
	@scripts/lint.sh

# For a development VM of your own, not for the machine you work on.
.PHONY: modules modules_install load unload
modules: ## kmod/ashmem.ko for KDIR, a kernel build tree (default: the running kernel's)
	@$(MAKE) -C kmod modules

modules_install: ## install it for that kernel, as kbuild does (INSTALL_MOD_PATH honoured)
	@$(MAKE) -C kmod modules_install

load: modules ## insmod it here; MODE=0600 and the like sets the node's mode
	insmod kmod/ashmem.ko $(if $(MODE),mode=$(MODE))

unload: ## rmmod it; refused while anybody holds a region
	rmmod ashmem

.PHONY: lib tests install uninstall
lib: ## the libraries, shared and static, in build/lib; cmake --list-presets tells of other builds
	@scripts/deps.sh library
	@cmake --preset default
	@cmake --build build --parallel $$(nproc) --target libraries

tests: ## build/tests/ashmem-tests, static
	@scripts/deps.sh build
	@cmake --preset default
	@cmake --build build --parallel $$(nproc) --target tests

install uninstall: ## the libraries and headers, under PREFIX (/usr/local), LIBDIR and DESTDIR
	@scripts/install.sh $@

.PHONY: clean
clean: ## all that was built in this tree; the cache stays
	rm -rf build
	@$(MAKE) -C kmod clean
