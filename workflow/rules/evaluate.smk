"""Held-out predictions against what was recorded."""


def of_predictors(file):
    """One file of every model of a session, the oracle's too."""
    return lambda wildcards: [
        f"<results>/{wildcards.session}/models/{name}/{file}" for name in plan.predictors_of(wildcards.session)
    ]


def of_models(file):
    """One file of every model that was fitted to a session."""
    return lambda wildcards: [
        f"<results>/{wildcards.session}/models/{name}/{file}" for name in plan.models_of(wildcards.session)
    ]


rule score_session:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        predictions=of_predictors("predictions.npy"),
        samples=of_predictors("samples.npz"),
        fits=of_models("fit.json"),
    output:
        scores="<results>/{session}/scores.csv",
        likelihoods="<results>/{session}/likelihoods.npz",
    log:
        "<logs>/{session}/score_session.log",
    benchmark:
        "<benchmarks>/{session}/score_session.tsv"
    resources:
        mem_mb=memory_mb(2000, per_input_mb=20),
        runtime=minutes(60),
    params:
        source=lambda wildcards: plan.origin[wildcards.session],
        models=lambda wildcards: plan.predictors_of(wildcards.session),
        fitted=lambda wildcards: plan.models_of(wildcards.session),
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
        code=digest_of("neurodecode.evaluation.scores"),
    message:
        "score {wildcards.session}"
    script:
        "../scripts/score_session.py"


rule collect_scores:
    input:
        [f"<results>/{session}/scores.csv" for session in plan.sessions],
        [f"<results>/{session}/co_smoothing/scores.csv" for session in plan.co_smoothed],
    output:
        report("<results>/scores.csv", caption="../report/scores.rst", category="Scores"),
    log:
        "<logs>/collect_scores.log",
    benchmark:
        "<benchmarks>/collect_scores.tsv"
    localrule: True
    resources:
        mem_mb=memory_mb(500),
        runtime=minutes(5),
    params:
        code=digest_of("neurodecode.evaluation.scores"),
    message:
        "collect the scores"
    script:
        "../scripts/collect_scores.py"
