"""Fitted models running free of the recording for several bins."""


def code_of_forecast(wildcards):
    return source_digest(ROOT, "neurodecode.evaluation.forecasts", *plan.modules_of(wildcards.model))


def aggregate_of(wildcards):
    """The predictions that gains are measured against, where the session has a model of that name."""
    fitted = "psth" in plan.models_of(wildcards.session)
    return [f"<results>/{wildcards.session}/models/psth/predictions.npy"] if fitted else []


rule forecast_model:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        parameters="<results>/{session}/models/{model}/parameters.safetensors",
        fit="<results>/{session}/models/{model}/fit.json",
        psth=aggregate_of,
    output:
        scores="<results>/{session}/models/{model}/forecasts.csv",
        likelihoods="<results>/{session}/models/{model}/forecasts.npz",
    log:
        "<logs>/{session}/forecast_model.{model}.log",
    benchmark:
        "<benchmarks>/{session}/forecast_model.{model}.tsv"
    wildcard_constraints:
        session=one_of(plan.recorded),
        model=one_of(plan.models),
    group:
        group_of_forecast
    threads: 1
    resources:
        mem_mb=memory_of(cost_of_model),
        runtime=minutes_of(cost_of_model, fits_of_model),
        lane=1,
        gpu=gpus_of_fit,
    params:
        forecast=plan.forecast,
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
        code=code_of_forecast,
    message:
        "forecast {wildcards.session} by {wildcards.model}"
    script:
        "../scripts/forecast_model.py"
