"""Rule cut_pre_stimulus: a recording and its session's trials -> the same trials before the stimulus."""

from neurodecode.evaluation.recordings import cut_pre_stimulus
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    cut_pre_stimulus(
        recording=snakemake.input.recording,
        trials_table=next(iter(snakemake.input.trials_table), None),
        session=snakemake.wildcards.session,
        entry=snakemake.params.entry,
        **{name: snakemake.input[name] for name in ("trials", "splits", "quality")},
        outputs=snakemake.output,
    )
