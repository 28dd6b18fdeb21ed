"""Rule report: scores, each recording's figures and the configuration -> the page."""

from neurodecode.report.logs import logging_to
from neurodecode.report.page import write_report
from neurodecode.report.results import read_json

with logging_to(snakemake.log[0]):
    write_report(
        scores=[snakemake.input.scores],
        summary=snakemake.input.summary,
        sections=list(snakemake.input.sections),
        pages=list(snakemake.input.get("pages", [])),
        decoding=list(snakemake.input.get("decoding", [])),
        dynamics=list(snakemake.input.get("dynamics", [])),
        config=read_json(snakemake.input.config),
        failures=snakemake.params.failures,
        output=snakemake.output[0],
    )
