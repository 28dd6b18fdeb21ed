"""Recordings in: checked, binned, dealt into folds.

By their priority these jobs come before any fitting, so that bad input shows at once. Nothing waits for
check_config by its files: an edited configuration would make every job run again.
"""


rule check_config:
    output:
        "<results>/config.json",
    log:
        "<logs>/check_config.log",
    benchmark:
        "<benchmarks>/check_config.tsv"
    priority: 100
    localrule: True
    threads: 1
    resources:
        mem_mb=600,
        runtime=5,
    params:
        config=config,
        sheet=places.title,
        rows=places.rows,
        code=digest_of("neurodecode.evaluation.configuration"),
    message:
        "check the configuration"
    script:
        "../scripts/check_config.py"


rule simulate_recording:
    output:
        recording="<results>/{session}/recording.nwb",
        predictions="<results>/{session}/models/oracle/predictions.npy",
        samples="<results>/{session}/models/oracle/samples.npz",
    log:
        "<logs>/{session}/simulate_recording.log",
    benchmark:
        "<benchmarks>/{session}/simulate_recording.tsv"
    wildcard_constraints:
        session=one_of(filter(plan.simulated, plan.recorded)),
    priority: 90
    group:
        group_of("read")
    threads: 1
    resources:
        mem_mb=memory_of(DERIVED),
        runtime=minutes_of(DERIVED),
        lane=1,
    params:
        population=lambda wildcards: plan.recorded[wildcards.session]["simulate"],
        n_trials=lambda wildcards: plan.recorded[wildcards.session]["n_trials"],
        seed=config["seed"],
        code=lambda wildcards: source_digest(
            ROOT,
            "neurodecode.evaluation.simulation",
            f"neurodecode.simulate.{plan.recorded[wildcards.session]['simulate']}",
        ),
    message:
        "simulate {wildcards.session}"
    script:
        "../scripts/simulate_recording.py"


def recording_of(wildcards):
    if plan.simulated(wildcards.session):
        return f"<results>/{wildcards.session}/recording.nwb"
    return str(plan.recording(wildcards.session))


rule ingest:
    input:
        recording=recording_of,
        trials_table=lambda wildcards: plan.trials_table(wildcards.session),
    output:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        quality="<results>/{session}/quality.json",
    log:
        "<logs>/{session}/ingest.log",
    benchmark:
        "<benchmarks>/{session}/ingest.tsv"
    wildcard_constraints:
        session=one_of(plan.recorded),
    priority: 90
    group:
        group_of("read")
    threads: 1
    resources:
        mem_mb=memory_to_read,
        runtime=minutes_to_read,
        lane=1,
    params:
        entry=lambda wildcards: plan.ingested_entry(wildcards.session),
        folds=config["evaluation"]["folds"],
        split=config["evaluation"]["split"],
        gap_s=config["evaluation"]["gap_s"],
        seed=config["seed"],
        code=digest_of("neurodecode.evaluation.recordings"),
    message:
        "read {wildcards.session}"
    script:
        "../scripts/ingest.py"


rule derive_control:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        quality="<results>/{session}/quality.json",
    output:
        trials="<results>/{session}.{control}/trials.npz",
        splits="<results>/{session}.{control}/splits.csv",
        quality="<results>/{session}.{control}/quality.json",
    log:
        "<logs>/{session}.{control}/derive_control.log",
    benchmark:
        "<benchmarks>/{session}.{control}/derive_control.tsv"
    wildcard_constraints:
        session=one_of(plan.recorded),
    priority: 80
    group:
        group_of("read")
    threads: 1
    resources:
        mem_mb=memory_of(DERIVED),
        runtime=minutes_of(DERIVED),
        lane=1,
    params:
        seed=config["seed"],
        code=lambda wildcards: source_digest(
            ROOT, "neurodecode.evaluation.controls", f"neurodecode.evaluation.controls.{wildcards.control}"
        ),
    message:
        "derive {wildcards.control} of {wildcards.session}"
    script:
        "../scripts/derive_control.py"
