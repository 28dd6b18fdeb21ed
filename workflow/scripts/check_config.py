"""Rule check_config: the configuration -> the same with every default, checked by the package's own types."""

from neurodecode.evaluation.configuration import write_checked_config
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_checked_config(
        snakemake.params.config, snakemake.output[0], sheet=snakemake.params.sheet, rows=snakemake.params.rows
    )
