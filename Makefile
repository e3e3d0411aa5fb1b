# Everything a clone needs: `make setup build test`. Run `make` alone for the list.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BUILD := .build
RETORT ?= $(BUILD)/release/retort
PYTHON ?= python3
VENV := $(BUILD)/venv
VENV_READY := $(VENV)/.installed
SCHEMA_SUITE := $(BUILD)/schema-suite
# A suite in Python that takes longer hangs.
PYTEST_SECONDS_MAX := 900
PEERS := $(notdir $(patsubst %/,%,$(dir $(wildcard Benchmarks/peers/*/requirements.txt))))
REQUIREMENTS := Tests/Interoperability/requirements.txt
# An older release of Hugging Face's datasets, which the tests of readers load beside the current one.
DATASETS_3 := $(BUILD)/datasets-3
# All Swift tests are Swift Testing's: XCTest's runner would find none, and its own leaks fail the address sanitizer.
SWIFT_TEST := swift test --disable-xctest
SOAK_TEST := $(SWIFT_TEST) -c release -Xswiftc -enable-testing --scratch-path $(BUILD)/soak
FUZZERS := $(sort $(basename $(notdir $(wildcard Tests/*/*FuzzTests.swift))))
# Where `make install` puts things. DESTDIR is a folder that stands for the root.
PREFIX ?= /usr/local
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
INSTALLED = $(PREFIX)/bin/retort $(PREFIX)/share/man/man1/retort.1 $(ZSH_COMPLETIONS)/_retort \
    $(PREFIX)/share/bash-completion/completions/retort $(PREFIX)/share/fish/vendor_completions.d/retort.fish
SWIFT_SOURCES := $(wildcard Sources Tests Benchmarks Package.swift)

.NOTPARALLEL:
.PHONY: help setup build install uninstall deb test-deb demo test lint test-swift test-interoperability test-end-to-end test-outside test-slurm test-clients python-env sanitize soak bench bench-peers bench-scale bench-report test-harness clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## check the Swift toolchain and the Debian packages, install what is missing
	@.ci/setup-packages

build: setup ## build the release binary, .build/release/retort
	swift build -c release --static-swift-stdlib

# Root has the binary from its builder: `make build`, then `sudo make install`.
install: ## install what `make build` made: binary, manual page, completions, under PREFIX=/usr/local
	@[ -x $(RETORT) ] || { echo "$(RETORT) is not there: type 'make build' first" >&2; exit 1; }
	install -D $(RETORT) $(DESTDIR)$(PREFIX)/bin/retort
	@for file in $(filter-out %/bin/retort,$(INSTALLED)); do \
	    case $$file in *.1) kind=man ;; */_retort) kind=zsh ;; *.fish) kind=fish ;; *) kind=bash ;; esac; \
	    $(RETORT) completion $$kind | install -D -m 644 /dev/stdin $(DESTDIR)$$file; \
	    echo "retort completion $$kind > $(DESTDIR)$$file"; \
	done

uninstall: ## remove what `make install` with the same PREFIX put there
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))

deb: ## a Debian package of what `make build` made, in .build/deb
	@.ci/make-deb $(RETORT) $(BUILD)/deb

# Not part of `make test`: it takes root, mmdebstrap, and Debian's archive. Says what is missing.
test-deb: deb ## lintian's opinion of the package, then the demo with it in a bare Debian root
	@.ci/test-deb $(BUILD)/deb

demo: build ## run data/prompts.jsonl through the built-in model server, twice: the second run asks for nothing
	@out=$(BUILD)/demo/$$(date -u +%Y%m%dT%H%M%SZ)-$$$$; \
	for pass in first second; do \
	    echo "\$$ retort run data/prompts.jsonl --out $$out --simulate --concurrency 32    # $$pass"; \
	    $(RETORT) run data/prompts.jsonl --out $$out --simulate --concurrency 32; \
	done; \
	echo "The dataset: $$out/responses/*.jsonl.gz, $$(zcat $$out/responses/*.jsonl.gz | wc -l) records"

