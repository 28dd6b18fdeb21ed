"""Rule judge_sufficiency: one session's held-out predictions -> what the spike history still adds to each model."""

from neurodecode.evaluation.sufficiency import write_sufficiency
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_sufficiency(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        predictions=dict(zip(snakemake.params.models, snakemake.input.predictions, strict=True)),
        session=snakemake.wildcards.session,
        n_bootstrap=snakemake.params.bootstrap,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        output=snakemake.output[0],
    )
