"""Rule dynamics_figures: what one recording's networks do -> their figures."""

from neurodecode.report.dynamics.session_figures import draw_dynamics
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    draw_dynamics(
        session=snakemake.wildcards.session,
        trials=snakemake.input.trials,
        latents=snakemake.input.latents,
        portraits=dict(zip(snakemake.params.models, snakemake.input.portraits, strict=True)),
        scores=list(snakemake.input.scores),
        families=snakemake.params.families,
        output=snakemake.output.section,
    )
