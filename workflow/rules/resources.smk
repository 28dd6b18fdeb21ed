"""What each job asks a cluster for, and which small jobs go to it as one."""

from workflow.resources import (
    DERIVED,
    DRAWING,
    GLM_FIT,
    NETWORK_FIT,
    SCORES,
    SMALL_FIT,
    SMALL_MIN,
    expected_counts,
    ingest_memory_mb,
    ingest_minutes,
)

FOLDS = config["evaluation"]["folds"]


def recorded_of(session):
    """The recording that a session is, or is derived from."""
    return (plan.origin | decoding.origin)[session][0]


def counts_of(wildcards):
    """Counts of a session, from its trials where they are there."""
    source = recorded_of(wildcards.session)
    entry = plan.recorded[source]
    recording = None if plan.simulated(source) else plan.recording(source)
    trials = plan.results_dir / wildcards.session / "trials.npz"
    return expected_counts(trials, recording, entry.get("n_trials"))


def memory_of(cost):
    """Memory of a job on one session; ``cost``: a Cost, or one by the wildcards."""

    def asked(wildcards, attempt):
        one = cost(wildcards) if callable(cost) else cost
        return one.memory_mb(counts_of(wildcards), attempt)

    return asked


def minutes_of(cost, repeats=lambda wildcards: 1):
    """Time of a job on one session, for as many pieces of work as ``repeats`` says."""

    def asked(wildcards, attempt):
        one = cost(wildcards) if callable(cost) else cost
        return one.minutes(counts_of(wildcards), attempt, repeats(wildcards))

    return asked


def memory_to_read(wildcards, input, attempt):
    return ingest_memory_mb(input.size_mb, attempt)


def minutes_to_read(wildcards, input, attempt):
    return ingest_minutes(input.size_mb, attempt)


def cost_of_model(wildcards):
    """Of one fold of a model."""
    if plan.is_network(wildcards.model):
        return NETWORK_FIT
    return GLM_FIT if plan.fitted[wildcards.model]["family"] == "glm" else SMALL_FIT


def fits_of_model(wildcards):
    return FOLDS * plan.fits_per_fold(wildcards.model)


def cost_of_co_smoother(wildcards):
    model = plan.co_smoothers[wildcards.co_smoother]
    if plan.is_network(model):
        return NETWORK_FIT
    return GLM_FIT if plan.models[model]["family"] == "glm" else SMALL_FIT


def cost_of_decoder(wildcards):
    """Of one fold of a decoder; one that reads a model follows it through every class."""
    if decoding.is_network(wildcards.decoder):
        return NETWORK_FIT
    return SMALL_FIT if decoding.encoding_of(wildcards.decoder) is None else GLM_FIT


def group_of(name):
    """One job of the cluster for all small jobs of this kind of a recording and its null controls.

    No group holds two recordings, so that none fails by another. There are groups only where the profile asks for
    them, by ``group-components``: on one machine they would gain nothing.
    """

    def group(wildcards):
        if name not in workflow.group_settings.group_components:
            return None
        group = f"{name}.{recorded_of(wildcards.session)}"
        workflow.parent_groupids[group] = name
        return group

    return group


def is_small(cost, repeats, wildcards):
    """Whether a job is one of minutes, on this recording."""
    return cost.minutes(counts_of(wildcards), 1, repeats) <= SMALL_MIN


def small_model(wildcards):
    return is_small(cost_of_model(wildcards), fits_of_model(wildcards), wildcards)


def group_of_fit(wildcards):
    """Fits of minutes are one job, larger GLMs of a decomposition another; other large fits go by themselves."""
    if small_model(wildcards):
        return group_of("fits")(wildcards)
    return group_of("nested")(wildcards) if wildcards.model in plan.nested else None


def group_of_forecast(wildcards):
    return group_of("evaluate")(wildcards) if small_model(wildcards) else None


def group_of_co_smoother(wildcards):
    repeats = FOLDS * plan.co_smoothing["unit_folds"]
    small = is_small(cost_of_co_smoother(wildcards), repeats, wildcards)
    return group_of("fits")(wildcards) if small else None


def group_of_decoder(wildcards):
    """Nothing small waits for a large fit: a decoder that reads a model is as large as this, at least."""
    read = decoding.encoding_of(wildcards.decoder)
    small = is_small(cost_of_decoder(wildcards), FOLDS, wildcards) and (read is None or not plan.is_network(read))
    return group_of("fits")(wildcards) if small else None
