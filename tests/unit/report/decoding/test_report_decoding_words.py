"""What the page says of decoders: claims with an interval that excludes 0, and plainly where nothing is gained."""

import pytest

from neurodecode.report.colours import FAMILY_COLOURS
from neurodecode.report.decoding.appearance import decoder_colours, decoder_order
from neurodecode.report.decoding.comparison import Comparison
from neurodecode.report.decoding.headline import Asked, decoding_answer
from neurodecode.report.decoding.tables import HEADINGS, decoder_rows
from neurodecode.report.scoretable import Estimate, ScoreTable
from neurodecode.report.wording import NONE

FAMILIES = {
    "naive_bayes": "naive_bayes",
    "likelihood_psth": "likelihood:psth",
    "likelihood_lstm": "likelihood:lstm",
    "lstm": "lstm",
}
BASELINES = {"likelihood_psth": "naive_bayes", "likelihood_lstm": "likelihood_psth", "lstm": "naive_bayes"}
ODOUR = Asked("odour", "")
EMPTY = ScoreTable({})


def table(**scores: dict[str, tuple[float, ...] | float]) -> ScoreTable:
    return ScoreTable(
        {
            (model, metric, "all", "all"): Estimate(*(value if isinstance(value, tuple) else (value,)))
            for model, metrics in scores.items()
            for metric, value in metrics.items()
        }
    )


def of_classes(lstm=(0.4, 0.2, 0.6), history=(0.01, -0.05, 0.07), accuracy_gain=0.1, **more) -> Comparison:
    """Log loss gains of the network and of the likelihood decoder that sees history."""
    scores = table(
        prior={"prior_entropy": 1.1},
        naive_bayes={"log_loss": 1.0, "accuracy": (0.5, 0.4, 0.6)},
        likelihood_psth={"log_loss": 0.9, "accuracy": 0.5, "log_loss_gain": (0.1, -0.1, 0.3)},
        likelihood_lstm={
            "log_loss": 0.9 - history[0],
            "accuracy": 0.5,
            "log_loss_gain": history,
            "accuracy_gain": 0.0,
        },
        lstm={
            "log_loss": more.get("loss", 0.6),
            "accuracy": (0.7, 0.6, 0.8),
            "accuracy_null": (0.33, 0.25, 0.42),
            "permutation_p": more.get("p", 0.0005),
            "log_loss_gain": lstm,
            "accuracy_gain": accuracy_gain,
        },
    )
    return Comparison(
        kind="class",
        families=FAMILIES,
        causal=dict.fromkeys(FAMILIES, True),
        baselines=BASELINES,
        scores=scores,
    )


def test_a_clear_gain_stands_with_its_interval_and_history_that_adds_nothing_is_told():
    found = decoding_answer(of_classes(), ODOUR, EMPTY)
    assert found.verdict == "gain"
    assert found.sentence == (
        "Single trials tell more of odour than the average response does: the best decoder (lstm) gains 0.400 "
        "nats per trial of log loss on naive_bayes (95% interval 0.200 to 0.600)."
    )
    told = " ".join(found.details)
    assert "lstm names the right odour in 0.700 [0.600 to 0.800]" in told
    assert "95% of accuracies lie from 0.250 to 0.420." in told
    assert "history adds nothing that is shown to the read-out of odour: likelihood_lstm" in told


@pytest.mark.parametrize(
    ("changed", "verdict", "words"),
    [
        ({"lstm": (0.1, -0.1, 0.3)}, "none", "interval -0.100 to 0.300 includes 0"),
        ({"lstm": (-0.4, -0.6, -0.2)}, "loss", "stands at -0.400 nats"),
        ({"accuracy_gain": -0.05}, "none", "but its accuracy is lower, by 0.050"),
        ({"accuracy_gain": 0.0}, "gain", "gains 0.400 nats"),
    ],
)
def test_nothing_is_claimed_that_the_rules_do_not_allow(changed, verdict, words):
    found = decoding_answer(of_classes(**changed), ODOUR, EMPTY)
    assert found.verdict == verdict
    assert words in found.sentence.replace("\N{MINUS SIGN}", "-")
    assert (verdict == "gain") == found.sentence.startswith("Single trials tell more")


