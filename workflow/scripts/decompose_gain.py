"""Rule decompose_gain: predictions of nested models and networks -> the terms of each network's gain."""

from neurodecode.evaluation.decomposition import write_decomposition
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_decomposition(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        predictions=dict(zip(snakemake.params.models, snakemake.input.predictions, strict=True)),
        networks=dict(zip(snakemake.params.networks, snakemake.input.fits, strict=True)),
        session=snakemake.wildcards.session,
        n_bootstrap=snakemake.params.bootstrap,
        seed=snakemake.params.seed,
        output=snakemake.output[0],
    )
