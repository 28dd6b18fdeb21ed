"""Rule list_recordings: every session's trials -> one table of their sizes."""

from neurodecode.evaluation.overview import list_recordings
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    list_recordings(dict(zip(snakemake.params.sessions, snakemake.input.trials, strict=True)), snakemake.output[0])