def test_probabilities_worth_less_than_the_prior_are_no_win():
    poor = of_classes(loss=1.2)
    worse = {**poor.scores.held, ("likelihood_psth", "log_loss", "all", "all"): Estimate(1.5)}
    worse[("likelihood_lstm", "log_loss", "all", "all")] = Estimate(1.4)
    found = decoding_answer(Comparison(**{**vars(poor), "scores": ScoreTable(worse)}), ODOUR, EMPTY)
    assert found.verdict == "none"
    assert "loses no less than the class prior alone (1.100 nats)" in found.sentence


def test_chance_is_called_chance():
    assert ": chance explains it." in " ".join(decoding_answer(of_classes(p=0.4), ODOUR, EMPTY).details)


def test_what_is_known_before_the_stimulus_is_said():
    quiet = table(lstm={"accuracy": (0.35, 0.2, 0.5), "permutation_p": 0.3})
    loud = table(lstm={"accuracy": (0.6, 0.5, 0.7), "permutation_p": 0.001}, naive_bayes={"permutation_p": 0.2})
    assert "no decoder is above chance there" in " ".join(decoding_answer(of_classes(), ODOUR, quiet).details)
    told = " ".join(decoding_answer(of_classes(), ODOUR, loud).details)
    assert "1 of 2 decoders are above chance there (lstm): drift or the order of trials" in told


def test_history_that_adds_is_given_its_interval():
    told = " ".join(decoding_answer(of_classes(history=(0.2, 0.1, 0.3)), ODOUR, EMPTY).details)
    assert "single-trial structure adds 0.200 [0.100 to 0.300] nats" in told


def of_signals(r2=(0.8, 0.7, 0.9), gain=(0.3, 0.2, 0.4)) -> Comparison:
    families = {"bayesian": "bayesian", "wiener": "wiener", "lstm": "lstm", "both_ways": "lstm"}
    return Comparison(
        kind="signal",
        families=families,
        causal={name: name != "both_ways" for name in families},
        baselines={name: "bayesian" for name in families if name != "bayesian"},
        scores=table(
            bayesian={"r2": (0.5, 0.4, 0.6), "median_error": 3.0},
            wiener={"r2": 0.6, "r2_gain": (0.1, 0.05, 0.15)},
            lstm={
                "r2": r2,
                "r2_gain": gain,
                "median_error": (2.0, 1.8, 2.2),
                "median_error_gain": (1.0, -0.1, 2.1),
                "mean_error": 2.4,
            },
            both_ways={"r2": (0.95, 0.9, 0.99), "r2_gain": (0.45, 0.4, 0.5)},
        ),
    )


def test_of_a_signal_what_sees_the_future_is_never_the_headline():
    found = decoding_answer(of_signals(), Asked("velocity", "cm/s"), EMPTY)
    assert found.verdict == "gain"
    assert "(lstm) gains 0.300 of R2 on bayesian (95% interval 0.200 to 0.400)" in found.sentence
    told = " ".join(found.details)
    assert "both_ways, which also sees what comes after a bin, reaches an R2 of 0.950 [0.900 to 0.990]" in told
    assert "no difference from that of bayesian is shown (+1.000 [\N{MINUS SIGN}0.100 to 2.100])" in told


def test_beating_a_bad_baseline_with_an_r2_around_0_is_no_read_out():
    found = decoding_answer(of_signals(r2=(0.61, -0.1, 0.7)), Asked("velocity", "cm/s"), EMPTY)
    assert found.verdict == "none"
    assert "is not shown to lie above 0" in found.sentence


def test_a_value_that_is_not_decoded_is_said_to_be_none():
    families = {"mean": "mean", "ridge": "ridge"}
    found = decoding_answer(
        Comparison(
            kind="value",
            families=families,
            causal={"mean": False, "ridge": False},
            baselines={"ridge": "mean"},
            scores=table(
                mean={"r2": (-0.01, -0.02, 0.0)},
                ridge={"r2": (0.02, -0.1, 0.1), "r2_gain": (0.03, -0.1, 0.1), "correlation": (0.1, -0.1, 0.3)},
            ),
        ),
        Asked("reaction_time", "s"),
        EMPTY,
    )
    assert found.verdict == "none"
    assert found.sentence.startswith(
        "On single trials, no better read-out of reaction_time is shown: ridge, not causal"
    )
    assert any(
        text.startswith("No correlation of decoded and true reaction_time is shown") for text in found.details
    )


