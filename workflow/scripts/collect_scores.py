"""Rule collect_scores: the scores of every session -> scores.csv."""

from neurodecode.evaluation.scores import collect_scores
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    collect_scores(list(snakemake.input), snakemake.output[0])
