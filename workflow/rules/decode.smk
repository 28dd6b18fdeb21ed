"""Stimulus and behaviour read out of spikes: every fold of one decoder on one session in one job."""

from workflow.decoding import DecodingPlan

decoding = DecodingPlan(config, ROOT)


def encoding_of(file):
    """The file of the fitted encoding model that a decoder reads; none for most."""

    def files(wildcards):
        model = decoding.encoding_of(wildcards.decoder)
        return [] if model is None else [f"<results>/{wildcards.session}/models/{model}/{file}"]

    return files


def code_of_decoder(wildcards):
    """Of the folds and of this family's own file, and of the family of a model that it reads."""
    model = decoding.encoding_of(wildcards.decoder)
    read = [] if model is None else plan.modules_of(model)
    modules = [*decoding.modules_of(wildcards.decoder), *read]
    return source_digest(ROOT, "neurodecode.evaluation.decoding", *modules)


def of_decoders(file):
    """One file of every decoder of a session."""
    return lambda wildcards: [
        f"<results>/{wildcards.session}/decoders/{name}/{file}" for name in decoding.decoders_of(wildcards.session)
    ]


rule cut_pre_stimulus:
    input:
        recording=recording_of,
        trials_table=lambda wildcards: plan.trials_table(wildcards.session),
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        quality="<results>/{session}/quality.json",
    output:
        trials="<results>/{session}.pre_stimulus/trials.npz",
        splits="<results>/{session}.pre_stimulus/splits.csv",
        quality="<results>/{session}.pre_stimulus/quality.json",
    log:
        "<logs>/{session}.pre_stimulus/cut_pre_stimulus.log",
    benchmark:
        "<benchmarks>/{session}.pre_stimulus/cut_pre_stimulus.tsv"
    wildcard_constraints:
        session=one_of(decoding.before.values()),
    priority: 80
    group:
        group_of("read")
    threads: 1
    resources:
        mem_mb=memory_to_read,
        runtime=minutes_to_read,
        lane=1,
    params:
        entry=lambda wildcards: plan.ingested_entry(wildcards.session)
        | {"target": decoding.target_of(wildcards.session)},
        code=digest_of("neurodecode.evaluation.recordings"),
    message:
        "read {wildcards.session} before the stimulus"
    script:
        "../scripts/cut_pre_stimulus.py"


rule fit_decoder:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        parameters=encoding_of("parameters.safetensors"),
        fit=encoding_of("fit.json"),
    output:
        predictions="<results>/{session}/decoders/{decoder}/predictions.npz",
        parameters="<results>/{session}/decoders/{decoder}/parameters.safetensors",
        fit="<results>/{session}/decoders/{decoder}/fit.json",
    log:
        "<logs>/{session}/fit_decoder.{decoder}.log",
    benchmark:
        "<benchmarks>/{session}/fit_decoder.{decoder}.tsv"
    wildcard_constraints:
        session=one_of(decoding.origin),
        decoder=one_of(decoding.decoders),
    group:
        group_of_decoder
    threads: 1
    resources:
        mem_mb=memory_of(cost_of_decoder),
        runtime=minutes_of(cost_of_decoder, lambda wildcards: FOLDS),
        lane=1,
        gpu=lambda wildcards: int(decoding.decoders[wildcards.decoder].get("device") == "cuda"),
    params:
        decoder=lambda wildcards: decoding.decoders[wildcards.decoder],
        target=lambda wildcards: decoding.target_of(wildcards.session),
        seed=config["seed"],
        code=code_of_decoder,
    message:
        "fit decoder {wildcards.decoder} to {wildcards.session}"
    script:
        "../scripts/fit_decoder.py"


rule score_decoding:
    input:
        trials="<results>/{session}/trials.npz",
        splits="<results>/{session}/splits.csv",
        predictions=of_decoders("predictions.npz"),
        fits=of_decoders("fit.json"),
    output:
        "<results>/{session}/decoders/scores.csv",
    log:
        "<logs>/{session}/score_decoding.log",
    benchmark:
        "<benchmarks>/{session}/score_decoding.tsv"
    wildcard_constraints:
        session=one_of(decoding.origin),
    group:
        group_of("evaluate")
    threads: 1
    resources:
        mem_mb=memory_of(SCORES),
        runtime=minutes_of(SCORES, lambda wildcards: len(decoding.decoders)),
        lane=1,
    params:
        source=lambda wildcards: decoding.origin[wildcards.session],
        families=lambda wildcards: decoding.families_of(wildcards.session),
        target=lambda wildcards: decoding.target_of(wildcards.session),
        bootstrap=config["evaluation"]["bootstrap"],
        seed=config["seed"],
        code=digest_of("neurodecode.evaluation.decoding_scores"),
    message:
        "score the decoders of {wildcards.session}"
    script:
        "../scripts/score_decoding.py"
