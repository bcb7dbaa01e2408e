# Two commands: `make film` makes a film, `make test` proves the rest. Both set up .venv first.
PYTHON ?= python3.11
BIN := .venv/bin

.PHONY: film test check clean

film: .venv/ready
	@mkdir -p films
	$(BIN)/sora storyboard storyboards/first-light.yaml -o films/first-light.mp4
	@echo "the stamped film: films/first-light.mp4 (sora verify films/first-light.mp4 tells its origin)"

# One process a core and one more, since tests wait for programs that they start; each has one thread of its own, and
# whoever is done takes over tests of another. Bytecode is kept, though images of containers often forbid it: else each
# program that a test starts compiles our code once more.
test: .venv/extras/ready
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $$(($$($(BIN)/python -c 'import os; print(os.cpu_count())') + 1)) --maxprocesses 8 --dist worksteal

check: .venv/extras/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The package is installed in place, so that a change of the code needs no new set-up.
.venv/ready: pyproject.toml constraints.txt
	command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; name another with: make PYTHON=python3"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,sound,sound-models,speech,moderation]'
	touch $@

# What tests and checks need beyond a film. Apart from the rest lies what needs torchvision: the tests' own process has it
# (tests/conftest.py), `sora` starts without.
.venv/extras/ready: .venv/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[serve,search,cluster,clients,sheets]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps --upgrade \
		--target $(@D) torchvision torchao peft spandrel einops
	touch $@

clean:
	rm -rf .venv films