def test_without_an_aggregate_the_question_stays_open():
    lone = Comparison(
        kind="class",
        families={"lstm": "lstm"},
        causal={"lstm": True},
        baselines={},
        scores=table(lstm={"log_loss": 0.5, "accuracy": (0.7, 0.6, 0.8)}),
    )
    assert decoding_answer(lone, ODOUR, EMPTY).verdict == "open"
    assert "stays open" in decoding_answer(lone, ODOUR, EMPTY).sentence
    none = Comparison(
        **{**vars(lone), "families": {"naive_bayes": "naive_bayes"}, "causal": {"naive_bayes": True}}
    )
    assert "No decoder of single trials was scored" in decoding_answer(none, ODOUR, EMPTY).sentence


def test_likelihood_decoders_have_the_colour_of_the_model_that_they_read():
    models = {"psth": "psth", "my_lstm": "lstm", "lstm": "lstm"}
    families = {
        "of_psth": "likelihood:psth",
        "of_mine": "likelihood:lstm",
        "lstm": "lstm",
        "naive_bayes": "naive_bayes",
    }
    colours = decoder_colours(families, {"of_psth": "psth", "of_mine": "my_lstm"}, models)
    assert colours["of_psth"] == colours["naive_bayes"] == FAMILY_COLOURS["psth"]
    assert colours["lstm"] == FAMILY_COLOURS["lstm"]
    assert colours["of_mine"] not in (FAMILY_COLOURS["lstm"], FAMILY_COLOURS["psth"])


def test_decoders_stand_from_aggregates_to_networks_and_those_that_see_the_future_after_their_family():
    families = {"gru": "gru", "lstm_b": "lstm", "a_lstm": "lstm", "lda": "lda", **FAMILIES}
    causal = dict.fromkeys(families, True) | {"a_lstm": False}
    wanted = ["naive_bayes", "lda", "likelihood_psth", "likelihood_lstm", "lstm", "lstm_b", "a_lstm", "gru"]
    assert decoder_order(families, causal) == wanted


def cells(found: Comparison, before: ScoreTable = EMPTY, **tables: ScoreTable) -> dict[str, dict[str, str]]:
    rows = decoder_rows(found, dict.fromkeys(found.families, "#000000"), tables, before)
    headings = [column.heading for column in HEADINGS[found.kind]]
    return {
        row.model: dict(zip(headings, (f"{c.text} {c.interval}".strip() for c in row.cells), strict=True))
        for row in rows
    }


def test_the_table_of_classes_shows_prior_chance_and_the_window_before():
    before = table(lstm={"accuracy": (0.35, 0.2, 0.5), "permutation_p": 0.3})
    found = cells(of_classes(), before)
    assert next(iter(found)) == "class prior"
    assert found["lstm"]["chance"] == "p 0.0005 0.250 to 0.420"
    assert found["lstm"]["before the stimulus"] == "0.350 0.200 to 0.500, p 0.3000"
    assert found["naive_bayes"]["before the stimulus"] == NONE
    assert found["lstm"]["log loss gain"] == "+0.400 0.200 to 0.600"
    assert found["naive_bayes"]["log loss gain"] == NONE
    rows = decoder_rows(of_classes(), dict.fromkeys(FAMILIES, "#000000"), {}, before)
    assert [row.model for row in rows if any(cell.best for cell in row.cells)] == ["lstm"]
    assert rows[0].note == "entropy 1.100 nats"
    assert {row.model: row.note for row in rows}["lstm"] == "against naive_bayes"


def test_the_table_of_signals_has_every_dim_and_says_who_sees_the_future():
    dims = {f"velocity[{d}]": table(lstm={"r2": 0.75 + 0.1 * d, "correlation": 0.8 + 0.1 * d}) for d in range(2)}
    found = cells(of_signals(), **dims)
    assert found["lstm"]["R2 by dim"] == "0.75 / 0.85"
    assert found["lstm"]["correlation"] == "0.80 / 0.90"
    assert found["both_ways"]["causal"] == "false"
    rows = decoder_rows(of_signals(), dict.fromkeys(of_signals().families, "#000000"), dims, EMPTY)
    notes = {row.model: row.note for row in rows}
    assert notes["both_ways"].startswith("not causal")
    assert notes["bayesian"] == "aggregate"
