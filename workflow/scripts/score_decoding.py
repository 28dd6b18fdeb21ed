"""Rule score_decoding: what the decoders of one session say of its trials -> its rows of scores.csv."""

from neurodecode.evaluation.decoding_scores import write_decoding_scores
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    write_decoding_scores(
        **{name: snakemake.input[name] for name in ("trials", "splits")},
        predictions=dict(zip(snakemake.params.families, snakemake.input.predictions, strict=True)),
        fits=dict(zip(snakemake.params.families, snakemake.input.fits, strict=True)),
        families=snakemake.params.families,
        target=snakemake.params.target,
        session=snakemake.params.source[0],
        control=snakemake.params.source[1],
        n_bootstrap=snakemake.params.bootstrap,
        seed=snakemake.params.seed,
        output=snakemake.output[0],
    )
