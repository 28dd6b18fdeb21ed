"""Models of spikes: every fold and seed of one model on one session in one job, since importing torch costs more."""


def code_of_model(wildcards):
    """Of the folds and of this family's own file; other families do not matter."""
    return source_digest(ROOT, "neurodecode.evaluation.folds", *plan.modules_of(wildcards.model))


def gpus_of_fit(wildcards):
    """Only where it is asked for: `device: auto` takes a GPU where the machine happens to have one."""
    return int(plan.fitted[wildcards.model].get("device") == "cuda")


rule fit_model:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
    output:
        predictions="<results>/{session}/models/{model}/predictions.npy",
        samples="<results>/{session}/models/{model}/samples.npz",
        parameters="<results>/{session}/models/{model}/parameters.safetensors",
        fit="<results>/{session}/models/{model}/fit.json",
    log:
        "<logs>/{session}/fit_model.{model}.log",
    benchmark:
        "<benchmarks>/{session}/fit_model.{model}.tsv"
    wildcard_constraints:
        model=one_of(plan.fitted),
    group:
        group_of_fit
    threads: 1
    resources:
        mem_mb=memory_of(cost_of_model),
        runtime=minutes_of(cost_of_model, fits_of_model),
        lane=1,
        gpu=gpus_of_fit,
    params:
        model=lambda wildcards: plan.fitted[wildcards.model],
        seed=config["seed"],
        code=code_of_model,
    message:
        "fit {wildcards.model} to {wildcards.session}"
    script:
        "../scripts/fit_model.py"
