"""Charts, as the block data_visualization takes them."""

from __future__ import annotations

from bot.slack.render.limits.composition import ID
from bot.slack.render.limits.schema import array, both, shape, typed
from bot.slack.render.limits.values import Check, Json, Problems, number, string

CHARTS_TOGETHER = 2
"""Charts in a message."""

_NAME = string(20)
_POINT = shape({"label": _NAME, "value": number()})
_SERIES = shape({"name": _NAME, "data": array(_POINT, 20)})
_AXES = shape({"categories": array(_NAME, 20)}, {"x_label": string(50), "y_label": string(50)})


def _points_fit(chart: Json, pointer: str, problems: Problems) -> None:
    """Names of series are unique, and each series has one point for every category."""
    names = [one["name"] for one in chart["series"]]
    if len(set(names)) < len(names):
        problems.at(f"{pointer}/series", "`name` needs to be unique")
    categories = chart["axis_config"]["categories"]
    for position, series in enumerate(chart["series"]):
        if [point["label"] for point in series["data"]] != categories:
            problems.at(f"{pointer}/series/{position}/data", "must have one point for every category")


def _slices_fit(chart: Json, pointer: str, problems: Problems) -> None:
    for position, segment in enumerate(chart["segments"]):
        if segment["value"] <= 0:
            problems.at(f"{pointer}/segments/{position}/value", "must be greater than 0")


_LINES = both(shape({"series": array(_SERIES, 12), "axis_config": _AXES}), _points_fit)
_PIE = both(shape({"segments": array(_POINT, 12)}), _slices_fit)
CHART: dict[str, Check] = {
    "data_visualization": shape(
        {"title": string(50), "chart": typed({"bar": _LINES, "line": _LINES, "area": _LINES, "pie": _PIE})},
        {"block_id": ID},
    )
}
