"""From recordings to judged comparisons of models. `snakemake --cores all`; see README.md."""

import os

# Snakemake merges configuration files: the default one is read only where none is given.
if not workflow.overwrite_configfiles:

    configfile: os.path.join(workflow.basedir, "config.yaml")


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/encode.smk"
include: "workflow/rules/forecast.smk"
include: "workflow/rules/decode.smk"
include: "workflow/rules/dynamics.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/co_smooth.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        "<results>/config.json",
        "<results>/scores.csv",
        "<results>/summary.csv",
        "<results>/report.html",
    localrule: True
