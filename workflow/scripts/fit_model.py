"""Rule fit_model: training trials + one model's config -> out-of-fold predictions, samples and parameters."""

from neurodecode.evaluation.folds import fit_and_predict
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    fit_and_predict(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        model=snakemake.params.model,
        name=snakemake.wildcards.model,
        session=snakemake.wildcards.session,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        outputs=snakemake.output,
        code=snakemake.params.code,
    )
