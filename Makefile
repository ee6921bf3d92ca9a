# Two commands do everything: `make train` and `make test`. Both make .venv and install what they need.
PYTHON ?= python3
# For pip when it installs torch, e.g. an index that holds CPU builds alone.
TORCH_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := $(CURDIR)
# Waiting threads sleep instead of spinning: beside any other busy program, spinning slows training down manyfold.
export OMP_WAIT_POLICY ?= passive

# `make train RECIPE=search SEED=1` trains another recipe or seed; each has a folder of its own.
RECIPE ?= default
SEED ?= 0
RUN ?= runs/$(RECIPE)-$(SEED)
CONFIGS := training/configs/$(RECIPE)
STAGES_default := untrained sft grpo
STAGES_search := untrained sft
STAGES_search-10x10 := untrained sft
STAGES_fog := sft grpo
STAGES_gpu-search := sft grpo
STAGES_gpu-retry := sft grpo
STAGES_gpu-redraw := sft grpo
STAGES ?= $(STAGES_$(RECIPE))
TRAINED := $(addprefix $(RUN)/,$(filter-out untrained,$(STAGES)))
RESULTS := $(STAGES:%=$(RUN)/results/%.json)
# How each recipe is measured.
MEASURED ?= $(or $(MEASURED_$(RECIPE)),--suite mazebench-1000 --max-new-tokens 256)
MEASURED_search-10x10 := --suite mazebench-10x10 --max-new-tokens 640
MEASURED_gpu-search := --suite mazebench-1000 --max-new-tokens 1280
MEASURED_gpu-retry := --suite mazebench-1000 --max-new-tokens 1024
MEASURED_gpu-redraw := --suite mazebench-1000 --max-new-tokens 7000
MEASURED_fog := --suite fog --mode play --agent-option turns=true
# More keys for a stage, e.g. `make train RECIPE=gpu-search SFT_FLAGS="--examples 64"`.
SFT_FLAGS ?=
GRPO_FLAGS ?=
BENCHMARK := $(BIN)/python -m benchmarks.mazebench
# Each stage has mazes of its own.
MAZES = $(shell expr $(1) + $(SEED))

.PHONY: train control speed settings styles zero test test-slow lint format clean
.SECONDARY:

train: $(VENV)/.installed $(RESULTS) $(RUN)/curves.png
	@$(BIN)/python -m benchmarks.table $(RESULTS)
	@echo; echo "Checkpoints, results and curves.png are in $(RUN)/"

# The control of the default recipe: SFT continued for as long as GRPO took.
control:
	$(MAKE) train STAGES="untrained sft sft-continued grpo"

# Tokens a second of the stages, beside what the device can do.
speed: $(TRAINED:%=%/.done)
	$(BIN)/python -m training.speed $(TRAINED) --output $(RUN)/speed.json

# One change of GRPO at a time (training/configs/settings), equal steps, measured on the tuning suite.
SETTINGS := base dr-grpo kl curriculum skip top-entropy alphamaze
settings: $(RUN)/settings/start.json $(SETTINGS:%=$(RUN)/settings/%.json)

$(RUN)/settings/start.json: $(RUN)/sft/.done
	$(BENCHMARK) --suite mazebench-dev --max-new-tokens 256 --agent $(RUN)/sft \
		--recipe start --stage sft --train-seed $(SEED) --output $@ --overwrite

$(RUN)/settings/%.json: $(RUN)/sft/.done
	$(BIN)/python -m training.grpo --config $(CONFIGS)/grpo.yaml --config training/configs/settings/base.yaml \
		--config training/configs/settings/$*.yaml --seed $(SEED) --maze_seed $(call MAZES,3000) \
		--model $(RUN)/sft --output_dir $(RUN)/settings/$* --resume true
	$(BENCHMARK) --suite mazebench-dev --max-new-tokens 256 --agent $(RUN)/settings/$* \
		--recipe $* --stage grpo --train-seed $(SEED) --output $@ --overwrite

# The default recipe's SFT on each trace style alone (training/configs/styles).
STYLES := direct path retry retry-dead-end redraw direct-few
styles: $(STYLES:%=runs/styles-$(SEED)/results/%.json)

runs/styles-$(SEED)/%/.done: | $(VENV)/.installed
	$(BIN)/python -m training.sft --config training/configs/default/sft.yaml --config training/configs/styles/$*.yaml \
		--seed $(SEED) --maze_seed $(SEED) --output_dir runs/styles-$(SEED)/$* --resume true
	@touch $@

