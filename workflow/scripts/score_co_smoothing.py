"""Rule score_co_smoothing: units of one session predicted from the others -> its rows of the task co_smooth."""

from neurodecode.evaluation.co_smoothing import write_co_smoothing_scores
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_co_smoothing_scores(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        predictions=dict(zip(snakemake.params.co_smoothers, snakemake.input.predictions, strict=True)),
        fits=dict(zip(snakemake.params.co_smoothers, snakemake.input.fits, strict=True)),
        session=snakemake.wildcards.session,
        n_bootstrap=snakemake.params.bootstrap,
        seed=snakemake.params.seed,
        output=snakemake.output[0],
    )
