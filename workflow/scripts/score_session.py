"""Rule score_session: one session's held-out predictions and samples -> its rows of scores.csv."""

from neurodecode.evaluation.scores import write_session_scores
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_session_scores(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        predictions=dict(zip(snakemake.params.models, snakemake.input.predictions, strict=True)),
        samples=dict(zip(snakemake.params.models, snakemake.input.samples, strict=True)),
        fits=dict(zip(snakemake.params.fitted, snakemake.input.fits, strict=True)),
        session=snakemake.params.source[0],
        control=snakemake.params.source[1],
        n_bootstrap=snakemake.params.bootstrap,
        seed=snakemake.params.seed,
        output=snakemake.output.scores,
        likelihoods=snakemake.output.likelihoods,
    )
