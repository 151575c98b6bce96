"""Settings models and the YAML files that they are read from; every mistake of a file is told at once."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from inspector.errors import ConfigError


class Settings(BaseModel):
    """A part of a configuration file. Unknown keys are errors, values cannot be changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    return Path(info.context["folder"], path) if info.context else path


ConfigPath = Annotated[Path, AfterValidator(_from_folder)]
"""A path in a configuration file: a relative one is taken from the folder of that file."""

Model = TypeVar("Model", bound=Settings)
Location = tuple[int | str, ...]


def read_settings(path: Path, model: type[Model]) -> Model:
    """The settings in a YAML file.

    Raises ConfigError with one line for every mistake: its key path, its line and, for an unknown key, the known key
    that looks most like it.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root, data = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    if root is None or not isinstance(data, dict):
        raise ConfigError(f"{path}: expected keys and values; see the examples in configs/")
    try:
        return model.model_validate(data, context={"folder": path.resolve().parent})
    except ValidationError as error:
        mistakes = [_mistake(each, root, model) for each in error.errors()]
        raise ConfigError("\n".join([f"{path}: {len(mistakes)} to correct", *mistakes])) from error


def _mistake(error: ErrorDetails, root: yaml.Node, model: type[BaseModel]) -> str:
    location, line = _locate(error["loc"], root)
    where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in location).lstrip(".")
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "unknown key" + _did_you_mean(str(error["loc"][-1]), _keys_at(error["loc"][:-1], model))
    return f"  At '{where or 'the top'}' (line {line}): {message}"


def _locate(loc: Location, node: yaml.Node) -> tuple[Location, int]:
    """The keys of ``loc`` without the tags that pydantic adds for unions, and the line of the deepest that is there."""
    keys: list[int | str] = []
    line = node.start_mark.line + 1
    for key in loc:
        found = _child(node, key)
        if found:
            line, node = found
        elif isinstance(node, yaml.MappingNode) and key == _kind(node):
            continue
        keys.append(key)
    return tuple(keys), line


def _child(node: yaml.Node, key: int | str) -> tuple[int, yaml.Node] | None:
    """The line on which the key stands, and its value."""
    if isinstance(node, yaml.MappingNode):
        items = ((name.start_mark.line + 1, value) for name, value in node.value if name.value == str(key))
        return next(items, None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: yaml.Node = node.value[key]
        return item.start_mark.line + 1, item
    return None


def _kind(node: yaml.MappingNode) -> str | None:
    return next((str(value.value) for name, value in node.value if name.value == "kind"), None)


def _keys_at(loc: Location, model: type[BaseModel]) -> list[str]:
    """The keys that are known at ``loc``, following the annotations of the models."""
    for key in loc:
        if isinstance(key, str) and key in model.model_fields:
            options = list(_models(model.model_fields[key].annotation))
            model = options[0] if options else model
        elif isinstance(key, str):
            model = next((option for option in options if _default_kind(option) == key), model)
    return list(model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _default_kind(model: type[BaseModel]) -> Any:
    return model.model_fields["kind"].default if "kind" in model.model_fields else None


def _did_you_mean(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; known are {', '.join(known)}"
