"""What every group of settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A group of settings. What it does not know is refused, and errors never show what was given."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, coerce_numbers_to_str=True, populate_by_name=True
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, given: object) -> object:
        """A name without a value has its default, as one left out has: a section of nothing but comments is one."""
        given = {} if given is None else given
        if not isinstance(given, dict):
            return given
        fields = cls.model_fields
        kept = {k: v for k, v in given.items() if v is not None or k not in fields or fields[k].default is None}
        sections: dict[str, object] = {
            name: {} for name, field in fields.items() if field.is_required() and is_section(field.annotation)
        }
        return {**sections, **kept}


def is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)