runs/styles-$(SEED)/results/%.json: runs/styles-$(SEED)/%/.done
	$(BENCHMARK) --suite mazebench-1000 --max-new-tokens 1400 --agent runs/styles-$(SEED)/$* \
		--recipe $* --stage sft --train-seed $(SEED) --output $@ --overwrite

# GRPO from random weights, on 2x2 and 3x3, measured on those and on what it never saw.
zero: runs/zero-$(SEED)/results/sizes.json runs/zero-$(SEED)/results/mazebench-1000.json

runs/zero-$(SEED)/grpo/.done: | $(VENV)/.installed
	$(BIN)/python -m training.grpo --config training/configs/zero/grpo.yaml --seed $(SEED) --maze_seed $(call MAZES,4000) \
		--output_dir runs/zero-$(SEED)/grpo --resume true
	@touch $@

runs/zero-$(SEED)/results/%.json: runs/zero-$(SEED)/grpo/.done
	$(BENCHMARK) --suite $* --max-new-tokens 32 --agent runs/zero-$(SEED)/grpo \
		--recipe zero --stage grpo --train-seed $(SEED) --output $@ --overwrite

$(RUN)/untrained/.done: | $(VENV)/.installed
	$(BIN)/python -m agents.embedded --seed $(SEED) --output_dir $(RUN)/untrained
	@touch $@

# A stage that was killed goes on where it stopped (--resume); `.done` marks one that ended.
$(RUN)/sft/.done: | $(VENV)/.installed
	$(BIN)/python -m training.sft --config $(CONFIGS)/sft.yaml --seed $(SEED) --maze_seed $(SEED) \
		--output_dir $(RUN)/sft --resume true $(SFT_FLAGS)
	@touch $@

$(RUN)/grpo/.done: $(RUN)/sft/.done
	$(BIN)/python -m training.grpo --config $(CONFIGS)/grpo.yaml --seed $(SEED) --maze_seed $(call MAZES,1000) \
		--model $(RUN)/sft --output_dir $(RUN)/grpo --resume true $(GRPO_FLAGS)
	@touch $@

$(RUN)/sft-continued/.done: $(RUN)/sft/.done
	$(BIN)/python -m training.sft --config $(CONFIGS)/sft-continued.yaml --seed $(SEED) \
		--maze_seed $(call MAZES,2000) --model $(RUN)/sft --output_dir $(RUN)/sft-continued --resume true
	@touch $@

$(RUN)/results/%.json: $(RUN)/%/.done
	$(BENCHMARK) $(MEASURED) --agent $(RUN)/$* --recipe $(RECIPE) --stage $* --train-seed $(SEED) --output $@ --overwrite

$(RUN)/curves.png: $(TRAINED:%=%/.done)
	$(BIN)/python -m training.curves $(TRAINED) --output $@

test: $(VENV)/.installed lint
	$(BIN)/python -m pytest

test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# torch comes first and from the constraints, so that no later package pulls another build of it.
$(VENV)/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt $(TORCH_FLAGS) torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[train,test]"
	@touch $@

# Compiled kernels are cached by the time of their own file, not of those that it imports: clean after editing one.
clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name '*.nb[ic]' -delete

# The tests with the lowest versions that setup.cfg allows, and with the newest, each in an environment of its own; both
# run each week (.github/workflows/versions.yml). NEWEST names packages to take beyond their upper bounds, e.g. NEWEST=trl.
.PHONY: test-lowest test-newest
TORCH ?= torch
NEWEST ?=

test-lowest: .venv-lowest/.installed
	.venv-lowest/bin/python -m pytest

test-newest: .venv-newest/.installed
	.venv-newest/bin/python -m pytest

.venv-lowest/.installed: setup.cfg constraints-lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet --constraint constraints-lowest.txt $(TORCH_FLAGS) torch
	.venv-lowest/bin/pip install --quiet --constraint constraints-lowest.txt --editable ".[train,test]"
	@touch $@

# Remove .venv-newest to look for newer versions.
.venv-newest/.installed: setup.cfg
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/pip install --quiet $(TORCH_FLAGS) $(TORCH)
	.venv-newest/bin/pip install --quiet --editable ".[train,test]"
	$(if $(NEWEST),.venv-newest/bin/pip install --quiet --upgrade $(NEWEST))
	@touch $@
