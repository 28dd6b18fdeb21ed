"""Rule derive_control: a session's trials -> those of one of its null controls."""

from neurodecode.evaluation.controls import derive_control
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    derive_control(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        quality=snakemake.input.quality,
        session=snakemake.wildcards.session,
        control=snakemake.wildcards.control,
        seed=snakemake.params.seed,
        outputs=snakemake.output,
    )
