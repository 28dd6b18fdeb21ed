"""Rule simulate_recording: a population's name -> a recording, and the truth behind it."""

from neurodecode.evaluation.simulation import simulate_recording
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    simulate_recording(
        population=snakemake.params.population,
        n_trials=snakemake.params.n_trials,
        session=snakemake.wildcards.session,
        seed=snakemake.params.seed,
        outputs=snakemake.output,
    )
