"""Rule session_figures: one recording's scores, predictions and samples -> its figures."""

from neurodecode.report.logs import logging_to
from neurodecode.report.session_figures import draw_session

with logging_to(snakemake.log[0]):
    draw_session(
        session=snakemake.wildcards.session,
        trials=snakemake.input.trials,
        splits=snakemake.input.splits,
        quality=snakemake.input.quality,
        scores=[snakemake.input.scores, *snakemake.input.tasks],
        predictions=dict(zip(snakemake.params.predictors, snakemake.input.predictions, strict=True)),
        samples=dict(zip(snakemake.params.predictors, snakemake.input.samples, strict=True)),
        fits=dict(zip(snakemake.params.models, snakemake.input.fits, strict=True)),
        forecasts=dict(zip(snakemake.params.forecasters, snakemake.input.get("forecasts", []), strict=True)),
        seed=snakemake.params.seed,
        output=snakemake.output.section,
    )
