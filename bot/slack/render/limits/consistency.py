"""What must agree within one element: what is chosen at first with the options, a lower bound with an upper one."""

from __future__ import annotations

from bot.slack.render.limits.values import Json, Problems


def chosen_among_options(element: Json, pointer: str, problems: Problems) -> None:
    """What is chosen at first is one of the options, as it stands there, and no more than may be chosen."""
    several = element.get("initial_options")
    chosen = [element["initial_option"]] if "initial_option" in element else several or []
    field = "initial_option" if "initial_option" in element else "initial_options"
    offered = _offered(element)
    if offered is not None and any(one not in offered for one in chosen):
        problems.at(f"{pointer}/{field}", "must be one of the provided options")
    most = element.get("max_selected_items")
    if isinstance(most, int) and len(chosen) > most:
        problems.at(f"{pointer}/{field}", f"no more than {most} items allowed")


def lengths_in_order(field: Json, pointer: str, problems: Problems) -> None:
    least, most = field.get("min_length"), field.get("max_length")
    if least is not None and most is not None and least > most:
        problems.at(f"{pointer}/min_length", "must be less than or equal to `max_length`")


def numbers_in_order(field: Json, pointer: str, problems: Problems) -> None:
    """Bounds are in order, and whole numbers where only such are allowed."""
    given = {name: field[name] for name in ("min_value", "max_value", "initial_value") if name in field}
    if not field["is_decimal_allowed"]:
        for name, value in given.items():
            if "." in value:
                problems.at(f"{pointer}/{name}", "must be a valid integer")
    if "min_value" in given and "max_value" in given and float(given["min_value"]) > float(given["max_value"]):
        problems.at(f"{pointer}/min_value", "must be less than or equal to `max_value`")


def _offered(element: Json) -> list[Json] | None:
    """The options; None where they come from elsewhere."""
    if "options" in element:
        return list(element["options"])
    if "option_groups" in element:
        return [option for group in element["option_groups"] for option in group["options"]]
    return None