# The readers and clients wait most of the time, so the Swift tests are compiled beside them. What counts seconds runs alone.
test: setup lint python-env build ## every check: style, unit tests, then the tests with Python's readers, clients and servers
	@$(MAKE) test-harness test-interoperability >$(BUILD)/test-interoperability.log 2>&1 & beside=$$!; \
	trap 'kill $$beside 2>/dev/null || true' EXIT; \
	swift build --build-tests; \
	status=0; wait $$beside || status=$$?; trap - EXIT; \
	cat $(BUILD)/test-interoperability.log; exit $$status
	@$(MAKE) test-swift
	@$(MAKE) test-end-to-end

lint: ## swift format and the tidy rules
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)
	$(PYTHON) Tests/tidy.py

test-swift: python-env ## the Swift tests alone
	@if [ -e $(VENV_READY) ]; then .ci/setup-schema-suite $(VENV)/bin/python $(SCHEMA_SUITE); fi
	@if [ -d $(SCHEMA_SUITE)/tests ]; then export RETORT_SCHEMA_SUITE=$(CURDIR)/$(SCHEMA_SUITE); fi; \
	$(SWIFT_TEST) --parallel

# Compiles the libraries once more, as a package elsewhere does.
test-outside: ## another package that uses the libraries, against the built-in model server
	swift build --package-path Tests/Outside --scratch-path $(BUILD)/outside
	@folder=$$(mktemp -d); $(RETORT) simulate --port 0 --quiet >$$folder/url & server=$$!; \
	trap 'kill $$server; rm -rf $$folder' EXIT; until [ -s $$folder/url ]; do sleep 0.1; done; \
	OPENAI_API_KEY=k $(BUILD)/outside/debug/outside $$(cat $$folder/url) data/prompts.jsonl $$folder/store | tee $$folder/said; \
	grep -qx 'enough records' $$folder/said

# The release binary is not a prerequisite: `make test` has just built it, and RETORT may name another.
test-interoperability: python-env ## the Python tests alone, against .build/release/retort
	@if [ -e $(VENV_READY) ]; then \
	    RETORT=$(RETORT) timeout $(PYTEST_SECONDS_MAX) $(VENV)/bin/python -m pytest Tests/Interoperability; \
	else \
	    echo "SKIPPED: the interoperability tests (the Python environment could not be made, see above)"; \
	fi

test-end-to-end: python-env ## the binary against bad input, faults of server, network, disk and machine; its report in a browser
	@if [ -e $(VENV_READY) ]; then \
	    RETORT=$(RETORT) .ci/test-end-to-end $(VENV)/bin/python $(PYTEST_SECONDS_MAX); \
	else \
	    echo "SKIPPED: the end-to-end tests (the Python environment could not be made, see above)"; \
	fi

# Not part of `make test`: the two packages bring some two gigabytes of others.
test-clients: python-env ## curator and lm-eval as clients of `retort serve`, live and in batches
	@.ci/setup-python "$(PYTHON)" $(BUILD)/clients/curator Benchmarks/peers/curator/requirements.txt $(BUILD)/clients/curator/.installed
	@.ci/setup-python "$(PYTHON)" $(BUILD)/clients/lm-eval Tests/Clients/requirements-lm-eval.txt $(BUILD)/clients/lm-eval/.installed
	RETORT=$(RETORT) timeout 1200 $(VENV)/bin/python -m pytest -rs Tests/Clients

# Not part of `make test`: it takes minutes, root, and slurm-wlm and munge of Debian. Says what is missing.
test-slurm: python-env ## 50,000 prompts on a Slurm cluster of four nodes on this machine, while nodes, controller and limiter die
	RETORT=$(RETORT) timeout 1800 $(VENV)/bin/python -m pytest -rs Tests/EndToEnd/slurm

