# Everything that a developer or a learner types. Each target sets up what it needs by itself, in
# .venv: with uv when it is there, else with venv and pip.
#
#   make demo PYTHON=/path/to/python3.12     another interpreter (Python 3.11 or newer)
#   make demo ARGS="--speed 3600"            more words for the command behind the target

export PYTHON
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := .venv/$(BIN)
OLD := .venv-oldest/$(BIN)
PYTEST := -n 2 --dist loadscope
# Warnings are errors in the kernels too, but for one of ipykernel's own that keeps it from ending.
STRICT := PYTHONWARNINGS=error,ignore::PendingDeprecationWarning
COMPILE := uv pip compile pyproject.toml --quiet --group build --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help demo test test-code test-notebooks test-mutations notebooks-hard test-oldest test-systems test-browser soak lab bench lint notebooks lock clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1@/p' Makefile | \
		while IFS=@ read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done

demo: .venv/ready  ## Run the main job: a year of purchases from events to a report
	$(RUN)/rtlab demo $(ARGS)

test: test-code test-notebooks  ## Pass every test: code, examples in the text, lessons

test-code: .venv/ready  ## Test the code, and every example in docstrings and documents
	$(RUN)/python -m pytest $(PYTEST) --doctest-modules --doctest-glob='*.md' \
		tests rtlab README.md docs $(ARGS)

test-notebooks: .venv/ready  ## Run every lesson and compare its outputs with the stored ones
	$(STRICT) $(RUN)/python -m pytest $(PYTEST) -p nbval.plugin --nbval --nbval-current-env \
		--nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout 120 notebooks

notebooks-hard: .venv/ready  ## Run every lesson twice, under load, and in Chinese at Shanghai's time
	$(STRICT) $(RUN)/python tests/notebooks_hard.py $(ARGS)

test-mutations: .venv/ready  ## Change one thing at a time in the lessons: a test must notice each
	$(RUN)/python tests/mutations.py $(ARGS)

test-oldest: .venv-oldest/ready  ## Test on the oldest libraries that pyproject.toml allows
	$(OLD)/python -m pytest $(PYTEST) tests --ignore tests/test_project.py $(ARGS)
	$(OLD)/python -m pytest $(PYTEST) -p nbval.plugin --nbval-lax --nbval-current-env notebooks

test-systems: .venv/ready  ## Build the wheel, install it alone elsewhere, and use it there
	$(RUN)/python -m pytest -m systems tests $(ARGS)

test-browser: .venv/ready .venv/browser  ## See the live lessons move and rest in a real browser
	.ci/browser
	$(RUN)/python -m pytest -m browser tests/browser $(ARGS)

soak: .venv/ready  ## Check ever more drawn streams of windows against slow loops (ARGS="--minutes 10")
	$(RUN)/python -W error tests/soak.py $(ARGS)

lab: .venv/ready  ## Open the lessons in JupyterLab, as a copy in my-lessons/
	$(RUN)/rtlab lessons my-lessons
	$(RUN)/python -m jupyterlab my-lessons $(ARGS)

bench: .venv-bench/ready  ## Measure speed beside the peers, and memory
	.venv-bench/$(BIN)/python -m bench.run $(ARGS)

lint: .venv/ready  ## Check style and types
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

notebooks: .venv/ready  ## Execute every lesson again, in place
	$(STRICT) $(RUN)/python -m nbconvert --to notebook --inplace --execute \
		--ExecutePreprocessor.record_timing=False \
		--ExecutePreprocessor.store_widget_state=False notebooks/*.ipynb
	$(RUN)/python -m nbconvert --to notebook --inplace --TagRemovePreprocessor.enabled=True \
		--TagRemovePreprocessor.remove_all_outputs_tags=live notebooks/*.ipynb

lock:  ## Write the locks again (needs uv; ARGS=--upgrade takes the newest versions)
	$(COMPILE) --extra all -o requirements.txt $(ARGS)
	$(COMPILE) --extra bench -o requirements-bench.txt $(ARGS)
	$(COMPILE) --extra browser -c requirements.txt -o requirements-browser.txt $(ARGS)
	printf 'pyparsing>=3.1,<3.2\n' | \
		$(COMPILE) --extra test --resolution lowest-direct -o requirements-oldest.txt - $(ARGS)

clean:  ## Remove the environments and what tools left (never my-lessons/ or a report)
	rm -rf .venv .venv-oldest .venv-bench build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find rtlab tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready: requirements.txt pyproject.toml .ci/environment
	.ci/environment .venv requirements.txt
	touch $@

# An environment of its own: csp asks for an older pyarrow than the tests have.
.venv-bench/ready: requirements-bench.txt pyproject.toml .ci/environment
	.ci/environment .venv-bench requirements-bench.txt
	touch $@

.venv/browser: requirements-browser.txt .venv/ready
	.ci/environment .venv requirements-browser.txt
	touch $@

.venv-oldest/ready: requirements-oldest.txt pyproject.toml .ci/environment
	.ci/environment .venv-oldest requirements-oldest.txt 12
	touch $@
