"""What models know of spikes several bins ahead, running on their own sampled spikes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from neurodecode.report.drawn import Drawn, absent
from neurodecode.report.results import SessionResults
from neurodecode.report.style import legend_below, model_legend, new_figure, shortened, zero_line
from neurodecode.report.wording import number

HEADING = "Forecasts free of the recording"
BITS, GAIN = "bits_per_spike", "gain_over_psth"
DASHES = (4.0, 2.0)


def draw(results: SessionResults) -> Drawn:
    """Bits/spike against the number of steps, a line for each model, with its interval."""
    models = [m for m in results.models if any(BITS in held for held in results.forecasts.get(m, {}).values())]
    if not models:
        return absent(HEADING, "this run makes no forecasts; a key `forecast` in the configuration asks for them")
    title = _title(results, models)
    figure = new_figure(4.2, title)
    axes = figure.subplots()
    for model in models:
        _draw_model(axes, results, model)
    zero_line(axes)
    axes.grid(axis="y")
    _steps_axis(axes, results, models)
    axes.set_ylabel("bits/spike")
    _legend(figure, results, models)
    return Drawn(
        figure=figure,
        title=title,
        caption="The window is cut into blocks. At a block's start a model knows the recorded past, within it "
        "only what it draws itself. Each bin is predicted by the mean over such futures and scored against "
        "the recording; one step is the usual prediction. The more a model lives on what just happened, the "
        "steeper its line; with time it comes down to what it knows without the past. Bands: 95% intervals over "
        "trials. A mean over finitely many futures costs a little.",
        alt=f"Bits/spike against the number of steps that each model runs free of the recording. {title}.",
        rule="All models that forecasts were asked of.",
    )


def _draw_model(axes: Axes, results: SessionResults, model: str) -> None:
    held = {steps: row[BITS] for steps, row in results.forecasts[model].items() if BITS in row}
    colour, steps = results.colours[model], list(held)
    low, high = [e.low for e in held.values()], [e.high for e in held.values()]
    axes.fill_between(steps, low, high, color=colour, alpha=0.12, linewidth=0)
    style = (0.0, DASHES) if scheduled(results, model) else "-"
    axes.plot(steps, [e.value for e in held.values()], "o", linestyle=style, color=colour, markersize=3.5)


def scheduled(results: SessionResults, model: str) -> bool:
    """Whether a model was trained by scheduled sampling."""
    return bool(results.fits.get(model, {}).get("hyperparameters", {}).get("scheduled_sampling", 0.0))


def _steps_axis(axes: Axes, results: SessionResults, models: list[str]) -> None:
    steps = sorted({k for model in models for k in results.forecasts[model]})
    bin_ms = 1000 * results.trials.bin_size_s
    axes.set_xscale("log", base=2)
    axes.set_xticks(steps, [f"{k}\n{k * bin_ms:.4g}" for k in steps])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("free-run steps K (bins; below: ms)")


def _legend(figure: Figure, results: SessionResults, models: list[str]) -> None:
    dashed = [model for model in models if scheduled(results, model)]
    colours = {model: results.colours[model] for model in models}
    if not dashed:
        model_legend(figure, colours)
        return
    handles = [
        Line2D([], [], color=colour, linewidth=2.0, dashes=DASHES if model in dashed else (None, None))
        for model, colour in colours.items()
    ]
    names = [shortened(m) + (" (scheduled sampling)" if m in dashed else "") for m in models]
    legend_below(figure, handles, names, handlelength=2.4)


def _title(results: SessionResults, models: list[str]) -> str:
    """How much the best forecaster knows one bin ahead, over the PSTH where there is one, and what is left."""
    one = {m: results.forecasts[m][min(results.forecasts[m])] for m in models}
    metric = GAIN if all(GAIN in row for row in one.values()) else BITS
    model = max(models, key=lambda m: one[m][metric].value)
    steps = [k for k in results.forecasts[model] if k > 1]
    over = "over the PSTH" if metric == GAIN else "over a constant rate"
    first = number(one[model][metric].value, 2)
    if not steps:
        return f"One bin ahead, {shortened(model)} gains {first} bits/spike {over}"
    near, far = steps[0], steps[-1]
    left = [number(results.forecasts[model][k][metric].value, 2) for k in (near, far)]
    told = f"{left[0]} at {near} steps" + (f" and {left[1]} at {far}" if far != near else "")
    return f"Of {first} bits/spike {over} one bin ahead, {shortened(model)} keeps {told} free of the recording"