# The fuzzers run one after the other, each in a process of its own: its seed is printed there, and its memory is its own.
soak: build python-env test-outside ## the same for long: RETORT_SOAK_MINUTES and RETORT_FUZZ_MINUTES=20 by default; millions of simulated deaths and lives
	RETORT_CAMPAIGN_SEEDS=$${RETORT_CAMPAIGN_SEEDS:-300} $(SOAK_TEST) --filter "CrashCampaignTests|RevisionCrashTests"
	RETORT_WHOLE_SEEDS=$${RETORT_WHOLE_SEEDS:-1000000} $(SOAK_TEST) --skip-build --filter WholeTests
	@for fuzzer in $(FUZZERS); do \
	    echo "$$fuzzer: $${RETORT_FUZZ_MINUTES:-20} minutes"; \
	    RETORT_FUZZ_MINUTES=$${RETORT_FUZZ_MINUTES:-20} $(SOAK_TEST) --skip-build --filter "$$fuzzer"; \
	done
	@if [ -e $(VENV_READY) ]; then \
	    RETORT=$(RETORT) RETORT_VARIED_ROWS=100000 $(VENV)/bin/python -m pytest Tests/Interoperability/test_varied_store.py; \
	    RETORT=$(RETORT) RETORT_SCHEMA_ANSWERS=13000 $(VENV)/bin/python -m pytest -s Tests/Interoperability/test_schema_oracle.py; \
	fi
	RETORT=$(RETORT) $(PYTHON) Benchmarks/Soak/soak.py

test-harness: ## the tests of the benchmarks' own figures, a few seconds
	$(PYTHON) -m unittest discover --start-directory Benchmarks/harness

python-env: # leaves the stamp $(VENV_READY) only when everything is installed
	@.ci/setup-python "$(PYTHON)" $(VENV) $(REQUIREMENTS) $(VENV_READY)
	@if [ -e $(VENV_READY) ]; then \
	    .ci/setup-datasets $(VENV)/bin/python $(DATASETS_3) Tests/Interoperability/requirements-datasets-3.txt; \
	fi

# The campaigns replay one seed here: under a sanitizer every call of theirs costs ten times as much.
sanitize: setup ## the Swift tests under the thread sanitizer, then the address sanitizer
	RETORT_CAMPAIGN_SEEDS=1 $(SWIFT_TEST) --sanitize=thread --scratch-path $(BUILD)/tsan
	LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/leaks.supp RETORT_CAMPAIGN_SEEDS=1 \
	    $(SWIFT_TEST) --sanitize=address --scratch-path $(BUILD)/asan

# The benchmarks take the machine for themselves: nothing else should run on it. See Benchmarks/README.md.
define benchmark
@.ci/setup-packages benchmarks
@for peer in $(2); do \
    .ci/setup-python "$(PYTHON)" $(BUILD)/peers/$$peer Benchmarks/peers/$$peer/requirements.txt $(BUILD)/peers/$$peer/.installed; \
done
RETORT=$(RETORT) $(PYTHON) Benchmarks/harness $(1) $(SECTIONS)
$(PYTHON) Benchmarks/plots.py
endef

bench: build ## measure the pipeline, window, store and durability against the client floor and plain tools (14 minutes)
	$(call benchmark,bench,lmdb)

bench-peers: build ## measure retort beside the openai SDK, litellm, curator, distilabel, datatrove, data-designer, a script (50 minutes)
	$(call benchmark,peers,$(filter-out lmdb,$(PEERS)))

bench-scale: build ## measure what grows with the number of prompts, up to a million (25 minutes)
	$(call benchmark,scale,)

bench-report: ## put the last results and their drawings into Benchmarks/README.md
	$(PYTHON) Benchmarks/plots.py
	$(PYTHON) Benchmarks/harness/readme.py

clean: ## remove .build: binaries, demo runs, the Python environment
	rm -rf $(BUILD)
