"""The configuration, checked before anything runs, and what every rule asks of it."""

import os
import re
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError

from workflow.failures import failures_of, report_without, told_failures
from workflow.plan import Plan
from workflow.source_digest import source_digest
from workflow.validation import ConfigurationError, check_files, checked_listing

ROOT = Path(workflow.basedir)

GIVEN = [Path(file) for file in workflow.overwrite_configfiles or workflow.configfiles]
CONFIG_FILES = ", ".join(map(str, GIVEN))

try:
    check_files(GIVEN)
    config, places = checked_listing(
        config,
        ROOT,
        command_line=workflow.config_settings.config,
        folders=[*(file.parent for file in reversed(GIVEN)), Path()],  # a sheet stands beside what names it
    )
except ConfigurationError as error:
    raise WorkflowError(f"The configuration ({CONFIG_FILES}) cannot be run:", *str(error).splitlines())

plan = Plan(config, ROOT)
BEGUN = time.time()
FAILURES = told_failures(os.environ)

if absent := list(plan.absent_files()):
    raise WorkflowError(f"Recordings of the configuration ({CONFIG_FILES}) are missing:", *absent)


pathvars:
    results=str(plan.results_dir),
    logs=str(plan.results_dir / "logs"),
    benchmarks=str(plan.results_dir / "benchmarks"),


wildcard_constraints:
    session="[A-Za-z0-9_.-]+",
    model="[A-Za-z0-9_.-]+",
    control="|".join(plan.controls) or "(?!)",


def one_of(names):
    """A wildcard that is one of these names and nothing else."""
    return "|".join(map(re.escape, names)) or "(?!)"


def digest_of(*modules, files=()):
    """The digest of code as a param: what runs a job again when code that it uses has changed."""
    return lambda wildcards: source_digest(ROOT, *modules, files=files)


onerror:
    whole = (
        workflow.is_main_process and not workflow.dag_settings.targets
    )  # who asks for some files gets no page
    if whole and workflow.execution_settings.keep_going and not FAILURES:
        failures = failures_of(workflow.scheduler.failed, recorded_of, plan.recorded, BEGUN)
        if failures and len(failures) < len(plan.recorded):
            done = report_without(failures, config, workflow.main_snakefile)
            made = (
                "the page is that of the others, and names"
                if done == 0
                else "and the page could not be made without"
            )
            print(
                f"{', '.join(failures)} failed; {made} them: {plan.results_dir / 'report.html'}",
                file=sys.stderr,
            )
