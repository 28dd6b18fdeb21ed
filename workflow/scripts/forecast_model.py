"""Rule forecast_model: the fitted folds of one model -> what its forecasts of several bins are worth."""

from neurodecode.evaluation.forecasts import forecast_model
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    forecast_model(
        **{name: snakemake.input[name] for name in ("trials", "splits", "parameters", "fit")},
        psth=next(iter(snakemake.input.psth), None),
        session=snakemake.wildcards.session,
        name=snakemake.wildcards.model,
        steps=snakemake.params.forecast.get("steps"),
        n_samples=snakemake.params.forecast["samples"],
        n_bootstrap=snakemake.params.bootstrap,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
        outputs=snakemake.output,
    )
