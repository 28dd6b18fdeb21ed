"""Rule analyse_dynamics: the fitted folds of one network -> what they do on held-out trials and left alone."""

from neurodecode.evaluation.dynamics import write_dynamics
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_dynamics(
        **{name: snakemake.input[name] for name in ("trials", "splits", "parameters", "fit")},
        session=snakemake.wildcards.session,
        name=snakemake.wildcards.model,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        outputs=snakemake.output,
    )
