"""Rule summarise_sessions: every recording's log-likelihoods of trials, and its scores -> gains over all of them."""

from neurodecode.evaluation.summary import write_summary
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_summary(
        likelihoods=dict(zip(snakemake.params.sessions, snakemake.input.likelihoods, strict=True)),
        scores=dict(zip(snakemake.params.sessions, snakemake.input.scores, strict=True)),
        n_bootstrap=snakemake.params.bootstrap,
        seed=snakemake.params.seed,
        output=snakemake.output[0],
    )
