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


rule report:
    input:
        scores="<results>/scores.csv",
        summary="<results>/summary.csv",
        config="<results>/config.json",
        sections=[f"<results>/{session}/figures/figures.json" for session in plan.recorded],
        figures=[f"<results>/{session}/figures/{name}.png" for session in plan.recorded for name in FIGURES],
        decoding=[f"<results>/{session}/figures/decoding/figures.json" for session in decoding.drawn],
        decoded=[
            f"<results>/{session}/figures/decoding/{name}.png"
            for session in decoding.drawn
            for name in DECODING_FIGURES
        ],
        dynamics=[f"<results>/{session}/figures/dynamics/figures.json" for session in plan.moving()],
        moving=[
            f"<results>/{session}/figures/dynamics/{name}.png"
            for session in plan.moving()
            for name in DYNAMICS_FIGURES
        ],
    output:
        report("<results>/report.html", caption="../report/page.rst", category="Report"),
    log:
        "<logs>/report.log",
    benchmark:
        "<benchmarks>/report.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input, attempt: int((800 + 8 * input.size_mb) * attempt),
        runtime=lambda wildcards, attempt: 10 * attempt,
    params:
        failures=FAILURES,
        code=digest_of("neurodecode.report.page", files=("neurodecode/report/templates/*",)),
    message:
        "write the report"
    script:
        "../scripts/report.py"
