"""What fitted networks do on held-out trials and left alone, beside latent trajectories of the spikes."""

DYNAMICS_FIGURES = ("gradient_flow", "fixed_points", "eigenvalues", "latents")


def code_of_dynamics(wildcards):
    return source_digest(ROOT, "neurodecode.evaluation.dynamics", *plan.modules_of(wildcards.model))


rule analyse_dynamics:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        parameters="<results>/{session}/models/{model}/parameters.safetensors",
        fit="<results>/{session}/models/{model}/fit.json",
    output:
        scores="<results>/{session}/models/{model}/dynamics.csv",
        portraits="<results>/{session}/models/{model}/dynamics.npz",
    log:
        "<logs>/{session}/analyse_dynamics.{model}.log",
    benchmark:
        "<benchmarks>/{session}/analyse_dynamics.{model}.tsv"
    wildcard_constraints:
        session=one_of(plan.recorded),
        model=one_of(plan.models),
    threads: 1
    resources:
        mem_mb=memory_of(NETWORK_FIT),
        runtime=minutes_of(NETWORK_FIT, lambda wildcards: FOLDS),
        lane=1,
    params:
        seed=config["seed"],
        code=code_of_dynamics,
    message:
        "look at the dynamics of {wildcards.model} on {wildcards.session}"
    script:
        "../scripts/analyse_dynamics.py"


rule latent_trajectories:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
    output:
        "<results>/{session}/latents.npz",
    log:
        "<logs>/{session}/latent_trajectories.log",
    benchmark:
        "<benchmarks>/{session}/latent_trajectories.tsv"
    wildcard_constraints:
        session=one_of(plan.moving()),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(SCORES),
        runtime=minutes_of(SCORES),
        lane=1,
    params:
        code=digest_of("neurodecode.evaluation.latents"),
    message:
        "fit latent trajectories to {wildcards.session}"
    script:
        "../scripts/latent_trajectories.py"


def of_moving(file):
    """One file of every network of a session whose dynamics are looked at."""
    return lambda wildcards: [
        f"<results>/{wildcards.session}/models/{name}/{file}" for name in plan.dynamics_of(wildcards.session)
    ]


rule dynamics_figures:
    input:
        trials="<results>/{session}/trials.npz",
        latents="<results>/{session}/latents.npz",
        portraits=of_moving("dynamics.npz"),
        scores=of_moving("dynamics.csv"),
    output:
        [
            report(
                f"<results>/{{session}}/figures/dynamics/{name}.png",
                caption=f"../report/{name}.rst",
                category="{session}",
                labels={"figure": name.replace("_", " ")},
            )
            for name in DYNAMICS_FIGURES
        ],
        section="<results>/{session}/figures/dynamics/figures.json",
    log:
        "<logs>/{session}/dynamics_figures.log",
    benchmark:
        "<benchmarks>/{session}/dynamics_figures.tsv"
    wildcard_constraints:
        session=one_of(plan.moving()),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(DRAWING),
        runtime=minutes_of(DRAWING),
        lane=1,
    params:
        families=lambda wildcards: {m: plan.models[m]["family"] for m in plan.models_of(wildcards.session)},
        models=lambda wildcards: plan.dynamics_of(wildcards.session),
        code=digest_of("neurodecode.report.dynamics.session_figures"),
    message:
        "draw the dynamics of {wildcards.session}"
    script:
        "../scripts/dynamics_figures.py"
