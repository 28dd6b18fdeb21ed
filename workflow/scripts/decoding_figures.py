"""Rule decoding_figures: what one recording's decoders say of its trials, and their scores -> their figures."""

from neurodecode.report.decoding.session_figures import draw_decoding
from neurodecode.report.logs import logging_to

with logging_to(snakemake.log[0]):
    draw_decoding(
        **{name: snakemake.input[name] for name in ("trials", "splits", "scores")},
        before=next(iter(snakemake.input.get("before", [])), None),
        predictions=dict(zip(snakemake.params.families, snakemake.input.predictions, strict=True)),
        fits=dict(zip(snakemake.params.families, snakemake.input.fits, strict=True)),
        **{name: snakemake.params[name] for name in ("families", "models", "target", "seed")},
        session=snakemake.wildcards.session,
        output=snakemake.output.section,
    )
