"""Rule fit_co_smoothing: trials + one model's config -> every unit predicted from the other units."""

from neurodecode.evaluation.co_smoothing import fit_co_smoothing
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    fit_co_smoothing(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        model=snakemake.params.model,
        name=snakemake.params.name,
        co_smoother=snakemake.wildcards.co_smoother,
        session=snakemake.wildcards.session,
        unit_folds=snakemake.params.unit_folds,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        outputs=snakemake.output,
        code=snakemake.params.code,
    )
