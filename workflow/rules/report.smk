"""Figures of each recording, and the page."""

FIGURES = (
    *("overview", "gains", "decomposition", "sufficiency", "rasters", "single_trials", "rescaling", "hazard"),
    *("intervals", "adaptation", "variability", "forecasts", "training", "quality"),
)

DECODING_FIGURES = ("decoders", "unfolding", "reliability", "confusion", "decoded_traces", "decoded_values")


rule session_figures:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        quality="<results>/{session}/quality.json",
        scores="<results>/{session}/scores.csv",
        tasks=lambda wildcards: of_tasks([wildcards.session]),
        predictions=of_predictors("predictions.npy"),
        samples=of_predictors("samples.npz"),
        fits=of_models("fit.json"),
        forecasts=lambda wildcards: [
            f"<results>/{wildcards.session}/models/{name}/forecasts.csv"
            for name in plan.forecasters_of(wildcards.session)
        ],
    output:
        [
            report(
                f"<results>/{{session}}/figures/{name}.png",
                caption=f"../report/{name}.rst",
                category="{session}",
                labels={"figure": name.replace("_", " ")},
            )
            for name in FIGURES
        ],
        section="<results>/{session}/figures/figures.json",
    log:
        "<logs>/{session}/session_figures.log",
    benchmark:
        "<benchmarks>/{session}/session_figures.tsv"
    wildcard_constraints:
        session=one_of(plan.recorded),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(DRAWING),
        runtime=minutes_of(DRAWING),
        lane=1,
    params:
        predictors=lambda wildcards: plan.predictors_of(wildcards.session),
        models=lambda wildcards: plan.models_of(wildcards.session),
        forecasters=lambda wildcards: plan.forecasters_of(wildcards.session),
        seed=config["seed"],
        code=digest_of("neurodecode.report.session_figures"),
    message:
        "draw {wildcards.session}"
    script:
        "../scripts/session_figures.py"


rule decoding_figures:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        scores="<results>/{session}/decoders/scores.csv",
        before=lambda wildcards: [
            f"<results>/{name}/decoders/scores.csv" for name in decoding.before_of(wildcards.session)
        ],
        predictions=of_decoders("predictions.npz"),
        fits=of_decoders("fit.json"),
    output:
        [
            report(
                f"<results>/{{session}}/figures/decoding/{name}.png",
                caption=f"../report/{name}.rst",
                category="{session}",
                labels={"figure": name.replace("_", " ")},
            )
            for name in DECODING_FIGURES
        ],
        section="<results>/{session}/figures/decoding/figures.json",
    log:
        "<logs>/{session}/decoding_figures.log",
    benchmark:
        "<benchmarks>/{session}/decoding_figures.tsv"
    wildcard_constraints:
        session=one_of(decoding.drawn),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(DRAWING),
        runtime=minutes_of(DRAWING),
        lane=1,
    params:
        families=lambda wildcards: decoding.families_of(wildcards.session),
        models=lambda wildcards: decoding.models_of(wildcards.session),
        target=lambda wildcards: decoding.labelled_target_of(wildcards.session),
        seed=config["seed"],
        code=digest_of("neurodecode.report.decoding.session_figures"),
    message:
        "draw the decoders of {wildcards.session}"
    script:
        "../scripts/decoding_figures.py"


def described(recordings):
    """What a page says of the figures of these recordings, by where they stand on it."""
    return {
        "sections": [f"<results>/{name}/figures/figures.json" for name in recordings],
        "decoding": [
            f"<results>/{name}/figures/decoding/figures.json" for name in decoding.drawn if name in recordings
        ],
        "dynamics": [
            f"<results>/{name}/figures/dynamics/figures.json" for name in plan.moving() if name in recordings
        ],
    }


def drawn(recordings):
    """The figures themselves."""
    folders = {"figures": FIGURES, "figures/decoding": DECODING_FIGURES, "figures/dynamics": DYNAMICS_FIGURES}
    held = {"figures": recordings, "figures/decoding": decoding.drawn, "figures/dynamics": plan.moving()}
    return {
        folder.replace("/", "_"): [
            f"<results>/{name}/{folder}/{figure}.png"
            for name in held[folder]
            if name in recordings
            for figure in figures
        ]
        for folder, figures in folders.items()
    }


def memory_of_page(wildcards, input, attempt):
    """Scores and figures are held, and not the pages that are linked to."""
    linked_mb = sum(Path(page).stat().st_size for page in input.get("pages", [])) / 1e6
    return int((800 + 8 * (input.size_mb - linked_mb)) * attempt)


rule session_page:
    input:
        unpack(lambda wildcards: described([wildcards.session]) | drawn([wildcards.session])),
        scores=lambda wildcards: scores_of([wildcards.session]),
    output:
        "<results>/{session}/report.html",
    log:
        "<logs>/{session}/session_page.log",
    benchmark:
        "<benchmarks>/{session}/session_page.tsv"
    wildcard_constraints:
        session=one_of(plan.apart),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of_page,
        runtime=lambda wildcards, attempt: 10 * attempt,
        lane=1,
    params:
        config=lambda wildcards: config | {"sessions": {wildcards.session: config["sessions"][wildcards.session]}},
        home=str(plan.results_dir / "report.html"),
        code=digest_of("neurodecode.report.page", files=("neurodecode/report/templates/*",)),
    message:
        "write the page of {wildcards.session}"
    script:
        "../scripts/session_page.py"


rule report:
    input:
        **described(plan.recorded),
        **({} if plan.apart else drawn(plan.recorded)),
        pages=[f"<results>/{session}/report.html" for session in plan.apart],
        scores="<results>/scores.csv",
        summary="<results>/summary.csv",
        config="<results>/config.json",
    output:
        report("<results>/report.html", caption="../report/page.rst", category="Report"),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    threads: 1
    resources:
        mem_mb=memory_of_page,
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        failures=FAILURES,
        code=digest_of("neurodecode.report.page", files=("neurodecode/report/templates/*",)),
    message:
        "write the report"
    script:
        "../scripts/report.py"
