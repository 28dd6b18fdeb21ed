"""Rule ingest: a recording and its session's config -> binned trials, folds, data quality."""

from neurodecode.evaluation.recordings import ingest_recording
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    ingest_recording(
        recording=snakemake.input.recording,
        trials_table=next(iter(snakemake.input.trials_table), None),
        session=snakemake.wildcards.session,
        entry=snakemake.params.entry,
        n_folds=snakemake.params.folds,
        split=snakemake.params.split,
        gap_s=snakemake.params.gap_s,
        seed=snakemake.params.seed,
        outputs=snakemake.output,
    )
