"""Rule fit_decoder: training trials + one decoder's config -> what it decodes out of fold, and what was fitted."""

from neurodecode.evaluation.decoding import fit_decoder
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    fit_decoder(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        decoder=snakemake.params.decoder,
        name=snakemake.wildcards.decoder,
        session=snakemake.wildcards.session,
        target=snakemake.params.target,
        encoding=dict(zip(("parameters", "fit"), [*snakemake.input.parameters, *snakemake.input.fit], strict=False)),
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        outputs=snakemake.output,
        code=snakemake.params.code,
    )
