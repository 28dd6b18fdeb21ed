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
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(SCORES),
        runtime=minutes_of(SCORES, lambda wildcards: len(plan.predictors_of(wildcards.session))),
        lane=1,
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


rule judge_sufficiency:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        predictions=of_predictors("predictions.npy"),
    output:
        "<results>/{session}/sufficiency.csv",
    log:
        "<logs>/{session}/judge_sufficiency.log",
    benchmark:
        "<benchmarks>/{session}/judge_sufficiency.tsv"
    wildcard_constraints:
        session=one_of(plan.recorded),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(SCORES),
        runtime=minutes_of(SCORES, lambda wildcards: FOLDS * len(plan.predictors_of(wildcards.session))),
        lane=1,
    params:
        models=lambda wildcards: plan.predictors_of(wildcards.session),
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
        code=digest_of("neurodecode.evaluation.sufficiency"),
    message:
        "judge the sufficiency of the models of {wildcards.session}"
    script:
        "../scripts/judge_sufficiency.py"


rule decompose_gain:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        predictions=lambda wildcards: [
            f"<results>/{wildcards.session}/models/{name}/predictions.npy"
            for name in plan.decomposition_of(wildcards.session)
        ],
        fits=lambda wildcards: [
            f"<results>/{wildcards.session}/models/{name}/fit.json"
            for name in plan.networks_of(wildcards.session)
        ],
    output:
        "<results>/{session}/decomposition.csv",
    log:
        "<logs>/{session}/decompose_gain.log",
    benchmark:
        "<benchmarks>/{session}/decompose_gain.tsv"
    wildcard_constraints:
        session=one_of(plan.decomposed()),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(SCORES),
        runtime=minutes_of(SCORES, lambda wildcards: len(plan.decomposition_of(wildcards.session))),
        lane=1,
    params:
        models=lambda wildcards: plan.decomposition_of(wildcards.session),
        networks=lambda wildcards: plan.networks_of(wildcards.session),
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
        code=digest_of("neurodecode.evaluation.decomposition"),
    message:
        "decompose the gains on {wildcards.session}"
    script:
        "../scripts/decompose_gain.py"


def of_tasks(sessions):
    """Scores of recordings beside those of their models one by one: sufficiency, decomposition."""
    tested = plan.recorded if config["evaluation"]["sufficiency"] else ()
    return [
        *(f"<results>/{name}/sufficiency.csv" for name in sessions if name in tested),
        *(f"<results>/{name}/decomposition.csv" for name in sessions if name in plan.decomposed()),
    ]


rule summarise_sessions:
    input:
        likelihoods=[f"<results>/{session}/likelihoods.npz" for session in plan.recorded],
        scores=[f"<results>/{session}/scores.csv" for session in plan.recorded],
    output:
        report("<results>/summary.csv", caption="../report/summary.rst", category="Scores"),
    log:
        "<logs>/summarise_sessions.log",
    benchmark:
        "<benchmarks>/summarise_sessions.tsv"
    threads: 1
    resources:
        # One session is held at a time: as much as one of them takes, not as all.
        mem_mb=lambda wildcards, input, attempt: int((900 + 30 * input.size_mb / len(plan.recorded)) * attempt),
        runtime=lambda wildcards, attempt: (10 + len(plan.recorded)) * attempt,
    params:
        sessions=list(plan.recorded),
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
        code=digest_of("neurodecode.evaluation.summary"),
    message:
        "summarise the sessions"
    script:
        "../scripts/summarise_sessions.py"


def scores_of(recordings):
    """All that was scored on these recordings, their null controls, and what was decoded from them."""
    sessions = [name for name in plan.sessions if plan.origin[name][0] in recordings]
    decoded = [name for name in decoding.sessions if decoding.origin[name][0] in recordings]
    co_smoothed = [name for name in plan.co_smoothed if name in recordings]
    return [
        *(f"<results>/{name}/scores.csv" for name in sessions),
        *(f"<results>/{name}/co_smoothing/scores.csv" for name in co_smoothed),
        *of_tasks(sessions),
        *(f"<results>/{name}/decoders/scores.csv" for name in decoded),
        *(
            f"<results>/{name}/models/{model}/forecasts.csv"
            for name in recordings
            for model in plan.forecasters_of(name)
        ),
        *(
            f"<results>/{name}/models/{model}/dynamics.csv"
            for name in recordings
            for model in plan.dynamics_of(name)
        ),
    ]


rule collect_scores:
    input:
        scores_of(plan.recorded),
    output:
        report("<results>/scores.csv", caption="../report/scores.rst", category="Scores"),
    log:
        "<logs>/collect_scores.log",
    benchmark:
        "<benchmarks>/collect_scores.tsv"
    localrule: True
    threads: 1
    resources:
        mem_mb=600,
        runtime=5,
    params:
        code=digest_of("neurodecode.evaluation.scores"),
    message:
        "collect the scores"
    script:
        "../scripts/collect_scores.py"
