"""Units predicted from the other units: every group of units and fold of one model on one session in one job."""


def code_of_co_smoother(wildcards):
    modules = plan.co_smoothing_modules_of(wildcards.co_smoother)
    return source_digest(ROOT, "neurodecode.evaluation.co_smoothing", *modules)


def model_of_co_smoother(wildcards):
    """Its entry; hyper-parameters are not searched for this task."""
    entry = plan.models[plan.co_smoothers[wildcards.co_smoother]]
    return {key: value for key, value in entry.items() if key != "search"}


def of_co_smoothers(file):
    """One file of every co-smoother of a session."""
    return lambda wildcards: [
        f"<results>/{wildcards.session}/co_smoothing/{name}/{file}" for name in plan.co_smoothers
    ]


rule fit_co_smoothing:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
    output:
        predictions="<results>/{session}/co_smoothing/{co_smoother}/predictions.npy",
        fit="<results>/{session}/co_smoothing/{co_smoother}/fit.json",
    log:
        "<logs>/{session}/fit_co_smoothing.{co_smoother}.log",
    benchmark:
        "<benchmarks>/{session}/fit_co_smoothing.{co_smoother}.tsv"
    wildcard_constraints:
        session=one_of(plan.co_smoothed),
        co_smoother=one_of(plan.co_smoothers),
    group:
        group_of_co_smoother
    threads: 1
    resources:
        mem_mb=memory_of(cost_of_co_smoother),
        runtime=minutes_of(cost_of_co_smoother, lambda wildcards: FOLDS * plan.co_smoothing["unit_folds"]),
        lane=1,
        gpu=lambda wildcards: int(model_of_co_smoother(wildcards).get("device") == "cuda"),
    params:
        name=lambda wildcards: plan.co_smoothers[wildcards.co_smoother],
        model=model_of_co_smoother,
        unit_folds=plan.co_smoothing and plan.co_smoothing["unit_folds"],
        seed=config["seed"],
        code=code_of_co_smoother,
    message:
        "predict units of {wildcards.session} from the others by {wildcards.co_smoother}"
    script:
        "../scripts/fit_co_smoothing.py"


rule score_co_smoothing:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        predictions=of_co_smoothers("predictions.npy"),
        fits=of_co_smoothers("fit.json"),
    output:
        "<results>/{session}/co_smoothing/scores.csv",
    log:
        "<logs>/{session}/score_co_smoothing.log",
    benchmark:
        "<benchmarks>/{session}/score_co_smoothing.tsv"
    wildcard_constraints:
        session=one_of(plan.co_smoothed),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(SCORES),
        runtime=minutes_of(SCORES, lambda wildcards: len(plan.co_smoothers)),
        lane=1,
    params:
        co_smoothers=list(plan.co_smoothers),
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
        code=digest_of("neurodecode.evaluation.co_smoothing"),
    message:
        "score units of {wildcards.session} predicted from the others"
    script:
        "../scripts/score_co_smoothing.py"
