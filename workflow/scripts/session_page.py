"""Rule session_page: one recording's scores and figures -> its page, where a run has too many for one."""

from neurodecode.report.logs import logging_to
from neurodecode.report.page import write_report

with logging_to(snakemake.log[0]):
    write_report(
        scores=list(snakemake.input.scores),
        sections=list(snakemake.input.sections),
        decoding=list(snakemake.input.get("decoding", [])),
        dynamics=list(snakemake.input.get("dynamics", [])),
        config=snakemake.params.config,
        home=snakemake.params.home,
        output=snakemake.output[0],
    )
