"""Rule latent_trajectories: one session's trials -> the latent trajectories of their spikes."""

from neurodecode.evaluation.latents import write_latents
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_latents(
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        session=snakemake.wildcards.session,
        threads=snakemake.threads,
        output=snakemake.output[0],
    )
